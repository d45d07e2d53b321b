package delta

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"firn/internal/format"
)

// noise returns n bytes that look random and depend on seed only.
func noise(seed uint64, n int) []byte {
	var key [32]byte
	key[0], key[1], key[2] = byte(seed), byte(seed>>8), byte(seed>>16)
	data := make([]byte, n)
	_, _ = rand.NewChaCha8(key).Read(data)
	return data
}

// encode makes a delta without a limit and checks that it gives target back.
func encode(t interface {
	Helper()
	Fatalf(string, ...any)
}, e *Encoder, base, target []byte) []byte {
	t.Helper()
	made, ok := e.Append([]byte("before"), base, target, 2*len(target)+16)
	if !ok {
		t.Fatalf("no delta of %d bytes on %d", len(target), len(base))
	}
	made, found := bytes.CutPrefix(made, []byte("before"))
	if !found {
		t.Fatalf("what was there before is gone")
	}
	back, err := format.ApplyDelta(nil, base, made, len(target))
	if err != nil {
		t.Fatalf("apply delta: %v", err)
	}
	if !bytes.Equal(back, target) {
		t.Fatalf("another target came back")
	}
	return made
}

// drawContent makes content of a random sort: noise, repetitions, runs.
func drawContent(t *rapid.T, name string) []byte {
	n := rapid.IntRange(0, 20_000).Draw(t, name+" size")
	seed := rapid.Uint64Range(0, 1000).Draw(t, name+" seed")
	switch rapid.SampledFrom([]string{"noise", "period", "zero", "words"}).Draw(t, name) {
	case "noise":
		return noise(seed, n)
	case "period":
		unit := noise(seed, rapid.IntRange(1, 300).Draw(t, name+" period"))
		return bytes.Repeat(unit, n/len(unit)+1)[:n]
	case "zero":
		return make([]byte, n)
	}
	data := make([]byte, 0, n)
	for _, b := range noise(seed, n/8) {
		data = append(data, "word"+string('a'+rune(b%16))+" is"...)
	}
	return data
}

// drawEdit changes a copy of content at one place.
func drawEdit(t *rapid.T, content []byte) []byte {
	from := rapid.IntRange(0, len(content)).Draw(t, "from")
	to := rapid.IntRange(from, min(len(content), from+3000)).Draw(t, "to")
	at := rapid.IntRange(0, len(content)).Draw(t, "at")
	switch rapid.SampledFrom([]string{"delete", "insert", "replace", "copy", "move"}).Draw(t, "edit") {
	case "delete":
		return slices.Concat(content[:from], content[to:])
	case "insert":
		return slices.Concat(content[:at], noise(uint64(at), to-from), content[at:])
	case "replace":
		return slices.Concat(content[:from], noise(uint64(at), to-from), content[to:])
	case "copy":
		return slices.Concat(content[:at], content[from:to], content[at:])
	}
	rest := slices.Concat(content[:from], content[to:])
	at = min(at, len(rest))
	return slices.Concat(rest[:at], content[from:to], rest[at:])
}

func TestDeltaGivesTargetBack(t *testing.T) {
	var e Encoder // one for all, so that nothing left over from a call disturbs the next
	rapid.Check(t, func(t *rapid.T) {
		base := drawContent(t, "base")
		target := base
		if rapid.Bool().Draw(t, "unlike") {
			target = drawContent(t, "target")
		}
		for range rapid.IntRange(0, 8).Draw(t, "edits") {
			target = drawEdit(t, target)
		}
		made := encode(t, &e, base, target)
		limit := rapid.IntRange(0, len(target)).Draw(t, "limit")
		if limited, ok := e.Append(nil, base, target, limit); len(limited) > limit || ok && !bytes.Equal(limited, made) {
			t.Fatalf("limit %d: %t, %d bytes", limit, ok, len(limited))
		}
	})
}

func TestEditsCostWhatTheyBring(t *testing.T) {
	base := noise(1, 1<<20)
	other := noise(2, 4096)
	var e Encoder
	for name, c := range map[string]struct {
		target []byte
		most   int // bytes of the delta
	}{
		"equal":            {base, 8},
		"empty":            {nil, 1},
		"begins later":     {base[1001:], 8},
		"ends early":       {base[:len(base)-1001], 8},
		"replaced":         {slices.Concat(base[:5000], other, base[9096:]), 4096 + 20},
		"inserted":         {slices.Concat(base[:5001], other, base[5001:]), 4096 + 20},
		"deleted":          {slices.Concat(base[:5001], base[99_990:]), 20},
		"halves exchanged": {slices.Concat(base[500_003:], base[:500_003]), 20},
		"twice":            {slices.Concat(base, base), 20},
		"small pieces":     {slices.Concat(base[7001:7101], base[99_002:99_102], base[33_003:33_103]), 40},
	} {
		if made := encode(t, &e, base, c.target); len(made) > c.most {
			t.Errorf("%s: %d bytes, at most %d expected", name, len(made), c.most)
		}
	}
}

