package delta

import (
	"cmp"
	"slices"
	"sync"
)

// Bases finds stored content by features. It holds no content, only the keys K
// of a cache that does, and forgets what was used least recently when all
// together exceed its budget. It takes about 1.5 KiB for a mebibyte of
// content. It is safe for concurrent use.
//
// A feature leads to the content last added that has it: to the newest of many
// versions, whose keeper knows the others.
type Bases[K comparable] struct {
	budget int64

	mu     sync.Mutex // guards all below
	size   int64      // of all together
	byKey  map[K]*base[K]
	newest map[Feature]*base[K]
	ring   base[K] // in order of use: its next is the latest, its previous the least recent
	search uint64  // number of the last Find
}

// base is content that may serve as a base.
type base[K comparable] struct {
	key            K
	size           int64
	features       []Feature
	next, previous *base[K]

	search uint64 // the last Find that met it
	at     int    // its position among that one's candidates
}

// NewBases makes an empty set. The budget is in the unit of the sizes given to
// Add, say the bytes that a cache spends on each.
func NewBases[K comparable](budget int64) *Bases[K] {
	b := &Bases[K]{budget: budget, byKey: map[K]*base[K]{}, newest: map[Feature]*base[K]{}}
	b.ring.next, b.ring.previous = &b.ring, &b.ring
	return b
}

// Add makes content known by its sketch, which is copied. It returns the keys
// dropped to keep to the budget; the new one is among them if it alone exceeds it.
func (b *Bases[K]) Add(key K, size int64, sketch []Feature) (dropped []K) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if old := b.byKey[key]; old != nil {
		b.drop(old)
	}
	e := &base[K]{key: key, size: size, features: slices.Clone(sketch)}
	b.byKey[key] = e
	b.size += size
	for _, f := range e.features {
		b.newest[f] = e
	}
	b.toFront(e)
	for b.size > b.budget {
		last := b.ring.previous
		dropped = append(dropped, last.key)
		b.drop(last)
	}
	return dropped
}

// Use marks content as just used. A keeper of versions that stand on each
// other ends with the one that the others stand on, so that it goes last.
func (b *Bases[K]) Use(key K) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.byKey[key]; e != nil {
		e.unlink()
		b.toFront(e)
	}
}

// Drop forgets content that cannot be had any more.
func (b *Bases[K]) Drop(key K) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.byKey[key]; e != nil {
		b.drop(e)
	}
}

// Candidate is content that has features of a sketch.
type Candidate[K comparable] struct {
	Key    K
	Shared int // features
}

// worthwhile is the share of a sketch's features that a candidate must have to
// be worth reading: one in so many.
const worthwhile = 20

// Find appends to dst at most n candidates for a sketch, those with most of its
// features first. Each feature counts for one candidate only, so the
// first ones together cover most of the content. Those with less than a
// twentieth of the features are left out.
func (b *Bases[K]) Find(dst []Candidate[K], sketch []Feature, n int) []Candidate[K] {
	found := b.count(dst, sketch)[len(dst):]
	slices.SortStableFunc(found, func(x, y Candidate[K]) int { return cmp.Compare(y.Shared, x.Shared) })
	for i, c := range found {
		if i == n || c.Shared*worthwhile < len(sketch) {
			found = found[:i]
			break
		}
	}
	return append(dst, found...)
}

// count appends all candidates for a sketch to dst.
func (b *Bases[K]) count(dst []Candidate[K], sketch []Feature) []Candidate[K] {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.search++
	for _, f := range sketch {
		e := b.newest[f]
		if e == nil {
			continue
		}
		if e.search != b.search {
			e.search, e.at = b.search, len(dst)
			dst = append(dst, Candidate[K]{Key: e.key})
		}
		dst[e.at].Shared++
	}
	return dst
}

// drop forgets content. The caller holds mu.
func (b *Bases[K]) drop(e *base[K]) {
	for _, f := range e.features {
		if b.newest[f] == e {
			delete(b.newest, f)
		}
	}
	delete(b.byKey, e.key)
	b.size -= e.size
	e.unlink()
}

// toFront makes content the one used last. The caller holds mu.
func (b *Bases[K]) toFront(e *base[K]) {
	e.previous, e.next = &b.ring, b.ring.next
	e.next.previous, e.previous.next = e, e
}

func (e *base[K]) unlink() {
	e.previous.next, e.next.previous = e.next, e.previous
}
