package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/zeebo/blake3"
	"golang.org/x/crypto/argon2"

	"firn/internal/format"
)

var (
	testKey    = [32]byte{1, 2, 3}
	testPhrase = Secret{Passphrase: []byte("correct horse battery staple")}
	testFile   = Secret{Key: &testKey}
)

func TestSlotOpensWithItsSecretOnly(t *testing.T) {
	owner := newOwner(t)
	otherKey := [32]byte{1, 2, 4}
	for _, test := range []struct {
		name   string
		secret Secret
		wrong  []Secret
	}{
		{"passphrase", testPhrase, []Secret{{}, testFile, {Passphrase: []byte("correct horse battery stable")}}},
		{"key", testFile, []Secret{{}, testPhrase, {Key: &otherKey}}},
	} {
		for _, role := range []format.Role{format.RoleOwner, format.RoleWriter, format.RoleMaintainer} {
			b, err := owner.Bundle(role)
			if err != nil {
				t.Fatal(err)
			}
			slot, err := SealSlot(b, test.secret, "kitchen", noon, cheap)
			if err != nil {
				t.Fatal(err)
			}
			if slot.Label != "kitchen" || slot.Role != role || slot.Created != noon.Unix() {
				t.Errorf("%s: slot says %q, role %d, %d", test.name, slot.Label, slot.Role, slot.Created)
			}
			back, err := OpenSlot(slot, test.secret)
			if err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
			if !bytes.Equal(back.Append(nil), b.Append(nil)) {
				t.Errorf("%s: bundle came back changed", test.name)
			}
			for i, wrong := range test.wrong {
				if _, err := OpenSlot(slot, wrong); !errors.Is(err, ErrSecret) {
					t.Errorf("%s: wrong secret %d: %v", test.name, i, err)
				}
			}
		}
	}
}

// TestSlotFollowsTheDefinition opens a slot as docs/format.md §3.3 says it.
func TestSlotFollowsTheDefinition(t *testing.T) {
	b, err := newOwner(t).Bundle(format.RoleWriter)
	if err != nil {
		t.Fatal(err)
	}
	cost := Argon2Cost{MemoryKiB: 96, Time: 2, Threads: 3}
	for _, secret := range []Secret{testPhrase, testFile} {
		slot, err := SealSlot(b, secret, "l", noon, cost)
		if err != nil {
			t.Fatal(err)
		}
		var root [32]byte
		if secret.Key == nil {
			copy(root[:], argon2.IDKey(secret.Passphrase, slot.Argon2id.Salt, 2, 96, 3, 32))
		} else {
			blake3.DeriveKey("firn v1 slot secret", append(bytes.Clone(slot.SecretSalt), secret.Key[:]...), root[:])
		}
		var key, commitment [32]byte
		blake3.DeriveKey("firn v1 slot key", root[:], key[:])
		blake3.DeriveKey("firn v1 slot commitment", root[:], commitment[:])
		if !bytes.Equal(commitment[:], slot.Commitment) {
			t.Error("another commitment")
		}
		clear := *slot
		clear.Sealed = nil
		plaintext, err := plainOpen(key[:], make([]byte, 12), slot.Sealed, append([]byte("firn v1 slot"), clear.Append(nil)...))
		if err != nil || !bytes.Equal(plaintext, b.Append(nil)) {
			t.Errorf("sealed otherwise: %v", err)
		}
	}
}

// plainOpen is AES-256-GCM by itself.
func plainOpen(key, nonce, sealed, data []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return gcm.Open(nil, nonce, sealed, data)
}

func TestSlotRefusesChanges(t *testing.T) {
	b, err := newOwner(t).Bundle(format.RoleWriter)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []Secret{testPhrase, testFile} {
		slot, err := SealSlot(b, secret, "kitchen", noon, cheap)
		if err != nil {
			t.Fatal(err)
		}
		damaged(slot.Append(nil), func(what string, data []byte) {
			changed := new(format.Slot)
			if changed.Decode(data) != nil || bytes.Equal(changed.Append(nil), slot.Append(nil)) {
				return // refused already, or a field readers skip
			}
			if a := changed.Argon2id; a != nil && a.MemoryKiB > 1024 {
				return // refused all the same, but slowly
			}
			_, err := OpenSlot(changed, secret)
			if !errors.Is(err, ErrSecret) && !errors.Is(err, ErrDamaged) {
				t.Fatalf("changed %s: %v", what, err)
			}
		})
	}
}

