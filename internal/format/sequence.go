package format

import (
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Append appends the sequence page's bytes to dst: pieces when its level is 0,
// children otherwise.
func (p *SequencePage) Append(dst []byte) []byte {
	dst = append(dst, p.Level)
	dst = protowire.AppendVarint(dst, uint64(len(p.Items)))
	for i := range p.Items {
		item := &p.Items[i]
		if p.Level == 0 {
			dst = appendPiece(dst, &item.Piece)
			continue
		}
		dst = append(dst, item.Child[:]...)
		dst = protowire.AppendVarint(dst, uint64(item.ChildLength))
		dst = protowire.AppendVarint(dst, item.Bytes)
	}
	return dst
}

// Decode sets the sequence page from its bytes. It reuses the memory of p.Items.
func (p *SequencePage) Decode(b []byte) error {
	if len(b) > MaxPage {
		return corrupt("sequence page", "it is too large")
	}
	in := cursor{input: b}
	level, count, err := in.pageStart("sequence page", SequenceItems)
	if err != nil {
		return err
	}
	p.Level = level
	p.Items = slices.Grow(p.Items[:0], count)[:count]
	for i := range p.Items {
		item := &p.Items[i]
		*item = SequenceItem{}
		if level == 0 {
			in.piece(&item.Piece)
			continue
		}
		in.fill(item.Child[:])
		item.ChildLength = uint32(in.bounded(MaxPage))
		item.Bytes = in.uvarint()
	}
	switch {
	case in.bad:
		return corrupt("sequence page", "an item is wrong or breaks off")
	case in.left() > 0:
		return corrupt("sequence page", "bytes follow its last item")
	}
	return nil
}
