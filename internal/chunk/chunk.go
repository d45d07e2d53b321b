// Package chunk finds the places where content is cut into chunks.
//
// A gear hash rolls over the content and a chunk ends where the hash matches a
// mask, so that equal stretches of content are cut alike wherever they stand
// and an insertion moves only the cuts next to it. The gear table is secret
// (it comes from the dedup key), so that lengths of chunks alone do not give
// known content away easily.
//
// Invariant: where a cut falls depends on the bytes since the cut before and
// on the parameters only, never on how the data arrive in buffers. Package
// backup calls it for every file longer than the minimum.
//
// The method is FastCDC's normalised chunking (Xia et al., "FastCDC: a Fast and
// Efficient Content-Defined Chunking Approach for Data Deduplication", USENIX
// ATC 2016) as docs/format.md §5 defines it.
package chunk

import "math/bits"

// Limit is the largest chunk the format knows, in bytes.
const Limit = 15 << 20

// normalisation is the number of bits by which the masks differ from the mean's.
const normalisation = 2

// Params are the bounds of chunk lengths in bytes.
type Params struct {
	Min  int // no cut at or before it
	Mean int // where the mask turns easy
	Max  int // a cut at the latest
}

// Cutter finds cut points. It is immutable and safe for concurrent use.
type Cutter struct {
	gear *[256]uint64
	Params
	hard uint64 // hashes below it cut before Mean
	easy uint64 // hashes below it cut after Mean
}

// New makes a cutter. Parameters out of order or out of the format's bounds
// are moved to the nearest ones that are in order: 1 ≤ Min ≤ Mean ≤ Max ≤ Limit.
func New(gear *[256]uint64, p Params) *Cutter {
	p.Min = min(max(p.Min, 1), Limit)
	p.Mean = min(max(p.Mean, p.Min), Limit)
	p.Max = min(max(p.Max, p.Mean), Limit)
	log := bits.Len(uint(p.Mean)) - 1
	return &Cutter{
		gear:   gear,
		Params: p,
		hard:   bound(log + normalisation),
		easy:   bound(log - normalisation),
	}
}

// bound turns a mask of the top n bits into the number below which all of them
// are zero: h & mask == 0 is h < bound.
func bound(n int) uint64 {
	return 1 << (64 - max(n, 1))
}

// Cut returns the length of the first chunk in data, which must begin where a
// chunk begins. It returns 0 when it takes more data to tell, which happens
// only while data are shorter than Max and final is false; final says that
// nothing follows data.
func (c *Cutter) Cut(data []byte, final bool) int {
	n := len(data)
	if n > c.Min {
		cut, h := roll(c.gear, data[c.Min:min(c.Mean, n)], 0, c.hard)
		if cut > 0 {
			return c.Min + cut
		}
		if n > c.Mean {
			if cut, _ = roll(c.gear, data[c.Mean:min(c.Max, n)], h, c.easy); cut > 0 {
				return c.Mean + cut
			}
		}
	}
	if n >= c.Max {
		return c.Max
	}
	if final {
		return n
	}
	return 0
}
