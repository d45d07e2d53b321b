package index

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// joint merges layers into one that covers their live members.
type joint struct {
	layers  []*layer
	members []member
	from    []jointMember // for each of members
	packs   [][]uint32    // of each layer: position in the joint table by position in the layer's
	numbers [][]uint16    // of each layer: joint number by member
}

// jointMember says where a member was before.
type jointMember struct{ layer, member int }

// newJoint plans a merge. The layers stay as they are.
func newJoint(layers []*layer) *joint {
	j := &joint{layers: layers}
	for i, l := range layers {
		numbers := make([]uint16, len(l.members))
		for k := range l.members {
			if l.live[k] {
				numbers[k] = uint16(len(j.members))
				j.members = append(j.members, l.members[k])
				j.from = append(j.from, jointMember{i, k})
			}
		}
		j.numbers = append(j.numbers, numbers)
	}
	return j
}

// write writes the merged layer. A damaged input is told by a *damage.
func (j *joint) write(ctx context.Context, w *layerWriter) error {
	if err := j.writePacks(w); err != nil {
		return err
	}
	if err := j.writeMemberPacks(w); err != nil {
		return err
	}
	if err := j.writeEntries(ctx, w); err != nil {
		return err
	}
	return w.finish(j.members)
}

// writePacks writes the pack table: every record that a live member lists, once.
func (j *joint) writePacks(w *layerWriter) error {
	if err := w.begin(packSection); err != nil {
		return err
	}
	q := queue[*packCursor]{less: func(a, b *packCursor) bool {
		if c := comparePacks(&a.record, &b.record); c != 0 {
			return c < 0
		}
		return a.number < b.number
	}}
	for i, l := range j.layers {
		wanted, err := l.packsOf(l.live)
		if err != nil {
			return &damage{l, err}
		}
		j.packs = append(j.packs, make([]uint32, l.footer.packs))
		c := &packCursor{layer: l, number: i, wanted: wanted, reader: l.section(packSection)}
		if err := advanceOr(c, func() { q.push(c) }, func() {}); err != nil {
			return err
		}
	}
	var last packRecord
	for len(q.items) > 0 {
		c := q.items[0]
		if w.footer.packs == 0 || comparePacks(&c.record, &last) != 0 {
			if err := w.pack(c.record.bytes); err != nil {
				return err
			}
			last.name, last.bytes = c.record.name, append(last.bytes[:0], c.record.bytes...)
		}
		j.packs[c.number][c.at] = uint32(w.footer.packs - 1)
		if err := advanceOr(c, q.sink, q.pop); err != nil {
			return err
		}
	}
	return nil
}

// advanceOr moves c on and calls moved, or ended when c is at its end.
func advanceOr(c *packCursor, moved, ended func()) error {
	err := c.advance()
	switch {
	case errors.Is(err, io.EOF):
		ended()
		return nil
	case err == nil:
		moved()
	}
	return err
}

// writeMemberPacks writes which packs each member lists.
func (j *joint) writeMemberPacks(w *layerWriter) error {
	if err := w.begin(memberPackSection); err != nil {
		return err
	}
	for i, l := range j.layers {
		var failed error
		err := l.eachPackList(func(member int, packs []uint32) bool {
			if l.live[member] {
				for k, pack := range packs {
					packs[k] = j.packs[i][pack]
				}
				failed = writePackList(w, packs)
			}
			return failed == nil
		})
		if failed != nil {
			return failed
		}
		if err != nil {
			return &damage{l, err}
		}
	}
	return nil
}

// writePackList writes positions that ascend, as their differences.
func writePackList(w *layerWriter, list []uint32) error {
	if err := w.uvarint(memberPackSection, uint64(len(list))); err != nil {
		return err
	}
	next := uint32(0)
	for _, pack := range list {
		if err := w.uvarint(memberPackSection, uint64(pack-next)); err != nil {
			return err
		}
		next = pack + 1
	}
	return nil
}

// writeEntries merges the entries of live members.
func (j *joint) writeEntries(ctx context.Context, w *layerWriter) error {
	var count uint64
	q := newCursors()
	for i, l := range j.layers {
		count += l.liveEntries
		if err := q.add(newCursor(l, i, l.live)); err != nil {
			return err
		}
	}
	if err := w.beginEntries(count); err != nil {
		return err
	}
	var e [layerEntry]byte
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return fmt.Errorf("merge cached index: %w", ctx.Err())
		}
		c := q.front()
		if c == nil {
			return w.endEntries()
		}
		copy(e[:], c.entry)
		pack, member := binary.LittleEndian.Uint32(e[16:]), binary.LittleEndian.Uint16(e[30:])
		binary.LittleEndian.PutUint32(e[16:], j.packs[c.number][pack])
		binary.LittleEndian.PutUint16(e[30:], j.numbers[c.number][member])
		if err := w.entry(&e); err != nil {
			return err
		}
		if err := q.advance(); err != nil {
			return err
		}
	}
}
