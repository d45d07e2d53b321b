package repo

import (
	"context"
	"sync"
	"time"

	"firn/internal/object"
)

// packBuffers is the memory for packs of one kind, those being filled and those on their way. It is most of what
// a backup needs, and what holds workers back when the drive is slower than they are.
//
// There are two slabs. One full-sized pack in each, one being filled and one on its way, or both where the
// drive is slower, fill a link nearby. Over a long way more have to be on their way at once; so that they
// take no more memory, a slab is shared by several smaller ones.
type packBuffers struct {
	sizes []int // of a pack, bytes, for each rung of the pace
	pace  *object.Pace
	far   func() bool   // whether the drive is so far away that more packs at once may help
	freed chan struct{} // a buffer was given back

	mu    sync.Mutex // guards slabs
	slabs [slabs]slab
}

// slab is memory that is shared by packs of one size.
type slab struct {
	memory []byte
	size   int    // of the packs in it, bytes
	taken  []bool // by part
}

// packBuffer is a pack's place in memory.
type packBuffer struct {
	size       int    // that the pack shall have, bytes
	bytes      []byte // empty; its capacity suffices for size
	slab, part int
}

// slabs is how many there are, and slabShares in how many packs each is divided, rung by rung. None is
// so small that prune would join it with others.
const slabs = 2

var slabShares = []int{1, 2, 4}

// packRoom is what a buffer holds beyond the size of its pack, bytes.
const packRoom = footerFixed + 4096

// newPackBuffers makes room for packs of a size. Where steady, their size and number stay
// the same; else a quarter of their size is added to each slab, so that its parts are not too small.
func newPackBuffers(size int, steady bool, far func() bool, tell func(string)) *packBuffers {
	b := &packBuffers{sizes: []int{size}, far: far, freed: make(chan struct{}, 1)}
	ladder := []int{slabs}
	if !steady {
		for _, share := range slabShares[1:] {
			b.sizes = append(b.sizes, (size+size/4)/share)
			ladder = append(ladder, slabs*share)
		}
	}
	b.pace = object.NewPace(func(text string) { tell("uploads: " + text) }, ladder...)
	return b
}

// take waits for a place in memory. One caller at a time.
func (b *packBuffers) take(ctx context.Context) (packBuffer, error) {
	for waited := false; ; waited = true {
		if buf, ok := b.tryTake(); ok {
			return buf, nil
		}
		if !waited && b.far() {
			b.pace.Pressed()
		}
		select {
		case <-b.freed:
		case <-ctx.Done():
			return packBuffer{}, ctx.Err()
		}
	}
}

// tryTake takes a part of a slab that has packs of the size wanted now, or divides an empty one anew.
func (b *packBuffers) tryTake() (packBuffer, bool) {
	rung := b.pace.Rung()
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.slabs {
		s := &b.slabs[i]
		if s.empty() {
			s.divide(b.sizes[rung], slabShares[rung])
		}
		if s.size != b.sizes[rung] {
			continue
		}
		for part, taken := range s.taken {
			if !taken {
				s.taken[part] = true
				return packBuffer{s.size, s.part(part), i, part}, true
			}
		}
	}
	return packBuffer{}, false
}

// giveBack frees a place.
func (b *packBuffers) giveBack(buf packBuffer) {
	b.mu.Lock()
	b.slabs[buf.slab].taken[buf.part] = false
	b.mu.Unlock()
	select {
	case b.freed <- struct{}{}:
	default:
	}
}

// landed notes that a pack of n bytes has arrived.
func (b *packBuffers) landed(n int, now time.Time) { b.pace.Done(n, now) }

// empty reports whether no pack is in the slab.
func (s *slab) empty() bool {
	for _, taken := range s.taken {
		if taken {
			return false
		}
	}
	return true
}

// divide shares a slab, which is empty, among so many packs of a size. Its memory is made when it is first
// needed: a drive nearby never takes what smaller packs take more.
func (s *slab) divide(size, share int) {
	if s.size == size {
		return
	}
	if need := share * (size + packRoom); cap(s.memory) < need {
		s.memory = make([]byte, 0, need)
	}
	s.size, s.taken = size, make([]bool, share)
}

// part returns a pack's place in the slab.
func (s *slab) part(i int) []byte {
	n := s.size + packRoom
	return s.memory[i*n : i*n : (i+1)*n]
}
