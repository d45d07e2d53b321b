package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"firn/internal/format"
)

// damage tells which layer is damaged.
type damage struct {
	layer *layer
	err   error
}

func (d *damage) Error() string { return d.err.Error() }
func (d *damage) Unwrap() error { return d.err }

// cursor walks the entries of a layer whose members are wanted.
type cursor struct {
	layer     *layer
	number    int    // of the layer; breaks ties
	wanted    []bool // members
	reader    *sectionReader
	entry     []byte // present one; valid until next
	high, low uint64 // its ID
	left      uint64 // entries of wanted members that should come
}

func newCursor(l *layer, number int, wanted []bool) *cursor {
	c := &cursor{layer: l, number: number, wanted: wanted, reader: l.section(entrySection)}
	for i := range l.members {
		if wanted[i] {
			c.left += l.members[i].directory.Entries
		}
	}
	return c
}

// next goes on to the next entry; io.EOF behind the last.
func (c *cursor) next() error {
	for {
		entry, err := c.reader.cell(layerEntry)
		if errors.Is(err, io.EOF) && c.left == 0 {
			return io.EOF
		}
		if err != nil {
			return &damage{c.layer, fmt.Errorf("%w: %d entries to come: %v", errDamaged, c.left, err)}
		}
		high, low := words(entry)
		member, pack := binary.LittleEndian.Uint16(entry[30:]), binary.LittleEndian.Uint32(entry[16:])
		if high < c.high || high == c.high && low < c.low ||
			int(member) >= len(c.wanted) || uint64(pack) >= c.layer.footer.packs {
			return &damage{c.layer, fmt.Errorf("%w: an entry is out of order or points outside", errDamaged)}
		}
		c.entry, c.high, c.low = entry, high, low
		if !c.wanted[member] {
			continue
		}
		if c.left == 0 {
			return &damage{c.layer, fmt.Errorf("%w: more entries than members say", errDamaged)}
		}
		c.left--
		return nil
	}
}

func cursorBefore(a, b *cursor) bool {
	if a.high != b.high {
		return a.high < b.high
	}
	if a.low != b.low {
		return a.low < b.low
	}
	return a.number < b.number
}

// cursors merges cursors by ID.
type cursors struct{ queue[*cursor] }

func newCursors() *cursors { return &cursors{queue[*cursor]{less: cursorBefore}} }

// add starts a cursor and takes it in.
func (q *cursors) add(c *cursor) error {
	err := c.next()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		q.push(c)
	}
	return err
}

// front returns the cursor at the lowest ID, or nil when all are at their ends.
func (q *cursors) front() *cursor {
	if len(q.items) == 0 {
		return nil
	}
	return q.items[0]
}

// advance moves the front cursor on.
func (q *cursors) advance() error {
	err := q.items[0].next()
	switch {
	case errors.Is(err, io.EOF):
		q.pop()
		return nil
	case err != nil:
		return err
	}
	q.sink()
	return nil
}

// packCursor walks a layer's pack table.
type packCursor struct {
	layer  *layer
	number int    // of the layer among those merged
	wanted []bool // packs; nil: all
	reader *sectionReader
	next   uint64 // position of the next record
	at     uint32 // position of the present record
	record packRecord
}

// advance goes on to the next wanted record; io.EOF behind the last.
func (c *packCursor) advance() error {
	for c.next < c.layer.footer.packs {
		var err error
		if c.record.bytes, err = c.reader.block(c.record.bytes); err != nil {
			return &damage{c.layer, err}
		}
		c.at = uint32(c.next)
		c.next++
		if c.wanted != nil && !c.wanted[c.at] {
			continue
		}
		var info format.PackInfo
		if err := info.Decode(c.record.bytes); err != nil {
			return &damage{c.layer, fmt.Errorf("%w: %w", errDamaged, err)}
		}
		c.record.name = info.Name
		return nil
	}
	return io.EOF
}
