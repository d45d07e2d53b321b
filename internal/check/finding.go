package check

import (
	"errors"
	"sync"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/seal"
)

// Kind says what is wrong with an object.
type Kind string

// The kinds of findings.
const (
	Missing       Kind = "missing"       // it is not on the drive
	WrongSize     Kind = "wrong-size"    // it has another length than it was written with
	Altered       Kind = "altered"       // its bytes are not those that were written
	Untrusted     Kind = "untrusted"     // not signed by who may sign it, or under another object's name
	NewVersion    Kind = "new-version"   // of a format version unknown here
	Contradictory Kind = "contradictory" // authentic, but at odds with what refers to it
	Unlisted      Kind = "unlisted"      // chunks that snapshots need and no index segment lists
	Unmirrored    Kind = "unmirrored"    // a data pack whose footer has no readable mirror
	Distrusted    Kind = "distrusted"    // chunks that others' snapshots need and only distrusted hosts have stored
)

// kindOf says what a damage error means.
func kindOf(err error) Kind {
	switch {
	case errors.Is(err, object.ErrNotFound):
		return Missing
	case errors.Is(err, object.ErrShort), errors.Is(err, object.ErrTooLarge):
		return WrongSize
	case errors.Is(err, format.ErrVersion):
		return NewVersion
	case errors.Is(err, seal.ErrUntrusted):
		return Untrusted
	}
	return Altered
}

// Finding is one thing that is not as it should be.
type Finding struct {
	Kind   Kind
	Object string // name on the drive; of the index as a whole "x/"
	Detail string
	// Harm is what makes a check fail: snapshots suffer, or may once more
	// breaks, or an object that the repository itself stands on is damaged.
	Harm bool
	// Recorded means that an earlier check wrote a record of it.
	Recorded bool
	// Chunks counts what snapshots need and no sound object holds; Unreadable
	// how many of these cannot be read any more, as far as this key can tell.
	Chunks, Unreadable uint64
	// Snapshots that suffer, by ID, newest first: the first few, and how many in all.
	Snapshots     []string
	SnapshotCount int
	// Paths that suffer: the first few, and how many in all; each is named once.
	Paths     []Path
	PathCount uint64
}

// Path is an entry that suffers. When a page of the tree is lost it is that
// page's range of entries.
type Path struct {
	Snapshot string // ID of a snapshot, the newest, that has it
	Key      []byte // as in the tree
	Range    bool   // all entries from Key on
	End      []byte // end of the range, itself not in it; nil: to the end of the tree
}

// Healed reports whether the damage was recorded and is made good: all that
// snapshots need of the object is stored elsewhere.
func (f *Finding) Healed() bool { return f.Recorded && !f.Harm }

// suffers enters a snapshot that suffers.
func (f *Finding) suffers(id string) {
	f.SnapshotCount++
	if len(f.Snapshots) < maxSnapshots {
		f.Snapshots = append(f.Snapshots, id)
	}
}

// Bounds on what is listed; counts go on.
const (
	maxSnapshots = 100
	maxPaths     = 100
)

// ledger gathers findings; there are at most a few for each object on the
// drive. It is safe for concurrent use.
type ledger struct {
	mu      sync.Mutex // guards all below
	list    []*Finding
	suffers map[string]struct{} // IDs of snapshots
}

// suffer enters a snapshot that suffers from some finding.
func (l *ledger) suffer(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.suffers == nil {
		l.suffers = map[string]struct{}{}
	}
	l.suffers[id] = struct{}{}
}

func (l *ledger) add(f *Finding) *Finding {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, f)
	return f
}

// damaged enters an object that the repository stands on and that cannot be read.
func (l *ledger) damaged(name string, err error) *Finding {
	return l.add(&Finding{Kind: kindOf(err), Object: name, Detail: err.Error(), Harm: true})
}
