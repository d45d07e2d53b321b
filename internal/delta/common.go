package delta

import (
	"encoding/binary"
	"math/bits"
)

// word is the eight bytes at a position.
func word(b []byte, at int) uint64 {
	return binary.LittleEndian.Uint64(b[at : at+8])
}

// common is the number of bytes that both begin with.
func common(a, b []byte) int {
	n := min(len(a), len(b))
	i := 0
	for ; n-i >= 8; i += 8 {
		if x := word(a, i) ^ word(b, i); x != 0 {
			return i + bits.TrailingZeros64(x)/8
		}
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}

// commonEnd is the number of bytes that both end with.
func commonEnd(a, b []byte) int {
	n := min(len(a), len(b))
	a, b = a[len(a)-n:], b[len(b)-n:]
	i := n
	for ; i >= 8; i -= 8 {
		if x := word(a, i-8) ^ word(b, i-8); x != 0 {
			return n - i + bits.LeadingZeros64(x)/8
		}
	}
	for i > 0 && a[i-1] == b[i-1] {
		i--
	}
	return n - i
}
