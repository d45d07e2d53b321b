package price

import (
	_ "embed"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"firn/internal/config"
	"firn/internal/object"
)

//go:embed prices.yaml
var shipped []byte

// readShipped reads the embedded table once.
var readShipped = sync.OnceValue(func() *Table {
	t := &Table{sheets: map[place]*sheetEntry{}}
	if err := t.read("prices.yaml", shipped); err != nil {
		panic("price: embedded prices.yaml: " + err.Error()) // a test reads the same bytes
	}
	return t
})

// Load returns the shipped table with a user's file laid over it; "" is the
// shipped table as it is. Errors name file, line and column.
func Load(path string) (*Table, error) {
	base := readShipped()
	if path == "" {
		return base, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read prices: %w", err)
	}
	return base.with(path, text)
}

// with lays a text over a table.
func (t *Table) with(name string, text []byte) (*Table, error) {
	own := &Table{sheets: make(map[place]*sheetEntry, len(t.sheets))}
	for at, e := range t.sheets {
		own.sheets[at] = e
	}
	if err := own.read(name, text); err != nil {
		return nil, fmt.Errorf("read prices: %w", err)
	}
	return own, nil
}

// read lays the sheets of a text over those that are there, one after the other.
func (t *Table) read(name string, text []byte) error {
	var f file
	if err := config.Decode(name, text, &f); err != nil {
		return err
	}
	given := map[place]bool{}
	for i := range f.Prices {
		e := &f.Prices[i]
		if err := e.check(); err != nil {
			return fmt.Errorf("%s: prices[%d]: %w", name, i, err)
		}
		regions := e.Regions
		if len(regions) == 0 {
			regions = []string{""}
		}
		for _, region := range regions {
			at := place{string(e.Vendor), region}
			if given[at] {
				return fmt.Errorf("%s: prices[%d]: %s: region %q is there twice", name, i, e.Vendor, region)
			}
			given[at] = true
			t.lay(at, e)
		}
	}
	return nil
}

// lay puts an entry over what is known of its place. One for a whole vendor is laid
// over all regions that are known of it.
func (t *Table) lay(at place, e *sheetEntry) {
	if at.region == "" {
		for other, old := range t.sheets {
			if other.vendor == at.vendor && other.region != "" {
				t.sheets[other] = old.under(e)
			}
		}
	}
	old := t.sheets[at]
	if old == nil {
		old = t.sheets[place{at.vendor, ""}]
	}
	if old == nil {
		old = &sheetEntry{}
	}
	t.sheets[at] = old.under(e)
}

// under returns the entry with what another gives in place of its own.
func (e *sheetEntry) under(o *sheetEntry) *sheetEntry {
	merged := &sheetEntry{
		Vendor: o.Vendor, Date: o.Date, Source: o.Source, Currency: over(e.Currency, o.Currency), GB: over(e.GB, o.GB),
		Out: over(e.Out, o.Out), AtLeast: over(e.AtLeast, o.AtLeast), Notes: o.Notes, Classes: slices.Clone(e.Classes),
	}
	if o.Notes == nil {
		merged.Notes = e.Notes
	}
	for _, c := range o.Classes {
		at := slices.IndexFunc(merged.Classes, func(old classEntry) bool { return old.Class == c.Class })
		if at < 0 {
			merged.Classes = append(merged.Classes, c)
			continue
		}
		merged.Classes[at] = merged.Classes[at].under(c)
	}
	return merged
}

// under does the same for a class. Ways to thaw are taken all or none.
func (c classEntry) under(o classEntry) classEntry {
	merged := classEntry{
		Class: c.Class, Month: over(c.Month, o.Month), Put: over(c.Put, o.Put), Get: over(c.Get, o.Get), List: over(c.List, o.List),
		Copy: over(c.Copy, o.Copy), Move: over(c.Move, o.Move), Kept: over(c.Kept, o.Kept), Retrieval: over(c.Retrieval, o.Retrieval),
		Days: over(c.Days, o.Days), Bytes: over(c.Bytes, o.Bytes), Overhead: over(c.Overhead, o.Overhead),
		Standard: over(c.Standard, o.Standard), Thaw: o.Thaw,
	}
	if o.Thaw == nil {
		merged.Thaw = c.Thaw
	}
	return merged
}

func over[T any](old, given *T) *T {
	if given != nil {
		return given
	}
	return old
}

// What holds where a sheet does not say.
const (
	defaultCurrency = "USD"
	defaultGB       = 1e9
)

// sheet gives an entry its meaning.
func (e *sheetEntry) sheet(at place) *Sheet {
	s := &Sheet{
		Vendor: at.vendor, Region: at.region, Date: e.Date.Time, Source: e.Source, Currency: defaultCurrency, GB: defaultGB,
		PerGBOut: e.Out.value(), Notes: e.Notes, classes: make(map[string]Class, len(e.Classes)),
	}
	if e.Currency != nil {
		s.Currency = string(*e.Currency)
	}
	if e.GB != nil {
		s.GB = int64(*e.GB)
	}
	if e.AtLeast != nil {
		s.PerMonthAtLeast = float64(*e.AtLeast)
	}
	for i := range e.Classes {
		c := e.Classes[i].class()
		s.classes[c.Name] = c
	}
	return s
}

// class gives a class its meaning. Copies cost what writing costs unless the entry
// says otherwise; charges that few vendors have are none where it is silent.
func (c *classEntry) class() Class {
	k := Class{
		Name: string(c.Class), PerGBMonth: c.Month.value(), PerThousandPut: c.Put.value(), PerThousandGet: c.Get.value(),
		PerThousandList: c.List.value(), PerThousandCopy: over(c.Put, c.Copy).value(), PerThousandMove: c.Move.value(),
		PerThousandKept: c.Kept.or(0), RetrievalPerGB: c.Retrieval.or(0), Known: c.Month != nil,
		MinimumDays: number(c.Days), MinimumBytes: int64(number(c.Bytes)),
		OverheadBytes: int64(number(c.Overhead)), StandardBytes: int64(number(c.Standard)),
	}
	for _, t := range c.Thaw {
		k.Thaw = append(k.Thaw, ThawTier{object.Tier(t.Tier), t.GB.value(), t.Requests.value(), time.Duration(t.From), time.Duration(t.To)})
	}
	return k
}

func (a *amount) value() float64 { return a.or(Unknown) }

func (a *amount) or(other float64) float64 {
	if a == nil {
		return other
	}
	return float64(*a)
}

func number(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}
