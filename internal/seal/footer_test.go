package seal

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/zeebo/blake3"

	"firn/internal/format"
)

func mustSealFooter(t testing.TB, k *Keyring, kind format.Kind) (*format.Footer, []byte) {
	t.Helper()
	f := testFooter()
	sealed, err := k.SealFooter(kind, f)
	if err != nil {
		t.Fatal(err)
	}
	return f, sealed
}

func TestFooterOpensForAllRoles(t *testing.T) {
	owner, writer, maintainer := rings(t)
	for _, sealing := range []*Keyring{owner, writer, maintainer} {
		for _, kind := range []format.Kind{format.KindData, format.KindMeta} {
			want, sealed := mustSealFooter(t, sealing, kind)
			if format.HostOf(want.Signer.PublicKey) != sealing.Host() {
				t.Error("the signer is not filled in")
			}
			for _, opening := range []*Keyring{owner, writer, maintainer} {
				got, err := opening.OpenFooter(kind, 1, sealed)
				if err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("opened %+v, want %+v", got, want)
				}
			}
		}
	}
}

// TestFooterFollowsTheDefinition opens a footer as docs/format.md §6.2 says it.
func TestFooterFollowsTheDefinition(t *testing.T) {
	owner := newOwner(t)
	f, sealed := mustSealFooter(t, owner, format.KindMeta)
	var footerKey [32]byte
	blake3.DeriveKey("firn v1 footer", owner.bundle.Epochs[0].Index, footerKey[:])
	h, _ := blake3.NewKeyed(footerKey[:])
	h.Write(sealed[:32])
	repository := owner.Repository()
	body, err := plainOpen(h.Sum(nil), make([]byte, 12), sealed[32:], append(repository[:], 'q'))
	if err != nil || !bytes.Equal(body, f.Append(nil)) {
		t.Fatalf("sealed otherwise: %v", err)
	}
	signed := slices.Concat([]byte("firn v1 footer"), repository[:], []byte("q"), f.AppendSigned(nil))
	if !verify(f.Signer.PublicKey, f.Signature, string(signed)) {
		t.Error("signed otherwise")
	}
}

func TestFooterRefusesChanges(t *testing.T) {
	owner := newOwner(t)
	_, sealed := mustSealFooter(t, owner, format.KindData)
	damaged(sealed, func(what string, data []byte) {
		if _, err := owner.OpenFooter(format.KindData, 1, data); !errors.Is(err, ErrDamaged) {
			t.Fatalf("changed %s: %v", what, err)
		}
	})
	if _, err := owner.OpenFooter(format.KindMeta, 1, sealed); !errors.Is(err, ErrDamaged) {
		t.Errorf("as one of the other kind: %v", err)
	}
	if _, err := owner.OpenFooter(format.KindData, 2, sealed); !errors.Is(err, ErrNoKey) {
		t.Errorf("in another epoch: %v", err)
	}
	if _, err := newOwner(t).OpenFooter(format.KindData, 1, sealed); !errors.Is(err, ErrDamaged) {
		t.Errorf("in another repository: %v", err)
	}
}

// Every role holds the index key, so that the seal alone proves nothing.
func TestFooterRefusesForgedSignatures(t *testing.T) {
	owner, writer, _ := rings(t)
	reseal := func(change func(*format.Footer)) error {
		f, _ := mustSealFooter(t, writer, format.KindData)
		change(f)
		body := f.Append(nil)
		salt := freshSalt(body)
		key := subkey(&writer.standing.Load().epochs[1].index.footer, salt[:])
		_, err := owner.OpenFooter(format.KindData, 1, aead(&key).Seal(salt[:], zeroNonce[:], body, writer.footerData(format.KindData)))
		return err
	}
	if err := reseal(func(*format.Footer) {}); err != nil {
		t.Fatal(err)
	}
	stranger := member(t, newOwner(t), format.RoleWriter)
	for name, change := range map[string]func(*format.Footer){
		"digest":       func(f *format.Footer) { f.Digest[0]++ },
		"block":        func(f *format.Footer) { f.Blocks[0].IDs[0][0]++ },
		"section":      func(f *format.Footer) { f.Sections[0].Offset++ },
		"signature":    func(f *format.Footer) { f.Signature[0]++ },
		"no signature": func(f *format.Footer) { f.Signature = nil },
		"no signer":    func(f *format.Footer) { f.Signer = format.Certificate{} },
		"another host": func(f *format.Footer) { f.Signer = owner.Certificate() },
		"risen signer": func(f *format.Footer) { f.Signer.Role = format.RoleOwner },
		"stranger":     func(f *format.Footer) { f.Signer = stranger.Certificate() },
	} {
		if err := reseal(change); !errors.Is(err, ErrUntrusted) {
			t.Errorf("%s forged: %v", name, err)
		}
	}
}
