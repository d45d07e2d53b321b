package chunk

const (
	// lanes is how many hashes roll side by side, each over a part of a stride of its own.
	lanes = 4
	// lane is how many bytes each of them covers in one stride.
	lane = 2048
	// memory is how many bytes the hash depends on: each is shifted out after 64 more.
	memory = 64
)

// roll continues the gear hash h over data. It returns the position behind the
// first byte at which the hash falls below bound, or 0 when there is none, and
// then the hash behind the last byte.
func roll(gear *[256]uint64, data []byte, h, bound uint64) (cut int, _ uint64) {
	i := 0
	for ; len(data)-i >= lanes*lane; i += lanes * lane {
		next, found := stride(gear, (*[lanes * lane]byte)(data[i:]), h, bound)
		if found {
			break // the plain loop finds where
		}
		h = next
	}
	for ; i < len(data); i++ {
		if h = h<<1 + gear[data[i]]; h < bound {
			return i + 1, h
		}
	}
	return 0, h
}

// stride rolls over four lanes at once and reports whether the hash falls below
// bound in any, or else returns the hash behind the last byte. Within
// one lane each step waits for the one before; four keep the processor
// busy, and all can begin at once because the hash forgets all but the last bytes.
func stride(gear *[256]uint64, data *[lanes * lane]byte, h0, bound uint64) (_ uint64, found bool) {
	h1 := begin(gear, data[lane-memory:lane])
	h2 := begin(gear, data[2*lane-memory:2*lane])
	h3 := begin(gear, data[3*lane-memory:3*lane])
	for i := 0; i < lane; i += 2 {
		a, b := (*[2]byte)(data[i:]), (*[2]byte)(data[lane+i:])
		c, d := (*[2]byte)(data[2*lane+i:]), (*[2]byte)(data[3*lane+i:])
		h0, h1 = h0<<1+gear[a[0]], h1<<1+gear[b[0]]
		h2, h3 = h2<<1+gear[c[0]], h3<<1+gear[d[0]]
		if h0 < bound || h1 < bound || h2 < bound || h3 < bound {
			return 0, true
		}
		h0, h1 = h0<<1+gear[a[1]], h1<<1+gear[b[1]]
		h2, h3 = h2<<1+gear[c[1]], h3<<1+gear[d[1]]
		if h0 < bound || h1 < bound || h2 < bound || h3 < bound {
			return 0, true
		}
	}
	return h3, false
}

// begin returns the hash behind the bytes before a lane.
func begin(gear *[256]uint64, before []byte) (h uint64) {
	for _, b := range before {
		h = h<<1 + gear[b]
	}
	return h
}
