// Package tree keeps the entries of a snapshot: a sorted map from key to entry,
// cut into pages by a keyed hash of the keys (a prolly tree, as in Noms and
// Dolt), so that equal ranges of two snapshots are the same pages, whatever
// happened before and after them. Longer contents and large extended attributes
// live beside it in sequence trees, cut the same way. docs/format.md §8 has the
// bytes.
//
// Invariants: the tree is a function of its entries, its Shape and nothing else;
// a page is believed only as far as it keeps what its parent says of it (level,
// length, first key, range, sums), and a page that does not is a *PageError
// matching ErrDamaged that names it; memory is bounded by a page for each level,
// whatever the size of the tree.
//
// backup builds trees; restore, check, prune, replicate and snapshot read them.
package tree

import (
	"context"
	"fmt"

	"firn/internal/format"
)

// InlineAttributes is how many bytes of attribute values an entry holds itself,
// for attributes and properties each; the values after that are spilled.
const InlineAttributes = 4 << 10

// Reader gives access to the plaintext of pages. What it returns is changed by
// nobody afterwards: entries point into it.
type Reader interface {
	// ReadPage returns the metadata chunk with this ID, which has length bytes.
	// The ID has been verified against the bytes.
	ReadPage(ctx context.Context, id format.ID, length uint32) ([]byte, error)
}

// Prefetcher is a Reader that likes to know early which pages come next.
type Prefetcher interface {
	// Prefetch names pages that will probably be read soon, in this order. It
	// does not block and must not keep the slice.
	Prefetch(ids []format.ID)
}

// Writer stores pages.
type Writer interface {
	// WritePage stores a metadata chunk, if it is not there yet, and returns its
	// ID. It must not keep plaintext after it has returned.
	WritePage(ctx context.Context, plaintext []byte) (format.ID, error)
}

// Shape says how large pages get; it is part of the repository's root, because
// trees of one shape only share pages.
type Shape struct {
	Min, Mean, Max int       // items of a page; 2 ≤ Min < Mean ≤ Max ≤ 1,000,000
	CutKey         *[32]byte // keys the hash that says where pages end
}

// Check returns an error matching ErrShape unless the shape keeps its bounds.
func (s Shape) Check() error {
	if s.Min < 2 || s.Mean <= s.Min || s.Max < s.Mean || s.Max > format.MaxPageItems || s.CutKey == nil {
		return fmt.Errorf("%w: min %d, mean %d, max %d items", ErrShape, s.Min, s.Mean, s.Max)
	}
	return nil
}

// Root is all a reader needs to know of a tree. The zero value is the empty tree.
type Root struct {
	ID     *format.ID // of the root page; nil: no entries
	Length uint32     // of the root page in bytes
	Sums   format.Sums
}

// Item is one entry with its key.
type Item struct {
	Key   []byte
	Entry *format.Entry
}

// Clone returns a copy that shares no memory with the page the item came from.
func (i Item) Clone() Item {
	return Item{Key: append([]byte(nil), i.Key...), Entry: cloneEntry(i.Entry)}
}
