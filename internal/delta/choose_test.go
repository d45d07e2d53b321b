package delta

import (
	"math"
	"testing"

	"firn/internal/format"
)

func TestChoose(t *testing.T) {
	whole := Version{0, 1000}
	for name, c := range map[string]struct {
		line []Version
		size int
		want int
	}{
		"nothing to stand on":           {nil, 10, -1},
		"the only one":                  {[]Version{whole}, 10, 0},
		"too much has changed":          {[]Version{whole}, 601, -1},
		"a small delta on a delta":      {[]Version{{1, 50}, whole}, 10, 0},
		"no deeper for little":          {[]Version{{1, 10}, whole}, 50, 1},
		"the deepest is not stood on":   {[]Version{{4, 10}, {3, 10}, {2, 10}, {1, 90}, whole}, 10, 3},
		"all too far: begin anew":       {[]Version{{4, 200}, {3, 200}, {2, 300}, {1, 300}, whole}, 200, -1},
		"a line that was not kept full": {[]Version{{4, 20}, {3, 20}}, 10, 1},
	} {
		if got := Choose(c.line, c.size, 1000); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// TestNights stores content of which a share changes every night, evenly, and
// bounds the sum, beside the best that a search over all choices found.
func TestNights(t *testing.T) {
	const whole = 1_000_000
	for _, c := range []struct {
		share float64 // of the content that changes in a night
		most  float64 // times the whole that 30 nights take
	}{
		{0.003, 0.24}, // 0.21 at best
		{0.013, 0.97}, // 0.91
		{0.03, 2.12},  // 2.01
		{1, 30},
	} {
		type night struct {
			number int
			Version
		}
		line := []night{{0, Version{0, whole}}}
		sum := 0
		for number := 1; number <= 30; number++ {
			cost := func(n night) int {
				return int(whole * (1 - math.Pow(1-c.share, float64(number-n.number))))
			}
			versions := make([]Version, len(line))
			for i, n := range line {
				versions[i] = n.Version
			}
			at := Choose(versions, cost(line[0]), whole)
			tonight := night{number, Version{0, whole}}
			if at < 0 {
				line = nil
			} else {
				line = line[at:]
				tonight.Version = Version{line[0].Depth + 1, cost(line[0])}
			}
			if tonight.Depth > format.MaxDeltaDepth {
				t.Fatalf("share %v, night %d: depth %d", c.share, number, tonight.Depth)
			}
			line = append([]night{tonight}, line...)
			sum += tonight.Size
		}
		if got := float64(sum) / whole; got > c.most {
			t.Errorf("share %v: 30 nights take %.3f times the whole, %.3f expected", c.share, got, c.most)
		}
	}
}
