package tree

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"sync"

	"firn/internal/format"
)

// Walk yields the entries from the key from on in ascending order; a nil from
// begins at the first. Key and Entry of an item are valid until the next one
// (Clone). An error ends the walk: the context's, or a *PageError.
func Walk(ctx context.Context, r Reader, root Root, from []byte) iter.Seq2[Item, error] {
	return walkSpans(ctx, r, root, span{low: from})
}

// Range yields the entry of a file or directory and all that is below it, as
// Walk does. The prefix is a key, or one without the slash at its end: "a" means
// "a", "a/" and all below, but not "ab"; an empty prefix means all.
func Range(ctx context.Context, r Reader, root Root, prefix []byte) iter.Seq2[Item, error] {
	return walkSpans(ctx, r, root, spansOf(prefix)...)
}

// Get returns the entry with this key, which is the caller's, or an error that
// matches ErrNotFound.
func Get(ctx context.Context, r Reader, root Root, key []byte) (*format.Entry, error) {
	c := cursors.Get().(*cursor)
	c.ctx, c.reader = ctx, r
	defer func() {
		c.ctx, c.reader = nil, nil
		cursors.Put(c)
	}()
	if err := c.seek(root, key); err != nil {
		return nil, err
	}
	if !c.open() || !bytes.Equal(c.item().Key, key) {
		return nil, fmt.Errorf("get entry: %w: %q", ErrNotFound, key)
	}
	return cloneEntry(c.item().Entry), nil
}

// cursors keeps the cursors of Get for the memory of their pages.
var cursors = sync.Pool{New: func() any { return new(cursor) }}

func walkSpans(ctx context.Context, r Reader, root Root, spans ...span) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		c := newCursor(ctx, r)
		c.prefetcher, _ = r.(Prefetcher)
		for _, s := range spans {
			c.high = s.high
			more, err := c.walk(root, s, yield)
			if err != nil {
				yield(Item{}, err)
				return
			}
			if !more {
				return
			}
		}
	}
}

// walk yields the entries of one span; it reports false when yield did.
func (c *cursor) walk(root Root, s span, yield func(Item, error) bool) (bool, error) {
	if err := c.seek(root, s.low); err != nil {
		return false, err
	}
	for ; c.open(); c.advance() {
		for c.level() > 0 {
			if s.high != nil && bytes.Compare(c.item().Key, s.high) >= 0 {
				return true, nil
			}
			if err := c.descend(); err != nil {
				return false, err
			}
		}
		item := c.item()
		if s.high != nil && bytes.Compare(item.Key, s.high) >= 0 {
			return true, nil
		}
		if !yield(Item{Key: item.Key, Entry: item.Entry}, nil) {
			return false, nil
		}
	}
	return true, nil
}
