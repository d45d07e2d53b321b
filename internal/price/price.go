// Package price knows roughly what vendors charge for objects in a bucket: a
// dated table that is shipped as data, and a user's own file over it.
//
// Invariants: a price that is not known is Unknown and never zero, so that what
// is reckoned with it is unknown too; every sheet has the date at which somebody
// looked it up; nothing here is a bill.
//
// Packages cost, prune, storageconfig and thaw, and cmd/firn, reckon with it.
package price

import (
	"math"
	"time"

	"firn/internal/object"
)

// Unknown is a price that nobody has put down. Sums with it are unknown too.
var Unknown = math.NaN()

// IsKnown says that a price, or what was reckoned with prices, is a number.
func IsKnown(amount float64) bool { return !math.IsNaN(amount) }

// Sheet is what one vendor charges in one region. Prices are the list's, for the
// first and dearest step of volume, without taxes, discounts and free allowances.
type Sheet struct {
	Vendor string // as configuration files name it
	Region string // "" if the prices hold wherever no other sheet does
	// Date is the day of which the prices are; zero for a vendor without any.
	Date time.Time
	// Source is where they are from.
	Source string
	// Currency is that of all prices, as USD.
	Currency string
	// GB is how many bytes the vendor calls one GB.
	GB int64
	// PerGBOut is the price of transfer to the internet; Unknown if not known.
	PerGBOut float64
	// PerMonthAtLeast is what an account pays however little is in it; 0 for nothing.
	PerMonthAtLeast float64
	// Notes are sentences on what these prices leave out.
	Notes []string

	classes map[string]Class
}

// Class is what a storage class costs. Prices that are not known are Unknown.
type Class struct {
	Name string

	PerGBMonth     float64 // of storage
	PerThousandPut float64 // requests that write
	PerThousandGet float64 // requests that read, HEAD too
	// PerThousandList is for listings of objects in this class.
	PerThousandList float64
	// PerThousandCopy is for copies by the server into this class.
	PerThousandCopy float64
	// PerThousandMove is for moves into this class by a lifecycle rule.
	PerThousandMove float64
	// PerThousandKept is for a thousand objects a month, besides storage; 0 where
	// the sheet names none.
	PerThousandKept float64
	// RetrievalPerGB is for reading from a class that can be read at once; 0 where
	// the sheet names none.
	RetrievalPerGB float64

	MinimumDays  int   // charged however soon an object is deleted
	MinimumBytes int64 // charged however small an object is
	// OverheadBytes are charged with each object at this class's price, and
	// StandardBytes at that of STANDARD.
	OverheadBytes, StandardBytes int64

	// Known says that the vendor's sheet has the class and what storage costs in it.
	Known bool
	// Thaw are the ways to make objects readable, the fastest first; none for a
	// class that can be read at once.
	Thaw []ThawTier
}

// ThawTier is one way to thaw. Prices that are not known are Unknown.
type ThawTier struct {
	Tier        object.Tier
	PerGB       float64
	PerThousand float64       // requests
	From, To    time.Duration // how long it takes; 0 if not known
}

// standard is the class of objects for which none is named.
const standard = "STANDARD"

// Known says that there are prices at all.
func (s *Sheet) Known() bool { return !s.Date.IsZero() }

// Class returns what a storage class costs; "" is STANDARD.
func (s *Sheet) Class(name string) Class {
	if name == "" {
		name = standard
	}
	if c, ok := s.classes[name]; ok {
		return c
	}
	return Class{
		Name: name, PerGBMonth: Unknown, PerThousandPut: Unknown, PerThousandGet: Unknown, PerThousandList: Unknown,
		PerThousandCopy: Unknown, PerThousandMove: Unknown, PerThousandKept: Unknown, RetrievalPerGB: Unknown,
	}
}

// Tier finds a way to thaw.
func (c *Class) Tier(tier object.Tier) (ThawTier, bool) {
	for _, t := range c.Thaw {
		if t.Tier == tier {
			return t, true
		}
	}
	return ThawTier{}, false
}

// Table holds all sheets.
type Table struct {
	sheets map[place]*sheetEntry
}

// place is what a sheet is for; region "" stands for all others.
type place struct{ vendor, region string }

// Sheet returns the prices of a vendor, named as configuration files do, in a
// region. It is never nil: what is not in the table has no known price.
func (t *Table) Sheet(vendor, region string) *Sheet {
	for _, at := range []place{{vendor, region}, {vendor, ""}} {
		if e, ok := t.sheets[at]; ok {
			return e.sheet(at)
		}
	}
	return &Sheet{Vendor: vendor, Region: region, Currency: defaultCurrency, GB: defaultGB, PerGBOut: Unknown}
}
