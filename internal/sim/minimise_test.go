package sim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// kinds of faults that a scenario can do without.
var kinds = []string{"fail", "lose", "late", "delay", "stall", "crash"}

// attempts bounds the runs that minimising a scenario takes.
const attempts = 150

// minimal is what is left of a scenario that fails.
type minimal struct {
	scenario *scenario
	calmed   []string
	left     int // attempts
	fails    func(*scenario) bool
}

// minimise takes errands and kinds of faults away from a scenario for as long as it
// still fails, whatever the failure is then.
func minimise(s *scenario, fails func(*scenario) bool) *minimal {
	m := &minimal{scenario: s, left: attempts, fails: fails}
	for _, kind := range kinds {
		if calmer, _ := m.scenario.calm(kind); m.try(calmer) {
			m.calmed = append(m.calmed, kind)
		}
	}
	for size := len(s.errands()) / 2; size > 0; {
		if m.drop(size) {
			continue
		}
		size /= 2
	}
	return m
}

// try keeps a smaller scenario if it fails as well.
func (m *minimal) try(smaller *scenario) bool {
	if m.left == 0 {
		return false
	}
	m.left--
	if !m.fails(smaller) {
		return false
	}
	m.scenario = smaller
	return true
}

// drop tries to do without one run of size errands.
func (m *minimal) drop(size int) bool {
	all := m.scenario.errands()
	for at := 0; at < len(all) && size < len(all); at += size {
		if m.try(m.scenario.only(slices.Delete(slices.Clone(all), at, min(at+size, len(all))))) {
			return true
		}
	}
	return false
}

// String is the flags that run it again.
func (m *minimal) String() string {
	flags := fmt.Sprintf("-seed %d -keep %s", m.scenario.seed, strings.Trim(strings.ReplaceAll(fmt.Sprint(m.scenario.errands()), " ", ","), "[]"))
	if len(m.calmed) > 0 {
		flags += " -calm " + strings.Join(m.calmed, ",")
	}
	return flags
}

func TestMinimise(t *testing.T) {
	s := draw(1, nil)
	s.clients = []clientPlan{
		{errands: []errand{{number: 1}, {number: 2}, {number: 3}}},
		{errands: []errand{{number: 4}, {number: 5}}},
		{errands: []errand{{number: 6}, {number: 7}, {number: 8}, {number: 9}}},
	}
	s.faults.lose, s.faults.crash = 0.1, 0.1
	m := minimise(s, func(s *scenario) bool {
		left := s.errands()
		return slices.Contains(left, 2) && slices.Contains(left, 7) && s.faults.lose > 0
	})
	if got, want := m.String(), "-seed 1 -keep 2,7 -calm fail,late,delay,stall,crash"; got != want {
		t.Errorf("it comes down to %q instead of %q", got, want)
	}
	if len(m.scenario.clients) != 2 || len(s.errands()) != 9 {
		t.Errorf("%d clients are left; %d errands in the scenario that was given", len(m.scenario.clients), len(s.errands()))
	}
}
