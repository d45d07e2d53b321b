package repair_test

import (
	"errors"
	"testing"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/object/objecttest"
	"firn/internal/repair"
	"firn/internal/repo"
	"firn/internal/seal"
)

// sweep stops work at each of its store operations.
func sweep(t *testing.T, from map[string]string, work func(r *repo.Repository) error, verify func(t *testing.T, store object.Store, err error)) {
	t.Helper()
	objecttest.Sweep(t, func(t *testing.T) object.Store { return storeOf(t, from) },
		func(t *testing.T, store object.Store) error {
			r, err := repo.Open(t.Context(), store, repo.OpenOptions{Secret: owner})
			if err != nil {
				return err
			}
			return errors.Join(work(r), r.Close())
		}, verify)
}

// TestCrashInRotate: wherever a rotation stops, owner, maintainer and the writers that stay get
// in and work, the one that is revoked is either as before or out, and all snapshots are whole.
func TestCrashInRotate(t *testing.T) {
	w := newWorld(t)
	stays := seal.Secret{Key: &[32]byte{4}}
	r := open(t, w.store, owner)
	if _, err := r.AddSlot(t.Context(), format.RoleWriter, repo.NewSlot{Secret: stays}); err != nil {
		t.Fatal(err)
	}
	shut(t, r)
	leaked := open(t, w.store, writer)
	host := leaked.Keys().Host().String()
	s, err := leaked.Begin(t.Context(), repo.SessionOptions{})
	if err == nil {
		err = s.Abandon(t.Context(), "") // a writer's stays open
	}
	if err != nil {
		t.Fatal(err)
	}
	shut(t, leaked)
	runs := 0
	sweep(t, objects(t, w.store), func(r *repo.Repository) error {
		_, err := r.Rotate(t.Context(), host)
		return err
	}, func(t *testing.T, store object.Store, err error) {
		wantClean(t, store, 2)
		revoked := tryOpen(t, store, writer)
		if err == nil && revoked == nil {
			t.Error("the revoked writer gets in")
		}
		for _, secret := range []seal.Secret{stays, maintainer} {
			if err := tryOpen(t, store, secret); err != nil {
				t.Errorf("locked out: %v", err)
			}
		}
		if runs++; runs%4 > 0 {
			return
		}
		next := &world{store: store, files: w.files}
		next.backUp(t, stays)
		r := open(t, store, owner)
		if _, err := r.Rotate(t.Context()); err != nil {
			t.Errorf("rotate again: %v", err)
		}
		shut(t, r)
		next.backUp(t, stays)
		wantClean(t, store, 4)
	})
}

// tryOpen opens a repository and begins a session; the error is one of a key that is not
// let in.
func tryOpen(t *testing.T, store object.Store, secret seal.Secret) error {
	t.Helper()
	r, err := repo.Open(t.Context(), store, repo.OpenOptions{Secret: secret})
	if err == nil {
		s, beginning := r.Begin(t.Context(), repo.SessionOptions{})
		if err = beginning; err == nil {
			err = s.Abandon(t.Context(), "test")
		}
		err = errors.Join(err, r.Close())
	}
	if err != nil && !errors.Is(err, seal.ErrRevoked) && !errors.Is(err, seal.ErrSecret) {
		t.Errorf("neither in nor out: %v", err)
	}
	return err
}

// TestCrashInRepair: with root copy, root, a segment and mirrors damaged, a stop anywhere leaves
// a repository that opens, in which no more is wrong than before, and that the next
// run repairs.
func TestCrashInRepair(t *testing.T) {
	w := newWorld(t)
	mirrors := w.mirrorsOnly(t)
	segments := named(t, w.store, format.PrefixSegments)
	harms[2].do(t, w.store, segments[0])
	harms[2].do(t, w.store, format.RootName(1))
	remove(t, w.store, segments[1], mirrors)
	before := len(inspect(t, w.store).Findings)
	sweep(t, objects(t, w.store), func(r *repo.Repository) error {
		if _, err := repair.Roots(t.Context(), r, repair.Options{}); err != nil {
			return err
		}
		_, err := repair.Index(t.Context(), r, repair.Options{Writer: small})
		return err
	}, func(t *testing.T, store object.Store, _ error) {
		if after := len(inspect(t, store).Findings); after > before {
			t.Errorf("%d findings, %d before", after, before)
		}
		mend(t, store, owner)
		wantClean(t, store, 2)
	})
}

// TestCrashInSnapshots: a snapshot's replacement is there whole, or not at all.
func TestCrashInSnapshots(t *testing.T) {
	w := newWorld(t)
	remove(t, w.store, named(t, w.store, format.PrefixData)[0])
	before := inspect(t, w.store)
	sweep(t, objects(t, w.store), func(r *repo.Repository) error {
		_, err := repair.Snapshots(t.Context(), r, nil, repair.Options{Writer: small})
		return err
	}, func(t *testing.T, store object.Store, err error) {
		after := inspect(t, store)
		if after.Suffering != before.Suffering || err == nil && after.Snapshots == before.Snapshots {
			t.Errorf("%d of %d snapshots suffer, %d of %d before", after.Suffering, after.Snapshots, before.Suffering, before.Snapshots)
		}
	})
}
