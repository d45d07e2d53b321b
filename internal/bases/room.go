package bases

import (
	"maps"
	"slices"
	"time"

	"firn/internal/format"
	"firn/internal/seal"
)

// space is what a file system has, in bytes.
type space struct {
	free  int64 // for those who are not root
	total int64
}

// reserve is the share of the file system that the cache leaves free: one part in so many.
const reserve = 10

// limit is how many bytes the cache may have: its budget, and no more than
// leaves the reserve to others. The caller holds mu.
func (c *Cache) limit() int64 {
	disk, ok := c.disk(c.dir)
	if !ok {
		return c.budget
	}
	return min(c.budget, max(0, c.size+disk.free-disk.total/reserve))
}

// makeRoom drops what was used least recently until the rest keeps to the
// limit. The caller holds mu.
func (c *Cache) makeRoom() {
	limit := c.limit()
	if c.size <= limit {
		return
	}
	for _, name := range slices.SortedFunc(maps.Keys(c.packs), func(a, b format.ID) int {
		return c.packs[a].used.Compare(c.packs[b].used)
	}) {
		if c.size <= limit {
			return
		}
		c.drop(name)
	}
}

// Rank is what a block is worth to the cache.
type Rank int

const (
	// New is content of a file that was not there before: nothing is dropped for it.
	New Rank = iota
	// Changed is content of a file that was seen to change, and resembles nothing that is
	// cached. What was of use lately stays: if more changes each night than the cache holds,
	// a part of it is to serve every night, and not all to be washed out before its turn comes.
	Changed
	// Later is a later version of what is cached. For it goes what was used least recently.
	Later
)

// lately is how long content stays of use after it was used.
const lately = 48 * time.Hour

// yields is how many bytes may be dropped for blocks of a rank. The caller holds mu.
func (c *Cache) yields(to Rank) (size int64) {
	switch to {
	case Later:
		return c.size
	case Changed:
		old := c.now().Add(-lately)
		for _, p := range c.packs {
			if p.used.Before(old) {
				size += p.size
			}
		}
	}
	return size
}

// admit chooses of a pack's blocks those that are kept: as many as fit when what yields to
// them is dropped, those of the highest rank first.
func (c *Cache) admit(blocks []Kept) []Kept {
	c.mu.Lock()
	room := [...]int64{New: 0, Changed: c.yields(Changed), Later: c.yields(Later)}
	for rank := range room {
		room[rank] += c.limit() - c.size - tableSize
	}
	c.mu.Unlock()
	taken, table := int64(0), 0
	chosen := make([]bool, len(blocks))
	for _, rank := range []Rank{Later, Changed, New} {
		for i := range blocks {
			b := &blocks[i]
			entry := b.entrySize()
			need := int64(b.At.Length) + seal.LocalOverhead + int64(entry)
			if b.Rank == rank && taken+need <= room[rank] && table+entry <= maxTable {
				taken, table, chosen[i] = taken+need, table+entry, true
			}
		}
	}
	var admitted []Kept
	for i, b := range blocks {
		if chosen[i] {
			admitted = append(admitted, b)
		}
	}
	return admitted
}
