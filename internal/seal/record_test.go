package seal

import (
	"bytes"
	"crypto/hpke"
	"errors"
	"slices"
	"testing"

	"github.com/zeebo/blake3"

	"firn/internal/format"
)

func TestRecordsOpen(t *testing.T) {
	owner, writer, maintainer := rings(t)
	body := []byte("a body")
	for _, r := range recordKinds {
		object := mustSealRecord(t, maintainer, r.kind, r.name, body)
		for _, k := range []*Keyring{owner, maintainer, writer} {
			kind, signer, err := k.VerifyRecord(r.name, object)
			if err != nil || kind != r.kind || format.HostOf(signer.PublicKey) != maintainer.Host() {
				t.Errorf("%c: verified as %c, %v", r.kind, kind, err)
			}
			opened, err := k.OpenRecord(r.name, object)
			if k == writer && r.kind == format.KindManifest {
				if !errors.Is(err, ErrNoKey) {
					t.Errorf("a writer opens a manifest: %v", err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%c: %v", r.kind, err)
				continue
			}
			if opened.Kind != r.kind || !bytes.Equal(opened.Body, body) || opened.Signer.Role != format.RoleMaintainer {
				t.Errorf("%c: opened %+v", r.kind, opened)
			}
		}
	}
}

// TestRecordFollowsTheDefinition opens records as docs/format.md §4 says it.
func TestRecordFollowsTheDefinition(t *testing.T) {
	owner := newOwner(t)
	repository := owner.Repository()
	for _, r := range recordKinds {
		object := mustSealRecord(t, owner, r.kind, r.name, []byte("a body"))
		header, rest := object[:16], object[16:]
		if want := append([]byte("FIRN"), byte(r.kind), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0); !bytes.Equal(header, want) {
			t.Fatalf("header is %x", header)
		}
		e := new(format.Envelope)
		if err := e.Decode(rest); err != nil {
			t.Fatal(err)
		}
		var body []byte
		var err error
		if r.kind == format.KindManifest {
			secret, _ := hpke.MLKEM768X25519().NewPrivateKey(owner.bundle.Epochs[0].MetadataSecret)
			info := append([]byte("firn v1 manifest"), repository[:]...)
			recipient, e2 := hpke.NewRecipient(e.Encapsulation, secret, hpke.HKDFSHA256(), hpke.AES256GCM(), info)
			if e2 != nil {
				t.Fatal(e2)
			}
			body, err = recipient.Open([]byte(r.name), e.Sealed)
		} else {
			var recordKey [32]byte
			blake3.DeriveKey("firn v1 record", owner.bundle.Epochs[0].Index, recordKey[:])
			h, _ := blake3.NewKeyed(recordKey[:])
			h.Write(e.Salt)
			body, err = plainOpen(h.Sum(nil), make([]byte, 12), e.Sealed, slices.Concat(header, repository[:], []byte(r.name)))
		}
		if err != nil || string(body) != "a body" {
			t.Errorf("%c: sealed otherwise: %v", r.kind, err)
		}
		signed := *e
		signed.Signature = nil
		message := slices.Concat([]byte("firn v1 envelope"), header, signed.Append(nil))
		if !verify(e.Signer.PublicKey, e.Signature, string(message)) {
			t.Errorf("%c: signed otherwise", r.kind)
		}
	}
}

func TestRecordRefusesChanges(t *testing.T) {
	owner := newOwner(t)
	for _, r := range recordKinds {
		object := mustSealRecord(t, owner, r.kind, r.name, []byte("a body"))
		damaged(object, func(what string, data []byte) {
			_, err := owner.OpenRecord(r.name, data)
			switch {
			case errors.Is(err, ErrDamaged), errors.Is(err, ErrUntrusted), errors.Is(err, format.ErrVersion):
			default:
				t.Fatalf("%c: changed %s: %v", r.kind, what, err)
			}
		})
	}
}

func TestRecordIsBoundToNameAndRepository(t *testing.T) {
	owner := newOwner(t)
	other := newOwner(t)
	for _, r := range recordKinds {
		object := mustSealRecord(t, owner, r.kind, r.name, nil)
		if _, err := owner.OpenRecord(r.name[:len(r.name)-3]+"00"+r.name[len(r.name)-1:], object); !errors.Is(err, ErrUntrusted) {
			t.Errorf("%c under another name: %v", r.kind, err)
		}
		if _, err := other.OpenRecord(r.name, object); !errors.Is(err, ErrUntrusted) {
			t.Errorf("%c in another repository: %v", r.kind, err)
		}
	}
}

// A host could name an object of its own as it likes and sign that.
func TestRecordKindMustFitTheName(t *testing.T) {
	owner := newOwner(t)
	kinds := append(slices.Clone(recordKinds), recordKinds[0])
	kinds[len(kinds)-1].kind, kinds[len(kinds)-1].name = format.KindData, "p/00/00"
	for _, a := range kinds {
		for _, b := range kinds {
			_, err := owner.SealRecord(a.kind, b.name, nil)
			fit := a.kind == b.kind && a.kind != format.KindData ||
				a.kind == format.KindManifest && b.kind == format.KindTombstone ||
				a.kind == format.KindTombstone && b.kind == format.KindManifest
			if (err == nil) != fit {
				t.Errorf("kind %c as %s: %v", a.kind, b.name, err)
			}
		}
	}
	e := &format.Envelope{Repository: owner.Repository(), Name: "s/x", Signer: owner.Certificate()}
	header := format.AppendHeader(nil, format.Header{Kind: format.KindRecord, Epoch: 1})
	if err := owner.sealSymmetric(e, header, nil); err != nil {
		t.Fatal(err)
	}
	e.Signature = owner.Sign(contextEnvelope, header, e.AppendSigned(nil))
	if _, err := owner.OpenRecord("s/x", e.Append(header)); !errors.Is(err, ErrUntrusted) {
		t.Errorf("a record named like a session opens: %v", err)
	}
}

func TestRecordOfALaterVersionIsNotDamaged(t *testing.T) {
	owner := newOwner(t)
	r := recordKinds[0]
	object := mustSealRecord(t, owner, r.kind, r.name, nil)
	object[5] = 2
	_, err := owner.OpenRecord(r.name, object)
	if !errors.Is(err, format.ErrVersion) || errors.Is(err, ErrDamaged) {
		t.Errorf("version 2: %v", err)
	}
}

func TestEqualBodiesAreSealedApart(t *testing.T) {
	owner := newOwner(t)
	r := recordKinds[0]
	a, b := mustSealRecord(t, owner, r.kind, r.name, []byte("x")), mustSealRecord(t, owner, r.kind, r.name, []byte("x"))
	if bytes.Equal(a, b) {
		t.Error("two seals are equal")
	}
}
