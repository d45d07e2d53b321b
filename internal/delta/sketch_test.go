package delta

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// testGear is a fixed table.
func testGear() *[256]uint64 {
	r := rand.New(rand.NewPCG(1, 2))
	var gear [256]uint64
	for i := range gear {
		gear[i] = r.Uint64()
	}
	return &gear
}

// shared is the share of b's features that a has.
func shared(a, b []Feature) float64 {
	n := 0
	for _, f := range b {
		if slices.Contains(a, f) {
			n++
		}
	}
	return float64(n) / float64(len(b))
}

func TestSketchOutlastsChanges(t *testing.T) {
	s := NewSketcher(testGear())
	base := noise(1, 4<<20)
	sketch := s.Append(nil, base)
	if n := len(sketch); n < 4*40 || n > 4*70 {
		t.Errorf("%d features in 4 MiB", n)
	}
	scattered := func(every int) []byte {
		b := slices.Clone(base)
		for at := 99; at+100 < len(b); at += every {
			copy(b[at:], noise(2, 100))
		}
		return b
	}
	for name, c := range map[string]struct {
		content []byte
		least   float64 // of the features
	}{
		"equal":                          {base, 1},
		"begins later":                   {base[123_457:], 0.95},
		"something in front":             {slices.Concat(noise(3, 1001), base), 0.95},
		"halves exchanged":               {slices.Concat(base[2<<20:], base[:2<<20]), 0.95},
		"a row of 100 in every 10,000":   {scattered(10_000), 0.9},
		"a row of 100 in every thousand": {scattered(1000), 0.4},
	} {
		if got := shared(sketch, s.Append(nil, c.content)); got < c.least {
			t.Errorf("%s: %.2f of the features, %.2f expected", name, got, c.least)
		}
	}
	if got := shared(sketch, s.Append(nil, noise(9, 4<<20))); got > 0.02 {
		t.Errorf("unlike content shares %.2f", got)
	}
}

func TestSketchOfLittle(t *testing.T) {
	s := NewSketcher(testGear())
	for _, content := range [][]byte{nil, []byte("short"), noise(1, featureMin), make([]byte, 4<<20)} {
		if got := s.Append(nil, content); len(got) > 0 {
			t.Errorf("%d features of %d bytes", len(got), len(content))
		}
	}
	if got := s.Append(nil, bytes.Repeat(noise(1, 100_000), 16)); len(got) < 16 {
		t.Errorf("%d features of a repetition", len(got))
	}
}

func TestFind(t *testing.T) {
	b := NewBases[string](100)
	b.Add("old", 10, []Feature{1, 2, 3, 4, 5})
	b.Add("new", 10, []Feature{1, 2, 3, 6})
	b.Add("other", 10, []Feature{7, 8})
	for _, c := range []struct {
		sketch []Feature
		n      int
		want   []Candidate[string]
	}{
		{nil, 2, nil},
		{[]Feature{9}, 2, nil},
		{[]Feature{1, 2, 3, 4, 5}, 1, []Candidate[string]{{"new", 3}}},
		{[]Feature{4, 7, 5, 1}, 2, []Candidate[string]{{"old", 2}, {"other", 1}}},
		{[]Feature{8, 4, 7}, 9, []Candidate[string]{{"other", 2}, {"old", 1}}},
		{append(slices.Repeat([]Feature{6}, 20), 7), 2, []Candidate[string]{{"new", 20}}}, // 1 of 21 is too little
	} {
		before := Candidate[string]{Key: "before"}
		got := b.Find([]Candidate[string]{before}, c.sketch, c.n)
		if got[0] != before || !slices.Equal(got[1:], c.want) {
			t.Errorf("%v: %v, want %v", c.sketch, got, c.want)
		}
	}
}

// TestBasesKeepToTheBudget compares with a plain list, the latest used last.
func TestBasesKeepToTheBudget(t *testing.T) {
	type entry struct {
		key, size int
		sketch    []Feature
	}
	rapid.Check(t, func(t *rapid.T) {
		const budget = 50
		b := NewBases[int](budget)
		var model []entry
		take := func(key int) (entry, bool) {
			at := slices.IndexFunc(model, func(e entry) bool { return e.key == key })
			if at < 0 {
				return entry{}, false
			}
			e := model[at]
			model = slices.Delete(model, at, at+1)
			return e, true
		}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			key := rapid.IntRange(0, 9).Draw(t, "key")
			switch rapid.SampledFrom([]string{"add", "add", "use", "drop"}).Draw(t, "step") {
			case "add":
				e := entry{key, rapid.IntRange(0, 60).Draw(t, "size"), []Feature{Feature(key), Feature(key + 1)}}
				dropped := b.Add(key, int64(e.size), e.sketch)
				take(key)
				model = append(model, e)
				sum := 0
				for _, e := range model {
					sum += e.size
				}
				for sum > budget {
					if len(dropped) == 0 || dropped[0] != model[0].key {
						t.Fatalf("dropped %v, the oldest is %d", dropped, model[0].key)
					}
					sum -= model[0].size
					dropped, model = dropped[1:], model[1:]
				}
				if len(dropped) > 0 {
					t.Fatalf("dropped %v for nothing", dropped)
				}
			case "use":
				b.Use(key)
				if e, ok := take(key); ok {
					model = append(model, e)
				}
			case "drop":
				b.Drop(key)
				take(key)
			}
		}
		for _, c := range b.Find(nil, []Feature{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 20) {
			if _, ok := take(c.Key); !ok {
				t.Fatalf("found %v, which was dropped", c)
			}
		}
		if len(b.byKey) > 10 || len(b.newest) > 11 {
			t.Fatalf("%d keys and %d features are left", len(b.byKey), len(b.newest))
		}
	})
}