func TestLargestBase(t *testing.T) {
	one, two := noise(1, MaxBase/2), noise(2, MaxBase/2)
	target := slices.Concat(one[2<<20:], two[:7<<20])
	var e Encoder
	if made := encode(t, &e, slices.Concat(one, two), target); len(made) > 20 {
		t.Errorf("%d bytes, 20 at most expected", len(made))
	}
	// What is behind it is left alone.
	encode(t, &e, slices.Concat(one, two, noise(3, 1000)), noise(3, 1000))
}

// Repetitive content offers many places for each copy. If all were tried, this
// would take minutes.
func TestRepetitions(t *testing.T) {
	var e Encoder
	for _, period := range []int{1, 7, 8, 31, 100, 4096} {
		base := bytes.Repeat(noise(3, period), 1<<20/period)
		target := slices.Clone(bytes.Repeat(noise(3, period), 1<<20/period)[period/2:])
		for at := 1000; at < len(target); at += 50_000 {
			target[at] ^= 1
		}
		if made := encode(t, &e, base, target); len(made) > 2048 {
			t.Errorf("period %d: %d bytes", period, len(made))
		}
		encode(t, &e, base[:len(base)/2], noise(4, 1<<20))
		encode(t, &e, noise(5, 1<<20), target)
	}
}

func TestUnlikeContentIsRefused(t *testing.T) {
	var e Encoder
	dst := []byte("before")
	got, ok := e.Append(dst, noise(1, 1<<20), noise(2, 1<<20), 1<<19)
	if ok || string(got) != "before" {
		t.Errorf("%t, %d bytes", ok, len(got))
	}
	// Nothing tells early here that the instructions take too much.
	if got, ok = e.Append(dst, nil, []byte("short"), 6); ok || string(got) != "before" {
		t.Errorf("%t, %q", ok, got)
	}
}

func TestNoAllocation(t *testing.T) {
	base := noise(1, 1<<20)
	target := slices.Concat(base[:5000], noise(2, 5000), base[7000:])
	var e Encoder
	dst := make([]byte, 0, len(target))
	if n := testing.AllocsPerRun(5, func() { e.Append(dst, base, target, len(target)) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzAppend(f *testing.F) {
	f.Add([]byte{}, []byte{}, 0)
	f.Add(noise(1, 100), noise(1, 90), 50)
	f.Add(make([]byte, 100), make([]byte, 300), 50)
	f.Add(noise(1, 400), slices.Concat(noise(1, 400)[200:], noise(2, 20), noise(1, 400)[:201]), 300)
	f.Fuzz(func(t *testing.T, base, target []byte, limit int) {
		var e Encoder
		made := encode(t, &e, base, target)
		limit %= len(target) + 1
		if limited, ok := e.Append(nil, base, target, limit); len(limited) > max(limit, 0) || ok && !bytes.Equal(limited, made) {
			t.Fatalf("limit %d: %t, %d bytes of %d", limit, ok, len(limited), len(made))
		}
	})
}

func FuzzCommon(f *testing.F) {
	f.Add([]byte("abcdefghijk"), []byte("abcdefghijl"))
	f.Add([]byte("abcdefgh"), []byte("xbcdefgh"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		n := 0
		for n < min(len(a), len(b)) && a[n] == b[n] {
			n++
		}
		if got := common(a, b); got != n {
			t.Errorf("common %d, want %d", got, n)
		}
		a, b = slices.Clone(a), slices.Clone(b)
		slices.Reverse(a)
		slices.Reverse(b)
		if got := commonEnd(a, b); got != n {
			t.Errorf("common at the end %d, want %d", got, n)
		}
	})
}

// When a cut between chunks is gone, content lies across two old chunks.
func TestChunkAcrossTwoBases(t *testing.T) {
	s := NewSketcher(testGear())
	bases := NewBases[int](1 << 40)
	contents := [][]byte{noise(1, 1<<20), noise(2, 1<<20), noise(3, 1<<20)}
	for i, c := range contents {
		bases.Add(i, int64(len(c)), s.Append(nil, c))
	}
	target := slices.Concat(contents[0][700_001:], noise(4, 100), contents[1][:600_001])
	found := bases.Find(nil, s.Append(nil, target), 2)
	if len(found) != 2 || found[0].Key != 1 || found[1].Key != 0 {
		t.Fatalf("found %v", found)
	}
	var e Encoder
	if made := encode(t, &e, slices.Concat(contents[1], contents[0]), target); len(made) > 130 {
		t.Errorf("%d bytes on two bases", len(made))
	}
	if made := encode(t, &e, contents[1], target); len(made) < 300_000 {
		t.Errorf("%d bytes on one base", len(made))
	}
}
