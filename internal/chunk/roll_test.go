package chunk

import (
	"testing"

	"pgregory.net/rapid"
)

// rollPlainly is what roll does, a byte at a time.
func rollPlainly(gear *[256]uint64, data []byte, h, bound uint64) (int, uint64) {
	for i, b := range data {
		if h = h<<1 + gear[b]; h < bound {
			return i + 1, h
		}
	}
	return 0, h
}

func TestRollIsTheGearHash(t *testing.T) {
	gear := testGear()
	rapid.Check(t, func(t *rapid.T) {
		// Sizes around whole strides, and bounds that strike in any lane or not at all.
		size := rapid.IntRange(0, 4).Draw(t, "strides")*lanes*lane + rapid.IntRange(-3, 3).Draw(t, "more")
		data := testData(rapid.Uint64Range(0, 1<<16-1).Draw(t, "seed"), max(size, 0))
		start := rapid.Uint64().Draw(t, "start")
		limit := uint64(1) << rapid.IntRange(46, 63).Draw(t, "bound")
		cut, h := roll(gear, data, start, limit)
		wantCut, want := rollPlainly(gear, data, start, limit)
		if cut != wantCut || h != want {
			t.Fatalf("roll over %d bytes: %d, %#x; want %d, %#x", len(data), cut, h, wantCut, want)
		}
	})
}

// BenchmarkRoll is the loop without what the minimum skips.
func BenchmarkRoll(b *testing.B) {
	data := testData(10, 1<<20)
	gear := testGear()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		roll(gear, data, 0, 1)
	}
}
