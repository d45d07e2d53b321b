package repair_test

import (
	"errors"
	"testing"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/prune"
	"firn/internal/repo"
	"firn/internal/seal"
)

// revoke rotates the keys and revokes the host of a repository.
func revoke(t testing.TB, store object.Store, of *repo.Repository) *repo.Rotation {
	t.Helper()
	r := open(t, store, owner)
	defer shut(t, r)
	done, err := r.Rotate(t.Context(), of.Keys().Host().String())
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// TestRevokedHostsHinderNobody lets a revoked writer and a revoked maintainer go on with the
// keys they have: what they write counts for nothing and stops nothing.
func TestRevokedHostsHinderNobody(t *testing.T) {
	w := newWorld(t)
	leakedWriter, leakedMaintainer := open(t, w.store, writer), open(t, w.store, maintainer)
	defer shut(t, leakedWriter)
	defer shut(t, leakedMaintainer)
	kept := named(t, w.store, format.PrefixManifests)
	done := revoke(t, w.store, leakedWriter)
	if done.Vouched != 2 || len(done.Removed) != 1 || len(done.Renewed) != 1 { // a manifest and a segment
		t.Errorf("%+v", done)
	}
	revoke(t, w.store, leakedMaintainer)

	w.write(t, 60, 70)
	if _, err := w.tryBackUp(leakedWriter); err != nil {
		t.Fatal(err) // it cannot know
	}
	var forgotten []string
	for _, name := range kept {
		session, err := format.ParseManifestObject(name)
		if err != nil {
			t.Fatal(err)
		}
		forgotten = append(forgotten, session)
	}
	if err := prune.Forget(t.Context(), leakedMaintainer, forgotten, "test"); err != nil {
		t.Fatal(err)
	}
	wantClean(t, w.store, 2)
	r := open(t, w.store, owner)
	defer shut(t, r)
	if set := list(t, r); len(set.Revoked) != 1 || len(set.Damage) > 0 {
		t.Errorf("revoked: %v, damage: %v", set.Revoked, set.Damage)
	}
	if _, err := prune.Run(t.Context(), r, prune.Options{Grace: -1, Stale: 1}); err != nil {
		t.Error(err)
	}
	wantClean(t, w.store, 2)
	w.backUp(t, owner)
	wantClean(t, w.store, 3)
}

// TestRunningSessionOfRevoked is closed, and its backup does not end well.
func TestRunningSessionOfRevoked(t *testing.T) {
	for name, store := range map[string]func(object.Store) object.Store{
		"conditional":   func(s object.Store) object.Store { return s },
		"unconditional": func(s object.Store) object.Store { return plain{s} },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.store = store(w.store)
			r := open(t, w.store, writer)
			defer shut(t, r)
			s, err := r.Begin(t.Context(), repo.SessionOptions{Writer: small})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.LoadIndex(t.Context()); err != nil {
				t.Fatal(err)
			}
			if done := revoke(t, w.store, r); len(done.Closed) != 1 || done.Closed[0] != s.Name() {
				t.Errorf("%+v", done)
			}
			if _, err := s.Commit(t.Context(), &format.Manifest{}); !errors.Is(err, repo.ErrFenced) {
				t.Errorf("commit: %v", err)
			}
			if err := s.Abandon(t.Context(), "test"); err != nil {
				t.Error(err)
			}
			wantClean(t, w.store, 2)
			if _, err := repo.Open(t.Context(), w.store, repo.OpenOptions{Secret: writer}); !errors.Is(err, seal.ErrSecret) {
				t.Errorf("its slot: %v", err)
			}
		})
	}
}

// plain is a store without conditional writes.
type plain struct{ object.Store }

func (p plain) Capabilities() object.Capabilities {
	caps := p.Store.Capabilities()
	caps.IfAbsent = false
	return caps
}
