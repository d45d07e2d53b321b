package tree

import (
	"context"
	"iter"
	"math/bits"

	"firn/internal/format"
)

// Extent is a piece of content with its place.
type Extent struct {
	Offset uint64 // of the piece's first byte in the content
	format.Piece
}

// Content yields the pieces of an entry's content in order. An error ends it:
// the context's, a *PageError, or one matching ErrDamaged when the entry
// contradicts itself.
func Content(ctx context.Context, r Reader, e *format.Entry) iter.Seq2[format.Piece, error] {
	return func(yield func(format.Piece, error) bool) {
		for x, err := range ContentFrom(ctx, r, e, 0) {
			if !yield(x.Piece, err) {
				return
			}
		}
	}
}

// ContentFrom is Content from the piece on that holds the byte at offset; pages
// wholly before it are not read. An offset at or behind the end yields nothing.
func ContentFrom(ctx context.Context, r Reader, e *format.Entry, offset uint64) iter.Seq2[Extent, error] {
	return func(yield func(Extent, error) bool) {
		s := sequence{ctx: ctx, reader: r, from: offset}
		s.piece = func(x Extent) bool { return yield(x, nil) }
		if _, err := s.content(e); err != nil {
			yield(Extent{}, err)
		}
	}
}

// sequence reads a sequence of pieces, in the pages' memory of sequences before.
type sequence struct {
	ctx    context.Context // of the call the sequence is read in
	reader Reader
	from   uint64                                 // bytes of content to pass over
	piece  func(Extent) bool                      // told of each piece; false: stop
	enter  func(id format.ID, length uint32) bool // asked before a page is read; nil: yes
	pages  [format.MaxTreeDepth]format.SequencePage
}

// sequencePromise is what is known of a sequence page before it is read.
type sequencePromise struct {
	id     format.ID
	length uint32
	level  uint32
	offset uint64 // of its first byte in the content
	size   uint64 // bytes of content below it, if sized
	sized  bool
}

// content reads an entry's content. It reports false when it was told to stop.
func (s *sequence) content(e *format.Entry) (bool, error) {
	if e.Spilled != nil {
		if s.from > 0 && e.Size <= s.from {
			return true, nil
		}
		return s.spill(e.Spilled, e.Size, true)
	}
	if err := checkContent(e); err != nil {
		return false, damaged("%w", err)
	}
	return s.pieces(e.Content), nil
}

// pieces hands on inline content.
func (s *sequence) pieces(list []format.Piece) bool {
	var offset uint64
	for i := range list {
		if end := offset + list[i].Length; end > s.from && !s.piece(Extent{offset, list[i]}) {
			return false
		}
		offset += list[i].Length
	}
	return true
}

// spill reads a sequence tree. It reports false when it was told to stop.
func (s *sequence) spill(root *format.Spill, size uint64, sized bool) (bool, error) {
	if !validSpill(root) {
		return false, &PageError{ID: root.Root, Err: damaged("it is said to have %d bytes and level %d", root.Length, root.Level)}
	}
	return s.page(&sequencePromise{id: root.Root, length: root.Length, level: root.Level, size: size, sized: sized})
}

// page reads a page and what is below it from s.from on.
func (s *sequence) page(want *sequencePromise) (bool, error) {
	if s.enter != nil && !s.enter(want.id, want.length) {
		return true, nil
	}
	p := &s.pages[want.level]
	if err := s.load(want, p); err != nil {
		return false, err
	}
	offset := want.offset
	for i := range p.Items {
		item := &p.Items[i]
		size := sizeOf(p.Level, item)
		more, err := true, error(nil)
		switch {
		case offset+size <= s.from:
		case p.Level == 0:
			more = s.piece(Extent{offset, item.Piece})
		default:
			more, err = s.page(&sequencePromise{
				id: item.Child, length: item.ChildLength, level: want.level - 1,
				offset: offset, size: size, sized: true,
			})
		}
		if !more || err != nil {
			return false, err
		}
		offset += size
	}
	return true, nil
}

// load reads a page and believes it only if it keeps its promise.
func (s *sequence) load(want *sequencePromise, p *format.SequencePage) error {
	b, err := readPage(s.ctx, s.reader, want.id, want.length)
	if err != nil {
		return err
	}
	if err = p.Decode(b); err != nil {
		err = damaged("%w", err)
	} else {
		err = want.check(p)
	}
	if err != nil {
		return &PageError{ID: want.id, Err: err}
	}
	return nil
}

// check returns an error matching ErrDamaged unless the page is what was
// promised and no item is empty. Decode has refused impossible pieces.
func (want *sequencePromise) check(p *format.SequencePage) error {
	if uint32(p.Level) != want.level {
		return damaged("it is of level %d, not %d", p.Level, want.level)
	}
	total := want.offset
	for i := range p.Items {
		item := &p.Items[i]
		sum, carry := bits.Add64(total, sizeOf(p.Level, item), 0)
		if carry != 0 || sum == total {
			return damaged("%d bytes of content follow %d", sizeOf(p.Level, item), total)
		}
		total = sum
	}
	if got := total - want.offset; want.sized && got != want.size {
		return damaged("it has %d bytes of content, %d are promised", got, want.size)
	}
	return nil
}

// sizeOf returns the bytes of content of an item.
func sizeOf(level uint8, item *format.SequenceItem) uint64 {
	if level == 0 {
		return item.Piece.Length
	}
	return item.Bytes
}
