package bases

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"firn/internal/format"
)

// size is what a pack of one block of n bytes takes on disk.
func (f *fixture) size(n int) int64 {
	f.t.Helper()
	other := newFixture(f.t)
	c := other.open()
	other.keep(c, packName(1), blocks(c, 1, 1, n, true))
	return other.onDisk()
}

// cached is which of the packs 1 to n are cached.
func cached(c *Cache, n int) (packs []int) {
	for i := 1; i <= n; i++ {
		if _, ok := c.Kept(packName(i)); ok {
			packs = append(packs, i)
		}
	}
	return packs
}

// TestLeastRecentlyUsedGoesFirst, in the order of use over several processes.
func TestLeastRecentlyUsedGoesFirst(t *testing.T) {
	f := newFixture(t)
	const n = 50 << 10
	f.budget = 3*f.size(n) + 2000
	c := f.open()
	var at [7]format.BaseRef
	keep := func(pack int) {
		t.Helper()
		kept := blocks(c, pack, 1, n, true)
		at[pack] = kept[0].At
		f.keep(c, packName(pack), kept)
		if c.size > f.budget || c.size != f.onDisk() {
			t.Errorf("%d bytes counted, %d on disk, %d allowed", c.size, f.onDisk(), f.budget)
		}
	}
	want := func(packs ...int) {
		t.Helper()
		if got := cached(c, 6); !slices.Equal(got, packs) {
			t.Errorf("cached are %v, want %v", got, packs)
		}
	}
	keep(1)
	keep(2)
	keep(3)
	want(1, 2, 3)
	wantSome(t, c, at[1])
	keep(4)
	want(1, 3, 4)
	c = f.reopen(c)
	want(1, 3, 4)
	wantSome(t, c, at[3])
	c = f.reopen(c) // used were, oldest first: 1, 4, 3
	keep(5)
	want(3, 4, 5)
	keep(6)
	want(3, 5, 6)
	f.budget = f.size(n) + 1000
	c = f.reopen(c)
	want(6)
	f.budget = 10
	c = f.reopen(c)
	want()
	keep(1)
	want()
}

// TestCloseLeavesOthersAlone: what another process used meanwhile stays used.
func TestCloseLeavesOthersAlone(t *testing.T) {
	f := newFixture(t)
	const n = 10 << 10
	c := f.open()
	kept := blocks(c, 1, 1, n, true)
	f.keep(c, packName(1), kept)
	f.keep(c, packName(2), blocks(c, 2, 1, n, true))
	first := f.reopen(c)
	second := f.open()
	wantSome(t, second, kept[0].At)
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
	f.budget = f.size(n) + 500
	last := f.reopen(first)
	if got := cached(last, 2); !slices.Equal(got, []int{1}) {
		t.Errorf("cached are %v", got)
	}
}

// TestNewContentDropsNothing: what was not seen to change is kept where there is room.
func TestNewContentDropsNothing(t *testing.T) {
	f := newFixture(t)
	const n = 50 << 10
	f.budget = 3*f.size(n) + 9000
	c := f.open()
	f.keep(c, packName(1), blocks(c, 1, 1, n, true))
	f.keep(c, packName(2), blocks(c, 2, 1, n, false))
	for pack := 3; pack < 20; pack++ {
		f.keep(c, packName(pack), blocks(c, pack, 2, n, false)) // one of the two at most
	}
	if got := cached(c, 20); !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("cached are %v", got)
	}
	// In a pack of both, the new is not what the old goes for.
	both := append(blocks(c, 21, 1, n, false), block(c, 21, 5, true, noise(5, 3000)))
	f.keep(c, packName(21), both)
	if got := cached(c, 21); !slices.Equal(got, []int{1, 2, 3, 21}) || c.Block(both[0].At) != nil || c.Block(both[1].At) == nil {
		t.Errorf("cached are %v", got)
	}
	if c.size > f.budget {
		t.Errorf("%d bytes, %d allowed", c.size, f.budget)
	}
}

// TestChangedContentDropsWhatIsOfNoUse, and nothing that was used lately.
func TestChangedContentDropsWhatIsOfNoUse(t *testing.T) {
	f := newFixture(t)
	var passed time.Duration
	clock := f.now
	f.now = func() time.Time { return clock().Add(passed) }
	const n = 50 << 10
	f.budget = 3*f.size(n) + 2000
	c := f.open()
	changed := func(pack int) []Kept {
		kept := blocks(c, pack, 1, n, false)
		kept[0].Rank = Changed
		return kept
	}
	one := changed(1)
	f.keep(c, packName(1), one)
	f.keep(c, packName(2), changed(2))
	f.keep(c, packName(3), blocks(c, 3, 1, n, false))
	f.keep(c, packName(4), changed(4))
	if got := cached(c, 4); !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("on the same day: cached are %v", got)
	}
	passed = lately + time.Hour
	wantSome(t, c, one[0].At)
	for pack := 5; pack <= 8; pack++ {
		f.keep(c, packName(pack), changed(pack))
	}
	if got := cached(c, 8); !slices.Equal(got, []int{1, 5, 6}) {
		t.Errorf("days later: cached are %v", got)
	}
	f.keep(c, packName(9), blocks(c, 9, 1, n, true))
	if got := cached(c, 9); !slices.Equal(got, []int{5, 6, 9}) {
		t.Errorf("after a later version: cached are %v", got)
	}
}

