package seal

import (
	"bytes"
	"errors"
	"testing"

	"firn/internal/format"
)

func TestRolesReadWhatTheyMay(t *testing.T) {
	owner, writer, maintainer := rings(t)
	for _, test := range []struct {
		k              *Keyring
		role           format.Role
		data, metadata bool
	}{
		{owner, format.RoleOwner, true, true},
		{writer, format.RoleWriter, false, false},
		{maintainer, format.RoleMaintainer, false, true},
	} {
		k := test.k
		if k.Role() != test.role || k.Certificate().Role != test.role {
			t.Errorf("role is %d, certificate's %d, want %d", k.Role(), k.Certificate().Role, test.role)
		}
		if k.ReadsData() != test.data || k.ReadsMetadata() != test.metadata {
			t.Errorf("role %d reads data %t, metadata %t", test.role, k.ReadsData(), k.ReadsMetadata())
		}
		for kind, may := range map[format.Kind]bool{format.KindData: test.data, format.KindMeta: test.metadata} {
			_, header := newTestSection(t, k, kind)
			_, err := k.OpenSection(kind, header)
			if may && err != nil || !may && !errors.Is(err, ErrNoKey) {
				t.Errorf("role %d opens a section of %c: %v", test.role, kind, err)
			}
		}
		if k.ChunkID(format.KindData, []byte("x")) != owner.ChunkID(format.KindData, []byte("x")) {
			t.Errorf("role %d names chunks otherwise", test.role)
		}
	}
}

// What a bundle does not hold cannot leak from it.
func TestBundlesHoldNoSecretTooMany(t *testing.T) {
	owner := newOwner(t)
	for range 2 {
		owner, _ = succeed(t, owner, Succession{Epoch: true})
	}
	for role, may := range map[format.Role]struct{ data, metadata bool }{
		format.RoleWriter:     {false, false},
		format.RoleMaintainer: {false, true},
	} {
		b, err := owner.Bundle(role)
		if err != nil {
			t.Fatal(err)
		}
		encoded := b.Append(nil)
		holds := func(secret []byte) bool { return bytes.Contains(encoded, secret) }
		if holds(owner.bundle.OwnerSeed) || holds(owner.HostSeed()) {
			t.Errorf("role %d holds a signing key of the owner", role)
		}
		for _, e := range owner.bundle.Epochs {
			if holds(e.DataSecret) != may.data || holds(e.MetadataSecret) != may.metadata {
				t.Errorf("role %d: epoch %d: data %t, metadata %t", role, e.Number, holds(e.DataSecret), holds(e.MetadataSecret))
			}
			if !holds(e.Dedup) || !holds(e.Index) {
				t.Errorf("role %d lacks keys of epoch %d", role, e.Number)
			}
		}
	}
}

func TestOnlyTheOwnerManagesKeys(t *testing.T) {
	owner, writer, maintainer := rings(t)
	for _, k := range []*Keyring{writer, maintainer} {
		if _, err := k.Bundle(format.RoleWriter); !errors.Is(err, ErrRole) {
			t.Errorf("role %d makes a bundle: %v", k.Role(), err)
		}
		if _, _, err := k.Succeed(Succession{Epoch: true}); !errors.Is(err, ErrRole) {
			t.Errorf("role %d rotates: %v", k.Role(), err)
		}
		if _, err := k.MemberKey(memberOf(k)); !errors.Is(err, ErrRole) {
			t.Errorf("role %d makes a member's key: %v", k.Role(), err)
		}
	}
	if _, err := owner.Bundle(0); !errors.Is(err, ErrRole) {
		t.Errorf("bundle of no role: %v", err)
	}
}

// maintenance are the kinds that count from maintainers and owners only.
var maintenance = map[format.Kind]bool{format.KindTombstone: true, format.KindRecord: true, format.KindDecision: true}

func TestWritersSignNoMaintenance(t *testing.T) {
	owner, writer, _ := rings(t)
	for _, r := range recordKinds {
		_, err := writer.SealRecord(r.kind, r.name, nil)
		if !maintenance[r.kind] {
			if err != nil {
				t.Errorf("%c: %v", r.kind, err)
			}
			continue
		}
		if !errors.Is(err, ErrRole) {
			t.Errorf("a writer seals %c: %v", r.kind, err)
		}
		// Not stopped by this program, it still is not believed, nor with a raised role.
		for _, role := range []format.Role{format.RoleWriter, format.RoleMaintainer, format.RoleOwner} {
			signer := writer.Certificate()
			signer.Role = role
			e := &format.Envelope{Repository: writer.Repository(), Name: r.name, Signer: signer}
			header := format.AppendHeader(nil, format.Header{Kind: r.kind, Epoch: 1})
			if err := writer.sealSymmetric(e, header, nil); err != nil {
				t.Fatal(err)
			}
			e.Signature = writer.Sign(contextEnvelope, header, e.AppendSigned(nil))
			object := e.Append(header)
			if _, err := owner.OpenRecord(r.name, object); !errors.Is(err, ErrUntrusted) {
				t.Errorf("%c of a writer as role %d: %v", r.kind, role, err)
			}
			if _, _, err := owner.VerifyRecord(r.name, object); !errors.Is(err, ErrUntrusted) {
				t.Errorf("%c of a writer as role %d: %v", r.kind, role, err)
			}
		}
	}
}

