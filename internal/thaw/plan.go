// Package thaw makes packs in archive classes readable: it finds out which of
// those that a restore or a check needs are frozen, says what thawing them takes
// in each tier, asks for copies, and follows them until they have been read.
//
// A Plan is how the packs stood when it was made. A Watch acts on it: it is the
// repo.Gate behind which a restore reads what is ready while the rest thaws.
//
// Invariants: only the packs that are needed are asked for; a pack is ready only
// while a copy of it can be read; all that must be remembered is in the bucket, so
// that whoever was stopped plans again and goes on; what cannot be thawed is
// named and does not keep the rest.
//
// The command line calls it, for restore, cat, check and thaw.
package thaw

import (
	"cmp"
	"slices"
	"time"

	"firn/internal/format"
)

// State is how a pack stands.
type State uint8

// The states of packs.
const (
	Readable State = iota // at any time
	Thawed                // there is a copy that can be read for some days
	Asked                 // a copy is on its way
	Frozen
	Missing // there is no such object
)

// Pack is a pack that is needed.
type Pack struct {
	Name  format.PackName
	Size  int64  // bytes of the object, which is thawed whole
	Class string // storage class, "" where the store has none
	State State
	Until time.Time // when the copy of a Thawed pack goes
}

// Plan is how the packs that are needed stood at a time.
type Plan struct {
	Made  time.Time
	Packs []Pack // by name
	// Stored is about how many data packs the drive has.
	Stored int
}

// ClassSum is what the packs of a class amount to.
type ClassSum struct {
	Class string
	All   Sum
	// Frozen, Asked, Thawed and Missing are parts of All; the rest can be read
	// at any time.
	Frozen, Asked, Thawed, Missing Sum
	// Until is when the first copy of those that are Thawed goes.
	Until time.Time
}

// Sum is a number of packs and their bytes.
type Sum struct {
	Packs int
	Bytes int64
}

func (s *Sum) add(p *Pack) {
	s.Packs++
	s.Bytes += p.Size
}

// Classes sums up by class, in the order of their names.
func (p *Plan) Classes() []ClassSum {
	by := map[string]*ClassSum{}
	for i := range p.Packs {
		pack := &p.Packs[i]
		c := by[pack.Class]
		if c == nil {
			c = &ClassSum{Class: pack.Class}
			by[pack.Class] = c
		}
		c.add(pack)
	}
	all := make([]ClassSum, 0, len(by))
	for _, c := range by {
		all = append(all, *c)
	}
	slices.SortFunc(all, func(a, b ClassSum) int { return cmp.Compare(a.Class, b.Class) })
	return all
}

// Total sums up over all classes.
func (p *Plan) Total() ClassSum {
	var all ClassSum
	for i := range p.Packs {
		all.add(&p.Packs[i])
	}
	return all
}

func (c *ClassSum) add(p *Pack) {
	c.All.add(p)
	switch p.State {
	case Readable:
	case Frozen:
		c.Frozen.add(p)
	case Asked:
		c.Asked.add(p)
	case Missing:
		c.Missing.add(p)
	case Thawed:
		c.Thawed.add(p)
		if c.Until.IsZero() || p.Until.Before(c.Until) {
			c.Until = p.Until
		}
	}
}

// Cold reports whether any pack has to be asked for or waited for.
func (p *Plan) Cold() bool {
	return slices.ContainsFunc(p.Packs, func(p Pack) bool { return p.State == Frozen || p.State == Asked })
}
