package seal

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/crypto/argon2"

	"firn/internal/format"
)

// contextSlot stands before the slot's fields in the associated data.
const contextSlot = "firn v1 slot"

// The most a reader spends on a passphrase slot (docs/format.md §3.3).
const (
	maxArgon2MemoryKiB = 1 << 20
	maxArgon2Time      = 16
	maxArgon2Threads   = 64
)

// Argon2Cost is the cost of guessing a passphrase (RFC 9106). The zero value stands
// for 64 MiB, 3 passes, 4 threads.
type Argon2Cost struct {
	MemoryKiB uint32
	Time      uint32 // passes
	Threads   uint32
}

// Secret opens a slot. For sealing exactly one field is set; for opening both may be,
// and the slot takes the one it was made with.
type Secret struct {
	Passphrase []byte    // UTF-8
	Key        *[32]byte // of a key file or recovery key
}

// Format keeps the secret out of formatted output, whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { io.WriteString(f, "secret") }

// SealSlot wraps a bundle with a secret. The slot's ID is the one the bundle was made
// for, random for an owner's; label is not secret. It does not store the slot.
func SealSlot(b *format.Bundle, secret Secret, label string, now time.Time, cost Argon2Cost) (*format.Slot, error) {
	s := &format.Slot{ID: [16]byte(random(16)), Role: b.Role, Label: label, Created: now.Unix()}
	if len(b.Slot) > 0 {
		s.ID = [16]byte(b.Slot)
	}
	salt := random(keySize)
	switch {
	case len(secret.Passphrase) > 0 && secret.Key == nil:
		if cost == (Argon2Cost{}) {
			cost = Argon2Cost{MemoryKiB: 64 << 10, Time: 3, Threads: 4}
		}
		s.Argon2id = &format.Argon2id{Salt: salt, Time: cost.Time, MemoryKiB: cost.MemoryKiB, Threads: cost.Threads}
		if !withinBounds(s.Argon2id) {
			return nil, errors.New("seal slot: Argon2id cost out of bounds")
		}
	case secret.Key != nil && len(secret.Passphrase) == 0:
		s.SecretSalt = salt
	default:
		return nil, errors.New("seal slot: a passphrase or a key is needed, and not both")
	}
	root, err := slotRootKey(s, secret)
	if err != nil {
		return nil, fmt.Errorf("seal slot: %w", err)
	}
	commitment := derive(contextSlotCommitment, root[:])
	s.Commitment = commitment[:]
	key := derive(contextSlotKey, root[:])
	s.Sealed = aead(&key).Seal(nil, zeroNonce[:], b.Append(nil), slotData(s))
	return s, nil
}

// OpenSlot unwraps a slot's bundle. The error is ErrSecret when the secret is not the
// slot's, ErrDamaged when the slot is not as it was sealed or asks for more
// than a reader spends.
func OpenSlot(s *format.Slot, secret Secret) (*format.Bundle, error) {
	if err := checkSlot(s); err != nil {
		return nil, fmt.Errorf("open slot %x: %w", s.ID, err)
	}
	root, err := slotRootKey(s, secret)
	if err != nil {
		return nil, fmt.Errorf("open slot %x: %w", s.ID, err)
	}
	commitment := derive(contextSlotCommitment, root[:])
	if subtle.ConstantTimeCompare(commitment[:], s.Commitment) != 1 {
		return nil, fmt.Errorf("open slot %x: %w", s.ID, ErrSecret)
	}
	key := derive(contextSlotKey, root[:])
	plaintext, err := aead(&key).Open(nil, zeroNonce[:], s.Sealed, slotData(s))
	if err != nil {
		return nil, fmt.Errorf("open slot %x: %w", s.ID, ErrDamaged)
	}
	b := new(format.Bundle)
	if err := b.Decode(plaintext); err != nil {
		return nil, fmt.Errorf("open slot %x: bundle: %w", s.ID, ErrDamaged) // the cause might quote secrets
	}
	if b.Role != s.Role || len(b.Slot) > 0 && [16]byte(b.Slot) != s.ID {
		return nil, fmt.Errorf("open slot %x: bundle of another role or slot: %w", s.ID, ErrDamaged)
	}
	return b, nil
}

// checkSlot refuses slots without just one way in and costs over the bounds.
func checkSlot(s *format.Slot) error {
	switch {
	case (s.Argon2id == nil) == (s.SecretSalt == nil):
		return fmt.Errorf("not one way in: %w", ErrDamaged)
	case s.Argon2id != nil && !withinBounds(s.Argon2id):
		return fmt.Errorf("Argon2id cost out of bounds: %w", ErrDamaged)
	case s.SecretSalt != nil && len(s.SecretSalt) != keySize:
		return fmt.Errorf("salt of %d bytes: %w", len(s.SecretSalt), ErrDamaged)
	}
	return nil
}

func withinBounds(a *format.Argon2id) bool {
	return len(a.Salt) == keySize &&
		a.Time >= 1 && a.Time <= maxArgon2Time &&
		a.Threads >= 1 && a.Threads <= maxArgon2Threads &&
		a.MemoryKiB >= 8*a.Threads && a.MemoryKiB <= maxArgon2MemoryKiB
}

// slotRootKey computes the slot's root key, or ErrSecret when the secret is of the other sort.
func slotRootKey(s *format.Slot, secret Secret) (root [keySize]byte, err error) {
	switch {
	case s.Argon2id != nil && len(secret.Passphrase) > 0:
		a := s.Argon2id
		copy(root[:], argon2.IDKey(secret.Passphrase, a.Salt, a.Time, a.MemoryKiB, uint8(a.Threads), keySize))
		return root, nil
	case s.SecretSalt != nil && secret.Key != nil:
		return derive(contextSlotSecret, s.SecretSalt, secret.Key[:]), nil
	}
	return root, ErrSecret
}

// slotData is the associated data: all fields but the last.
func slotData(s *format.Slot) []byte {
	return s.AppendSigned([]byte(contextSlot))
}
