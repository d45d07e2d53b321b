package format

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// The functions below are the repeated fields of a message and the lists kept
// in bytes fields. Decoding reuses the memory of the list.

// extend makes list one longer. The new element may hold what an earlier use
// of the memory left, so that its own lists are reused too.
func extend[T any](list []T) []T {
	if len(list) < cap(list) {
		return list[:len(list)+1]
	}
	var zero T
	return append(list, zero)
}

// element returns the next element of repeated field n, and false behind the
// last one. Count is how many there were.
func (w *wire) element(n protowire.Number, count int) ([]byte, bool) {
	if !w.at(n, protowire.BytesType) {
		return nil, false
	}
	if count == MaxElements {
		w.fail(n, "has too many elements")
		return nil, false
	}
	b := w.in.take(w.in.uvarint())
	w.next()
	return b, w.err == nil
}

func messages[T any](w *wire, n protowire.Number, list *[]T, fields func(*T, *wire)) {
	if w.encoding {
		for i := range *list {
			start := w.open(n)
			fields(&(*list)[i], w)
			w.shut(start)
		}
		return
	}
	*list = (*list)[:0]
	for {
		b, ok := w.element(n, len(*list))
		if !ok {
			return
		}
		*list = extend(*list)
		nested(w, b, &(*list)[len(*list)-1], fields)
	}
}

func (w *wire) strings(n protowire.Number, list *[]string) {
	if w.encoding {
		for _, s := range *list {
			w.putString(n, s)
		}
		return
	}
	*list = (*list)[:0]
	for {
		b, ok := w.element(n, len(*list))
		if !ok {
			return
		}
		*list = extend(*list)
		w.keepString(b, &(*list)[len(*list)-1])
	}
}

func (w *wire) byteStrings(n protowire.Number, list *[][]byte) {
	if w.encoding {
		for _, b := range *list {
			w.putBytes(n, b)
		}
		return
	}
	*list = (*list)[:0]
	for {
		b, ok := w.element(n, len(*list))
		if !ok {
			return
		}
		*list = append(*list, w.keep(b))
	}
}

// uint32s is a packed repeated field.
func (w *wire) uint32s(n protowire.Number, list *[]uint32) {
	if w.encoding {
		if len(*list) == 0 {
			return
		}
		start := w.open(n)
		for _, v := range *list {
			w.out = protowire.AppendVarint(w.out, uint64(v))
		}
		w.shut(start)
		return
	}
	in := cursor{input: w.raw(n)}
	*list = slices.Grow((*list)[:0], countVarints(in.rest()))
	for in.left() > 0 {
		*list = append(*list, uint32(in.bounded(math.MaxUint32)))
	}
	w.check(!in.bad, "a packed integer is damaged")
}

// countVarints returns how many varints b holds.
func countVarints(b []byte) (n int) {
	for _, c := range b {
		if c < 0x80 {
			n++
		}
	}
	return n
}

// cells returns the content of a bytes field as a number of cells of size
// bytes each.
func (w *wire) cells(n protowire.Number, size int) []byte {
	b := w.raw(n)
	if len(b)%size != 0 {
		w.check(false, "a list in a bytes field breaks off")
		return nil
	}
	return b
}

// ids is a list of the first width bytes of IDs, one behind the other.
func (w *wire) ids(n protowire.Number, list *[]ID, width int) {
	if w.encoding {
		if len(*list) == 0 {
			return
		}
		start := w.open(n)
		for i := range *list {
			w.out = append(w.out, (*list)[i][:width]...)
		}
		w.shut(start)
		return
	}
	b := w.cells(n, width)
	*list = slices.Grow((*list)[:0], len(b)/width)
	for ; len(b) > 0; b = b[width:] {
		var id ID
		copy(id[:], b[:width])
		*list = append(*list, id)
	}
}

// idSet is a list of IDs in ascending order.
func (w *wire) idSet(n protowire.Number, set *[]ID) {
	if w.encoding {
		sorted := ascending(*set, compareIDs)
		w.ids(n, &sorted, IDSize)
		return
	}
	w.ids(n, set, IDSize)
	w.check(strictly(*set, compareIDs), "chunk IDs do not ascend")
}

// packSet is a list of pack names in ascending order.
func (w *wire) packSet(n protowire.Number, set *[]PackName) {
	if w.encoding {
		if len(*set) == 0 {
			return
		}
		start := w.open(n)
		for _, p := range ascending(*set, PackName.Compare) {
			w.out = append(append(w.out, byte(p.Kind)), p.Hash[:]...)
		}
		w.shut(start)
		return
	}
	const size = 1 + IDSize
	*set = (*set)[:0]
	for b := w.cells(n, size); len(b) > 0; b = b[size:] {
		p := PackName{Kind: Kind(b[0]), Hash: ID(b[1:size])}
		w.check(p.Kind.isPack(), "a pack is of no known kind")
		*set = append(*set, p)
	}
	w.check(strictly(*set, PackName.Compare), "pack names do not ascend")
}

// hostSet is a list of hosts in ascending order.
func (w *wire) hostSet(n protowire.Number, set *[]Host) {
	if w.encoding {
		if len(*set) == 0 {
			return
		}
		start := w.open(n)
		for _, h := range ascending(*set, Host.Compare) {
			w.out = append(w.out, h[:]...)
		}
		w.shut(start)
		return
	}
	*set = (*set)[:0]
	for b := w.cells(n, len(Host{})); len(b) > 0; b = b[len(Host{}):] {
		*set = append(*set, Host(b))
	}
	w.check(strictly(*set, Host.Compare), "hosts do not ascend")
}

// stringSet is a repeated string in ascending order.
func (w *wire) stringSet(n protowire.Number, set *[]string) {
	if w.encoding {
		sorted := ascending(*set, strings.Compare)
		w.strings(n, &sorted)
		return
	}
	w.strings(n, set)
	w.check(strictly(*set, strings.Compare), "strings do not ascend")
}

// bigEndians is a list of integers of 8 bytes each, the most significant
// first.
func (w *wire) bigEndians(n protowire.Number, list *[]uint64) {
	if w.encoding {
		if len(*list) == 0 {
			return
		}
		start := w.open(n)
		for _, v := range *list {
			w.out = binary.BigEndian.AppendUint64(w.out, v)
		}
		w.shut(start)
		return
	}
	b := w.cells(n, 8)
	*list = slices.Grow((*list)[:0], len(b)/8)
	for ; len(b) > 0; b = b[8:] {
		*list = append(*list, binary.BigEndian.Uint64(b))
	}
}

// ascending returns the set sorted and without repetitions, a copy if need be.
func ascending[T comparable](set []T, compare func(a, b T) int) []T {
	if strictly(set, compare) {
		return set
	}
	set = slices.Clone(set)
	slices.SortFunc(set, compare)
	return slices.Compact(set)
}

// strictly reports whether each element is greater than the one before.
func strictly[T any](list []T, compare func(a, b T) int) bool {
	for i := 1; i < len(list); i++ {
		if compare(list[i-1], list[i]) >= 0 {
			return false
		}
	}
	return true
}

// Compare orders hosts by their bytes.
func (h Host) Compare(other Host) int { return bytes.Compare(h[:], other[:]) }

func compareIDs(a, b ID) int { return bytes.Compare(a[:], b[:]) }

// Compare orders pack names by kind, then hash.
func (p PackName) Compare(q PackName) int {
	return cmp.Or(cmp.Compare(p.Kind, q.Kind), compareIDs(p.Hash, q.Hash))
}
