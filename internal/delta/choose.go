package delta

import "firn/internal/format"

// Version is a stored block as a possible base.
type Version struct {
	Depth int // deltas to apply to have its content; 0 for a block stored whole
	Size  int // bytes that it takes stored
}

// Choose picks the base for new content out of a line of versions, each of
// which after the first is the base of the one before it. size is what the new
// content takes as a delta on the first, whole what it takes stored whole, in
// bytes. Choose returns a position in the line, or -1 to store the content whole.
//
// A delta on an earlier version takes about as much more as has changed between
// the two, less what has changed twice. The cheapest is not the best: with it
// the few levels allowed are used up at once, and all that come after grow. So
// each is weighed by the depth that the new block gets. With 1 to 3 % changing
// evenly in each of 30 nights, the sum is within a tenth of the best possible;
// at 1.3 % it is about a seventh of what a whole block every fifth night takes.
func Choose(line []Version, size, whole int) int {
	// Storing whole counts for 0.6 of its size, since it makes all that follow cheap.
	best, least := -1, whole*3/5
	for i, v := range line {
		if v.Depth < format.MaxDeltaDepth && size*(v.Depth+1) <= least {
			best, least = i, size*(v.Depth+1)
		}
		between := min(v.Size, whole)
		size += between - int(int64(size)*int64(between)/int64(max(whole, 1)))
	}
	return best
}
