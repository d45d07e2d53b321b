package format

import "google.golang.org/protobuf/encoding/protowire"

// content is a list of pieces in a bytes field.
func (w *wire) content(n protowire.Number, list *[]Piece) {
	if w.encoding {
		if len(*list) > 0 {
			start := w.open(n)
			w.out = AppendPieces(w.out, *list)
			w.shut(start)
		}
		return
	}
	const usual = 3 + IDSize // bytes of a chunk in the encoding
	in := cursor{input: w.raw(n)}
	*list = w.room((*list)[:0], (in.left()+usual-1)/usual)
	for in.left() > 0 {
		if len(*list) == InlinePieces {
			w.check(false, "an entry holds too many pieces")
			return
		}
		*list = extend(*list)
		in.piece(&(*list)[len(*list)-1])
	}
	w.check(!in.bad, "an entry's content is damaged")
}

// room returns list, which is empty, with room for n pieces.
func (w *wire) room(list []Piece, n int) []Piece {
	if cap(list) >= n {
		return list
	}
	if !w.alias {
		return make([]Piece, 0, n)
	}
	if len(w.pieces) < n {
		w.pieces = make([]Piece, max(n, 128))
	}
	list, w.pieces = w.pieces[:0:n], w.pieces[n:]
	return list
}

func (c *cursor) piece(p *Piece) {
	v := c.uvarint()
	*p = Piece{Length: v >> 1, Hole: v&1 == 1}
	if p.Length == 0 || !p.Hole && p.Length > MaxChunk {
		c.spoil()
		return
	}
	if !p.Hole {
		c.fill(p.ID[:])
	}
}

func appendPiece(dst []byte, p *Piece) []byte {
	if p.Hole {
		return protowire.AppendVarint(dst, p.Length<<1|1)
	}
	return append(protowire.AppendVarint(dst, p.Length<<1), p.ID[:]...)
}

// AppendPieces appends the encoding of pieces, as in an entry's content, to dst.
// Lengths are at least 1, and at most MaxChunk unless the piece is a hole.
func AppendPieces(dst []byte, pieces []Piece) []byte {
	for i := range pieces {
		dst = appendPiece(dst, &pieces[i])
	}
	return dst
}

// DecodePieces appends the pieces that b encodes to dst.
func DecodePieces(dst []Piece, b []byte) ([]Piece, error) {
	in := cursor{input: b}
	for in.left() > 0 {
		var p Piece
		in.piece(&p)
		dst = append(dst, p)
	}
	if in.bad {
		return nil, corrupt("pieces", "a length or ID is wrong or breaks off")
	}
	return dst, nil
}
