package chunk

const (
	// lane is how many bytes each of two hashes covers in one stride.
	lane = 2048
	// memory is how many bytes the hash depends on: each is shifted out after 64 more.
	memory = 64
)

// roll continues the gear hash h over data. It returns the position behind the
// first byte at which the hash falls below bound, or 0 when there is none, and
// then the hash behind the last byte.
func roll(gear *[256]uint64, data []byte, h, bound uint64) (cut int, _ uint64) {
	i := 0
	for ; len(data)-i >= 2*lane; i += 2 * lane {
		next, found := stride(gear, (*[2 * lane]byte)(data[i:]), h, bound)
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

// stride rolls over two lanes at once and reports whether the hash falls below
// bound in either, or else returns the hash behind the last byte. Within
// one lane each step waits for the one before; two lanes keep the processor
// busy, and the second can begin because the hash forgets all but the last bytes.
func stride(gear *[256]uint64, data *[2 * lane]byte, h, bound uint64) (_ uint64, found bool) {
	var g uint64
	for _, b := range data[lane-memory : lane] {
		g = g<<1 + gear[b]
	}
	for i := 0; i < lane; i += 4 {
		a, b := (*[4]byte)(data[i:]), (*[4]byte)(data[lane+i:])
		h0, g0 := h<<1+gear[a[0]], g<<1+gear[b[0]]
		h1, g1 := h0<<1+gear[a[1]], g0<<1+gear[b[1]]
		h2, g2 := h1<<1+gear[a[2]], g1<<1+gear[b[2]]
		h, g = h2<<1+gear[a[3]], g2<<1+gear[b[3]]
		if h0 < bound || h1 < bound || h2 < bound || h < bound ||
			g0 < bound || g1 < bound || g2 < bound || g < bound {
			return 0, true
		}
	}
	return g, false
}
