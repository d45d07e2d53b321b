// Package cost reckons what a repository costs a month, and what an operation on
// it would cost: requests, retrieval, thawing, transfer, early deletion.
//
// Invariants: sizes and counts come from the drive's listing and from the plans of
// the packages that do the work, so that they are exact as far as an item does not
// say "at most" or "about"; only prices are estimates, and what has no known price
// is never reckoned as free.
//
// Its user is cmd/firn: cost, and the storage-config and prune commands for what
// they are about to do.
package cost

import (
	"time"

	"firn/internal/object"
	"firn/internal/price"
)

// Kind is what one pays for.
type Kind string

// The kinds.
const (
	Storage       Kind = "storage"
	Requests      Kind = "requests"
	Retrieval     Kind = "retrieval"
	Thaw          Kind = "thaw"
	Transfer      Kind = "transfer"
	EarlyDeletion Kind = "early_deletion"
)

// Item is one line of an estimate.
type Item struct {
	Kind  Kind
	Class string // storage class; "" where none has to do with it
	What  string // in words
	Count int64  // requests, or objects
	Bytes int64  // that it is about; of storage, those that are charged
	// Amount is what it costs, in the sheet's currency; price.Unknown if not known.
	Amount float64
}

// Estimate is what something costs, roughly.
type Estimate struct {
	Sheet *price.Sheet
	Items []Item
}

// Sum adds up the items with a known price, and says how many have none.
func (e *Estimate) Sum() (amount float64, unknown int) {
	for i := range e.Items {
		if a := e.Items[i].Amount; price.IsKnown(a) {
			amount += a
		} else {
			unknown++
		}
	}
	return amount, unknown
}

// add takes an item in unless it is about nothing.
func (e *Estimate) add(i Item) {
	if i.Count != 0 || i.Bytes != 0 {
		e.Items = append(e.Items, i)
	}
}

// Terms are what an estimate is made with.
type Terms struct {
	Sheet *price.Sheet
	// Archive says which classes must be thawed.
	Archive func(class string) bool
	// Tier and Days say how frozen packs are thawed; Standard and a week if zero.
	Tier object.Tier
	Days int
	// Now is the time by the drive's clock.
	Now time.Time
}

// defaultDays is how long thawed copies stay unless somebody says otherwise.
const defaultDays = 7

func (t Terms) withDefaults() Terms {
	if t.Tier == "" {
		t.Tier = object.Standard
	}
	if t.Days == 0 {
		t.Days = defaultDays
	}
	return t
}

// begin begins an estimate.
func (t *Terms) begin() *Estimate { return &Estimate{Sheet: t.Sheet} }

// transfer adds bytes that leave the vendor.
func (e *Estimate) transfer(bytes int64) {
	e.add(Item{Kind: Transfer, What: "transfer out", Bytes: bytes, Amount: e.Sheet.PerGB(bytes, e.Sheet.PerGBOut)})
}

// Early is what deleting an object of a class costs before its time: its storage for
// the days that are left. until is when it costs nothing any more, zero if it never
// did.
func Early(s *price.Sheet, info object.Info, now time.Time) (fee float64, until time.Time) {
	c := s.Class(info.Class)
	if c.MinimumDays == 0 {
		return 0, time.Time{}
	}
	until = info.Modified.AddDate(0, 0, c.MinimumDays)
	left := until.Sub(now)
	if left <= 0 {
		return 0, time.Time{}
	}
	return s.Storage(info.Class, 1, c.Billed(info.Size), left.Hours()/24), until
}
