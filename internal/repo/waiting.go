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

// standingDelta is a delta of which not all bases have been opened, or that
// others stand on.
type standingDelta struct {
	name    blockName
	wanted  bool // to be visited, and not only to be stood on
	depth   int
	refs    []format.BaseRef
	payload []byte
	recipe       // bases in the order of refs, nil if not opened yet; the program when all are
	missing int  // different bases not opened yet
	bytes   int  // that it takes in memory
	failed  bool // a base of it is damaged
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
	block, err := format.ParseBlockContent(bytes.Clone(plain))
	if err != nil {
		return err
	}
	d.refs, d.payload, d.length, d.bases = block.Bases, block.Payload, int(block.Length), make([]*base, len(block.Bases))
	for _, ref := range d.refs {
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
	for i, ref := range d.refs {
		if slices.Contains(d.refs[:i], ref) {
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
	return w.offer(name, &base{content: content, users: 1})
}

// offer gives a base to the deltas that wait for it. Its first user is the caller, whose
// content is good until offer returns.
func (w *waiting) offer(name blockName, b *base) error {
	defer w.leave(b)
	for _, d := range w.take(name) {
		if w.give(d, name, b) {
			if err := w.finish(d); err != nil {
				return err
			}
		}
	}
	return nil
}

// give gives a delta one of its bases and reports whether it has all.
func (w *waiting) give(d *standingDelta, name blockName, b *base) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if d.failed {
		return false
	}
	if d.missing--; d.missing > 0 {
		w.keep(b)
	}
	for i, ref := range d.refs {
		if baseName(name.pack.Kind, ref) == name {
			d.bases[i] = b
			b.users++
		}
	}
	return d.missing == 0
}

// finish goes on with a delta that has all its bases: with its content, or with how
// that is made if nobody asked for it.
func (w *waiting) finish(d *standingDelta) error {
	err := w.parse(d)
	if err == nil && !d.wanted && d.program.sparse() {
		return w.offer(d.name, &base{recipe: &d.recipe, delta: d, users: 1})
	}
	content := w.open.contents.Get().(*[]byte)
	defer w.open.contents.Put(content)
	var got []byte
	if err == nil {
		got, err = d.content((*content)[:0])
	}
	w.release(d)
	if err != nil {
		err = fmt.Errorf("read block at %d of %s: %w", d.name.at.Offset, d.name.pack.Object(), err)
		return w.damaged(d.name, d.wanted, err)
	}
	*content = got
	return w.opened(d.name, got, d.wanted)
}

// parse takes a delta's program apart.
func (w *waiting) parse(d *standingDelta) error {
	var err error
	if d.program, err = w.open.program(d.payload, d.length); err != nil {
		return err
	}
	d.payload = nil
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held += d.program.size() - d.bytes
	d.bytes = d.program.size()
	return nil
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
	return slices.ContainsFunc(d.bases, func(b *base) bool { return b != nil })
}

// bytes returns what deltas that wait take in memory.
func (w *waiting) bytes() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.held
}
