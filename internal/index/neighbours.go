package index

import (
	"context"
	"sync"

	"firn/internal/format"
)

const (
	// nearFrom is at how many look-ups of chunks of one pack the pack's others are read.
	nearFrom = 2
	// nearMost is how many chunks of packs are kept: some 20 MB.
	nearMost = 1 << 18
)

// Neighbours reads the list of a pack's chunks from the pack itself.
type Neighbours func(ctx context.Context, pack *format.PackInfo) ([]PackEntry, error)

// Near makes look-ups among far segments read the lists of packs in which chunks were found:
// what is stored together is mostly wanted together. Such lists are not vouched for as segments
// are, so this is for readers, who verify what they read, and not for
// those who would store nothing because it is there.
func Near(read Neighbours) Option { return func(v *View) { v.far.near.read = read } }

// near is what is known of the neighbours of chunks found in far segments.
type near struct {
	read Neighbours // nil: nothing

	mu     sync.Mutex
	found  map[*format.PackInfo]int              // guarded by mu: chunks found; -1: list read or not to be had
	places map[format.ShortID]Location           // guarded by mu
	order  []*format.PackInfo                    // guarded by mu: packs whose lists are in places, oldest first
	lists  map[*format.PackInfo][]format.ShortID // guarded by mu: of those in order
}

// find returns the place of a chunk of a pack whose list was read.
func (n *near) find(id *format.ShortID, accept func(*format.PackInfo) bool) (Location, bool) {
	if n.read == nil {
		return Location{}, false
	}
	n.mu.Lock()
	at, known := n.places[*id]
	n.mu.Unlock()
	return at, known && (accept == nil || accept(at.Pack))
}

// meet takes note of a chunk found in a pack and reads the pack's list if it pays. That it
// cannot be read costs requests only.
func (n *near) meet(ctx context.Context, pack *format.PackInfo) {
	if n.read == nil || !n.due(pack) {
		return
	}
	entries, err := n.read(ctx, pack)
	if err != nil || len(entries) > nearMost {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for len(n.order) > 0 && len(n.places)+len(entries) > nearMost {
		for _, id := range n.lists[n.order[0]] {
			delete(n.places, id)
		}
		delete(n.lists, n.order[0])
		n.order = n.order[1:]
	}
	ids := make([]format.ShortID, len(entries))
	for i, e := range entries {
		ids[i] = e.ID
		n.places[e.ID] = Location{Pack: pack, BlockOffset: e.BlockOffset, BlockLength: e.BlockLength, ChunkOffset: e.ChunkOffset}
	}
	n.order = append(n.order, pack)
	n.lists[pack] = ids
}

// due counts a chunk found in a pack and reports whether it is time to read its list, once.
func (n *near) due(pack *format.PackInfo) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.found == nil {
		n.found = make(map[*format.PackInfo]int)
		n.places = make(map[format.ShortID]Location)
		n.lists = make(map[*format.PackInfo][]format.ShortID)
	}
	if n.found[pack] < 0 {
		return false
	}
	if n.found[pack]++; n.found[pack] < nearFrom {
		return false
	}
	n.found[pack] = -1
	return true
}
