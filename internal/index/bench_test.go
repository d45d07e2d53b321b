package index

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"testing"

	"firn/internal/format"
)

// benchContent has count entries in packs of 400.
func benchContent(seed uint64, count int) *content {
	r := rand.New(rand.NewPCG(seed, 0))
	c := new(content)
	for left := count; left > 0; left -= 400 {
		list := make([]PackEntry, min(left, 400))
		for i := range list {
			list[i] = PackEntry{ID: randomID(r), BlockOffset: uint32(i) << 16, BlockLength: 65_000, ChunkOffset: uint32(i)}
		}
		c.packs = append(c.packs, randomPack(r))
		c.entries = append(c.entries, list)
	}
	return c
}

func (c *content) ids() []format.ID {
	var ids []format.ID
	for _, list := range c.entries {
		for i := range list {
			ids = append(ids, wholeID(list[i].ID))
		}
	}
	return ids
}

// benchView is over segments of so many entries each.
func benchView(b *testing.B, sizes ...int) (*View, *drive, []format.ID) {
	d := newDrive(b)
	var ids []format.ID
	for i, size := range sizes {
		c := benchContent(uint64(i), size)
		d.add(b, c)
		ids = append(ids, c.ids()...)
	}
	r := rand.New(rand.NewPCG(99, 0))
	r.Shuffle(len(ids), func(i, k int) { ids[i], ids[k] = ids[k], ids[i] })
	return openView(b, openMirror(b, b.TempDir()), d, d.names()), d, ids
}

var benchShapes = map[string][]int{
	"1 segment":   {1_000_000},
	"8 segments":  {600_000, 200_000, 100_000, 50_000, 25_000, 12_500, 6_250, 6_250},
	"40 segments": append([]int{600_000}, sameSizes(39, 10_256)...),
}

func sameSizes(count, size int) []int {
	sizes := make([]int, count)
	for i := range sizes {
		sizes[i] = size
	}
	return sizes
}

func BenchmarkLookupHit(b *testing.B) {
	for name, sizes := range benchShapes {
		b.Run(name, func(b *testing.B) {
			v, _, ids := benchView(b, sizes...)
			accept := func(*format.PackInfo) bool { return true }
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, found, err := v.Lookup(ids[i%len(ids)], accept); !found || err != nil {
					b.Fatal(found, err)
				}
			}
		})
	}
}

func BenchmarkLookupMiss(b *testing.B) {
	for name, sizes := range benchShapes {
		b.Run(name, func(b *testing.B) {
			v, _, ids := benchView(b, sizes...)
			for i := range ids {
				binary.LittleEndian.PutUint64(ids[i][:], binary.LittleEndian.Uint64(ids[i][:])*0x9e3779b97f4a7c15+1)
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, found, err := v.Lookup(ids[i%len(ids)], nil); found || err != nil {
					b.Fatal(found, err)
				}
			}
		})
	}
}

// BenchmarkLookupMissColdFilter has no filter in memory.
func BenchmarkLookupMissColdFilter(b *testing.B) {
	v, _, ids := benchView(b, 1_000_000)
	v.layers[0].filter = nil
	for i := range ids {
		ids[i][3] ^= 0x55
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, found, err := v.Lookup(ids[i%len(ids)], nil); found || err != nil {
			b.Fatal(found, err)
		}
	}
}

// BenchmarkLookupFar looks up what is in a segment on the drive, whose pages are kept.
func BenchmarkLookupFar(b *testing.B) {
	d := newDrive(b)
	c := largeContent(1)
	d.add(b, c)
	ids := c.ids()
	v := openView(b, openMirror(b, b.TempDir()), d, d.names(), d.far(b, never))
	b.Run("hit", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, found, err := v.Lookup(ids[i*7919%len(ids)], nil); !found || err != nil {
				b.Fatal(found, err)
			}
		}
	})
	for i := range ids {
		ids[i][5] ^= 0x55
	}
	b.Run("miss", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, found, err := v.Lookup(ids[i*7919%len(ids)], nil); found || err != nil {
				b.Fatal(found, err)
			}
		}
	})
}

func perEntry(b *testing.B, entries int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(entries), "ns/entry")
	b.ReportAllocs()
}

func BenchmarkSeal(b *testing.B) {
	k := newOwner(b)
	c := benchContent(1, 1_000_000)
	for b.Loop() {
		c.seal(b, k)
	}
	perEntry(b, 1_000_000)
}

// BenchmarkMirror decodes a segment and writes it as a layer.
func BenchmarkMirror(b *testing.B) {
	k := newOwner(b)
	name, segment := benchContent(1, 1_000_000).seal(b, k)
	v := &View{mirror: openMirror(b, b.TempDir()), keys: k}
	for b.Loop() {
		l, err := v.mirrorSegment(name, wholeSegment(segment))
		if err != nil {
			b.Fatal(err)
		}
		if err := l.discard(); err != nil {
			b.Fatal(err)
		}
	}
	perEntry(b, 1_000_000)
}

// BenchmarkOpen opens a mirror that has everything.
func BenchmarkOpen(b *testing.B) {
	d := newDrive(b)
	d.add(b, benchContent(1, 1_000_000))
	dir := b.TempDir()
	m := openMirror(b, dir)
	openView(b, m, d, d.names())
	b.ReportAllocs()
	for b.Loop() {
		v, err := m.View(b.Context(), d, d.keys, d.names())
		if err != nil {
			b.Fatal(err)
		}
		if err := v.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSettle merges ten layers into one.
func BenchmarkSettle(b *testing.B) {
	d := newDrive(b)
	v := &View{mirror: openMirror(b, b.TempDir()), keys: d.keys, ctx: b.Context()}
	var layers []*layer
	for i := range 10 {
		name, segment := benchContent(uint64(i), 100_000).seal(b, d.keys)
		l, err := v.mirrorSegment(name, wholeSegment(segment))
		if err != nil {
			b.Fatal(err)
		}
		layers = append(layers, l)
	}
	for b.Loop() {
		l, err := v.mirror.write(testLayerID, func(to io.WriterAt) error {
			return newJoint(layers).write(b.Context(), newLayerWriter(to, testLayerID))
		})
		if err != nil {
			b.Fatal(err)
		}
		if err := l.discard(); err != nil {
			b.Fatal(err)
		}
	}
	for _, l := range layers {
		if err := l.drop(); err != nil {
			b.Fatal(err)
		}
	}
	perEntry(b, 1_000_000)
}

func BenchmarkMerge(b *testing.B) {
	v, _, ids := benchView(b, benchShapes["8 segments"]...)
	for b.Loop() {
		for _, err := range v.Merge(b.Context()) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	perEntry(b, len(ids))
}

func BenchmarkCompact(b *testing.B) {
	v, d, ids := benchView(b, benchShapes["8 segments"]...)
	for b.Loop() {
		err := v.Compact(b.Context(), d.keys, d.names(), nil, testTime, func(string, []byte) error { return nil })
		if err != nil {
			b.Fatal(err)
		}
	}
	perEntry(b, len(ids))
}
