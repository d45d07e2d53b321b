package bases

import (
	"maps"
	"slices"

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

// admit chooses of a pack's blocks those that are kept: of content that was seen to change as
// much as the cache may have at all, of other content what then fits without dropping anything.
func (c *Cache) admit(blocks []Kept) []Kept {
	c.mu.Lock()
	limit, size := c.limit(), c.size
	c.mu.Unlock()
	taken, table := int64(0), 0
	chosen := make([]bool, len(blocks))
	choose := func(changing bool, room int64) {
		for i := range blocks {
			b := &blocks[i]
			entry := b.entrySize()
			need := int64(b.At.Length) + seal.LocalOverhead + int64(entry)
			if b.Changing == changing && taken+need <= room && table+entry <= maxTable {
				taken, table, chosen[i] = taken+need, table+entry, true
			}
		}
	}
	choose(true, limit-tableSize)
	choose(false, limit-tableSize-size)
	var admitted []Kept
	for i, b := range blocks {
		if chosen[i] {
			admitted = append(admitted, b)
		}
	}
	return admitted
}
