//go:build sim

package sim

import (
	"flag"
	"fmt"
	"testing"
)

var (
	oneSeed   = flag.Uint64("sim.seed", 0, "run this seed only")
	firstSeed = flag.Uint64("sim.first", 1, "first seed to run")
	seeds     = flag.Uint64("sim.seeds", 300, "number of seeds to run")
	traced    = flag.Bool("sim.trace", false, "log every operation")
)

// TestSimulation runs seeds.
func TestSimulation(t *testing.T) {
	first, count := *firstSeed, *seeds
	if *oneSeed != 0 {
		first, count = *oneSeed, 1
	} else if testing.Short() {
		count = min(count, 50)
	}
	totals := map[string]int{}
	for seed := first; seed < first+count; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			m := simulate(t, seed, *traced, nil)
			for _, failure := range m.failures {
				t.Error(failure)
			}
			if t.Failed() {
				t.Logf("again: go test ./internal/sim -run 'TestSimulation$' -sim.seed=%d -sim.trace", seed)
			}
			for what, n := range m.counts {
				totals[what] += n
			}
		})
	}
	for _, what := range sortedKeys(totals) {
		t.Logf("%6d %s", totals[what], what)
	}
}

// TestCrowd runs seeds in which everybody does everything at once.
func TestCrowd(t *testing.T) {
	first, count := *firstSeed, min(*seeds, 100)
	if *oneSeed != 0 {
		first, count = *oneSeed, 1
	}
	for seed := first; seed < first+count; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			for _, failure := range simulate(t, seed, *traced, busy).failures {
				t.Error(failure)
			}
		})
	}
}
