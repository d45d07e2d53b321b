package price

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"time"

	"firn/internal/config"
	"firn/internal/object"
)

// file is a table of prices as it is written.
type file struct {
	Prices []sheetEntry `yaml:"prices"`
}

// sheetEntry is a sheet as it is written. What it does not give is nil, and is
// taken from the entry that it is laid over.
type sheetEntry struct {
	Vendor   vendor       `yaml:"vendor"`
	Regions  []string     `yaml:"regions"`
	Date     day          `yaml:"date"`
	Source   string       `yaml:"source"`
	Currency *currency    `yaml:"currency"`
	GB       *int         `yaml:"gb"`
	Out      *amount      `yaml:"per_gb_out"`
	AtLeast  *amount      `yaml:"per_month_at_least"`
	Notes    []string     `yaml:"notes"`
	Classes  []classEntry `yaml:"classes"`
}

// classEntry is a class as it is written.
type classEntry struct {
	Class     className   `yaml:"class"`
	Month     *amount     `yaml:"per_gb_month"`
	Put       *amount     `yaml:"per_1000_put"`
	Get       *amount     `yaml:"per_1000_get"`
	List      *amount     `yaml:"per_1000_list"`
	Copy      *amount     `yaml:"per_1000_copy"`
	Move      *amount     `yaml:"per_1000_transition"`
	Kept      *amount     `yaml:"per_1000_objects_month"`
	Retrieval *amount     `yaml:"per_gb_retrieval"`
	Days      *int        `yaml:"minimum_days"`
	Bytes     *int        `yaml:"minimum_bytes"`
	Overhead  *int        `yaml:"overhead_bytes"`
	Standard  *int        `yaml:"overhead_standard_bytes"`
	Thaw      []tierEntry `yaml:"thaw"`
}

// tierEntry is a way to thaw as it is written.
type tierEntry struct {
	Tier     tier    `yaml:"tier"`
	GB       *amount `yaml:"per_gb"`
	Requests *amount `yaml:"per_1000"`
	From     span    `yaml:"from"`
	To       span    `yaml:"to"`
}

// amount is a price.
type amount float64

// most bounds a price: more is a slip.
const most = 1e6

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *amount) UnmarshalText(text []byte) error {
	value, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsNaN(value) || value < 0 || value > most {
		return fmt.Errorf("%.40q is no price: write a number such as 0.023, and leave out what is not known", text)
	}
	*a = amount(value)
	return nil
}

// day is a date.
type day struct{ time.Time }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *day) UnmarshalText(text []byte) (err error) {
	if d.Time, err = time.Parse(time.DateOnly, string(text)); err != nil {
		return fmt.Errorf("%.40q is no date: write it as 2026-11-20", text)
	}
	return nil
}

// span is a time that passes.
type span time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *span) UnmarshalText(text []byte) error {
	value, err := time.ParseDuration(string(text))
	if err != nil || value < 0 {
		return fmt.Errorf("%.40q is no time: write it as 5m or 12h", text)
	}
	*s = span(value)
	return nil
}

// vendor is a vendor's name.
type vendor string

// UnmarshalText implements encoding.TextUnmarshaler.
func (v *vendor) UnmarshalText(text []byte) error {
	found, err := config.VendorNamed(string(text))
	if err != nil {
		return err
	}
	*v = vendor(found.Name)
	return nil
}

// tier is the name of a way to thaw.
type tier object.Tier

// UnmarshalText implements encoding.TextUnmarshaler.
func (t *tier) UnmarshalText(text []byte) error {
	*t = tier(text)
	if !slices.Contains([]object.Tier{object.Expedited, object.Standard, object.Bulk}, object.Tier(*t)) {
		return fmt.Errorf("%.40q is not one of %s, %s, %s", text, object.Expedited, object.Standard, object.Bulk)
	}
	return nil
}

// className is the name of a storage class.
type className string

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *className) UnmarshalText(text []byte) error {
	return word((*string)(c), text, `^[A-Z][A-Z0-9_]{0,63}$`, "is no storage class: they are written like STANDARD_IA")
}

// currency is the code of one.
type currency string

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *currency) UnmarshalText(text []byte) error {
	return word((*string)(c), text, `^[A-Z]{3}$`, "is no currency: they are written like USD")
}

func word(target *string, text []byte, form, problem string) error {
	if !regexp.MustCompile(form).Match(text) {
		return fmt.Errorf("%.40q %s", text, problem)
	}
	*target = string(text)
	return nil
}

// check says what is missing in a sheet, or there twice.
func (e *sheetEntry) check() error {
	switch {
	case e.Vendor == "":
		return errors.New("vendor is missing")
	case e.Date.IsZero():
		return fmt.Errorf("%s: date is missing: prices are of a day", e.Vendor)
	case e.GB != nil && (*e.GB < 1e9 || *e.GB > 1<<30):
		return fmt.Errorf("%s: gb is %d: it is 1000000000 or 1073741824", e.Vendor, *e.GB)
	}
	given := map[className]bool{}
	for i := range e.Classes {
		c := &e.Classes[i]
		if c.Class == "" || given[c.Class] {
			return fmt.Errorf("%s: classes[%d]: class is missing or there twice: %q", e.Vendor, i, c.Class)
		}
		given[c.Class] = true
		if err := c.check(); err != nil {
			return fmt.Errorf("%s: %s: %w", e.Vendor, c.Class, err)
		}
	}
	return nil
}

// check says what does not fit in a class.
func (c *classEntry) check() error {
	for _, n := range []*int{c.Days, c.Bytes, c.Overhead, c.Standard} {
		if n != nil && (*n < 0 || *n > 1<<30) {
			return fmt.Errorf("%d days or bytes cannot be", *n)
		}
	}
	given := map[tier]bool{}
	for _, t := range c.Thaw {
		if t.Tier == "" || given[t.Tier] {
			return fmt.Errorf("a tier of thaw is missing or there twice: %q", t.Tier)
		}
		if given[t.Tier] = true; t.To < t.From {
			return fmt.Errorf("thaw %s: to is before from", t.Tier)
		}
	}
	return nil
}
