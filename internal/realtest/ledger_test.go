//go:build unix

package realtest

import (
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
)

// promise is a backup that was begun: what it was to keep and what it said.
type promise struct {
	tag       string
	copied    string // folder with a copy of the source
	source    string // path that the copy is of
	snapshot  string // ID; "" until it is known
	reported  bool   // the process said that it is done
	forgotten bool   // somebody began to forget it
	absent    int    // looks at the list of snapshots that did not find it
}

// ledger is what must be restorable.
type ledger struct {
	mu       sync.Mutex          // guards all below
	promises map[string]*promise // by tag
	counts   map[string]int      // of processes by what they did and how they ended
}

func newLedger() *ledger {
	return &ledger{promises: map[string]*promise{}, counts: map[string]int{}}
}

func (l *ledger) count(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[what]++
}

func (l *ledger) begin(p *promise) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.promises[p.tag] = p
}

func (l *ledger) report(tag, snapshot string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.promises[tag].snapshot, l.promises[tag].reported = snapshot, true
}

// some returns a random promise whose snapshot was reported and that nobody began to
// forget; nil if there is none.
func (l *ledger) some(random *rand.Rand) *promise {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := l.kept()
	if len(kept) == 0 {
		return nil
	}
	return l.promises[kept[random.IntN(len(kept))]]
}

// kept returns the tags of what was reported and is to be kept. The caller holds mu.
func (l *ledger) kept() (tags []string) {
	for _, tag := range slices.Sorted(maps.Keys(l.promises)) {
		if p := l.promises[tag]; p.reported && !p.forgotten {
			tags = append(tags, tag)
		}
	}
	return tags
}

// forget chooses snapshots to be forgotten, more of them the more there are, and
// counts them as gone: from now on they may or may not be there.
func (l *ledger) forget(random *rand.Rand, most int) (snapshots []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	kept := l.kept()
	for len(kept) > most || len(kept) > 0 && random.IntN(2) == 0 {
		at := random.IntN(len(kept))
		p := l.promises[kept[at]]
		p.forgotten = true
		snapshots = append(snapshots, p.snapshot)
		kept = slices.Delete(kept, at, at+1)
	}
	return snapshots
}

func (l *ledger) isForgotten(p *promise) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return p.forgotten
}

// compare takes in which snapshots there are, by tag, and returns what was promised and
// is missing, and the promises whose snapshots are there. What has been absent for long is dropped.
func (l *ledger) compare(listed map[string]string) (missing []string, there []*promise, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, tag := range slices.Sorted(maps.Keys(l.promises)) {
		p := l.promises[tag]
		if id, ok := listed[tag]; ok {
			p.snapshot = id
			there = append(there, p)
			continue
		}
		if p.reported && !p.forgotten {
			missing = append(missing, tag)
		}
		if p.absent++; p.absent == 2 {
			delete(l.promises, tag)
			if err := os.RemoveAll(p.copied); err != nil {
				return nil, nil, err
			}
		}
	}
	return missing, there, nil
}
