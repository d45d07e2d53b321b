package seal

import (
	"bytes"
	"errors"
	"testing"

	"firn/internal/format"
)

// TestFollow has keyrings that were opened before a rotation open what is sealed after it,
// and seal as before.
func TestFollow(t *testing.T) {
	first, writer, maintainer := rings(t)
	members := Succession{Epoch: true, Members: []Member{memberOf(writer), memberOf(maintainer)}}
	second, _ := succeed(t, first, members)
	third, root := succeed(t, second, members)
	r := recordKinds[0]
	object := mustSealRecord(t, third, r.kind, r.name, []byte("new"))
	_, footer := mustSealFooter(t, third, format.KindMeta)
	_, header := newTestSection(t, third, format.KindMeta)
	for _, k := range []*Keyring{first, writer, maintainer} {
		if _, err := k.OpenRecord(r.name, object); !errors.Is(err, ErrNewKeys) {
			t.Errorf("role %d opens a record before it follows: %v", k.Role(), err)
		}
		if err := k.Follow(root); err != nil {
			t.Fatalf("role %d: %v", k.Role(), err)
		}
		if opened, err := k.OpenRecord(r.name, object); err != nil || string(opened.Body) != "new" {
			t.Errorf("role %d opens a record: %v", k.Role(), err)
		}
		if _, err := k.OpenFooter(format.KindMeta, 3, footer); err != nil {
			t.Errorf("role %d opens a footer: %v", k.Role(), err)
		}
		_, err := k.OpenSection(format.KindMeta, header)
		if may := k.Role() != format.RoleWriter; may != (err == nil) || errors.Is(err, ErrNewKeys) {
			t.Errorf("role %d opens a section: %v", k.Role(), err)
		}
		if k.Epoch() != 1 || k.Newest() != 3 || k.Root().Number != 3 {
			t.Errorf("role %d seals with epoch %d of %d, root %d", k.Role(), k.Epoch(), k.Newest(), k.Root().Number)
		}
		sealed := mustSealRecord(t, k, r.kind, r.name, []byte("running"))
		if h, _, err := format.ParseHeader(sealed); err != nil || h.Epoch != 1 {
			t.Errorf("role %d seals with epoch %d, %v", k.Role(), h.Epoch, err)
		}
	}
	// An owner that followed makes the next rotation from there, and slots with all keys.
	fourth, root := succeed(t, first, Succession{Epoch: true})
	if fourth.Epoch() != 4 || root.Number != 4 {
		t.Errorf("the next rotation makes epoch %d, root %d", fourth.Epoch(), root.Number)
	}
	if _, err := member(t, first, format.RoleMaintainer).OpenRecord(r.name, object); err != nil {
		t.Errorf("a new slot: %v", err)
	}
}

func TestFollowRefuses(t *testing.T) {
	owner, writer, maintainer := rings(t)
	older := owner.Root()
	revoking, newer := succeed(t, owner, Succession{
		Epoch: true, Revoke: [][]byte{writer.Certificate().PublicKey}, Members: []Member{memberOf(maintainer)},
	})
	if err := writer.Follow(newer); !errors.Is(err, ErrRevoked) || writer.Root().Number != 1 {
		t.Errorf("a revoked host: %v, root %d", err, writer.Root().Number)
	}
	if err := maintainer.Follow(newer); err != nil {
		t.Fatal(err)
	}
	if certificate := writer.Certificate(); !maintainer.IsRevoked(&certificate) {
		t.Error("who follows believes a revoked host")
	}
	if err := maintainer.Follow(older); err != nil || maintainer.Root().Number != 2 {
		t.Errorf("an older root: %v, root %d", err, maintainer.Root().Number)
	}
	_, without := succeed(t, revoking, Succession{Epoch: true})
	if err := maintainer.Follow(without); !errors.Is(err, ErrNoKey) || maintainer.Root().Number != 2 {
		t.Errorf("a root that has no keys for it: %v, root %d", err, maintainer.Root().Number)
	}
	stranger := newOwner(t)
	if _, other := succeed(t, stranger, Succession{Epoch: true}); maintainer.Follow(other) == nil {
		t.Error("it follows the root of another owner")
	}
	forged := new(format.Root)
	if err := forged.Decode(without.Append(nil)); err != nil {
		t.Fatal(err)
	}
	forged.Signature = bytes.Clone(forged.Signature)
	forged.Signature[0] ^= 1
	if err := maintainer.Follow(forged); !errors.Is(err, ErrUntrusted) {
		t.Errorf("a root with another signature: %v", err)
	}
}