// TestMoreThanTheBudget: of a pack that is too large by itself a part is kept.
func TestMoreThanTheBudget(t *testing.T) {
	f := newFixture(t)
	f.budget = 250 << 10
	c := f.open()
	kept := blocks(c, 1, 10, 50<<10, true)
	f.keep(c, packName(1), kept)
	if c.Empty() || c.size > f.budget || c.size < f.budget/2 {
		t.Errorf("%d bytes of %d", c.size, f.budget)
	}
}

// TestFullDisk: the last tenth of the file system is not for the cache.
func TestFullDisk(t *testing.T) {
	f := newFixture(t)
	const n = 50 << 10
	one := f.size(n)
	const total = 100 << 20
	var others int64 // bytes on the disk that are not the cache's
	var c *Cache
	f.disk = func(dir string) (space, bool) {
		if dir != f.dir {
			t.Errorf("asked for %s", dir)
		}
		own := int64(0)
		if c != nil {
			own = f.onDisk()
		}
		return space{free: total - others - own, total: total}, true
	}
	c = f.open()
	others = total*9/10 - 3*one - 3000
	for pack := 1; pack <= 3; pack++ {
		f.keep(c, packName(pack), blocks(c, pack, 1, n, false))
	}
	f.keep(c, packName(4), blocks(c, 4, 1, n, false))
	if got := cached(c, 9); !slices.Equal(got, []int{1, 2, 3}) {
		t.Errorf("new content: cached are %v", got)
	}
	f.keep(c, packName(5), blocks(c, 5, 1, n, true))
	if got := cached(c, 9); !slices.Equal(got, []int{2, 3, 5}) {
		t.Errorf("changing content: cached are %v", got)
	}
	others += 2 * one
	c = f.reopen(c)
	if got := cached(c, 9); !slices.Equal(got, []int{5}) {
		t.Errorf("when others take more: cached are %v", got)
	}
	others = total
	f.keep(c, packName(6), blocks(c, 6, 1, n, true))
	if got := cached(c, 9); slices.Contains(got, 6) {
		t.Errorf("on a full disk: cached are %v", got)
	}
	if c = f.reopen(c); !c.Empty() {
		t.Error("on a full disk the cache stays")
	}
}

// TestSpace asks the real file system.
func TestSpace(t *testing.T) {
	s, ok := spaceOf(t.TempDir())
	if !ok {
		t.Skip("this system does not tell")
	}
	if s.total <= 0 || s.free < 0 || s.free > s.total {
		t.Errorf("%+v", s)
	}
	if _, ok := spaceOf("/nonexistent/folder"); ok {
		t.Error("a folder that is not there has space")
	}
}

// TestBudgetHolds keeps, uses and reopens at random.
func TestBudgetHolds(t *testing.T) {
	keys := newKeys(t)
	rapid.Check(t, func(r *rapid.T) {
		f := newFixture(t)
		f.keys, f.budget = keys, rapid.Int64Range(0, 100<<10).Draw(r, "budget")
		c := f.open()
		for pack := range rapid.IntRange(1, 12).Draw(r, "packs") {
			kept := blocks(c, pack, rapid.IntRange(1, 4).Draw(r, "blocks"), rapid.IntRange(1, 20<<10).Draw(r, "size"), false)
			highest := New
			for i := range kept {
				kept[i].Rank = Rank(rapid.IntRange(int(New), int(Later)).Draw(r, "rank"))
				highest = max(highest, kept[i].Rank)
			}
			before := cached(c, 12)
			f.keep(c, packName(pack), kept)
			if c.size > f.budget || c.size != f.onDisk() {
				r.Fatalf("%d bytes counted, %d on disk, %d allowed", c.size, f.onDisk(), f.budget)
			}
			// All of it was of use a moment ago.
			if after := cached(c, 12); highest < Later && !slices.Equal(before, slices.DeleteFunc(after, func(p int) bool { return p == pack })) {
				r.Fatalf("content of rank %d dropped something: %v, then %v", highest, before, after)
			}
			if rapid.IntRange(0, 3).Draw(r, "reopen") == 0 {
				c = f.reopen(c)
			}
		}
	})
}
