package tree

import (
	"bytes"
	"context"
	"fmt"

	"firn/internal/format"
)

// Builder writes a tree from its entries in ascending order of their keys. It
// holds one unfinished page for each level. It is not safe for concurrent use.
type Builder struct {
	writer Writer
	cut    *cutter
	levels []*level // 0: leaves
	last   []byte   // key of the latest entry
	sums   format.Sums
	buf    []byte // the page being written
	err    error  // the first failure; it sticks
}

// level is the unfinished page of one level.
type level struct {
	page   format.Page
	keys   []byte // what the items' keys are made of
	sums   format.Sums
	weight int // of the items
	pages  int // finished so far
}

// NewBuilder returns a builder of a tree of this shape. An invalid shape is
// reported by Add and Finish.
func NewBuilder(w Writer, s Shape) *Builder {
	cut, err := newCutter(s)
	return &Builder{writer: w, cut: cut, err: err}
}

// Add appends an entry. Key and entry are the caller's again when it returns.
// Large attribute values are moved to sequences of their own; longer contents
// must have been (ContentWriter). Errors matching ErrKey, ErrOrder, ErrEntry or
// ErrPiece leave the tree as it was; any other is repeated from then on.
func (b *Builder) Add(ctx context.Context, key []byte, e *format.Entry) error {
	if b.err != nil {
		return b.err
	}
	if err := checkItem(key, e); err != nil {
		return fmt.Errorf("add entry: %w", err)
	}
	if err := checkReferences(e); err != nil {
		return fmt.Errorf("add entry %q: %w", key, err)
	}
	if len(b.levels) > 0 && bytes.Compare(b.last, key) >= 0 {
		return fmt.Errorf("add entry: %w: %q follows %q", ErrOrder, key, b.last)
	}
	sums, ok := addSums(b.sums, sumsOf(e))
	if !ok {
		return fmt.Errorf("add entry %q: %w: sums exceed 64 bits", key, ErrEntry)
	}
	b.sums = sums
	e, err := spillAttributes(ctx, b.writer, e)
	if err == nil {
		err = b.push(ctx, 0, key, sumsOf(e), func(item *format.PageItem) {
			if item.Entry == nil {
				item.Entry = new(format.Entry)
			}
			copyEntry(item.Entry, e)
		})
	}
	b.last = append(b.last[:0], key...)
	b.err = err
	return err
}

// Finish writes what is left and returns the root. The builder cannot be used again.
func (b *Builder) Finish(ctx context.Context) (Root, error) {
	if b.err != nil {
		return Root{}, b.err
	}
	b.err = ErrFinished
	for n := 0; n < len(b.levels); n++ {
		l := b.levels[n]
		if len(l.page.Items) > 0 {
			if err := b.flush(ctx, n); err != nil {
				return Root{}, err
			}
		}
		if l.pages == 1 {
			only := &b.levels[n+1].page.Items[0]
			return Root{ID: &only.Child, Length: only.ChildLength, Sums: only.Sums}, nil
		}
	}
	return Root{}, nil
}

// push appends an item to the unfinished page of a level, and finishes the page
// where the item ends it. fill sets what is not the item's key or sums.
func (b *Builder) push(ctx context.Context, n int, key []byte, sums format.Sums, fill func(*format.PageItem)) error {
	if n == len(b.levels) {
		// The last level holds nothing but the one item that names the root.
		if n > format.MaxTreeDepth {
			return fmt.Errorf("build tree: %w: over %d levels", ErrDepth, format.MaxTreeDepth)
		}
		b.levels = append(b.levels, &level{page: format.Page{Level: uint8(n)}})
	}
	l := b.levels[n]
	if len(l.keys)+len(key) > format.MaxPage {
		return fmt.Errorf("build tree: %w: keys of over %d bytes", ErrTooLarge, format.MaxPage)
	}
	l.sums, _ = addSums(l.sums, sums) // Add has seen that all entries together fit
	item := l.next(key)
	item.Sums = sums
	fill(item)
	l.weight += weigh(key, item.Entry)
	if b.cut.ends(n, key, len(l.page.Items), l.weight) {
		return b.flush(ctx, n)
	}
	return nil
}

// next returns a further item of the page, with its key set and the rest as an
// earlier page has left it.
func (l *level) next(key []byte) *format.PageItem {
	n := len(l.page.Items)
	if n < cap(l.page.Items) {
		l.page.Items = l.page.Items[:n+1]
	} else {
		l.page.Items = append(l.page.Items, format.PageItem{})
	}
	start := len(l.keys)
	l.keys = append(l.keys, key...)
	item := &l.page.Items[n]
	item.Key = l.keys[start:]
	return item
}

// flush writes the unfinished page of a level and names it on the level above.
func (b *Builder) flush(ctx context.Context, n int) error {
	l := b.levels[n]
	b.buf = l.page.Append(b.buf[:0])
	if len(b.buf) > format.MaxChunk {
		return fmt.Errorf("write page: %w: %d bytes", ErrTooLarge, len(b.buf))
	}
	id, err := b.writer.WritePage(ctx, b.buf)
	if err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	length := uint32(len(b.buf))
	err = b.push(ctx, n+1, l.page.Items[0].Key, l.sums, func(item *format.PageItem) {
		item.Child, item.ChildLength = id, length
	})
	l.page.Items, l.keys, l.sums, l.weight = l.page.Items[:0], l.keys[:0], format.Sums{}, 0
	l.pages++
	return err
}
