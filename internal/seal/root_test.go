package seal

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"testing"

	"firn/internal/format"
)

func TestRepositoryIDIsTheOwnerKeysHash(t *testing.T) {
	owner := newOwner(t)
	want := sha256.Sum256(append([]byte("firn v1 repository"), owner.Root().OwnerKey...))
	if owner.Repository() != want || RepositoryID(owner.Root().OwnerKey) != want {
		t.Error("another repository ID")
	}
	if id, err := VerifyRoot(owner.Root()); err != nil || id != want {
		t.Errorf("verified as %x, %v", id, err)
	}
}

func TestRootRefusesChanges(t *testing.T) {
	owner := newOwner(t)
	root := owner.Root()
	changed := new(format.Root)
	encoded := root.Append(nil)
	damaged(encoded, func(what string, data []byte) {
		if changed.Decode(data) != nil || bytes.Equal(changed.Append(nil), encoded) {
			return
		}
		if _, err := VerifyRoot(changed); !errors.Is(err, ErrUntrusted) {
			t.Fatalf("changed %s: %v", what, err)
		}
	})
}

// resigned changes a copy of the owner's root and signs it.
func resigned(t *testing.T, owner *Keyring, change func(*format.Root)) *format.Root {
	t.Helper()
	r := new(format.Root)
	if err := r.Decode(owner.Root().Append(nil)); err != nil {
		t.Fatal(err)
	}
	change(r)
	signRoot(owner.owner, r)
	return r
}

