package tree

import (
	"context"
	"fmt"
	"testing"

	"firn/internal/format"

	"github.com/zeebo/blake3"
)

const benchEntries = 100_000

// benchItems are entries as in a home directory.
func benchItems() []Item {
	items := make([]Item, benchEntries)
	for i := range items {
		items[i] = Item{Key: fmt.Appendf(nil, "home/user/projects/p%02d/source/file%06d.txt", i/1000, i), Entry: testFile(i)}
	}
	return items
}

// discard names pages as a repository does and keeps none.
type discard struct{}

func (discard) WritePage(_ context.Context, plaintext []byte) (format.ID, error) {
	return blake3.Sum256(plaintext), nil
}

func BenchmarkBuild(b *testing.B) {
	items := benchItems()
	b.ReportAllocs()
	for b.Loop() {
		builder := NewBuilder(discard{}, usual)
		for _, item := range items {
			if err := builder.Add(ctx, item.Key, item.Entry); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := builder.Finish(ctx); err != nil {
			b.Fatal(err)
		}
	}
	reportEntries(b)
}

func benchTree(b *testing.B) (*store, Root) {
	b.Helper()
	m := model{}
	for _, item := range benchItems() {
		m[string(item.Key)] = item.Entry
	}
	s := newStore()
	return s, m.build(b, s, usual)
}

func BenchmarkWalk(b *testing.B) {
	s, root := benchTree(b)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range Walk(ctx, s, root, nil) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != benchEntries {
			b.Fatal(n)
		}
	}
	reportEntries(b)
}

func BenchmarkPages(b *testing.B) {
	s, root := benchTree(b)
	visit := func(format.ID, uint32, int) bool { return true }
	b.ReportAllocs()
	for b.Loop() {
		if err := Pages(ctx, s, root, visit, Found{}); err != nil {
			b.Fatal(err)
		}
	}
	reportEntries(b)
}

// BenchmarkDiff compares trees that differ in one entry of a thousand.
func BenchmarkDiff(b *testing.B) {
	m := model{}
	for _, item := range benchItems() {
		m[string(item.Key)] = item.Entry
	}
	s := newStore()
	before := m.build(b, s, usual)
	for i, item := range benchItems() {
		if i%1000 == 500 {
			item.Entry.MTime++
			m[string(item.Key)] = item.Entry
		}
	}
	after := m.build(b, s, usual)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range Diff(ctx, s, before, after) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != benchEntries/1000 {
			b.Fatal(n)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	s, root := benchTree(b)
	items := benchItems()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if _, err := Get(ctx, s, root, items[i*7919%benchEntries].Key); err != nil {
			b.Fatal(err)
		}
		i++
	}
}

func BenchmarkContentWriter(b *testing.B) {
	pieces := testPieces(100_000)
	c := NewContentWriter(discard{})
	b.ReportAllocs()
	for b.Loop() {
		c.Reset()
		for _, p := range pieces {
			if err := c.Add(ctx, p); err != nil {
				b.Fatal(err)
			}
		}
		if _, _, err := c.Finish(ctx); err != nil {
			b.Fatal(err)
		}
	}
}

func reportEntries(b *testing.B) {
	b.ReportMetric(float64(b.N)*benchEntries/b.Elapsed().Seconds(), "entries/s")
}
