package delta

import "math/bits"

const (
	// stride is the distance between positions in the index, in bytes.
	stride = 8
	// window is how many bytes the index hashes at a position, so that it knows
	// every stretch of window+stride-1 bytes by one position in it.
	window = 3 * stride

	positionBits = 21 // of a slot: the position in strides, enough for MaxBase
)

// index finds stretches of a base by their content. It is a table of one
// position a slot, with a slot or two for each position: one that loses its slot to
// another is seldom missed, since the next is only a stride away. A single
// candidate keeps the time for repetitive content in bounds, and being the
// first of its like it is followed by most of the repetition.
type index struct {
	slots []uint32 // tag, and below it the position in strides; 0 is empty
	shift uint     // what makes a slot's number of a hash
}

// build replaces what is in the index by the positions of a base of at most
// MaxBase bytes. Position 0 is left out: its value says that a slot is empty.
func (x *index) build(base []byte) {
	size := 1 << bits.Len(uint(len(base)/stride|63))
	if cap(x.slots) < size {
		x.slots = make([]uint32, size)
	}
	x.slots = x.slots[:size]
	clear(x.slots)
	x.shift = uint(64 - bits.TrailingZeros(uint(size)))
	at := (len(base) - window) / stride * stride
	if at < stride {
		return
	}
	for w1, w2 := word(base, at+stride), word(base, at+2*stride); at > 0; at -= stride {
		w0 := word(base, at)
		h := hash(w0, w1, w2)
		x.slots[h>>x.shift] = tag(h) | uint32(at/stride)
		w1, w2 = w0, w1
	}
}

// find returns a position of the base at which there may be a window of the
// three words, or 0.
func (x *index) find(w0, w1, w2 uint64) int {
	h := hash(w0, w1, w2)
	slot := x.slots[h>>x.shift]
	if slot>>positionBits<<positionBits != tag(h) {
		return 0
	}
	return int(slot&(1<<positionBits-1)) * stride
}

// tag is what a slot keeps of a hash, to tell windows apart without a look at the base.
func tag(h uint64) uint32 { return uint32(h) >> positionBits << positionBits }

// hash mixes the three words of a window, by a multiplication folded as in
// wyhash and a Fibonacci hash.
func hash(w0, w1, w2 uint64) uint64 {
	const k0, k1, k2 = 0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f, 0x165667b19e3779f9
	high, low := bits.Mul64(w0^k0, w1^k1)
	return (high ^ low ^ w2) * k2
}
