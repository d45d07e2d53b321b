package repo

import (
	"bytes"
	"fmt"
	"slices"
	"sync"

	"firn/internal/format"
)

// Visit is given the content of a block, good until it returns, or what is wrong
// with the block. An error from it ends the reading.
type Visit func(pack format.PackName, at BlockAt, content []byte, damage error) error

// blockName names a block of the repository.
type blockName struct {
	pack format.PackName
	at   BlockAt
}

// waiting holds deltas until the blocks that they stand on have been opened. It
// is safe for concurrent use.
type waiting struct {
	open  *opener
	visit Visit

	mu   sync.Mutex // guards all below, and the deltas in it
	on   map[blockName]*awaited
	held int // bytes in memory for deltas that wait
	next int // number of the next delta taken in
}

// awaited is a block that deltas wait for.
type awaited struct {
	deltas []*standingDelta
	depth  int  // how many deltas deep it is
	first  int  // number of the delta that was first to wait for it
	read   bool // it is a delta itself, and waits
}

// standingDelta is a delta of which not all bases have been opened.
type standingDelta struct {
	name    blockName
	wanted  bool // to be visited, and not only to be stood on
	depth   int
	block   format.BlockContent
	bases   [][]byte // in the order of block.Bases; nil: not opened yet
	missing int      // different bases not opened yet
	bytes   int      // that it takes in memory
	failed  bool     // a base of it is damaged
}

func newWaiting(open *opener, visit Visit) *waiting {
	return &waiting{open: open, visit: visit, on: map[blockName]*awaited{}}
}

func baseName(kind format.Kind, ref format.BaseRef) blockName {
	return blockName{format.PackName{Kind: kind, Hash: ref.Pack}, BlockAt{ref.Offset, ref.Length}}
}

// add takes a delta in, whose plaintext is copied. Damage means that it can never
// be opened.
func (w *waiting) add(name blockName, plain []byte, wanted bool) (damage error) {
	d := &standingDelta{name: name, wanted: wanted, bytes: len(plain)}
	var err error
	if d.block, err = format.ParseBlockContent(bytes.Clone(plain)); err != nil {
		return err
	}
	d.bases = make([][]byte, len(d.block.Bases))
	for _, ref := range d.block.Bases {
		if !isPlace(BlockAt{ref.Offset, ref.Length}) {
			return fmt.Errorf("%w: a base of %d bytes from %d on", ErrDamaged, ref.Length, ref.Offset)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if a := w.on[name]; a != nil {
		d.depth = a.depth
		a.read = true
	}
	if d.depth >= maxDeltaDepth {
		return fmt.Errorf("%w: deltas on deltas over %d deep", ErrDamaged, maxDeltaDepth)
	}
	for i, ref := range d.block.Bases {
		if slices.Contains(d.block.Bases[:i], ref) {
			continue
		}
		base := baseName(name.pack.Kind, ref)
		a := w.on[base]
		if a == nil {
			a = &awaited{first: w.next}
			w.on[base] = a
		}
		a.deltas = append(a.deltas, d)
		a.depth = max(a.depth, d.depth+1)
		d.missing++
	}
	w.held += d.bytes
	w.next++
	return nil
}

// isPlace reports whether a block can lie at a place.
func isPlace(at BlockAt) bool {
	return at.Offset >= format.HeaderSize && at.Length <= maxBlock && uint64(at.Offset)+uint64(at.Length) <= format.MaxPack
}

// take returns the deltas that wait for a block, which do so no longer.
func (w *waiting) take(name blockName) []*standingDelta {
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.on[name]
	if a == nil {
		return nil
	}
	delete(w.on, name)
	return a.deltas
}

// opened visits a block's content, if it is wanted, and gives it to the deltas that
// wait for it, with all that stands on these in turn.
func (w *waiting) opened(name blockName, content []byte, wanted bool) error {
	if wanted {
		if err := w.visit(name.pack, name.at, content, nil); err != nil {
			return err
		}
	}
	var kept []byte // a copy for deltas that go on waiting
	for _, d := range w.take(name) {
		if w.give(d, name, content, &kept) {
			if err := w.finish(d); err != nil {
				return err
			}
		}
	}
	return nil
}

// give gives a delta one of its bases and reports whether it has all.
func (w *waiting) give(d *standingDelta, name blockName, content []byte, kept *[]byte) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if d.failed {
		return false
	}
	if d.missing--; d.missing > 0 {
		if *kept == nil {
			*kept = bytes.Clone(content)
		}
		content = *kept
		d.bytes += len(content)
		w.held += len(content)
	}
	for i, ref := range d.block.Bases {
		if baseName(name.pack.Kind, ref) == name {
			d.bases[i] = content
		}
	}
	return d.missing == 0
}

// finish applies a delta that has all its bases.
func (w *waiting) finish(d *standingDelta) error {
	base := w.open.plains.Get().(*[]byte)
	content := w.open.contents.Get().(*[]byte)
	defer w.open.plains.Put(base)
	defer w.open.contents.Put(content)
	whole := d.bases[0]
	if len(d.bases) > 1 {
		*base = (*base)[:0]
		for _, b := range d.bases {
			*base = append(*base, b...)
		}
		whole = *base
	}
	got, err := w.open.apply(d.block, whole, (*content)[:0])
	w.release(d)
	if err != nil {
		err = fmt.Errorf("read block at %d of %s: %w", d.name.at.Offset, d.name.pack.Object(), err)
		return w.damaged(d.name, d.wanted, err)
	}
	*content = got
	return w.opened(d.name, got, d.wanted)
}

// release lets go of what a delta kept in memory.
func (w *waiting) release(d *standingDelta) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held -= d.bytes
	d.block, d.bases, d.bytes = format.BlockContent{Bases: d.block.Bases}, nil, 0
}

// damaged visits a block that cannot be opened, if it is wanted, and all that stands
// on it.
func (w *waiting) damaged(name blockName, wanted bool, damage error) error {
	if wanted {
		if err := w.visit(name.pack, name.at, nil, damage); err != nil {
			return err
		}
	}
	for _, d := range w.take(name) {
		w.mu.Lock()
		first := !d.failed
		d.failed = true
		w.mu.Unlock()
		if !first {
			continue
		}
		w.release(d)
		if err := w.damaged(d.name, d.wanted, fmt.Errorf("read base of a delta: %w", damage)); err != nil {
			return err
		}
	}
	return nil
}

// places returns what is waited for and was not read, by pack; with held, if some deltas keep bases
// in memory while they wait for others, only what these wait for.
func (w *waiting) places(held bool) map[format.PackName][]wantedBlock {
	w.mu.Lock()
	defer w.mu.Unlock()
	places, all := map[format.PackName][]wantedBlock{}, map[format.PackName][]wantedBlock{}
	for name, a := range w.on {
		if a.read {
			continue
		}
		b := wantedBlock{at: name.at, first: a.first}
		all[name.pack] = append(all[name.pack], b)
		if slices.ContainsFunc(a.deltas, (*standingDelta).holds) {
			places[name.pack] = append(places[name.pack], b)
		}
	}
	if !held || len(places) == 0 {
		return all
	}
	return places
}

// holds reports whether a delta keeps a base in memory.
func (d *standingDelta) holds() bool {
	return slices.ContainsFunc(d.bases, func(b []byte) bool { return b != nil })
}

// bytes returns what deltas that wait take in memory.
func (w *waiting) bytes() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.held
}
