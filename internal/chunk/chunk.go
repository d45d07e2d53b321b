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
	var s Search
	return c.Resume(&s, data, final)
}

// Search is how far the search for one chunk's end has come, so that it can go
// on when more data have arrived. The zero value is for the beginning of a chunk.
type Search struct {
	at   int    // bytes that were looked at
	hash uint64 // behind them
}

// Resume is Cut for data that arrive little by little: data begin where the chunk
// does, hold all that earlier calls of the same search were given and more. What was looked at is
// not looked at again. Once it has found the end, the search begins anew.
func (c *Cutter) Resume(s *Search, data []byte, final bool) int {
	n := len(data)
	s.at = max(s.at, c.Min)
	cut := s.roll(c.gear, data, c.Mean, c.hard)
	if cut == 0 {
		cut = s.roll(c.gear, data, c.Max, c.easy)
	}
	if cut == 0 {
		switch {
		case n >= c.Max:
			cut = c.Max
		case final:
			cut = n
		default:
			return 0
		}
	}
	*s = Search{}
	return cut
}

// roll goes on to a length of the chunk, or as far as the data go, and returns the
// position behind the first byte where the hash falls below bound, or 0.
func (s *Search) roll(gear *[256]uint64, data []byte, length int, bound uint64) int {
	end := min(length, len(data))
	if s.at >= end {
		return 0
	}
	cut, hash := roll(gear, data[s.at:end], s.hash, bound)
	if cut > 0 {
		return s.at + cut
	}
	s.at, s.hash = end, hash
	return 0
}
