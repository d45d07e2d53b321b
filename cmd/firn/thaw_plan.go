package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"firn/internal/object"
	"firn/internal/price"
	"firn/internal/thaw"
)

// thawPlanJSON is how packs that are needed stand, and what it takes to thaw them.
type thawPlanJSON struct {
	Drive    string          `json:"drive"`
	Packs    int             `json:"packs"`
	Bytes    int64           `json:"bytes"`
	Classes  []thawClassJSON `json:"classes"`
	Days     int             `json:"days,omitempty"`
	Tiers    []thawTierJSON  `json:"tiers"`
	Currency string          `json:"currency,omitempty"`
	Prices   string          `json:"prices_date,omitempty"`
}

// thawClassJSON is what the packs of a storage class amount to.
type thawClassJSON struct {
	Class    string     `json:"class"`
	Packs    int        `json:"packs"`
	Bytes    int64      `json:"bytes"`
	Frozen   int        `json:"frozen_packs"`
	FrozenIn int64      `json:"frozen_bytes"`
	Asked    int        `json:"asked_packs"`
	Thawed   int        `json:"thawed_packs"`
	Missing  int        `json:"missing_packs"`
	Until    *time.Time `json:"thawed_until,omitempty"`
}

// thawTierJSON is a tier in which what is frozen may be thawed.
type thawTierJSON struct {
	Tier      string         `json:"tier"`
	From      float64        `json:"from_seconds"`
	To        float64        `json:"to_seconds"`
	Amount    *float64       `json:"amount"` // null if not known
	Otherwise []thawElseJSON `json:"otherwise,omitempty"`
}

// thawElseJSON is a class that has no such tier, and the one that is taken for it.
type thawElseJSON struct {
	Class string `json:"class"`
	Tier  string `json:"tier"`
}

// thawPlanToJSON puts a plan into words for programs. Offers are those of its tiers.
func thawPlanToJSON(d *drive, p *thaw.Plan, offers []thaw.Offer, days int, s *price.Sheet) thawPlanJSON {
	sum := p.Total()
	j := thawPlanJSON{Drive: d.label, Packs: sum.All.Packs, Bytes: sum.All.Bytes, Classes: []thawClassJSON{}, Tiers: []thawTierJSON{}}
	for _, c := range p.Classes() {
		own := thawClassJSON{
			Class: c.Class, Packs: c.All.Packs, Bytes: c.All.Bytes, Frozen: c.Frozen.Packs, FrozenIn: c.Frozen.Bytes,
			Asked: c.Asked.Packs, Thawed: c.Thawed.Packs, Missing: c.Missing.Packs,
		}
		if !c.Until.IsZero() {
			until := c.Until.UTC()
			own.Until = &until
		}
		j.Classes = append(j.Classes, own)
	}
	for _, o := range offers {
		t := thawTierJSON{Tier: string(o.Tier), From: o.From.Seconds(), To: o.To.Seconds()}
		if o.Priced {
			t.Amount = &o.Cost
		}
		for _, class := range sorted(o.Otherwise) {
			t.Otherwise = append(t.Otherwise, thawElseJSON{class, string(o.Otherwise[class])})
		}
		j.Tiers = append(j.Tiers, t)
	}
	if len(offers) > 0 {
		j.Days, j.Currency = days, s.Currency
		if s.Known() {
			j.Prices = s.Date.Format(time.DateOnly)
		}
	}
	return j
}

// sorted lists classes by name.
func sorted(m map[string]object.Tier) []string { return slices.Sorted(maps.Keys(m)) }

