package format

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Append appends the page's bytes to dst. Keys must ascend; each item of a
// leaf (level 0) must have an entry.
func (p *Page) Append(dst []byte) []byte {
	dst = append(dst, p.Level)
	dst = protowire.AppendVarint(dst, uint64(len(p.Items)))
	w := wires.Get().(*wire)
	*w = wire{encoding: true, out: dst}
	var before []byte
	for i := range p.Items {
		item := &p.Items[i]
		w.out = appendKey(w.out, before, item.Key)
		before = item.Key
		if p.Level == 0 {
			w.out = append(w.out, 0)
			start := len(w.out)
			item.Entry.fields(w)
			w.shut(start)
		} else {
			w.out = appendChild(w.out, item)
		}
	}
	dst = w.out
	*w = wire{}
	wires.Put(w)
	return dst
}

func appendKey(dst, before, key []byte) []byte {
	shared := 0
	for shared < min(len(before), len(key)) && before[shared] == key[shared] {
		shared++
	}
	dst = protowire.AppendVarint(dst, uint64(shared))
	return protowire.AppendBytes(dst, key[shared:])
}

func appendChild(dst []byte, item *PageItem) []byte {
	dst = append(dst, item.Child[:]...)
	dst = protowire.AppendVarint(dst, uint64(item.ChildLength))
	dst = protowire.AppendVarint(dst, item.Sums.Entries)
	dst = protowire.AppendVarint(dst, item.Sums.Files)
	return protowire.AppendVarint(dst, item.Sums.Bytes)
}

// Decode sets the page from its bytes. It reuses the memory of p.Items and the
// entries in it. Keys have memory of their own that is never reused; byte
// slices in entries (targets, names and values of attributes) alias b.
func (p *Page) Decode(b []byte) error {
	if len(b) > MaxPage {
		return corrupt("page", "it is too large")
	}
	in := cursor{input: b}
	level, count, err := in.pageStart("page", MaxPageItems)
	if err != nil {
		return err
	}
	p.Level = level
	p.Items = slices.Grow(p.Items[:0], count)[:count]
	d := pageDecoder{in: in, w: wires.Get().(*wire)}
	*d.w = wire{alias: true}
	err = d.items(p)
	*d.w = wire{}
	wires.Put(d.w)
	if err != nil {
		return fmt.Errorf("decode page: %w", err)
	}
	return nil
}

// pageStart reads what a page of a tree or sequence begins with. The items it
// counts can be in the input, as each has at least one byte.
func (c *cursor) pageStart(what string, most uint64) (level uint8, count int, err error) {
	var first [1]byte
	c.fill(first[:])
	n := c.uvarint()
	switch {
	case c.bad:
		return 0, 0, corrupt(what, "it breaks off")
	case first[0] >= MaxTreeDepth:
		return 0, 0, corrupt(what, "its level is too high")
	case n == 0:
		return 0, 0, corrupt(what, "it has no items")
	case n > most || n > uint64(c.left()):
		return 0, 0, corrupt(what, "it counts too many items")
	}
	return first[0], int(n), nil
}

// pageDecoder decodes the items of one page.
type pageDecoder struct {
	in      cursor
	w       *wire
	keys    []byte // where keys are written; full ones are left to the items
	written int    // bytes of keys so far
	entries []Entry
	last    *Entry // decoded before
}

func (d *pageDecoder) items(p *Page) error {
	var before []byte
	for i := range p.Items {
		item := &p.Items[i]
		key, err := d.key(before, i == 0)
		if err != nil {
			return err
		}
		before = key
		if p.Level > 0 {
			*item = PageItem{Key: key}
			d.child(item)
		} else {
			*item = PageItem{Key: key, Entry: item.Entry}
			d.entry(item, len(p.Items)-i)
		}
		if d.in.bad {
			return fmt.Errorf("%w: it breaks off in item %d", ErrCorrupt, i)
		}
		if d.w.err != nil {
			return fmt.Errorf("item %d: %w", i, d.w.err)
		}
	}
	if d.in.left() > 0 {
		return fmt.Errorf("%w: bytes follow its last item", ErrCorrupt)
	}
	return nil
}

// key reads a key that must be greater than the one before, of which it shares
// as much as it can.
func (d *pageDecoder) key(before []byte, first bool) ([]byte, error) {
	shared := d.in.bounded(uint64(len(before)))
	rest := d.in.take(d.in.bounded(MaxKey))
	size := int(shared) + len(rest)
	d.written += size
	switch {
	case d.in.bad:
		return nil, fmt.Errorf("%w: a key breaks off or shares too much", ErrCorrupt)
	case size > MaxKey || d.written > MaxPage:
		return nil, fmt.Errorf("%w: its keys are too long", ErrCorrupt)
	case first:
	case len(rest) == 0, int(shared) < len(before) && rest[0] <= before[shared]:
		return nil, fmt.Errorf("%w: keys do not ascend", ErrCorrupt)
	}
	if d.keys == nil || cap(d.keys)-len(d.keys) < size {
		d.keys = make([]byte, 0, max(size, 4<<10, d.in.left()/2))
	}
	start := len(d.keys)
	d.keys = append(append(d.keys, before[:shared]...), rest...)
	return d.keys[start:len(d.keys):len(d.keys)], nil
}

func (d *pageDecoder) child(item *PageItem) {
	d.in.fill(item.Child[:])
	item.ChildLength = uint32(d.in.bounded(MaxPage))
	item.Sums = Sums{Entries: d.in.uvarint(), Files: d.in.uvarint(), Bytes: d.in.uvarint()}
}

// entry reads an entry into the memory the item has from an earlier use of the
// page, or into memory made for several items at once.
func (d *pageDecoder) entry(item *PageItem, left int) {
	if item.Entry == nil {
		if len(d.entries) == 0 {
			d.entries = make([]Entry, min(left, 256))
		}
		item.Entry, d.entries = &d.entries[0], d.entries[1:]
		if d.last != nil { // neighbours mostly have the same owner: share the strings
			item.Entry.User, item.Entry.Group = d.last.User, d.last.Group
		}
	}
	d.last = item.Entry
	decodeWith(d.w, d.in.take(d.in.uvarint()), item.Entry, (*Entry).fields)
}
