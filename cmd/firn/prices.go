package main

import (
	"context"
	"time"

	"firn/internal/config"
	"firn/internal/cost"
	"firn/internal/object"
	"firn/internal/price"
)

// prices are what a drive's vendor charges, roughly; for a folder nobody does.
func (a *app) prices(set *config.Drive) (*price.Sheet, error) {
	file, err := a.loadConfig()
	if err != nil {
		return nil, err
	}
	path := a.flags.prices
	if path == "" && file != nil {
		path = file.Prices
	}
	table, err := price.Load(path)
	if err != nil {
		return nil, usage(err)
	}
	if set.Provider != config.S3 {
		return table.Sheet("", ""), nil
	}
	at, err := set.Resolve()
	if err != nil {
		return nil, usage(err)
	}
	return table.Sheet(at.Vendor.Name, at.Region.Value), nil
}

// minimumDays says for how long objects of a class are charged at least at a drive:
// as the prices say, or else as is known of the vendor.
func minimumDays(set *config.Drive, s *price.Sheet) func(class string) int {
	return func(class string) int {
		if c := s.Class(class); c.Known {
			return c.MinimumDays
		}
		at, err := set.Resolve()
		if set.Provider != config.S3 || err != nil {
			return 0
		}
		return at.Vendor.MinimumDays
	}
}

// archiveClasses says which classes must be thawed at a drive.
func archiveClasses(set *config.Drive) func(class string) bool {
	if at, err := set.Resolve(); set.Provider == config.S3 && err == nil {
		return archiveAt(at.Vendor)
	}
	return func(string) bool { return false }
}

// terms are what estimates of a drive are made with. Prices are for buckets.
func (a *app) terms(set *config.Drive) (cost.Terms, error) {
	if set.Provider != config.S3 {
		return cost.Terms{}, usagef("prices are for buckets, and %s is a folder", label(set))
	}
	sheet, err := a.prices(set)
	return cost.Terms{Sheet: sheet, Archive: archiveClasses(set), Now: time.Now()}, err
}

// thawFlag turns a flag's word into a tier.
func thawFlag(word string) (object.Tier, error) {
	switch tier := object.Tier(word); tier {
	case "", object.Expedited, object.Standard, object.Bulk:
		return tier, nil
	}
	return "", usagef("--thaw is %s, %s or %s, and not %q", object.Expedited, object.Standard, object.Bulk, word)
}

// costItemJSON is a line of an estimate.
type costItemJSON struct {
	Kind   cost.Kind `json:"kind"`
	Class  string    `json:"class,omitempty"`
	What   string    `json:"what"`
	Count  int64     `json:"count"`
	Bytes  int64     `json:"bytes"`
	Amount *float64  `json:"amount,omitempty"` // nil if not known
}

// costJSON is an estimate.
type costJSON struct {
	Drive    string         `json:"drive"`
	Of       string         `json:"of"`
	Snapshot string         `json:"snapshot,omitempty"`
	Vendor   string         `json:"vendor"`
	Region   string         `json:"region,omitempty"`
	Currency string         `json:"currency"`
	Date     string         `json:"prices_date,omitempty"`
	Source   string         `json:"prices_source,omitempty"`
	Items    []costItemJSON `json:"items"`
	Amount   float64        `json:"amount"`
	Unknown  int            `json:"unknown_items"`
	AtLeast  float64        `json:"per_month_at_least,omitempty"`
	Notes    []string       `json:"notes"`
}

// tellPrices says which prices an estimate is made with.
func (a *app) tellPrices(s *price.Sheet) {
	if !s.Known() {
		a.out.note("no prices of %s are known: give them with --prices FILE", placeOf(s))
		return
	}
	source := ""
	if s.Source != "" {
		source = " (" + s.Source + ")"
	}
	a.out.note("prices of %s as of %s%s: an estimate and no bill", placeOf(s), s.Date.Format(time.DateOnly), source)
}

// placeOf names what a sheet of prices is for.
func placeOf(s *price.Sheet) string {
	if s.Region == "" {
		return s.Vendor
	}
	return s.Vendor + " in " + s.Region
}

// tellCost shows an estimate of what something costs.
func (a *app) tellCost(d *drive, of, snapshot string, e *cost.Estimate) {
	s := e.Sheet
	j := costJSON{
		Drive: d.label, Of: of, Snapshot: snapshot, Vendor: s.Vendor, Region: s.Region, Currency: s.Currency, Source: s.Source,
		Items: []costItemJSON{}, Notes: append([]string{}, s.Notes...),
	}
	if s.Known() {
		j.Date = s.Date.Format(time.DateOnly)
	}
	var rows [][]string
	for _, i := range e.Items {
		item := costItemJSON{Kind: i.Kind, Class: i.Class, What: i.What, Count: i.Count, Bytes: i.Bytes}
		if price.IsKnown(i.Amount) {
			item.Amount = &i.Amount
		}
		j.Items = append(j.Items, item)
		bytes, number := "", ""
		if i.Bytes > 0 {
			bytes = size(uint64(i.Bytes))
		}
		if i.Count > 0 {
			number = count(uint64(i.Count), "", "")
		}
		rows = append(rows, []string{i.What, orDash(i.Class), orDash(number), orDash(bytes), s.Money(i.Amount)})
	}
	j.Amount, j.Unknown = e.Sum()
	if of == costOfMonth {
		j.AtLeast = s.PerMonthAtLeast
	}
	a.out.emit("cost", j)
	a.out.table([]string{"WHAT", "CLASS", "NUMBER", "BYTES", "ABOUT"}, rows)
	a.sayTotal(of, e)
}

// costOfMonth is what storage costs a month.
const costOfMonth = "month"

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// sayTotal says what an estimate comes to.
func (a *app) sayTotal(of string, e *cost.Estimate) {
	amount, unknown := e.Sum()
	per := ""
	if of == costOfMonth {
		per = " a month"
	}
	s := e.Sheet
	switch {
	case len(e.Items) == 0:
		a.out.print("in all: nothing is charged for")
	case unknown == len(e.Items):
		a.out.print("in all: unknown%s", per)
	case unknown > 0:
		a.out.print("in all: %s%s at least; the price of %s is not known", s.Money(amount), per, count(uint64(unknown), "line", "lines"))
	default:
		a.out.print("in all: %s%s", s.About(amount), per)
	}
	if of == costOfMonth && s.PerMonthAtLeast > amount {
		a.out.say("  an account pays %s a month at least", s.Money(s.PerMonthAtLeast))
	}
	for _, n := range s.Notes {
		a.out.detail("  %s", n)
	}
}

// estimate runs a command's reckoning on a drive that was listed.
func (a *app) estimate(ctx context.Context, d *drive, reckon func(*cost.Inventory, cost.Terms) error) error {
	t, err := a.terms(&d.set)
	if err != nil {
		return err
	}
	inventory, err := cost.Take(ctx, d.store)
	if err != nil {
		return err
	}
	a.tellPrices(t.Sheet)
	return reckon(inventory, t)
}