// tellPlan shows a plan and what thawing takes.
func (a *app) tellPlan(d *drive, p *thaw.Plan, days int) error {
	s, err := a.prices(&d.set)
	if err != nil {
		return err
	}
	tariff := thaw.TariffOf(s)
	offers := p.Offers(tariff, days)
	a.out.emit("thaw_plan", thawPlanToJSON(d, p, offers, days, s))
	a.showClasses(d, p)
	if len(offers) == 0 {
		return nil
	}
	sum := p.Total()
	a.out.say("thawing %s, readable for %s:", packsAnd(sum.Frozen), count(uint64(days), "day", "days"))
	var rows [][]string
	for _, o := range offers {
		cost := price.Unknown
		if o.Priced {
			cost = o.Cost
		}
		var otherwise []string
		for _, class := range sorted(o.Otherwise) {
			otherwise = append(otherwise, fmt.Sprintf("%s for %s", o.Otherwise[class], class))
		}
		rows = append(rows, []string{"  " + string(o.Tier), within(o.From, o.To), s.Money(cost), strings.Join(otherwise, ", ")})
	}
	a.out.table([]string{"  TIER", "THERE AFTER", "ABOUT", ""}, rows)
	if s.Known() {
		a.out.say("  by list prices of %s as of %s, copies included, transfer not: an estimate and no bill", placeOf(s), s.Date.Format(time.DateOnly))
	}
	return nil
}

// showClasses shows how packs stand.
func (a *app) showClasses(d *drive, p *thaw.Plan) {
	sum := p.Total()
	a.out.say("%s: %s", d.label, packsAnd(sum.All))
	var rows [][]string
	for _, c := range p.Classes() {
		until := "-"
		if !c.Until.IsZero() {
			until = c.Until.Local().Format("2006-01-02 15:04")
		}
		rows = append(rows, []string{
			"  " + orDash(c.Class), fmt.Sprint(c.All.Packs), size(uint64(c.All.Bytes)), fmt.Sprint(c.Frozen.Packs),
			fmt.Sprint(c.Asked.Packs), fmt.Sprint(c.Thawed.Packs), until, fmt.Sprint(c.Missing.Packs),
		})
	}
	a.out.table([]string{"  CLASS", "PACKS", "BYTES", "FROZEN", "ON THEIR WAY", "THAWED", "UNTIL", "MISSING"}, rows)
}

// within says after what time something is there.
func within(from, to time.Duration) string {
	switch {
	case to == 0:
		return "not known"
	case from == to || from == 0:
		return "up to " + hours(to)
	}
	return hours(from) + " to " + hours(to)
}

// hours writes a time that nobody measures in seconds.
func hours(d time.Duration) string {
	text := strings.TrimSuffix(d.Round(time.Second).String(), "0s")
	if short, whole := strings.CutSuffix(text, "h0m"); whole {
		return short + "h"
	}
	return text
}

// errStillFrozen means that nobody said how what is frozen is to be thawed.
var errStillFrozen = errors.New("not thawed: nothing was read")

// chooseTier asks how what is frozen is to be thawed, unless a flag says it.
func (a *app) chooseTier(f *thawFlags, d *drive, p *thaw.Plan) error {
	sum := p.Total()
	if f.tier != "" || sum.Frozen.Packs == 0 {
		return nil
	}
	frozen := fmt.Errorf("%d of %s on %s frozen: %w", sum.Frozen.Packs, count(uint64(sum.All.Packs), "pack", "packs"), d.label, errStillFrozen)
	if !a.interactive() {
		return advise(frozen, "say how fast with --thaw expedited, standard or bulk, and for how long with --thaw-days; --dry-run shows what that takes")
	}
	s, err := a.prices(&d.set)
	if err != nil {
		return err
	}
	words := []string{"no"}
	for _, o := range p.Offers(thaw.TariffOf(s), f.days) {
		words = append(words, string(o.Tier))
	}
	answer, err := a.dialogue().need(fmt.Sprintf("thaw in which tier? (%s)", strings.Join(words[1:], ", ")), "no", func(answer string) error {
		if !slices.Contains(words, answer) {
			return fmt.Errorf("%q is none of %s", answer, strings.Join(words, ", "))
		}
		return nil
	})
	if err != nil || answer == "no" {
		return errors.Join(err, frozen)
	}
	f.tier = answer
	return nil
}
