package check

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"firn/internal/format"
)

// TestNeeds compares needs that spill with a map.
func TestNeeds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := newNeeds(rapid.IntRange(2, 20).Draw(t, "run"))
		defer func() {
			if err := n.close(); err != nil {
				t.Error(err)
			}
		}()
		want := map[format.ShortID]uint32{}
		for _, x := range rapid.SliceOfN(rapid.Uint16Range(0, 300), 0, 200).Draw(t, "ids") {
			var id format.ID
			binary.LittleEndian.PutUint16(id[:], x)
			first := rapid.Uint32Range(0, 5).Draw(t, "first")
			n.add(id, uint32(x)+1, first)
			if before, ok := want[id.Short()]; !ok || first < before {
				want[id.Short()] = first
			}
		}
		for range 2 { // it can be walked again
			c, err := n.walk()
			if err != nil {
				t.Fatal(err)
			}
			var ids []format.ShortID
			for ; c.live; c.advance() {
				ids = append(ids, c.at.id)
				if c.at.first != want[c.at.id] || c.at.length != uint32(binary.LittleEndian.Uint16(c.at.id[:]))+1 {
					t.Errorf("%x: %+v, want first %d", c.at.id, c.at, want[c.at.id])
				}
			}
			if c.err() != nil || c.count != uint64(len(want)) {
				t.Errorf("%d of %d: %v", c.count, len(want), c.err())
			}
			if expected := slices.SortedFunc(maps.Keys(want), compareIDs); !slices.Equal(ids, expected) {
				t.Errorf("got %x, want %x", ids, expected)
			}
		}
	})
}

func TestParseReadData(t *testing.T) {
	for text, want := range map[string]ReadData{
		"all": {Percent: 100}, "5%": {Percent: 5}, "0.5%": {Percent: 0.5}, "100%": {Percent: 100},
		"1/1": {Part: 1, Of: 1}, "2/7": {Part: 2, Of: 7},
	} {
		got, err := ParseReadData(text)
		if (got.Seed != 0) != strings.Contains(text, "%") {
			t.Errorf("%q: seed %d", text, got.Seed)
		}
		if got.Seed = 0; err != nil || got != want {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "5", "%", "0%", "-1%", "101%", "NaN%", "0/7", "8/7", "/7", "1/", "1/0", "1/2/3", "ALL"} {
		if got, err := ParseReadData(text); err == nil {
			t.Errorf("%q was taken for %+v", text, got)
		}
	}
}

func TestChoose(t *testing.T) {
	var packs []*pack
	for i := range 1000 {
		p := &pack{info: &format.PackInfo{}}
		p.info.Name.Kind = format.KindData
		binary.BigEndian.PutUint64(p.info.Name.Hash[:], uint64(i)*0x9e3779b97f4a7c15)
		packs = append(packs, p)
	}
	seen := map[*pack]int{}
	for part := uint64(1); part <= 7; part++ {
		d := ReadData{Part: part, Of: 7}
		if !slices.Equal(d.choose(packs), d.choose(packs)) {
			t.Errorf("part %d is another one each time", part)
		}
		for _, p := range d.choose(packs) {
			seen[p]++
		}
	}
	if len(seen) != len(packs) {
		t.Errorf("parts hold %d of %d packs", len(seen), len(packs))
	}
	for _, n := range seen {
		if n != 1 {
			t.Errorf("a pack is in %d parts", n)
		}
	}
	for percent, want := range map[float64]int{0: 0, 0.01: 1, 5: 50, 99.95: 1000, 100: 1000} {
		if got := len((ReadData{Percent: percent}).choose(packs)); got != want {
			t.Errorf("%v%%: %d packs, want %d", percent, got, want)
		}
	}
}

func BenchmarkNeeds(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		n := newNeeds(defaultRun)
		var id format.ID
		for i := range uint64(1 << 20) {
			binary.LittleEndian.PutUint64(id[:], i*0x9e3779b97f4a7c15)
			n.add(id, 1, 0)
		}
		c, err := n.walk()
		if err != nil {
			b.Fatal(err)
		}
		for c.live {
			c.advance()
		}
		if err := n.close(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/(1<<20), "ns/chunk")
}
