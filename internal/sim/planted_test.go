package sim

import (
	"testing"
	"time"
)

// plants are bugs put between the clients and the drive: each makes the real code
// break one rule of the protocol. The simulation must find them all, within so many
// seeds.
var plants = []struct {
	name   string
	seeds  uint64
	change func(s *scenario)
}{
	{"records are read before the session is written", 100, func(s *scenario) { s.plant = readFirst }},
	{"no second mark", 300, func(s *scenario) { s.plant = noSecondMark; dawdles(s) }},
	{"sessions expire without a fence", 100, func(s *scenario) { s.plant = noFence; stalls(s) }},
	{"tombstones overwrite", 100, func(s *scenario) { s.plant = overwrite(isPrune); stalls(s) }},
	{"the server ignores conditions silently", 100, func(s *scenario) { s.plant = overwrite(isAny); stalls(s) }},
	{"no wait between fence and decision", 300, func(s *scenario) {
		s.prune.FenceWait, s.faults.conditional, s.faults.late = time.Nanosecond, false, 0.03
	}},
	{"a merge deletes what a torn listing missed", 100, func(s *scenario) { s.plant = deleteAll }},
	{"a merge deletes its inputs first", 100, func(s *scenario) { s.plant = deleteInputs }},
	{"records are retired too early", 100, func(s *scenario) { s.plant = retireEarly }},
	{"a forgotten parent is inherited from", 100, inherits},
	{"pruners condemn each other's duplicate", 100, func(s *scenario) { s.plant, s.prune.Grace, s.pauses = hidePrunes(), 24*time.Hour, paces[1] }},
	{"packs do not name what their deltas stand on", 100, func(s *scenario) { s.closureForgotten = true }},
}

// stalls has machines sleep often, for a little longer than it takes to be fenced, and
// the others be there meanwhile.
func stalls(s *scenario) {
	s.faults.stall, s.faults.nap = 0.03, 8*time.Minute
	s.pauses = []time.Duration{time.Minute, 5 * time.Minute}
}

// dawdles has requests held up for minutes, and pruners wait for them.
func dawdles(s *scenario) {
	s.faults.delay, s.prune.Wait, s.prune.Stale = 0.02, 12*time.Minute, 30*time.Minute
	s.pauses = []time.Duration{time.Minute}
}

// inherits has clients inherit much that nobody else keeps.
func inherits(s *scenario) {
	s.plant, s.prune.Grace, s.pauses = keepForgotten(), 24*time.Hour, paces[1]
	s.names, s.contents, s.versions = 8, 40, 1
	for i := range s.clients {
		s.clients[i].host = s.clients[i].name
	}
}

func isPrune(c *client) bool { return c.doing == "prune" }
func isAny(*client) bool     { return true }

func TestPlantedBugs(t *testing.T) {
	if testing.Short() || raced {
		t.Skip("needs some hundred runs")
	}
	for _, p := range plants {
		t.Run(p.name, func(t *testing.T) {
			for seed := uint64(1); seed <= p.seeds; seed++ {
				s := draw(seed, func(s *scenario) { busy(s); p.change(s) })
				if m := simulate(t, s, nil); m.counts["losses"] > 0 {
					t.Logf("found by seed %d: %s", seed, m.failures[0])
					return
				}
			}
			t.Errorf("not found by %d seeds", p.seeds)
		})
	}
}

// busy makes all clients owners that do everything, with no grace, on a drive
// that has conditional writes and shows what is there.
func busy(s *scenario) {
	f := &s.faults
	for _, p := range []*float64{&f.fail, &f.lose, &f.late, &f.delay, &f.stall, &f.crash} {
		*p /= 8 // most errands come to their end
	}
	f.conditional, f.listingDelay = true, 0
	s.prune.Grace, s.prune.ListingDelay, s.prune.Wait, s.prune.Stale = -1, 0, time.Minute, 7*time.Minute
	s.brief, s.pauses = true, paces[0]
	s.names, s.contents, s.versions, s.large, s.work = 2, 2, 3, false, 11
	for i := range s.clients {
		s.clients[i].role = role{&ownerKey, 4, 2, 4, 1, 0, 0}
	}
}

// TestCrowd runs seeds in which everybody does everything at once: what planted bugs
// are found with finds nothing without them.
func TestCrowd(t *testing.T) {
	totals := map[string]int{}
	for seed := range quick() / 5 {
		s := draw(seed+1, busy)
		m := simulate(t, s, nil)
		for _, failure := range m.failures {
			t.Errorf("seed %d: %s", seed+1, failure)
		}
		for what, n := range m.counts {
			totals[what] += n
		}
	}
	logTotals(t, totals)
}
