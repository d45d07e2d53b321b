package repo_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/object/objecttest"
	"firn/internal/repo"
	"firn/internal/seal"
)

func key(n byte) seal.Secret { return seal.Secret{Key: &[32]byte{n}} }

// rotated is a repository with an owner (key 1) and two writers (2 and 3).
func rotated(t *testing.T) (object.Store, *repo.Repository) {
	t.Helper()
	store := object.NewMem()
	r, err := repo.Create(t.Context(), store, repo.CreateOptions{Slots: []repo.NewSlot{{Secret: key(1)}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	for n := byte(2); n <= 3; n++ {
		if _, err := r.AddSlot(t.Context(), format.RoleWriter, repo.NewSlot{Secret: key(n)}); err != nil {
			t.Fatal(err)
		}
	}
	return store, r
}

// opened opens a repository, does something with it and closes it.
func opened(t *testing.T, store object.Store, secret seal.Secret, cache string, do func(*repo.Repository)) error {
	t.Helper()
	r, err := repo.Open(t.Context(), store, repo.OpenOptions{Secret: secret, Cache: cache})
	if err != nil {
		return err
	}
	do(r)
	return r.Close()
}

func TestRotateWords(t *testing.T) {
	store, r := rotated(t)
	slots, err := r.Slots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	own := strings.TrimPrefix(format.SlotName(r.Slot()), format.PrefixKeys)
	for word, want := range map[string]error{"": repo.ErrNobody, "zz": repo.ErrNobody, own: repo.ErrOwnerKey} {
		if _, err := r.Rotate(t.Context(), word); !errors.Is(err, want) {
			t.Errorf("%q: %v", word, err)
		}
	}
	if len(slots) != 3 {
		t.Fatalf("%d slots", len(slots))
	}
	var host string
	if err := opened(t, store, key(2), "", func(w *repo.Repository) { host = w.Keys().Host().String() }); err != nil {
		t.Fatal(err)
	}
	done, err := r.Rotate(t.Context(), strings.ToUpper(host[:12]))
	if err != nil || len(done.Removed) != 1 || len(done.Renewed) != 1 || done.Revoked[0].String() != host {
		t.Fatalf("%+v, %v", done, err)
	}
	if err := opened(t, store, key(2), "", nil); !errors.Is(err, seal.ErrSecret) {
		t.Errorf("revoked: %v", err)
	}
	if err := opened(t, store, key(3), "", func(w *repo.Repository) {
		if w.Keys().Epoch() != 2 {
			t.Errorf("epoch %d", w.Keys().Epoch())
		}
		if _, err := w.Rotate(t.Context()); !errors.Is(err, repo.ErrRole) {
			t.Errorf("a writer rotates: %v", err)
		}
	}); err != nil {
		t.Error(err)
	}
}

// TestRotateTwiceAtOnce: of two rotations from the same root one is told that it lost.
func TestRotateTwiceAtOnce(t *testing.T) {
	store, r := rotated(t)
	err := opened(t, store, key(1), "", func(other *repo.Repository) {
		if _, err := other.Rotate(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Rotate(t.Context()); !errors.Is(err, repo.ErrRaced) {
		t.Errorf("the second: %v", err)
	}
}

// TestRotateLosesAnswers sends each write twice, as if the first answer had been lost.
func TestRotateLosesAnswers(t *testing.T) {
	store, _ := rotated(t)
	twice := &twiceWritten{store}
	err := opened(t, twice, key(1), "", func(r *repo.Repository) {
		if done, err := r.Rotate(t.Context()); err != nil || done.Root != 2 {
			t.Errorf("%+v, %v", done, err)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

type twiceWritten struct{ object.Store }

func (w *twiceWritten) Put(ctx context.Context, name string, body []byte, opts object.PutOptions) (object.Info, error) {
	if strings.Contains(name, format.RootName(1)) {
		if info, err := w.Store.Put(ctx, name, body, opts); err != nil {
			return info, err
		}
	}
	return w.Store.Put(ctx, name, body, opts)
}

// TestNewestRootStays: a machine that saw a root goes by it when the drive shows an
// older one only; another root's cache does not keep a new repository from being seen.
func TestNewestRootStays(t *testing.T) {
	store, r := rotated(t)
	if _, err := r.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	number := func() (n uint32) {
		t.Helper()
		if err := opened(t, store, key(3), cache, func(w *repo.Repository) { n = w.Keys().Root().Number }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := number(); n != 2 {
		t.Fatalf("root %d", n)
	}
	if err := store.Delete(t.Context(), format.RootName(2), format.RootCopyName(2)); err != nil {
		t.Fatal(err)
	}
	if n := number(); n != 2 {
		t.Errorf("root %d after the newer one was taken back", n)
	}
	err := opened(t, store, key(1), "", func(r *repo.Repository) {
		if faults, err := r.InspectRoots(t.Context()); err != nil || len(faults) > 0 {
			t.Errorf("%v, %v", faults, err)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// TestRotationFaults: a drive that fails makes an error, and no half of a change.
func TestRotationFaults(t *testing.T) {
	store, _ := rotated(t)
	faulty := objecttest.NewFault(store, 1)
	err := opened(t, faulty, key(1), "", func(r *repo.Repository) {
		faulty.Add(objecttest.Rule{Op: objecttest.Put, Do: objecttest.Stop, Name: format.RootName(2)})
		if _, err := r.Rotate(t.Context()); !errors.Is(err, objecttest.ErrStopped) {
			t.Errorf("%v", err)
		}
	})
	if err != nil {
		t.Error(err)
	}
	if err := opened(t, store, key(2), "", func(w *repo.Repository) {
		if w.Keys().Epoch() != 1 {
			t.Errorf("epoch %d", w.Keys().Epoch())
		}
	}); err != nil {
		t.Error(err)
	}
}

// TestRotatePastABrokenSlot: a slot that opens for nobody keeps nobody from rotating.
func TestRotatePastABrokenSlot(t *testing.T) {
	store, r := rotated(t)
	slots, err := r.Slots(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	broken := slots[0].Name
	if slots[0].ID == r.Slot() {
		broken = slots[1].Name
	}
	if _, err := store.Put(t.Context(), broken, []byte("nothing"), object.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	done, err := r.Rotate(t.Context())
	if err != nil || len(done.Renewed) != 1 || len(done.Broken) != 1 || done.Broken[0] != broken {
		t.Errorf("%+v, %v", done, err)
	}
}
