// Package snapshot lists the snapshots of a repository and finds one by what
// people write: an ID or its beginning, "latest", "latest:SOURCE".
//
// Invariant: a snapshot that is listed has a manifest that was verified and
// that no record forgets. Outcomes that cannot be read are listed as damage,
// never passed over. The command line and the verbs call it.
package snapshot

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/seal"
	"firn/internal/tree"
)

// Errors of Find.
var (
	ErrNotFound  = errors.New("no such snapshot")
	ErrAmbiguous = errors.New("several snapshots begin like that")
)

// Snapshot is one finished backup.
type Snapshot struct {
	format.Manifest
	// Hash is the SHA-256 of the manifest object.
	Hash format.ID
	// Signer is the host key that signed it.
	Signer format.Host
}

// ID returns the 32 hex digits that name the snapshot.
func (s *Snapshot) ID() string { return ID(s.Session) }

// ID returns the part of a session's name that people use.
func ID(session string) string {
	return session[strings.LastIndexByte(session, '-')+1:]
}

// Short returns the first 8 digits of the ID.
func (s *Snapshot) Short() string { return s.ID()[:8] }

// Time returns when the backup started.
func (s *Snapshot) Time() time.Time { return time.Unix(0, s.Started) }

// Tree returns the root of the snapshot's tree.
func (s *Snapshot) Tree() tree.Root {
	return tree.Root{ID: s.Root, Length: s.RootLength, Sums: s.Sums}
}

// SourceKey names a host and its sources for parents and chains.
func SourceKey(host string, sources [][]byte) (key [16]byte) {
	h := sha256.New()
	fmt.Fprintf(h, "firn v1 source\x00%s", host)
	for _, s := range sources {
		fmt.Fprintf(h, "\x00%d\x00%s", len(s), s)
	}
	copy(key[:], h.Sum(nil))
	return key
}

// Set is all snapshots of a repository.
type Set struct {
	// Snapshots, oldest first.
	Snapshots []*Snapshot
	// Forgotten ones, whose manifests are still there, oldest first.
	Forgotten []*Snapshot
	// Damage names outcomes that cannot be read.
	Damage []error
	// Gone are sessions that this machine saw at the end of a chain, and that are no
	// longer there, or with another manifest, although no record forgets them.
	Gone []string
	// Revoked are the sessions whose outcomes a host signed that the owner revoked and
	// does not vouch for: they count for nothing.
	Revoked []string
}

// readers bounds the manifests read at once.
const readers = 16

// List reads all snapshots. Manifests are immutable, so those seen before
// come from the cache.
func List(ctx context.Context, r *repo.Repository, records *repo.Records) (*Set, error) {
	sessions, err := r.OutcomeNames(ctx)
	if err != nil {
		return nil, err
	}
	outcomes := make([]*repo.Outcome, len(sessions))
	damage, revoked := make([]error, len(sessions)), make([]bool, len(sessions))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	for i, session := range sessions {
		g.Go(func() error {
			out, err := r.ReadOutcome(gctx, session)
			switch {
			case err == nil:
				outcomes[i] = out
			case errors.Is(err, object.ErrNotFound): // swept between the listing and the reading
			case errors.Is(err, seal.ErrRevoked):
				revoked[i] = true
			case repo.IsDamage(err):
				damage[i] = err
			default:
				return err
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("list snapshots: %w", err)
	}
	set := gather(outcomes, damage, records.Forgotten())
	for i, session := range sessions {
		if revoked[i] {
			set.Revoked = append(set.Revoked, session)
		}
	}
	set.Pin(r.Cache(), records.Forgotten())
	return set, nil
}

func gather(outcomes []*repo.Outcome, damage []error, forgotten map[string]bool) *Set {
	set := &Set{}
	for i, out := range outcomes {
		if damage[i] != nil {
			set.Damage = append(set.Damage, damage[i])
		}
		if out == nil || out.Manifest == nil {
			continue
		}
		s := &Snapshot{Manifest: *out.Manifest, Hash: out.Hash, Signer: out.Signer}
		if forgotten[out.Session] {
			set.Forgotten = append(set.Forgotten, s)
		} else {
			set.Snapshots = append(set.Snapshots, s)
		}
	}
	byTime(set.Snapshots)
	byTime(set.Forgotten)
	return set
}

func byTime(list []*Snapshot) {
	sort.Slice(list, func(i, j int) bool {
		if list[i].Started != list[j].Started {
			return list[i].Started < list[j].Started
		}
		return list[i].Session < list[j].Session
	})
}

// Find returns the snapshot that a person's words mean: "latest",
// "latest:SOURCE" (a source path or the host's name), an ID or its beginning.
func (set *Set) Find(words string) (*Snapshot, error) {
	if words == "" {
		return nil, fmt.Errorf("%w: no ID is given", ErrNotFound)
	}
	if words == "latest" {
		return set.latest(func(*Snapshot) bool { return true }, words)
	}
	if source, ok := strings.CutPrefix(words, "latest:"); ok {
		return set.latest(func(s *Snapshot) bool { return s.has(source) }, words)
	}
	var found *Snapshot
	for _, s := range set.Snapshots {
		if !strings.HasPrefix(s.ID(), words) && s.Session != words {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("%w: %q is the beginning of %s and %s", ErrAmbiguous, words, found.ID(), s.ID())
		}
		found = s
	}
	if found == nil {
		return nil, fmt.Errorf("%w: %q", ErrNotFound, words)
	}
	return found, nil
}

func (set *Set) latest(match func(*Snapshot) bool, words string) (*Snapshot, error) {
	for i := len(set.Snapshots) - 1; i >= 0; i-- {
		if match(set.Snapshots[i]) {
			return set.Snapshots[i], nil
		}
	}
	return nil, fmt.Errorf("%w: %q", ErrNotFound, words)
}

// has reports whether the snapshot is of a host or contains a source.
func (s *Snapshot) has(source string) bool {
	if s.Host == source {
		return true
	}
	clean := filepath.Clean(source)
	for _, have := range s.Sources {
		if string(have) == source || string(have) == clean {
			return true
		}
	}
	return false
}

// Of returns the snapshots of one source key, oldest first.
func (set *Set) Of(key [16]byte) []*Snapshot {
	var list []*Snapshot
	for _, s := range set.Snapshots {
		if s.SourceKey == key {
			list = append(list, s)
		}
	}
	return list
}

// Heads returns the ends of the chain of one source: the snapshots that no
// later one of the same source names as previous.
func (set *Set) Heads(key [16]byte) []format.Head {
	named := map[string]bool{}
	list := set.Of(key)
	for _, s := range list {
		for _, h := range s.Previous {
			named[h.Session] = true
		}
	}
	var heads []format.Head
	for _, s := range list {
		if !named[s.Session] {
			heads = append(heads, format.Head{Session: s.Session, Manifest: s.Hash})
		}
	}
	return heads
}

// HeadsOfOthers returns the newest snapshot of every other source, so that
// the disappearance of one shows in the chains of all.
func (set *Set) HeadsOfOthers(key [16]byte) []format.Head {
	newest := map[[16]byte]*Snapshot{}
	for _, s := range set.Snapshots {
		if s.SourceKey != key {
			newest[s.SourceKey] = s
		}
	}
	heads := make([]format.Head, 0, len(newest))
	for _, s := range newest {
		heads = append(heads, format.Head{Session: s.Session, Manifest: s.Hash})
	}
	sort.Slice(heads, func(i, j int) bool { return bytes.Compare([]byte(heads[i].Session), []byte(heads[j].Session)) < 0 })
	return heads
}
