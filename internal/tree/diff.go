package tree

import (
	"bytes"
	"context"
	"iter"

	"firn/internal/format"
)

// Change is a key whose entries differ. A nil Before was added, a nil After removed.
type Change struct {
	Key           []byte
	Before, After *format.Entry
}

// Diff yields what turns a into b, in ascending order of the keys. A change is
// valid until the next one. No page that both trees hold is read, so the cost is
// that of the changes. An error ends it: the context's, or a *PageError.
func Diff(ctx context.Context, r Reader, a, b Root) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		if a.ID != nil && b.ID != nil && *a.ID == *b.ID {
			return
		}
		d := &differ{before: newCursor(ctx, r), after: newCursor(ctx, r)}
		err := d.before.begin(a, b)
		if err == nil {
			err = d.after.begin(b, a)
		}
		for err == nil && (d.before.open() || d.after.open()) {
			var change Change
			if change, err = d.step(); change.Key == nil {
				continue
			}
			if !yield(change, nil) {
				return
			}
			d.pass(change)
		}
		if err != nil {
			yield(Change{}, err)
		}
	}
}

// differ walks two trees side by side.
//
// A subtree is read only when the other tree cannot hold it: the other cursor
// stands at a greater key; or at the same key but on a lower level, or on the
// same level at another page. A page of the other tree that began with the
// subtree's first key on its level would have been met unread.
type differ struct {
	before, after *cursor
	scratch       [2][]byte // encodings of two entries to compare
}

// step moves closer to the next change; the Change has a key when it stands at one.
func (d *differ) step() (Change, error) {
	a, b := d.before, d.after
	order := compareItems(a, b)
	switch {
	case order < 0 && a.level() == 0:
		return Change{Key: a.item().Key, Before: a.item().Entry}, nil
	case order > 0 && b.level() == 0:
		return Change{Key: b.item().Key, After: b.item().Entry}, nil
	case order < 0, order == 0 && a.level() > b.level():
		return Change{}, a.descend()
	case order > 0, order == 0 && a.level() < b.level():
		return Change{}, b.descend()
	case a.level() == 0 && !d.equal(a.item().Entry, b.item().Entry):
		return Change{Key: a.item().Key, Before: a.item().Entry, After: b.item().Entry}, nil
	case a.level() == 0, a.item().Child == b.item().Child:
		a.advance()
		b.advance()
		return Change{}, nil
	}
	if err := a.descend(); err != nil {
		return Change{}, err
	}
	return Change{}, b.descend()
}

// pass leaves a change behind.
func (d *differ) pass(c Change) {
	if c.Before != nil {
		d.before.advance()
	}
	if c.After != nil {
		d.after.advance()
	}
}

// compareItems compares the keys two cursors stand at; the end is above all keys.
func compareItems(a, b *cursor) int {
	switch {
	case !b.open():
		return -1
	case !a.open():
		return 1
	}
	return bytes.Compare(a.item().Key, b.item().Key)
}

// equal compares canonical encodings, which have all there is to an entry.
func (d *differ) equal(a, b *format.Entry) bool {
	d.scratch[0] = a.Append(d.scratch[0][:0])
	d.scratch[1] = b.Append(d.scratch[1][:0])
	return bytes.Equal(d.scratch[0], d.scratch[1])
}

// begin stands at the first item of a tree that is to be compared with another.
// Where the whole tree is a page of the other, it is not read but stood at, as a
// subtree.
func (c *cursor) begin(root, other Root) error {
	if root.ID == nil {
		return nil
	}
	item, level, err := locate(c.ctx, c.reader, other, root)
	if err != nil {
		return err
	}
	if item == nil {
		return c.enter(promiseOfRoot(root))
	}
	f := c.spare()
	f.page = format.Page{Level: uint8(level), Items: []format.PageItem{*item}}
	c.depth++
	return nil
}

// locate looks for the root page of a tree among the pages of another, larger
// tree. It returns the item that names it and the level of the page the item is
// in; nil where there is none. It reads only pages that have at least as many
// entries as the tree and are not its root, so none that the tree has.
func locate(ctx context.Context, r Reader, within, wanted Root) (*format.PageItem, int, error) {
	if within.ID == nil || within.Sums.Entries <= wanted.Sums.Entries {
		return nil, 0, nil
	}
	c := newCursor(ctx, r)
	if err := c.enter(promiseOfRoot(within)); err != nil {
		return nil, 0, err
	}
	for c.open() && c.level() > 0 {
		item := c.item()
		switch {
		case item.Child == *wanted.ID:
			return item, c.level(), nil
		case c.level() > 1 && item.Sums.Entries >= wanted.Sums.Entries:
			if err := c.descend(); err != nil {
				return nil, 0, err
			}
		default:
			c.advance()
		}
	}
	return nil, 0, nil
}
