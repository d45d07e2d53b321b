//go:build unix

package realtest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"
)

// fleet is one drive and the hosts that share it.
type fleet struct {
	t       *testing.T
	program string
	folder  string
	drive   drive
	seed    uint64
	ledger  *ledger
	hosts   []*host
	most    int  // snapshots to keep
	cutOff  bool // the drive is about to go away: processes may fail

	mu        sync.Mutex               // guards all below
	durations map[string]time.Duration // by verb: how long it takes
	numbered  int
	deleted   int // packs, by prunes of the tests' own process
}

// number returns one that was not returned before.
func (f *fleet) number() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.numbered++
	return f.numbered
}

// took remembers how long an errand took that was not killed.
func (f *fleet) took(verb string, d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.durations[verb] = (f.usual1(verb)*3 + d) / 4
}

// usual is how long an errand takes.
func (f *fleet) usual(verb string) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.usual1(verb)
}

// usual1 is usual while mu is held.
func (f *fleet) usual1(verb string) time.Duration {
	if d := f.durations[verb]; d > 0 {
		return d
	}
	return 500 * time.Millisecond
}

// newFleet makes a repository and hosts with keys to it: owners, and one writer and one maintainer.
func newFleet(t *testing.T, on drive, hosts int, seed uint64) *fleet {
	t.Helper()
	f := &fleet{
		t: t, program: program(t), folder: t.TempDir(), drive: on, seed: seed,
		ledger: newLedger(), most: hosts, durations: map[string]time.Duration{},
	}
	if err := os.Mkdir(filepath.Join(f.folder, "copies"), 0o755); err != nil {
		t.Fatal(err)
	}
	must := func(e ending) {
		if e.code != exitDone {
			t.Fatal(e)
		}
	}
	for i := range hosts {
		role := "owner"
		switch i % 6 {
		case 4:
			role = "writer"
		case 5:
			role = "maintainer"
		}
		h, err := f.newHost(i, role)
		if err != nil {
			t.Fatal(err)
		}
		f.hosts = append(f.hosts, h)
		first := f.hosts[0]
		if i == 0 {
			home := filepath.Join(h.folder, "home")
			must(call{f.program, append([]string{"init", "-q", "--generate-key", "--no-recovery-key", "-d", on.name}, on.init...), environment(home, on.env...), 0}.run(t))
			h.keys = []string{generated(t, home)}
			continue
		}
		h.keys = []string{filepath.Join(h.folder, "key")}
		must(first.run(0, "key", "add", "--role", role, "--label", h.name, "--new-key-file", h.keys[0]))
	}
	return f
}

// generated finds the key file that init made.
func generated(t *testing.T, home string) string {
	t.Helper()
	for _, pattern := range []string{".config/firn/*.key", ".config/firn/*/*.key"} {
		if found, _ := filepath.Glob(filepath.Join(home, pattern)); len(found) == 1 {
			return found[0]
		}
	}
	t.Fatal("init made no key file that is found")
	return ""
}

// round has all hosts do something at once.
func (f *fleet) round(random *rand.Rand) (processes int) {
	var running sync.WaitGroup
	for _, h := range f.hosts {
		for _, e := range h.draw(random) {
			processes++
			running.Go(func() { h.do(e) })
		}
	}
	if random.IntN(3) == 0 {
		running.Go(func() { f.impatient(time.Second) })
	}
	running.Wait()
	// Killed processes are the only ones left with a session.
	f.impatient(time.Nanosecond)
	return processes
}

// verify sees that the repository is whole, read through the eyes of a new machine, that
// all that was promised is there, and that it restores identically: all, or some.
func (f *fleet) verify(random *rand.Rand, all bool) {
	f.t.Helper()
	auditor, err := f.newHost(1000+f.number(), "owner")
	if err != nil {
		f.t.Fatal(err)
	}
	defer os.RemoveAll(auditor.folder) //nolint:errcheck // below the test's folder
	auditor.keys = f.hosts[0].keys
	if e := auditor.run(0, "check", "--read-data"); e.code != exitDone {
		f.t.Errorf("the check afterwards: %v", e)
	}
	e := auditor.run(0, "snapshots", "--json")
	if e.code != exitDone {
		f.t.Fatalf("list snapshots: %v", e)
	}
	listed := map[string]string{}
	for _, l := range e.lines() {
		if l.Type == "snapshot" && len(l.Tags) == 1 {
			listed[l.Tags[0]] = l.ID
		}
	}
	missing, there, err := f.ledger.compare(listed)
	if err != nil {
		f.t.Error(err)
	}
	if len(missing) > 0 {
		f.t.Errorf("reported done and not listed: %v", missing)
	}
	if len(there) != len(listed) {
		f.t.Errorf("%d snapshots are listed, %d of them known", len(listed), len(there))
	}
	random.Shuffle(len(there), func(i, k int) { there[i], there[k] = there[k], there[i] })
	if !all {
		there = there[:min(len(there), 4)]
	}
	for _, p := range there {
		if e, _ := auditor.compare(p, 0); e.code != exitDone {
			f.t.Errorf("%s: %v", p.tag, e)
		}
		f.ledger.count("snapshots compared")
	}
}

// tell logs what was done.
func (f *fleet) tell(rounds, processes int) {
	f.t.Logf("%d rounds, %d processes of errands", rounds, processes)
	var whats []string
	for what := range f.ledger.counts {
		whats = append(whats, what)
	}
	slices.Sort(whats)
	killed := 0
	for _, what := range whats {
		f.t.Logf("%6d %s", f.ledger.counts[what], what)
		var verb string
		if n, _ := fmt.Sscanf(what, "%s killed", &verb); n == 1 && what == verb+" killed" {
			killed += f.ledger.counts[what]
		}
	}
	f.t.Logf("%6d killed in all", killed)
	f.t.Logf("%6d packs deleted by impatient prunes", f.deleted)
	if rounds >= manyRounds && (killed == 0 || f.deleted == 0) { // in a few rounds that is chance
		f.t.Error("nothing was killed, or nothing pruned")
	}
}
