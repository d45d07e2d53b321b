package format

import (
	"math"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// The methods below are the singular fields of a message, by .proto type.

func (w *wire) uint64(n protowire.Number, v *uint64) {
	if w.encoding {
		w.putVarint(n, *v)
		return
	}
	*v = w.varint(n)
}

func (w *wire) uint32(n protowire.Number, v *uint32) {
	if w.encoding {
		w.putVarint(n, uint64(*v))
		return
	}
	u := w.varint(n)
	if u > math.MaxUint32 {
		w.fail(n, "has over 32 bits")
		u = 0
	}
	*v = uint32(u)
}

// int64 is two's complement, as for times, which are seldom negative.
func (w *wire) int64(n protowire.Number, v *int64) {
	if w.encoding {
		w.putVarint(n, uint64(*v))
		return
	}
	*v = int64(w.varint(n))
}

// sint64 is zigzag.
func (w *wire) sint64(n protowire.Number, v *int64) {
	if w.encoding {
		w.putVarint(n, protowire.EncodeZigZag(*v))
		return
	}
	*v = protowire.DecodeZigZag(w.varint(n))
}

func (w *wire) putVarint(n protowire.Number, v uint64) {
	if v != 0 {
		w.out = protowire.AppendVarint(protowire.AppendTag(w.out, n, protowire.VarintType), v)
	}
}

func (w *wire) varint(n protowire.Number) uint64 {
	if !w.at(n, protowire.VarintType) {
		return 0
	}
	v := w.in.uvarint()
	if v == 0 && !w.in.bad {
		w.fail(n, "is zero and should be left out")
		return 0
	}
	w.next()
	return v
}

// raw returns the content of bytes field n, nil when it is absent. It is never
// empty otherwise, and points into the input.
func (w *wire) raw(n protowire.Number) []byte {
	if !w.at(n, protowire.BytesType) {
		return nil
	}
	b := w.in.take(w.in.uvarint())
	if len(b) == 0 && !w.in.bad {
		w.fail(n, "is empty and should be left out")
		return nil
	}
	w.next()
	return b
}

func (w *wire) bytes(n protowire.Number, v *[]byte) {
	if w.encoding {
		if len(*v) > 0 {
			w.putBytes(n, *v)
		}
		return
	}
	*v = w.keep(w.raw(n))
}

// keep returns b as memory that the decoded message may own.
func (w *wire) keep(b []byte) []byte {
	if b == nil || w.alias {
		return b
	}
	return append(make([]byte, 0, len(b)), b...)
}

func (w *wire) putBytes(n protowire.Number, v []byte) {
	w.out = protowire.AppendBytes(protowire.AppendTag(w.out, n, protowire.BytesType), v)
}

// sized is a bytes field that is absent or has exactly size bytes.
func (w *wire) sized(n protowire.Number, v *[]byte, size int) {
	w.bytes(n, v)
	w.check(len(*v) == 0 || len(*v) == size, "a key, salt or signature has the wrong length")
}

// array is a bytes field that is always there, zero or not, and fills v.
func (w *wire) array(n protowire.Number, v []byte) {
	if w.encoding {
		w.putBytes(n, v)
		return
	}
	b := w.raw(n)
	w.check(len(b) == len(v), "an ID or hash is absent or has the wrong length")
	copy(v, b)
}

// optionalID is an ID or nothing.
func (w *wire) optionalID(n protowire.Number, v **ID) {
	if w.encoding {
		if *v != nil {
			w.putBytes(n, (*v)[:])
		}
		return
	}
	*v = nil
	if b := w.raw(n); b != nil {
		w.check(len(b) == IDSize, "an ID has the wrong length")
		*v = new(ID)
		copy((*v)[:], b)
	}
}

// string is UTF-8; what is not is encoded with U+FFFD in place of each run of
// other bytes, so that a foreign host's odd user name never makes a record
// unreadable. An equal string that is there already is kept.
func (w *wire) string(n protowire.Number, v *string) {
	if w.encoding {
		if *v != "" {
			w.putString(n, *v)
		}
		return
	}
	w.keepString(w.raw(n), v)
}

func (w *wire) putString(n protowire.Number, v string) {
	if !utf8.ValidString(v) {
		v = strings.ToValidUTF8(v, "\uFFFD")
	}
	w.out = protowire.AppendString(protowire.AppendTag(w.out, n, protowire.BytesType), v)
}

func (w *wire) keepString(b []byte, v *string) {
	if string(b) == *v {
		return
	}
	w.check(utf8.Valid(b), "a string is not UTF-8")
	*v = string(b)
}

// message is a message that is left out when nothing is in it.
func message[T any](w *wire, n protowire.Number, m *T, fields func(*T, *wire)) {
	if w.encoding {
		before := len(w.out)
		start := w.open(n)
		fields(m, w)
		if len(w.out) == start {
			w.out = w.out[:before]
			return
		}
		w.shut(start)
		return
	}
	nested(w, w.raw(n), m, fields)
}

// optional is a message that may be absent, which differs from empty.
func optional[T any](w *wire, n protowire.Number, m **T, fields func(*T, *wire)) {
	if w.encoding {
		if *m != nil {
			start := w.open(n)
			fields(*m, w)
			w.shut(start)
		}
		return
	}
	*m = nil
	if w.at(n, protowire.BytesType) {
		b := w.in.take(w.in.uvarint())
		w.next()
		*m = new(T)
		nested(w, b, *m, fields)
	}
}

// nested decodes b as a message inside the one at hand. Bytes that are absent
// set it to zero.
func nested[T any](w *wire, b []byte, m *T, fields func(*T, *wire)) {
	outer := *w
	decodeWith(w, b, m, fields)
	err := w.err
	*w = outer
	if err != nil {
		w.stop(err)
	}
}
