package sim

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"firn/internal/snapshot"
)

// model is what must be restorable.
type model struct {
	mu        sync.Mutex        // guards all below
	attempts  map[string]files  // by tag: what each backup tried to keep
	done      map[string]string // by tag: sessions of backups that were reported done
	forgotten map[string]bool   // sessions somebody began to forget
	failures  []string          // what went wrong
	counts    map[string]int    // of pieces of work by kind and result
}

func newModel() *model {
	return &model{attempts: map[string]files{}, done: map[string]string{}, forgotten: map[string]bool{}, counts: map[string]int{}}
}

func (m *model) attempt(tag string, f files) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.attempts[tag] = f
}

func (m *model) finished(tag, session string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done[tag] = session
}

func (m *model) forget(sessions []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range sessions {
		m.forgotten[s] = true
	}
}

func (m *model) isForgotten(session string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.forgotten[session]
}

func (m *model) count(what string) { m.add(what, 1) }

func (m *model) add(what string, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts[what] += n
}

func (m *model) fail(format string, args ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failures = append(m.failures, fmt.Sprintf(format, args...))
}

// judge compares what was restored of a snapshot with what its backup read.
func (m *model) judge(s *snapshot.Snapshot, got memory) {
	tag := strings.Join(s.Tags, " ")
	m.mu.Lock()
	want, known := m.attempts[tag]
	m.mu.Unlock()
	if !known {
		m.fail("snapshot %s has the unknown tag %q", s.Session, tag)
		return
	}
	if difference := want.compare(got); difference != "" {
		m.count("losses")
		m.fail("snapshot %s of %s: %s", s.Session, tag, difference)
	}
}

// missing returns what was promised and is not among the snapshots.
func (m *model) missing(set *snapshot.Set) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var missing []string
	for tag, session := range m.done {
		there := slices.ContainsFunc(set.Snapshots, func(s *snapshot.Snapshot) bool { return s.Session == session })
		if !there && !m.forgotten[session] {
			missing = append(missing, tag+" ("+session+")")
		}
	}
	slices.Sort(missing)
	return missing
}