func TestSlotFieldsAreBound(t *testing.T) {
	b, err := newOwner(t).Bundle(format.RoleWriter)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*format.Slot)
		want   error
	}{
		"id":         {func(s *format.Slot) { s.ID[3]++ }, ErrDamaged},
		"role":       {func(s *format.Slot) { s.Role = format.RoleOwner }, ErrDamaged},
		"label":      {func(s *format.Slot) { s.Label = "cellar" }, ErrDamaged},
		"created":    {func(s *format.Slot) { s.Created++ }, ErrDamaged},
		"salt":       {func(s *format.Slot) { s.Argon2id.Salt[0]++ }, ErrSecret},
		"short salt": {func(s *format.Slot) { s.Argon2id.Salt = s.Argon2id.Salt[:31] }, ErrDamaged},
		"time":       {func(s *format.Slot) { s.Argon2id.Time++ }, ErrSecret},
		"no time":    {func(s *format.Slot) { s.Argon2id.Time = 0 }, ErrDamaged},
		"much time":  {func(s *format.Slot) { s.Argon2id.Time = 17 }, ErrDamaged},
		"memory":     {func(s *format.Slot) { s.Argon2id.MemoryKiB = 128 }, ErrSecret},
		"no memory":  {func(s *format.Slot) { s.Argon2id.MemoryKiB = 0 }, ErrDamaged},
		"2 GiB":      {func(s *format.Slot) { s.Argon2id.MemoryKiB = 2 << 20 }, ErrDamaged},
		"no threads": {func(s *format.Slot) { s.Argon2id.Threads = 0 }, ErrDamaged},
		"threads":    {func(s *format.Slot) { s.Argon2id.Threads = 65 }, ErrDamaged},
		"commitment": {func(s *format.Slot) { s.Commitment[31] ^= 1 }, ErrSecret},
		"no way in":  {func(s *format.Slot) { s.Argon2id = nil }, ErrDamaged},
		"two ways":   {func(s *format.Slot) { s.SecretSalt = make([]byte, 32) }, ErrDamaged},
		"sealed":     {func(s *format.Slot) { s.Sealed[5] ^= 0x80 }, ErrDamaged},
		"nothing":    {func(s *format.Slot) { s.Sealed = nil }, ErrDamaged},
	} {
		slot, err := SealSlot(b, testPhrase, "kitchen", noon, cheap)
		if err != nil {
			t.Fatal(err)
		}
		test.change(slot)
		if _, err := OpenSlot(slot, testPhrase); !errors.Is(err, test.want) {
			t.Errorf("%s changed: %v, want %v", name, err, test.want)
		}
	}
}

func TestSealSlotWantsOneSecretAndABoundedCost(t *testing.T) {
	b, err := newOwner(t).Bundle(format.RoleWriter)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		secret Secret
		cost   Argon2Cost
	}{
		"none":     {Secret{}, cheap},
		"empty":    {Secret{Passphrase: []byte{}}, cheap},
		"both":     {Secret{Passphrase: []byte("p"), Key: &testKey}, cheap},
		"too much": {testPhrase, Argon2Cost{MemoryKiB: 2 << 20, Time: 1, Threads: 1}},
		"half set": {testPhrase, Argon2Cost{MemoryKiB: 64}},
	} {
		if _, err := SealSlot(b, test.secret, "", noon, test.cost); err == nil {
			t.Errorf("%s: sealed", name)
		}
	}
}

func TestSealSlotDefaultCost(t *testing.T) {
	b, err := newOwner(t).Bundle(format.RoleWriter)
	if err != nil {
		t.Fatal(err)
	}
	slot, err := SealSlot(b, testPhrase, "", noon, Argon2Cost{})
	if err != nil {
		t.Fatal(err)
	}
	if a := slot.Argon2id; a.MemoryKiB != 64<<10 || a.Time != 3 || a.Threads != 4 {
		t.Errorf("default cost is %d KiB, %d passes, %d threads", a.MemoryKiB, a.Time, a.Threads)
	}
}

func TestSecretsStayOutOfText(t *testing.T) {
	owner := newOwner(t)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		text := fmt.Sprintf(verb, testPhrase) + fmt.Sprintf(verb, owner)
		for _, secret := range [][]byte{testPhrase.Passphrase, owner.HostSeed(), owner.bundle.OwnerSeed, owner.bundle.Epochs[0].Index} {
			if strings.Contains(text, string(secret)) || strings.Contains(text, fmt.Sprintf("%x", secret)) ||
				strings.Contains(text, fmt.Sprint(secret)) {
				t.Errorf("%s tells a secret: %s", verb, text)
			}
		}
	}
}
