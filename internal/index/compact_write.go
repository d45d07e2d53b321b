package index

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"firn/internal/format"
)

// compactSegment is a segment that is being made of a bin.
type compactSegment struct {
	assembly  *assembly
	parts     []int32 // in the order in which they were met
	tableSize int     // bytes of their records
	entries   uint64
	last      format.ShortID
}

// write makes segments of a bin: one, or several if the bin is larger than was thought. If it
// is the last bin, the last of them names the inputs.
func (c *compaction) write(ctx context.Context, bin *compactBin, isLast bool) error {
	s := c.begin(bin)
	n := 0
	err := bin.each(func(entry []byte) error {
		if n++; n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if id := format.ShortID(entry); s.size() >= c.size && id != s.last {
			if err := c.flush(s, nil); err != nil {
				return err
			}
			s = c.begin(bin)
		}
		c.take(s, entry)
		return nil
	})
	if err != nil {
		return err
	}
	if err := bin.free(); err != nil {
		return fmt.Errorf("remove temporary file of entries: %w", err)
	}
	for _, number := range bin.parts { // packs without chunks belong to a segment, too
		if p := &c.parts[number]; !p.placed {
			if s.size() >= c.size {
				if err := c.flush(s, nil); err != nil {
					return err
				}
				s = c.begin(bin)
			}
			s.place(c, number)
		}
	}
	if isLast {
		return c.flush(s, c.inputs)
	}
	return c.flush(s, nil)
}

// begin starts a segment in the buffer of the one before.
func (c *compaction) begin(bin *compactBin) *compactSegment {
	for _, number := range bin.parts {
		c.parts[number].table = 0
	}
	return &compactSegment{assembly: &assembly{body: c.buffer[:0], sumsFrom: sumsFrom}}
}

// size returns about how many bytes the segment will have.
func (s *compactSegment) size() int {
	return int(s.entries)*format.IndexEntrySize + int(filterSize(s.entries)) + s.tableSize
}

// place makes a part one of the segment's. Its table position is for now that among parts, from 1 on.
func (s *compactSegment) place(c *compaction, number int32) {
	p := &c.parts[number]
	s.parts = append(s.parts, number)
	s.tableSize += packRecordSize(p.pack)
	p.placed, p.table = true, uint32(len(s.parts))
}

// take appends an entry, which still has its part's number for a pack.
func (c *compaction) take(s *compactSegment, entry []byte) {
	number := int32(binary.LittleEndian.Uint32(entry[16:]))
	if c.parts[number].table == 0 {
		s.place(c, number)
	}
	copy(s.assembly.grown(s.entries), entry)
	s.entries++
	s.last = format.ShortID(entry)
}

// flush seals and emits a segment, which stands for the inputs.
func (c *compaction) flush(s *compactSegment, inputs []string) error {
	if len(s.parts) == 0 && len(inputs) == 0 {
		return nil
	}
	slices.SortFunc(s.parts, func(i, k int32) int { return c.parts[i].pack.Name.Compare(c.parts[k].pack.Name) })
	var table []byte
	for at, number := range s.parts {
		p := &c.parts[number]
		p.table = uint32(at)
		own := *p.pack
		own.Host = p.author
		table = format.AppendPackRecord(table, &own)
	}
	a, err := newAssembly(s.assembly.body, s.entries, uint64(len(s.parts)), table)
	if err != nil {
		return err
	}
	c.buffer = a.body
	for i := range s.entries {
		e := a.entryAt(i)
		number := binary.LittleEndian.Uint32(e[16:])
		binary.LittleEndian.PutUint32(e[16:], c.parts[number].table)
	}
	a.sortCopies()
	name, body, err := a.seal(c.keys, inputs, c.now)
	if err != nil {
		return err
	}
	c.buffer = body
	if err := c.emit(name, body); err != nil {
		return fmt.Errorf("write merged segment: %w", err)
	}
	return nil
}

// sortCopies brings entries of one ID into their order, which that of packs decides.
func (a *assembly) sortCopies() {
	for from := uint64(0); from < a.directory.Entries; {
		to := from + 1
		for to < a.directory.Entries && bytes.Equal(a.entryAt(from)[:16], a.entryAt(to)[:16]) {
			to++
		}
		if to > from+1 {
			copies := make([][]byte, 0, to-from)
			for i := from; i < to; i++ {
				copies = append(copies, bytes.Clone(a.entryAt(i)))
			}
			slices.SortFunc(copies, bytes.Compare)
			for i, e := range copies {
				copy(a.entryAt(from+uint64(i)), e)
			}
		}
		from = to
	}
}
