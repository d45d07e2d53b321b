package repo_test

import (
	"errors"
	"testing"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/seal"
)

func TestOpen(t *testing.T) {
	root, copied := format.RootName(1), format.RootCopyName(1)
	for name, test := range map[string]struct {
		harm   func(b *bench)
		secret seal.Secret
		want   error
	}{
		"whole":                 {func(*bench) {}, owner, nil},
		"another key":           {func(*bench) {}, seal.Secret{Key: &[32]byte{9}}, seal.ErrSecret},
		"the root is gone":      {func(b *bench) { b.must(b.store.Delete(b.Context(), root)) }, owner, nil},
		"its copy is gone":      {func(b *bench) { b.must(b.store.Delete(b.Context(), copied)) }, owner, nil},
		"both are gone":         {func(b *bench) { b.must(b.store.Delete(b.Context(), root, copied)) }, owner, repo.ErrNoRepository},
		"the root is cut":       {func(b *bench) { b.put(root, b.get(root)[:40]) }, owner, nil},
		"the root is altered":   {func(b *bench) { b.flip(root, 60) }, owner, nil},
		"the root is empty":     {func(b *bench) { b.put(root, nil) }, owner, nil},
		"another kind is root":  {func(b *bench) { b.put(root, b.get(b.names("k/")[0])) }, owner, nil},
		"another object beside": {func(b *bench) { b.put("k/readme", []byte("hello")) }, owner, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, object.NewMem())
			test.harm(b)
			r, err := repo.Open(t.Context(), b.store, repo.OpenOptions{Secret: test.secret})
			if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
				t.Errorf("%v instead of %v", err, test.want)
			}
			if err == nil {
				if r.ID() != b.repo.ID() {
					t.Errorf("it is another repository, %v", r.ID())
				}
				b.must(r.Close())
			}
		})
	}
}

func TestOpenNothing(t *testing.T) {
	if _, err := repo.Open(t.Context(), object.NewMem(), repo.OpenOptions{Secret: owner}); !errors.Is(err, repo.ErrNoRepository) {
		t.Error(err)
	}
}

func TestDamagedSlot(t *testing.T) {
	b := newBench(t, object.NewMem())
	second := seal.Secret{Key: &[32]byte{2}}
	id, err := b.repo.AddSlot(t.Context(), format.RoleOwner, repo.NewSlot{Secret: second})
	b.must(err)
	b.put(format.SlotName(id), []byte("broken"))
	b.open(b.store, owner)
	if _, err := repo.Open(t.Context(), b.store, repo.OpenOptions{Secret: second}); !errors.Is(err, seal.ErrSecret) || !repo.IsDamage(err) {
		t.Errorf("the error does not say that a slot is damaged: %v", err)
	}
}

func TestCreateTwice(t *testing.T) {
	b := newBench(t, object.NewMem())
	before := b.names("")
	_, err := repo.Create(t.Context(), b.store, repo.CreateOptions{Slots: []repo.NewSlot{{Secret: owner}}})
	if !errors.Is(err, repo.ErrExists) {
		t.Error(err)
	}
	if after := b.names(""); len(after) != len(before) {
		t.Errorf("objects %v became %v", before, after)
	}
	if _, err := repo.Create(t.Context(), object.NewMem(), repo.CreateOptions{}); err == nil {
		t.Error("a repository without a key slot")
	}
}

// TestReplaced has another repository stand where a machine knows one.
func TestReplaced(t *testing.T) {
	cache := t.TempDir()
	open := func(store object.Store) error {
		r, err := repo.Open(t.Context(), store, repo.OpenOptions{Secret: owner, Cache: cache})
		if err == nil {
			err = r.Close()
		}
		return err
	}
	first, second := newBench(t, object.NewMem()), newBench(t, object.NewMem())
	first.must(open(first.store))
	if err := open(second.store); !errors.Is(err, repo.ErrOther) {
		t.Errorf("%v", err)
	}
	first.must(open(first.store))
}

func TestSlots(t *testing.T) {
	b := newBench(t, object.NewMem())
	for i, test := range []struct {
		role           format.Role
		data, metadata bool
	}{{format.RoleOwner, true, true}, {format.RoleMaintainer, false, true}, {format.RoleWriter, false, false}} {
		key := seal.Secret{Key: &[32]byte{10 + byte(i)}}
		_, err := b.repo.AddSlot(t.Context(), test.role, repo.NewSlot{Secret: key, Label: "added"})
		b.must(err)
		r := b.open(b.store, key)
		k := r.Keys()
		if k.Role() != test.role || k.ReadsData() != test.data || k.ReadsMetadata() != test.metadata || r.ID() != b.repo.ID() {
			t.Errorf("role %v: opened as %v, data %v, metadata %v", test.role, k.Role(), k.ReadsData(), k.ReadsMetadata())
		}
		if test.role != format.RoleOwner {
			if _, err := r.AddSlot(t.Context(), format.RoleOwner, repo.NewSlot{Secret: key}); err == nil {
				t.Errorf("role %v makes an owner", test.role)
			}
		}
	}
	slots, err := b.repo.Slots(t.Context())
	b.must(err)
	labels := map[string]int{}
	for _, slot := range slots {
		labels[slot.Label]++
		if slot.Passphrase {
			t.Errorf("%s has no passphrase", slot.Name)
		}
	}
	if labels["first"] != 1 || labels["added"] != 3 {
		t.Errorf("labels %v", labels)
	}
	for _, slot := range slots {
		if slot.Label == "added" {
			b.must(b.repo.RemoveSlot(t.Context(), slot.ID))
		}
	}
	if _, err := repo.Open(t.Context(), b.store, repo.OpenOptions{Secret: seal.Secret{Key: &[32]byte{10}}}); !errors.Is(err, seal.ErrSecret) {
		t.Errorf("a removed slot opens: %v", err)
	}
}
