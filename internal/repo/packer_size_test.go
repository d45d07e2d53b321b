package repo

import (
	"testing"

	"firn/internal/format"
)

// TestPacksInMemory bounds what packs take of memory, larger ones too.
func TestPacksInMemory(t *testing.T) {
	for size, want := range map[int]int{256 << 10: packBuffers, defaultPackSize: packBuffers, ColdPackSize: packBuffers} {
		p := newPacker(nil, format.KindData, size)
		if n := cap(p.buffers); n != want || n != len(p.buffers) || n*size > 96<<20 {
			t.Errorf("packs of %d bytes: %d in memory", size, n)
		}
	}
}
