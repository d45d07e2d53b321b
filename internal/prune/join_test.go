package prune

import (
	"testing"

	"firn/internal/format"
	"firn/internal/repo"
)

// TestSmallPacksOfOneAuthor joins small packs only where that makes fewer of them:
// packs of different authors are not joined, and moving each by itself at every
// prune would cost and free nothing.
func TestSmallPacksOfOneAuthor(t *testing.T) {
	p := &pruner{opts: Options{MaxUnused: 1, Writer: repo.WriterOptions{PackSize: 4 << 10}}}
	for _, c := range []struct {
		name  string
		hosts int // to which the packs belong in turn
		size  uint64
		moved int
	}{
		{"one author", 1, 1000, smallPacks},
		{"as many authors as packs", smallPacks, 1000, 0},
		{"two authors", 2, 1000, 0},
		{"a quarter full", 1, 1 << 10, 0},
	} {
		var kept []*packUse
		for i := range smallPacks {
			info := &format.PackInfo{Size: c.size, Used: c.size, Host: format.Host{byte(i % c.hosts)}}
			info.Name = format.PackName{Kind: format.KindData, Hash: format.ID{byte(i)}}
			kept = append(kept, &packUse{info: info, liveBytes: c.size})
		}
		if moved := p.worthMoving(kept, &repo.Records{}); len(moved) != c.moved {
			t.Errorf("%s: %d packs are moved, not %d", c.name, len(moved), c.moved)
		}
	}
}
