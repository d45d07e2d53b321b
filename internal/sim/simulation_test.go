package sim

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var (
	seeds     = flag.Uint64("seeds", 0, "number of seeds to run; 0 for as many as fit into a minute")
	firstSeed = flag.Uint64("first", 1, "first seed to run")
	oneSeed   = flag.Uint64("seed", 0, "run this seed only")
	keep      = flag.String("keep", "", "with -seed: the numbers of the errands to run, with commas; empty for all")
	calmed    = flag.String("calm", "", "with -seed: kinds of faults to do without, with commas")
	logged    = flag.Bool("log", false, "with -seed: log every operation")
)

// quick seeds run unless others are asked for.
func quick() uint64 {
	switch {
	case raced:
		return 10
	case testing.Short():
		return 50
	default:
		return 200
	}
}

// enough failing seeds are told of.
const enoughFailures = 5

// TestSimulation runs seeds. What fails is made as small as it gets.
func TestSimulation(t *testing.T) {
	if *oneSeed != 0 {
		playAlone(t)
		return
	}
	count := *seeds
	if count == 0 {
		count = quick()
	}
	if *jobs > 1 {
		playInShards(t, *firstSeed, count)
		return
	}
	totals, failed := map[string]int{}, 0
	deadline, bounded := t.Deadline()
	for seed := *firstSeed; seed < *firstSeed+count && failed < enoughFailures; seed++ {
		if bounded && time.Until(deadline) < 30*time.Second {
			t.Fatalf("there was time for %d seeds of %d; -timeout=0 gives more", seed-*firstSeed, count)
		}
		s := draw(seed, nil)
		m := simulate(t, s, nil)
		for what, n := range m.counts {
			totals[what] += n
		}
		if (seed-*firstSeed)%1000 == 999 {
			t.Logf("%d seeds are done", seed-*firstSeed+1)
		}
		if len(m.failures) > 0 {
			failed++
			tell(t, s, m)
		}
	}
	logTotals(t, totals)
	if count >= 200 {
		covers(t, totals)
	}
}

func logTotals(t *testing.T, totals map[string]int) {
	t.Helper()
	for _, what := range sortedKeys(totals) {
		t.Logf("%7d %s", totals[what], what)
	}
}

// covers sees that the simulation gets to what it is for.
func covers(t *testing.T, totals map[string]int) {
	t.Helper()
	for _, what := range []string{
		"backup done", "forget done", "prune done", "restore done", "backup crashed", "prune crashed",
		"deltas kept", "packs on others", "packs moved", "packs deleted", "segments merged", "prune waited",
		"rotate done", "rotate crashed", "repair done", "packs listed by repair",
	} {
		if totals[what] == 0 {
			t.Errorf("no seed comes to: %s", what)
		}
	}
}

// tell reports a failure and the smallest scenario that fails.
func tell(t *testing.T, s *scenario, m *model) {
	t.Helper()
	t.Errorf("seed %d: %s", s.seed, strings.Join(m.failures, "\n\t"))
	var last *model
	least := minimise(s, func(smaller *scenario) bool {
		m := simulate(t, smaller, nil)
		if len(m.failures) > 0 {
			last = m
		}
		return len(m.failures) > 0
	})
	if last != nil {
		t.Logf("the smallest that fails: %s", last.failures[0])
	}
	t.Logf("again: go test ./internal/sim -run Simulation %v -log", least)
}

// playAlone runs one seed, or what is left of it.
func playAlone(t *testing.T) {
	s := draw(*oneSeed, nil)
	if *keep != "" {
		var numbers []int
		for number := range strings.SplitSeq(*keep, ",") {
			n, err := strconv.Atoi(number)
			if err != nil {
				t.Fatalf("-keep: %v", err)
			}
			numbers = append(numbers, n)
		}
		s = s.only(numbers)
	}
	for kind := range strings.SplitSeq(*calmed, ",") {
		if kind == "" {
			continue
		}
		calmer, known := s.calm(kind)
		if !known {
			t.Fatalf("-calm: %q is none of %v", kind, kinds)
		}
		s = calmer
	}
	var trace func(string, ...any)
	if *logged {
		trace = t.Logf
	}
	for _, failure := range simulate(t, s, trace).failures {
		t.Error(failure)
	}
}

// TestSameSeedSameRun plays seeds twice and compares every operation.
func TestSameSeedSameRun(t *testing.T) {
	for seed := uint64(1); seed <= min(8, quick()/5); seed++ {
		var runs [2][]string
		for i := range runs {
			simulate(t, draw(seed, nil), func(format string, args ...any) {
				runs[i] = append(runs[i], fmt.Sprintf(format, args...))
			})
		}
		if at := slices.IndexFunc(runs[0], different(runs[1])); at >= 0 || len(runs[0]) != len(runs[1]) {
			t.Errorf("seed %d: the runs have %d and %d lines and part at %d", seed, len(runs[0]), len(runs[1]), at)
			for _, run := range runs {
				t.Log(strings.Join(run[max(0, at-3):min(len(run), at+3)], "\n"))
			}
		}
	}
}

// different returns a function that compares line after line with those of another run.
func different(other []string) func(string) bool {
	at := -1
	return func(line string) bool {
		at++
		return at >= len(other) || other[at] != line
	}
}