func TestVerifyRootRefusesWhatItCannotGoBy(t *testing.T) {
	owner := newOwner(t)
	for name, test := range map[string]struct {
		change func(*format.Root)
		want   error
	}{
		"feature":       {func(r *format.Root) { r.Features = []string{"time travel"} }, format.ErrVersion},
		"no epochs":     {func(r *format.Root) { r.Epochs = nil }, ErrDamaged},
		"epoch 0":       {func(r *format.Root) { r.Epochs[0].Number, r.DedupEpoch = 0, 0 }, ErrDamaged},
		"epoch twice":   {func(r *format.Root) { r.Epochs = append(r.Epochs, r.Epochs[0]) }, ErrDamaged},
		"no such dedup": {func(r *format.Root) { r.DedupEpoch = 2 }, ErrDamaged},
	} {
		if _, err := VerifyRoot(resigned(t, owner, test.change)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

func TestOpenRefusesWhatDoesNotBelongTogether(t *testing.T) {
	owner, other := newOwner(t), newOwner(t)
	for name, test := range map[string]struct {
		role   format.Role
		change func(*format.Bundle)
		root   *format.Root
		want   error
	}{
		"another root":   {format.RoleWriter, nil, other.Root(), ErrUntrusted},
		"no role":        {format.RoleWriter, func(b *format.Bundle) { b.Role = 0 }, nil, ErrDamaged},
		"role 4":         {format.RoleWriter, func(b *format.Bundle) { b.Role = 4 }, nil, ErrDamaged},
		"risen writer":   {format.RoleWriter, func(b *format.Bundle) { b.Role = format.RoleMaintainer }, nil, ErrUntrusted},
		"no owner seed":  {format.RoleWriter, func(b *format.Bundle) { b.Role = format.RoleOwner }, nil, ErrDamaged},
		"another seed":   {format.RoleOwner, func(b *format.Bundle) { b.OwnerSeed = random(32) }, nil, ErrUntrusted},
		"no host seed":   {format.RoleWriter, func(b *format.Bundle) { b.HostSeed = nil }, nil, ErrDamaged},
		"another host":   {format.RoleWriter, func(b *format.Bundle) { b.HostSeed = random(32) }, nil, ErrUntrusted},
		"no certificate": {format.RoleWriter, func(b *format.Bundle) { b.Certificate = nil }, nil, ErrDamaged},
		"own certificate": {format.RoleWriter, func(b *format.Bundle) {
			c := certify(other.owner, owner.Repository(), b.Certificate.PublicKey, format.RoleWriter, 1)
			b.Certificate = &c
		}, nil, ErrUntrusted},
		"no dedup key":  {format.RoleWriter, func(b *format.Bundle) { b.Epochs[0].Dedup = nil }, nil, ErrDamaged},
		"no index key":  {format.RoleWriter, func(b *format.Bundle) { b.Epochs[0].Index = nil }, nil, ErrDamaged},
		"no epochs":     {format.RoleWriter, func(b *format.Bundle) { b.Epochs = nil }, nil, ErrNoKey},
		"another data":  {format.RoleOwner, func(b *format.Bundle) { b.Epochs[0].DataSecret = other.bundle.Epochs[0].DataSecret }, nil, ErrUntrusted},
		"another meta":  {format.RoleMaintainer, func(b *format.Bundle) { b.Epochs[0].MetadataSecret = other.bundle.Epochs[0].MetadataSecret }, nil, ErrUntrusted},
		"short secret":  {format.RoleOwner, func(b *format.Bundle) { b.Epochs[0].DataSecret = make([]byte, 5) }, nil, ErrDamaged},
		"no public key": {format.RoleOwner, nil, resigned(t, owner, func(r *format.Root) { r.Epochs[0].DataKey = nil }), ErrDamaged},
		"bad public key": {format.RoleOwner, nil, resigned(t, owner, func(r *format.Root) {
			r.Epochs[0].MetadataKey = bytes.Repeat([]byte{0xff}, 1216)
		}), ErrDamaged},
	} {
		b, err := owner.Bundle(test.role)
		if err != nil {
			t.Fatal(err)
		}
		if test.change != nil {
			test.change(b)
		}
		root := test.root
		if root == nil {
			root = owner.Root()
		}
		if _, err := Open(b, root, nil); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

// A provider that swaps public keys must not be believed.
func TestOpenRefusesSwappedPublicKeys(t *testing.T) {
	owner, other := newOwner(t), newOwner(t)
	b, err := owner.Bundle(format.RoleWriter)
	if err != nil {
		t.Fatal(err)
	}
	root := *owner.Root()
	root.Epochs = other.Root().Epochs
	if _, err := Open(b, &root, nil); !errors.Is(err, ErrUntrusted) {
		t.Errorf("unsigned keys: %v", err)
	}
	root.OwnerKey = other.Root().OwnerKey
	signRoot(other.owner, &root)
	if _, err := Open(b, &root, nil); !errors.Is(err, ErrUntrusted) {
		t.Errorf("keys of another owner: %v", err)
	}
}

func TestOwnersMachineKeepsItsKey(t *testing.T) {
	owner := newOwner(t)
	b, err := owner.Bundle(format.RoleOwner)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Open(b, owner.Root(), owner.HostSeed())
	if err != nil {
		t.Fatal(err)
	}
	fresh, err := Open(b, owner.Root(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if again.Host() != owner.Host() || fresh.Host() == owner.Host() {
		t.Error("the machine's key does not follow its seed")
	}
	if _, err := Open(b, owner.Root(), []byte("short")); !errors.Is(err, ErrDamaged) {
		t.Errorf("short seed: %v", err)
	}
}

func TestOpenKeepsNothingOfItsArguments(t *testing.T) {
	owner := newOwner(t)
	b, err := owner.Bundle(format.RoleOwner)
	if err != nil {
		t.Fatal(err)
	}
	k, err := Open(b, owner.Root(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := k.bundle.Append(nil)
	clear(b.OwnerSeed)
	for _, e := range b.Epochs {
		clear(e.Dedup)
		clear(e.Index)
		clear(e.DataSecret)
		clear(e.MetadataSecret)
	}
	if !bytes.Equal(k.bundle.Append(nil), want) {
		t.Error("wiping the bundle changed the keyring")
	}
}
