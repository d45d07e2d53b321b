package tree

import (
	"context"
	"fmt"
	"math/bits"

	"firn/internal/format"
)

// A sequence page ends behind an item once it has sequenceMin of them and the
// item's ID is below one part in sequenceSpread, or at format.SequenceItems.
const (
	sequenceMin    = 64
	sequenceSpread = 192
)

// sequenceBuilder writes a sequence tree from its pieces. It holds one
// unfinished page for each level.
type sequenceBuilder struct {
	writer Writer
	levels []*sequenceLevel // 0: leaves
	buf    []byte           // the page being written
}

// sequenceLevel is the unfinished page of one level.
type sequenceLevel struct {
	page  format.SequencePage
	bytes uint64 // of content below the page
	pages int    // finished so far
}

// addPiece appends a valid piece.
func (b *sequenceBuilder) addPiece(ctx context.Context, p format.Piece) error {
	ends := !p.Hole && oneIn(sequenceSpread, p.ID[:])
	return b.push(ctx, 0, format.SequenceItem{Piece: p}, p.Length, ends)
}

// finish writes what is left and returns the root; there must have been a piece.
// The builder is then ready for another sequence.
func (b *sequenceBuilder) finish(ctx context.Context) (*format.Spill, error) {
	defer b.reset()
	for n := 0; ; n++ {
		l := b.levels[n]
		if len(l.page.Items) > 0 {
			if err := b.flush(ctx, n); err != nil {
				return nil, err
			}
		}
		if l.pages == 1 {
			only := &b.levels[n+1].page.Items[0]
			return &format.Spill{Root: only.Child, Length: only.ChildLength, Level: uint32(n)}, nil
		}
	}
}

func (b *sequenceBuilder) reset() {
	for _, l := range b.levels {
		l.page.Items, l.bytes, l.pages = l.page.Items[:0], 0, 0
	}
}

// push appends an item with this many bytes of content to the unfinished page of
// a level, and finishes the page if the item may end it and there are enough.
func (b *sequenceBuilder) push(ctx context.Context, n int, item format.SequenceItem, size uint64, ends bool) error {
	if n == len(b.levels) {
		// The last level holds nothing but the one item that names the root.
		if n > format.MaxTreeDepth {
			return fmt.Errorf("build sequence: %w: over %d levels", ErrDepth, format.MaxTreeDepth)
		}
		b.levels = append(b.levels, &sequenceLevel{page: format.SequencePage{Level: uint8(n)}})
	}
	l := b.levels[n]
	l.page.Items = append(l.page.Items, item)
	l.bytes += size
	if items := len(l.page.Items); items == format.SequenceItems || ends && items >= sequenceMin {
		return b.flush(ctx, n)
	}
	return nil
}

// flush writes the unfinished page of a level and names it on the level above.
func (b *sequenceBuilder) flush(ctx context.Context, n int) error {
	l := b.levels[n]
	b.buf = l.page.Append(b.buf[:0])
	id, err := b.writer.WritePage(ctx, b.buf)
	if err != nil {
		return fmt.Errorf("write sequence page: %w", err)
	}
	item := format.SequenceItem{Child: id, ChildLength: uint32(len(b.buf)), Bytes: l.bytes}
	err = b.push(ctx, n+1, item, l.bytes, oneIn(sequenceSpread, id[:]))
	l.page.Items, l.bytes = l.page.Items[:0], 0
	l.pages++
	return err
}

// ContentWriter turns a file's pieces, as they come, into what its entry holds:
// the pieces themselves when they are few, or the root of a sequence tree. Its
// memory is bounded whatever the size of the file. It is not safe for concurrent
// use.
type ContentWriter struct {
	builder sequenceBuilder
	inline  []format.Piece
	spilled bool   // inline has gone to the builder
	size    uint64 // bytes
	err     error  // the first failure; it sticks until Reset
}

// NewContentWriter returns a writer for one content.
func NewContentWriter(w Writer) *ContentWriter {
	return &ContentWriter{builder: sequenceBuilder{writer: w}}
}

// Reset makes the writer ready for another content, in the memory it has. What
// Finish returned before is no longer valid.
func (c *ContentWriter) Reset() {
	c.builder.reset()
	c.inline, c.spilled, c.size, c.err = c.inline[:0], false, 0, nil
}

// Add appends a piece. An error matches ErrPiece or is the Writer's.
func (c *ContentWriter) Add(ctx context.Context, p format.Piece) error {
	if c.err != nil {
		return c.err
	}
	total, carry := bits.Add64(c.size, p.Length, 0)
	if carry != 0 || !validPiece(&p) {
		return fmt.Errorf("add piece: %w: %d bytes after %d", ErrPiece, p.Length, c.size)
	}
	c.size = total
	switch {
	case c.spilled:
		c.err = c.builder.addPiece(ctx, p)
	case len(c.inline) < format.InlinePieces:
		c.inline = append(c.inline, p)
	default:
		c.spilled = true
		for _, early := range append(c.inline, p) {
			if c.err = c.builder.addPiece(ctx, early); c.err != nil {
				break
			}
		}
	}
	return c.err
}

// Size returns the bytes of content added since the last Reset.
func (c *ContentWriter) Size() uint64 { return c.size }

// Finish returns what belongs into the entry's Content and Spilled, one of them
// nil. The pieces are valid until Reset.
func (c *ContentWriter) Finish(ctx context.Context) ([]format.Piece, *format.Spill, error) {
	if c.err != nil {
		return nil, nil, c.err
	}
	c.err = ErrFinished
	if !c.spilled {
		return c.inline, nil, nil
	}
	spill, err := c.builder.finish(ctx)
	return nil, spill, err
}

// WriteContent is ContentWriter for pieces that are all known. The pieces it
// returns are those it was given.
func WriteContent(ctx context.Context, w Writer, pieces []format.Piece) ([]format.Piece, *format.Spill, error) {
	c := ContentWriter{builder: sequenceBuilder{writer: w}}
	for _, p := range pieces {
		if err := c.Add(ctx, p); err != nil {
			return nil, nil, err
		}
	}
	return c.Finish(ctx)
}
