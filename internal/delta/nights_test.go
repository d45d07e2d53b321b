package delta

import (
	"bytes"
	"flag"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"firn/internal/chunk"
	"firn/internal/format"
)

var (
	firstFile  = flag.String("first", "", "a dump to measure instead of those generated")
	secondFile = flag.String("second", "", "the same a night later")
	rows       = flag.Int("rows", 25_000, "rows of the tables generated")
	diskSize   = flag.Int("disk", 4, "size of the disk image, MiB")
)

// store keeps chunks as a repository does.
type store struct {
	cutter   *chunk.Cutter
	sketcher *Sketcher
	zstd     *zstd.Encoder
	bases    *Bases[int]
	contents [][]byte
	known    map[string]bool

	encoder Encoder
	sketch  []Feature
	found   []Candidate[int]
	base    []byte
	delta   []byte
	time    time.Duration // for sketches, candidates and deltas
}

func newStore(t testing.TB) *store {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(4<<20))
	if err != nil {
		t.Fatal(err)
	}
	return &store{
		cutter:   chunk.New(testGear(), chunk.Params{Min: 256 << 10, Mean: 1 << 20, Max: 4 << 20}),
		sketcher: NewSketcher(testGear()), zstd: z, bases: NewBases[int](1 << 40), known: map[string]bool{},
	}
}

// fresh returns the chunks of data that are not known yet.
func (s *store) fresh(data []byte) [][]byte {
	var chunks [][]byte
	for at := 0; at < len(data); {
		n := s.cutter.Cut(data[at:], true)
		if c := data[at : at+n]; !s.known[string(c)] {
			s.known[string(c)] = true
			chunks = append(chunks, c)
		}
		at += n
	}
	return chunks
}

// keep makes chunks bases and returns the bytes that they take stored whole.
func (s *store) keep(chunks [][]byte) (stored int) {
	for _, c := range chunks {
		s.bases.Add(len(s.contents), int64(len(c)), s.sketcher.Append(nil, c))
		s.contents = append(s.contents, c)
		stored += s.whole(c)
	}
	return stored
}

func (s *store) whole(content []byte) int {
	return min(len(s.zstd.EncodeAll(content, nil)), len(content))
}

// encode makes the delta of a chunk on at most n bases.
func (s *store) encode(c []byte, n int) (ok bool) {
	start := time.Now()
	s.sketch = s.sketcher.Append(s.sketch[:0], c)
	s.found = s.bases.Find(s.found[:0], s.sketch, n)
	s.base = s.base[:0]
	for _, f := range s.found {
		s.base = append(s.base, s.contents[f.Key]...)
	}
	if len(s.found) > 0 {
		s.delta, ok = s.encoder.Append(s.delta[:0], s.base, c, len(c)/2)
	}
	s.time += time.Since(start)
	return ok
}

// deltas returns the bytes that chunks take as deltas on at most n bases.
func (s *store) deltas(t testing.TB, chunks [][]byte, n int) (stored, used int) {
	for _, c := range chunks {
		if !s.encode(c, n) {
			stored += s.whole(c)
			continue
		}
		if back, err := format.ApplyDelta(nil, s.base, s.delta, len(c)); err != nil || !bytes.Equal(back, c) {
			t.Fatalf("another chunk came back: %v", err)
		}
		stored += len(s.zstd.EncodeAll(s.delta, nil))
		used += len(s.found)
	}
	return stored, used
}

// corpus is content of two nights and the share of the first night's stored
// bytes that the second may take with deltas on one and on two bases.
type corpus struct {
	name          string
	first, second []byte
	one, two      float64
}

// corpora yields what is generated, or the files given.
func corpora(t testing.TB) []corpus {
	if *firstFile != "" {
		read := func(name string) []byte {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			return data
		}
		return []corpus{{"files", read(*firstFile), read(*secondFile), 1.1, 1.1}}
	}
	var all []corpus
	for _, c := range []struct {
		name          string
		moves, insert bool
		one, two      float64
	}{{"copy", false, false, 0.05, 0.02}, {"copy, rows move", true, false, 0.06, 0.03}, {"insert", false, true, 0.04, 0.02}} {
		table := newTable(*rows, c.moves, c.insert)
		first := table.dump()
		table.night()
		all = append(all, corpus{c.name, first, table.dump(), c.one, c.two})
	}
	first, second := disk(*diskSize << 20)
	return append(all, corpus{"disk", first, second, 0.006, 0.006})
}

func TestSecondNight(t *testing.T) {
	for _, c := range corpora(t) {
		t.Run(c.name, func(t *testing.T) {
			s := newStore(t)
			first := s.keep(s.fresh(c.first))
			chunks := s.fresh(c.second)
			size := len(slices.Concat(chunks...))
			again := 0
			for _, chunk := range chunks {
				again += s.whole(chunk)
			}
			share := func(n int) float64 { return float64(n) / float64(first) }
			t.Logf("%d MB, %d new chunks: deduplication only %.2f %%", len(c.second)/1e6, len(chunks), 100*share(again))
			for n, most := range map[int]float64{1: c.one, 2: c.two} {
				s.time = 0
				stored, used := s.deltas(t, chunks, n)
				t.Logf("%d bases at most: %.2f %%, %d bases, %.0f MB/s without zstd", n, 100*share(stored), used, float64(size)/1e6/s.time.Seconds())
				if share(stored) > most {
					t.Errorf("%d bases at most: %.4f of the first night's bytes, %.4f expected", n, share(stored), most)
				}
			}
		})
	}
}

// BenchmarkSecondNight finds bases and makes deltas of all new chunks, without zstd.
func BenchmarkSecondNight(b *testing.B) {
	for _, c := range corpora(b) {
		b.Run(c.name, func(b *testing.B) {
			s := newStore(b)
			s.keep(s.fresh(c.first))
			chunks := s.fresh(c.second)
			b.SetBytes(int64(len(slices.Concat(chunks...))))
			b.ReportAllocs()
			for b.Loop() {
				for _, chunk := range chunks {
					s.encode(chunk, 2)
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	base := noise(1, 1<<20)
	table := newTable(8000, false, false)
	text := table.dump()
	table.night()
	first, second := disk(1 << 20)
	for _, c := range []struct {
		name         string
		base, target []byte
	}{
		{"text", text, table.dump()},
		{"disk", first, second},
		{"unlike", base, noise(2, 1<<20)},
		{"repetitive", bytes.Repeat(base[:100], 10_000), bytes.Repeat(base[50:150], 10_000)},
	} {
		b.Run(c.name, func(b *testing.B) {
			var e Encoder
			var dst []byte
			b.SetBytes(int64(len(c.target)))
			b.ReportAllocs()
			for b.Loop() {
				dst, _ = e.Append(dst[:0], c.base, c.target, len(c.target)/2)
			}
		})
	}
}

func BenchmarkSketch(b *testing.B) {
	s := NewSketcher(testGear())
	content := noise(1, 1<<20)
	var sketch []Feature
	b.SetBytes(int64(len(content)))
	b.ReportAllocs()
	for b.Loop() {
		sketch = s.Append(sketch[:0], content)
	}
}

func BenchmarkFind(b *testing.B) {
	s := NewSketcher(testGear())
	bases := NewBases[int](1 << 40)
	for i := range 200 {
		bases.Add(i, 1<<20, s.Append(nil, noise(uint64(i), 1<<20)))
	}
	sketch := s.Append(nil, noise(100, 1<<20))
	var found []Candidate[int]
	b.ReportAllocs()
	for b.Loop() {
		found = bases.Find(found[:0], sketch, 2)
	}
}
