package tree

import (
	"context"
	"errors"

	"firn/internal/format"
)

// What Pages says of levels besides those of tree pages (0: leaves).
const (
	LevelUnknown  = -1 // a tree's root, whose level shows when it is read
	LevelSequence = -2 // a page of a sequence tree
)

// Found says what to do with what Pages finds besides pages; each may be nil.
type Found struct {
	// Chunk is told of each chunk that entries refer to, inline or in a page of
	// a sequence that was read: file content, which is data chunks, and the
	// values of spilled attributes, which are metadata chunks.
	Chunk func(id format.ID, length uint32)

	// Damage is told of each page that could not be read or believed, and of
	// what entries contradict. With nil Pages goes on without the page;
	// otherwise, or if Damage is nil, Pages ends with the error.
	Damage func(err error) error
}

// Pages enumerates what a tree consists of, for marking. Before it reads a page
// it asks visit, which must not be nil; where visit says false it reads neither
// the page nor, therefore, what is below it. A visit that says true once for
// each ID has each page read once, over as many trees as it is used for.
func Pages(ctx context.Context, r Reader, root Root, visit func(id format.ID, length uint32, level int) (descend bool), found Found) error {
	if root.ID == nil || !visit(*root.ID, root.Length, LevelUnknown) {
		return nil
	}
	if found.Chunk == nil {
		found.Chunk = func(format.ID, uint32) {}
	}
	m := &marker{ctx: ctx, reader: r, visit: visit, found: found}
	m.prefetcher, _ = r.(Prefetcher)
	m.sequence = sequence{
		ctx: ctx, reader: r,
		enter: func(id format.ID, length uint32) bool { return visit(id, length, LevelSequence) },
		piece: func(x Extent) bool {
			if !x.Hole {
				found.Chunk(x.ID, uint32(x.Length))
			}
			return true
		},
	}
	return m.page(0, promiseOfRoot(root))
}

// marker enumerates one tree.
type marker struct {
	ctx        context.Context // of the call the marker lives in
	reader     Reader
	prefetcher Prefetcher // nil: none
	visit      func(format.ID, uint32, int) bool
	found      Found
	sequence   sequence
	pages      [format.MaxTreeDepth]format.Page // by depth
	ids        []format.ID                      // for the prefetcher
}

// page reads a page that visit has agreed to, at this depth below the root, and
// all below it.
func (m *marker) page(depth int, want promise) error {
	p := &m.pages[depth]
	if err := load(m.ctx, m.reader, &want, p); err != nil {
		return m.damage(err)
	}
	if p.Level == 0 {
		for i := range p.Items {
			if err := m.entry(p.Items[i].Entry); err != nil {
				return err
			}
		}
		return nil
	}
	for first := 0; first < len(p.Items); first += prefetchWindow {
		if err := m.children(depth, want.end, first, min(first+prefetchWindow, len(p.Items))); err != nil {
			return err
		}
	}
	return nil
}

// children visits the children first to last-1 of the page at a depth, then
// prefetches and reads those that visit agreed to.
func (m *marker) children(depth int, end []byte, first, last int) error {
	p := &m.pages[depth]
	var agreed [prefetchWindow]bool
	m.ids = m.ids[:0]
	for i := first; i < last; i++ {
		item := &p.Items[i]
		if agreed[i-first] = m.visit(item.Child, item.ChildLength, int(p.Level)-1); agreed[i-first] {
			m.ids = append(m.ids, item.Child)
		}
	}
	if m.prefetcher != nil && len(m.ids) > 0 {
		m.prefetcher.Prefetch(m.ids)
	}
	for i := first; i < last; i++ {
		if !agreed[i-first] {
			continue
		}
		if err := m.page(depth+1, promiseOf(p, i, end)); err != nil {
			return err
		}
	}
	return nil
}

// entry enumerates what an entry refers to.
func (m *marker) entry(e *format.Entry) error {
	if _, err := m.sequence.content(e); err != nil {
		if err := m.damage(err); err != nil {
			return err
		}
	}
	for _, list := range [...][]format.Attribute{e.Attributes, e.Properties} {
		for i := range list {
			if list[i].Spilled == nil {
				continue
			}
			if _, err := m.sequence.spill(list[i].Spilled, 0, false); err != nil {
				if err := m.damage(err); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// damage reports an error that is not the end of the enumeration's context.
func (m *marker) damage(err error) error {
	if m.found.Damage == nil || m.ctx.Err() != nil && errors.Is(err, m.ctx.Err()) {
		return err
	}
	return m.found.Damage(err)
}