func TestRevokedHostsAreNotTrusted(t *testing.T) {
	owner, writer, _ := rings(t)
	r := recordKinds[0]
	object := mustSealRecord(t, writer, r.kind, r.name, nil)
	_, footer := mustSealFooter(t, writer, format.KindData)
	certificate := writer.Certificate()
	sig := writer.Sign("context", []byte("x"))
	for _, k := range []*Keyring{owner, writer} {
		if _, err := k.OpenRecord(r.name, object); err != nil {
			t.Fatal(err)
		}
	}

	after, root := succeed(t, owner, Succession{Revoke: [][]byte{certificate.PublicKey}})
	if root.Number != 2 || after.Host() != owner.Host() {
		t.Errorf("root %d, host %x", root.Number, after.Host())
	}
	_, open := Open(writer.bundle, root, nil)
	_, record := after.OpenRecord(r.name, object)
	for what, err := range map[string]error{
		"record": record, "bundle": open, "signature": after.VerifySignature(&certificate, "context", sig, []byte("x")),
	} {
		if !errors.Is(err, ErrRevoked) || !errors.Is(err, ErrUntrusted) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := after.OpenFooter(format.KindData, 1, footer); err != nil || !after.IsRevoked(&certificate) {
		t.Errorf("footer: %v", err)
	}
	if _, again := succeed(t, after, Succession{Revoke: [][]byte{certificate.PublicKey}}); len(again.Revoked) != 1 {
		t.Errorf("revoked twice: %d keys", len(again.Revoked))
	}
}

// What the owner vouches for counts, and nothing else that the host signed.
func TestTheOwnerVouchesForSignatures(t *testing.T) {
	owner, writer, _ := rings(t)
	r := recordKinds[0]
	before, later := mustSealRecord(t, writer, r.kind, r.name, nil), mustSealRecord(t, writer, r.kind, r.name, []byte("later"))
	signature, err := owner.RecordSignature(r.name, before)
	if err != nil || !bytes.Equal(signature.Signer.PublicKey, writer.Certificate().PublicKey) {
		t.Fatalf("signed by %x, %v", signature.Signer.PublicKey, err)
	}
	after, root := succeed(t, owner, Succession{Revoke: [][]byte{signature.Signer.PublicKey}, Vouched: []format.ID{signature.Mark}})
	if opened, err := after.OpenRecord(r.name, before); err != nil || len(opened.Body) != 0 {
		t.Errorf("vouched record: %v", err)
	}
	if _, err := after.OpenRecord(r.name, later); !errors.Is(err, ErrRevoked) {
		t.Errorf("later record: %v", err)
	}
	if _, err := Open(writer.bundle, root, nil); !errors.Is(err, ErrRevoked) {
		t.Errorf("bundle: %v", err)
	}
}

func TestSignatures(t *testing.T) {
	owner, writer, _ := rings(t)
	c := writer.Certificate()
	sig := writer.Sign("context ", []byte("a"), []byte("b"))
	if err := owner.VerifySignature(&c, "context ", sig, []byte("a"), []byte("b")); err != nil {
		t.Fatal(err)
	}
	stranger := member(t, newOwner(t), format.RoleWriter).Certificate()
	ownerCertificate := owner.Certificate()
	for name, err := range map[string]error{
		"context":   owner.VerifySignature(&c, "contexT ", sig, []byte("a"), []byte("b")),
		"parts":     owner.VerifySignature(&c, "context ", sig, []byte("a"), []byte("c")),
		"none":      owner.VerifySignature(&c, "context ", nil, []byte("a"), []byte("b")),
		"host":      owner.VerifySignature(&ownerCertificate, "context ", sig, []byte("a"), []byte("b")),
		"stranger":  owner.VerifySignature(&stranger, "context ", sig, []byte("a"), []byte("b")),
		"no signer": owner.VerifySignature(&format.Certificate{}, "context ", sig, []byte("a"), []byte("b")),
	} {
		if !errors.Is(err, ErrUntrusted) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	for name, change := range map[string]func(*format.Certificate){
		"key":       func(c *format.Certificate) { c.PublicKey[0]++ },
		"role":      func(c *format.Certificate) { c.Role = format.RoleMaintainer },
		"epoch":     func(c *format.Certificate) { c.Epoch++ },
		"signature": func(c *format.Certificate) { c.Signature[0]++ },
	} {
		c := writer.Certificate()
		change(&c)
		if err := owner.VerifySignature(&c, "context ", sig, []byte("a"), []byte("b")); !errors.Is(err, ErrUntrusted) {
			t.Errorf("certificate with another %s: %v", name, err)
		}
	}
}
