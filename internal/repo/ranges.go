package repo

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"firn/internal/format"
)

// blockRange is what one request reads.
type blockRange struct {
	pack   format.PackName
	start  uint32
	blocks []wantedBlock // by offset
}

type wantedBlock struct {
	at     BlockAt
	wanted bool // and not only stood on
	first  int  // number of the first delta that waits for it; notAwaited if none does
}

const notAwaited = math.MaxInt

func (x *blockRange) end() uint32 {
	end := x.start
	for _, b := range x.blocks {
		end = max(end, b.at.Offset+b.at.Length)
	}
	return end
}

// next returns the ranges of packs that nothing else that is still to be read
// stands on, in about the order in which deltas wait for them: what one of them waits
// for may be in several packs.
func (r *Reading) next() []*blockRange {
	bases := r.waiting.places(false)
	left := map[format.PackName]*format.PackInfo{}
	for name, w := range r.wanted {
		left[name] = w.info
	}
	for name := range bases {
		if left[name] == nil {
			left[name] = r.reader.standing(name)
		}
	}
	var ranges []*blockRange
	first := firstOf(left)
	slices.SortFunc(first, func(a, b format.PackName) int {
		return cmp.Or(cmp.Compare(r.number(a), r.number(b)), a.Compare(b))
	})
	for _, name := range first {
		blocks := bases[name]
		if w := r.wanted[name]; w != nil {
			for _, at := range w.blocks {
				blocks = append(blocks, wantedBlock{at: at, wanted: true, first: notAwaited})
			}
		}
		ranges = append(ranges, r.ranges(name, mergeBlocks(blocks))...)
	}
	for _, name := range first {
		delete(r.wanted, name)
	}
	sortRanges(ranges)
	return ranges
}

// sortRanges brings packs into the order in which deltas wait for them, and leaves the
// ranges of each together: what one delta waits for mostly lies near.
func sortRanges(ranges []*blockRange) {
	first := map[format.PackName]int{}
	for _, x := range ranges {
		n, known := first[x.pack]
		if f := x.first(); !known || f < n {
			first[x.pack] = f
		}
	}
	slices.SortStableFunc(ranges, func(a, b *blockRange) int { return cmp.Compare(first[a.pack], first[b.pack]) })
}

// number returns when a pack was wanted; last, if it is only stood on.
func (r *Reading) number(pack format.PackName) int {
	if w := r.wanted[pack]; w != nil {
		return w.number
	}
	return notAwaited
}

// first returns the number of the first delta that waits for something in the range.
func (x *blockRange) first() int {
	first := notAwaited
	for _, b := range x.blocks {
		first = min(first, b.first)
	}
	return first
}

// firstOf returns the packs that no other of them stands on; all if
// every one is stood on, which no writer makes.
func firstOf(packs map[format.PackName]*format.PackInfo) []format.PackName {
	stoodOn := map[format.PackName]bool{}
	for name, info := range packs {
		if info == nil {
			continue
		}
		for _, hash := range info.BasePacks {
			stoodOn[format.PackName{Kind: name.Kind, Hash: hash}] = true
		}
	}
	var first []format.PackName
	for name := range packs {
		if !stoodOn[name] {
			first = append(first, name)
		}
	}
	if len(first) == 0 {
		first = slices.Collect(maps.Keys(packs))
	}
	return first
}

// mergeBlocks sorts blocks; one that is wanted and stood on becomes one.
func mergeBlocks(blocks []wantedBlock) []wantedBlock {
	slices.SortFunc(blocks, func(a, b wantedBlock) int { return compareAt(a.at, b.at) })
	merged := blocks[:0]
	for _, b := range blocks {
		if last := len(merged) - 1; last >= 0 && merged[last].at == b.at {
			merged[last].wanted = merged[last].wanted || b.wanted
			merged[last].first = min(merged[last].first, b.first)
			continue
		}
		merged = append(merged, b)
	}
	return merged
}

// ranges cuts what is wanted of a pack into requests.
func (r *Reading) ranges(pack format.PackName, blocks []wantedBlock) []*blockRange {
	var ranges []*blockRange
	for len(blocks) > 0 {
		x := &blockRange{pack: pack, start: blocks[0].at.Offset}
		if len(ranges) == 0 && x.start <= rangeGap && !r.reader.open.knows(pack) {
			x.start = format.HeaderSize // the first section's header is needed too
		}
		n := coalesce(x.start, len(blocks), func(i int) BlockAt { return blocks[i].at })
		x.blocks, blocks = blocks[:n], blocks[n:]
		ranges = append(ranges, x)
	}
	return ranges
}

// Layers sorts packs so that those whose deltas stand on others come in an earlier layer
// than these.
func Layers(packs []*format.PackInfo) [][]*format.PackInfo {
	left := make(map[format.PackName]*format.PackInfo, len(packs))
	for _, p := range packs {
		left[p.Name] = p
	}
	var layers [][]*format.PackInfo
	for len(left) > 0 {
		first := firstOf(left)
		slices.SortFunc(first, format.PackName.Compare)
		layer := make([]*format.PackInfo, len(first))
		for i, name := range first {
			layer[i] = left[name]
			delete(left, name)
		}
		layers = append(layers, layer)
	}
	return layers
}
