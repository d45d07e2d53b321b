package format

import (
	"encoding/binary"
	"fmt"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
)

// wire walks over the fields of one message, either to encode or to decode
// them. A record describes itself once, in a method
//
//	func (r *Record) fields(w *wire)
//
// that names its fields in ascending order, as its .proto does; each call
// writes the field if it is not zero, or sets it from the input, to zero when
// the input does not have it. That order is what canonical form asks for, so
// decoding is one pass, and fields out of order or twice stand out by
// themselves. After the first error all fields are absent.
type wire struct {
	encoding bool
	out      []byte

	alias  bool    // what is decoded lives as one: bytes fields point into the input,
	pieces []Piece // and lists of pieces are cut from this

	in     cursor
	number protowire.Number // of the next field of the input; end when there is none
	kind   protowire.Type   // its wire type
	last   protowire.Number // of the field decoded last
	err    error
}

// end is a field number above all valid ones.
const end = protowire.MaxValidNumber + 1

// wires keeps wire values: calls through function values make them escape.
var wires = sync.Pool{New: func() any { return new(wire) }}

// encode appends the canonical encoding of m to dst.
func encode[T any](dst []byte, m *T, fields func(*T, *wire)) []byte {
	w := wires.Get().(*wire)
	*w = wire{encoding: true, out: dst}
	fields(m, w)
	dst = w.out
	*w = wire{}
	wires.Put(w)
	return dst
}

// decode sets m from its canonical encoding. What names the record in errors.
func decode[T any](what string, b []byte, m *T, fields func(*T, *wire)) error {
	if len(b) > MaxRecord {
		return corrupt(what, "larger than a record may be")
	}
	w := wires.Get().(*wire)
	*w = wire{}
	decodeWith(w, b, m, fields)
	err := w.err
	*w = wire{}
	wires.Put(w)
	if err != nil {
		return fmt.Errorf("decode %s: %w", what, err)
	}
	return nil
}

// decodeWith decodes b with w and leaves w ready for another message, or with
// its error set.
func decodeWith[T any](w *wire, b []byte, m *T, fields func(*T, *wire)) {
	w.in.input, w.in.pos, w.number, w.last = b, 0, 0, 0
	w.next()
	fields(m, w)
	w.finish()
}

// at reports whether the next field is n, of the wire type given, and makes
// its value the next thing to be read. Fields before n are unknown ones.
func (w *wire) at(n protowire.Number, kind protowire.Type) bool {
	if w.number == n && w.kind == kind {
		w.last = n
		return true
	}
	return w.number <= n && w.reach(n, kind)
}

func (w *wire) reach(n protowire.Number, kind protowire.Type) bool {
	w.skipTo(n)
	if w.number != n {
		return false
	}
	if w.kind != kind {
		w.fail(n, "has the wrong wire type")
		return false
	}
	w.last = n
	return true
}

// finish skips unknown fields up to the end.
func (w *wire) finish() { w.skipTo(end) }

// skipTo skips the fields before n, which must be unknown ones.
func (w *wire) skipTo(n protowire.Number) {
	for w.number < n {
		if w.number <= w.last {
			w.fail(w.number, "stands twice")
			return
		}
		w.skip()
	}
}

func (w *wire) skip() {
	switch w.kind {
	case protowire.VarintType:
		w.in.uvarint()
	case protowire.Fixed32Type:
		w.in.take(4)
	case protowire.Fixed64Type:
		w.in.take(8)
	case protowire.BytesType:
		w.in.take(w.in.uvarint())
	default: // groups, and types that do not exist
		w.fail(w.number, "has an unknown wire type")
		return
	}
	w.next()
}

// next reads the tag of the next field.
func (w *wire) next() {
	if w.in.bad {
		w.fail(w.number, "breaks off or is over-long")
		return
	}
	if w.in.left() == 0 {
		w.number = end
		return
	}
	tag := w.in.uvarint()
	number := tag >> 3
	switch {
	case w.in.bad || number == 0 || number > uint64(protowire.MaxValidNumber):
		w.fail(w.number, "is followed by no valid tag")
	case protowire.Number(number) < w.number:
		w.fail(w.number, "is followed by one of a lower number")
	default:
		w.number, w.kind = protowire.Number(number), protowire.Type(tag&7)
	}
}

// fail refuses field n of the input.
func (w *wire) fail(n protowire.Number, reason string) {
	w.stop(fmt.Errorf("%w: field %d %s", ErrCorrupt, n, reason))
}

// check refuses a decoded message in which a rule between fields is broken.
func (w *wire) check(ok bool, rule string) {
	if !ok && !w.encoding {
		w.stop(fmt.Errorf("%w: %s", ErrCorrupt, rule))
	}
}

// stop records the first error and ends the input.
func (w *wire) stop(err error) {
	if w.err == nil {
		w.err = err
	}
	w.in.input, w.in.pos, w.number = nil, 0, end
}

// open starts a field of wire type bytes whose length is not yet known, and
// returns where its content begins; shut ends it.
func (w *wire) open(n protowire.Number) int {
	w.out = append(protowire.AppendTag(w.out, n, protowire.BytesType), 0)
	return len(w.out)
}

func (w *wire) shut(start int) {
	size := len(w.out) - start
	if size < 0x80 {
		w.out[start-1] = byte(size)
		return
	}
	var room [binary.MaxVarintLen64]byte
	more := binary.PutUvarint(room[:], uint64(size)) - 1
	w.out = append(w.out, room[:more]...)
	copy(w.out[start+more:], w.out[start:start+size])
	copy(w.out[start-1:], room[:1+more])
}
