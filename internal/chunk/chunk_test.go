package chunk

import (
	"bytes"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// small makes chunks short, so that tests see many.
var small = Params{Min: 64, Mean: 256, Max: 1024}

// testGear is a fixed table.
func testGear() *[256]uint64 {
	r := rand.New(rand.NewPCG(1, 2))
	var gear [256]uint64
	for i := range gear {
		gear[i] = r.Uint64()
	}
	return &gear
}

// testData returns n bytes that look random and depend on seed only.
func testData(seed uint64, n int) []byte {
	var key [32]byte
	key[0], key[1] = byte(seed), byte(seed>>8)
	data := make([]byte, n)
	rand.NewChaCha8(key).Read(data)
	return data
}

// cutAll cuts data that are all there and returns the chunks' lengths.
func cutAll(c *Cutter, data []byte) []int {
	var lengths []int
	for len(data) > 0 {
		n := c.Cut(data, true)
		lengths = append(lengths, n)
		data = data[n:]
	}
	return lengths
}

// cutPlainly is docs/format.md §5 word by word.
func cutPlainly(gear *[256]uint64, p Params, data []byte) int {
	log := bits.Len(uint(p.Mean)) - 1
	hard := ^uint64(0) << (64 - (log + 2))
	easy := ^uint64(0) << (64 - (log - 2))
	var h uint64
	for i, b := range data {
		length := i + 1
		if length > p.Min {
			h = h<<1 + gear[b]
			if length <= p.Mean && h&hard == 0 || length > p.Mean && h&easy == 0 {
				return length
			}
		}
		if length == p.Max {
			return length
		}
	}
	return len(data)
}

func drawParams(t *rapid.T) Params {
	p := Params{Min: rapid.IntRange(1, 200).Draw(t, "min")}
	p.Mean = rapid.IntRange(max(p.Min, 8), 500).Draw(t, "mean")
	p.Max = rapid.IntRange(p.Mean, 2000).Draw(t, "max")
	return p
}

func TestCutFollowsTheDefinition(t *testing.T) {
	gear := testGear()
	rapid.Check(t, func(t *rapid.T) {
		p := drawParams(t)
		data := testData(rapid.Uint64Range(0, 1<<16-1).Draw(t, "seed"), rapid.IntRange(1, 5000).Draw(t, "size"))
		if got, want := New(gear, p).Cut(data, true), cutPlainly(gear, p, data); got != want {
			t.Fatalf("cut at %d, want %d", got, want)
		}
	})
}

func TestCutsDoNotDependOnArrival(t *testing.T) {
	gear := testGear()
	rapid.Check(t, func(t *rapid.T) {
		c := New(gear, drawParams(t))
		data := testData(rapid.Uint64Range(0, 1<<16-1).Draw(t, "seed"), rapid.IntRange(0, 8000).Draw(t, "size"))
		want := cutAll(c, data)

		var got []int
		var buffer []byte
		var search Search
		for rest := data; ; {
			n := rapid.IntRange(0, len(rest)).Draw(t, "arrival")
			buffer, rest = append(buffer, rest[:n]...), rest[n:]
			final := len(rest) == 0
			for {
				n := c.Resume(&search, buffer, final)
				if n == 0 {
					break
				}
				got = append(got, n)
				buffer = buffer[n:]
			}
			if final {
				break
			}
		}
		if len(buffer) > 0 || !slices.Equal(got, want) {
			t.Fatalf("cut at %v and %d bytes left, want %v", got, len(buffer), want)
		}
	})
}

func TestChunksStayWithinBounds(t *testing.T) {
	c := New(testGear(), small)
	inputs := map[string][]byte{
		"random": testData(1, 1<<20),
		"zeros":  make([]byte, 1<<20),
		"text":   bytes.Repeat([]byte("all work and no play\n"), 50000),
	}
	for name, data := range inputs {
		lengths := cutAll(c, data)
		sum := 0
		for i, n := range lengths {
			sum += n
			if n > c.Max || n <= c.Min && i < len(lengths)-1 {
				t.Errorf("%s: chunk %d has %d bytes", name, i, n)
			}
		}
		if sum != len(data) {
			t.Errorf("%s: chunks have %d bytes, want %d", name, sum, len(data))
		}
	}
}

func TestMeanIsNearTheParameter(t *testing.T) {
	c := New(testGear(), Params{Min: 1 << 10, Mean: 4 << 10, Max: 16 << 10})
	data := testData(2, 16<<20)
	mean := len(data) / len(cutAll(c, data))
	if mean < c.Mean*3/4 || mean > c.Mean*3/2 {
		t.Errorf("chunks have %d bytes on average, want about %d", mean, c.Mean)
	}
}

func TestInsertionChangesFewChunks(t *testing.T) {
	c := New(testGear(), small)
	data := testData(3, 1<<20)
	known := make(map[string]bool)
	for rest := data; len(rest) > 0; {
		n := c.Cut(rest, true)
		known[string(rest[:n])] = true
		rest = rest[n:]
	}
	for _, at := range []int{0, 1, 1000, len(data) / 2, len(data) - 1, len(data)} {
		edited := slices.Insert(slices.Clone(data), at, testData(4, 37)...)
		fresh := 0
		for rest := edited; len(rest) > 0; {
			n := c.Cut(rest, true)
			if !known[string(rest[:n])] {
				fresh++
			}
			rest = rest[n:]
		}
		if fresh == 0 || fresh > 16 {
			t.Errorf("an insertion at %d makes %d of %d chunks new", at, fresh, len(known))
		}
	}
}

func TestTableDecidesTheCuts(t *testing.T) {
	data := testData(5, 1<<16)
	other := testGear()
	slices.Reverse(other[:])
	if slices.Equal(cutAll(New(testGear(), small), data), cutAll(New(other, small), data)) {
		t.Error("two gear tables cut alike")
	}
}

func TestCutAtTheEdges(t *testing.T) {
	c := New(testGear(), small)
	data := make([]byte, 4096) // zeros: no cut by content, as the last case shows
	for _, test := range []struct {
		size  int
		final bool
		want  int
	}{
		{0, false, 0},
		{0, true, 0},
		{1, false, 0},
		{1, true, 1},
		{small.Min, false, 0},
		{small.Min, true, small.Min},
		{small.Max - 1, false, 0},
		{small.Max - 1, true, small.Max - 1},
		{small.Max, false, small.Max},
		{small.Max, true, small.Max},
		{small.Max + 1, false, small.Max},
	} {
		if got := c.Cut(data[:test.size], test.final); got != test.want {
			t.Errorf("cut of %d bytes, final %t: %d, want %d", test.size, test.final, got, test.want)
		}
	}
}

func TestNewPutsParametersInOrder(t *testing.T) {
	for _, test := range []struct{ in, want Params }{
		{small, small},
		{Params{}, Params{1, 1, 1}},
		{Params{-5, -5, -5}, Params{1, 1, 1}},
		{Params{100, 50, 20}, Params{100, 100, 100}},
		{Params{1 << 30, 1 << 30, 1 << 30}, Params{Limit, Limit, Limit}},
	} {
		c := New(testGear(), test.in)
		if c.Params != test.want {
			t.Errorf("%+v became %+v, want %+v", test.in, c.Params, test.want)
		}
		if n := c.Cut(make([]byte, 10), true); n < 1 || n > 10 {
			t.Errorf("%+v cuts at %d", test.in, n)
		}
	}
}

// The golden cuts must never change: a repository would store everything anew.
func TestGoldenCuts(t *testing.T) {
	lengths := cutAll(New(testGear(), small), testData(6, 4096))
	want := []int{355, 429, 316, 229, 272, 423, 308, 377, 255, 348, 256, 293, 235}
	if !slices.Equal(lengths, want) {
		t.Errorf("cut at %v, want %v", lengths, want)
	}

	lengths = cutAll(New(testGear(), Params{Min: 256 << 10, Mean: 1 << 20, Max: 4 << 20}), testData(7, 8<<20))
	want = []int{818802, 1121178, 1054117, 1122145, 1653636, 489382, 1293147, 836201}
	if !slices.Equal(lengths, want) {
		t.Errorf("cut at %v, want %v", lengths, want)
	}
}

func FuzzCut(f *testing.F) {
	f.Add([]byte("a"), 1, 8, 16, true)
	f.Add(make([]byte, 300), 64, 256, 1024, false)
	f.Add(testData(8, 2000), 64, 256, 1024, true)
	gear := testGear()
	f.Fuzz(func(t *testing.T, data []byte, low, mean, high int, final bool) {
		c := New(gear, Params{low, mean, high})
		n := c.Cut(data, final)
		switch {
		case n < 0 || n > len(data) || n > c.Max:
			t.Fatalf("cut at %d of %d", n, len(data))
		case n == 0 && (len(data) >= c.Max || final && len(data) > 0):
			t.Fatalf("no cut in %d bytes", len(data))
		case n > 0 && c.Mean >= 8 && n != cutPlainly(gear, c.Params, data):
			t.Fatalf("cut at %d, want %d", n, cutPlainly(gear, c.Params, data))
		}
	})
}

func BenchmarkCut(b *testing.B) {
	data := testData(9, 32<<20)
	c := New(testGear(), Params{Min: 256 << 10, Mean: 1 << 20, Max: 4 << 20})
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		for rest := data; len(rest) > 0; {
			rest = rest[c.Cut(rest, true):]
		}
	}
}
