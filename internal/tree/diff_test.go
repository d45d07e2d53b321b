package tree

import (
	"fmt"
	"maps"
	"testing"

	"firn/internal/format"

	"pgregory.net/rapid"
)

func TestDiff(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		a := drawModel(rt, 200)
		b := maps.Clone(a)
		for range rapid.IntRange(0, 40).Draw(rt, "edits") {
			key := drawKey(rt)
			if rapid.Bool().Draw(rt, "remove") {
				delete(b, key)
			} else {
				b[key] = drawEntry(rt, key)
			}
		}
		checkDiff(rt, t, a, b)
	})
}

// TestDiffHeights compares trees of which one is a part of the other.
func TestDiffHeights(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := drawModel(rt, 300)
		keys := b.keys()
		low := rapid.IntRange(0, len(keys)).Draw(rt, "low")
		high := rapid.IntRange(low, len(keys)).Draw(rt, "high")
		a := model{}
		for _, key := range keys[low:high] {
			a[key] = b[key]
		}
		checkDiff(rt, t, a, b)
		checkDiff(rt, t, b, a)
	})
}

// TestDiffTails compares a tree with all its tails, some of which are pages that
// are their parents' only child.
func TestDiffTails(t *testing.T) {
	for n := 1; n < 60; n++ {
		b := model{}
		for i := range n {
			b[fmt.Sprintf("f%02d", i)] = testFile(i)
		}
		for low := range n {
			a := maps.Clone(b)
			maps.DeleteFunc(a, func(key string, _ *format.Entry) bool { return key < fmt.Sprintf("f%02d", low) })
			checkDiff(t, t, a, b)
			checkDiff(t, t, b, a)
		}
	}
}

func checkDiff(rt fataler, t *testing.T, a, b model) {
	s := newStore()
	rootA, rootB := a.build(t, s, small), b.build(t, s, small)
	inA, inB := pagesOf(t, s, rootA), pagesOf(t, s, rootB)
	s.forget()
	got := model{} // a with the changes applied
	maps.Copy(got, a)
	last := ""
	for c, err := range Diff(ctx, s, rootA, rootB) {
		key := string(c.Key)
		switch {
		case err != nil:
			rt.Fatal(err)
		case key <= last:
			rt.Fatal("changes do not ascend at", key)
		case !sameEntry(c.Before, a[key]) || !sameEntry(c.After, b[key]) || sameEntry(c.Before, c.After):
			rt.Fatal("wrong change at", key)
		case c.After == nil:
			delete(got, key)
		default:
			got[key] = cloneEntry(c.After)
		}
		last = key
	}
	if !sameModel(got, b) {
		rt.Fatal("applying the diff does not give the other tree")
	}
	for id := range s.reads {
		if inA[id] && inB[id] {
			rt.Fatal("a page of both trees was read")
		}
	}
}

// pagesOf returns the IDs of a tree's pages.
func pagesOf(t *testing.T, s *store, root Root) map[format.ID]bool {
	t.Helper()
	ids := map[format.ID]bool{}
	visit := func(id format.ID, _ uint32, _ int) bool {
		if ids[id] {
			return false
		}
		ids[id] = true
		return true
	}
	if err := Pages(ctx, s, root, visit, Found{}); err != nil {
		t.Fatal(err)
	}
	return ids
}

// TestOneChange counts the pages that a diff of one change in 20,000 entries and
// a sum of one directory read.
func TestOneChange(t *testing.T) {
	const depth = 3
	shape := Shape{Min: 8, Mean: 32, Max: 128, CutKey: &testKey}
	m := model{}
	for i := range 20_000 {
		m[fmt.Sprintf("d%03d/f%05d", i/200, i)] = testFile(i)
	}
	s := newStore()
	a := m.build(t, s, shape)
	s.forget()
	if got, err := Sum(ctx, s, a, []byte("d042/")); err != nil || got.Entries != 200 {
		t.Fatal(got, err)
	}
	if s.total > 2*depth {
		t.Fatal("a sum read pages:", s.total)
	}
	for _, key := range []string{"d000/f00000", "d050/f10100", "d099/f19999", "d050/new", "z"} {
		before, was := m[key]
		m[key] = testFile(200_001)
		b := m.build(t, s, shape)
		if m[key] = before; !was {
			delete(m, key)
		}
		s.forget()
		changes := 0
		for c, err := range Diff(ctx, s, a, b) {
			if err != nil || string(c.Key) != key {
				t.Fatal(string(c.Key), err)
			}
			changes++
		}
		// Each level of each tree: the page of the change, and one more where it moves a border.
		if changes != 1 || s.total > 4*depth {
			t.Fatal(key, "changes:", changes, "pages read:", s.total)
		}
	}
}
