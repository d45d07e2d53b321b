// Package seal holds a repository's keys and everything that is done with
// them: chunk IDs, sealed blocks, footers, records and segments, signatures,
// key slots and the signed root.
//
// Invariant: what a role may not read cannot be computed from its bundle, and
// nothing opened here is handed out before it is authenticated: against the
// sealing key, and, where the format signs it, against a host key certified by
// the repository's owner and not revoked. The byte format is docs/format.md §3
// to §7. Packages index and repo call it; the commands around keys call it for slots.
package seal

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hpke"
	"fmt"
	"sync"
	"sync/atomic"

	"firn/internal/format"
)

// Keyring is an opened bundle together with what the root says. It is safe for
// concurrent use. What it opens and whom it trusts goes by the newest root it was given
// (Follow); what it seals with stays the same.
type Keyring struct {
	bundle      *format.Bundle // own copy; holds secrets; its epochs are in standing
	owner       ed25519.PrivateKey
	host        ed25519.PrivateKey
	certificate format.Certificate
	epoch       uint32 // that is sealed with
	standing    atomic.Pointer[standing]

	dataID     *hashers
	metadataID *hashers
	gear       [256]uint64
	pageCut    [keySize]byte
	local      [keySize]byte // of caches on this machine

	trusted  sync.Map // trustedCertificate → struct{}: owner's signatures found good
	openings openings // records found good
}

// standing is what follows from a root. It is never changed, but exchanged for that of a
// newer one.
type standing struct {
	root    *format.Root       // own copy
	held    []format.EpochKeys // of the bundle, and what came with the root
	epochs  map[uint32]*epochKeys
	revoked map[[ed25519.PublicKeySize]byte]bool
	vouched map[format.ID]bool // marks of what revoked hosts signed and counts all the same
}

// epochKeys are the keys of one epoch; those not held are nil.
type epochKeys struct {
	index    *indexKeys
	data     sealingKey
	metadata sealingKey
}

// indexKeys are derived from an epoch's index key.
type indexKeys struct {
	record, footer, segment, segmentContent [keySize]byte
}

// sealingKey is an HPKE key pair; the public half is known for epochs of the root.
type sealingKey struct {
	public hpke.PublicKey
	secret hpke.PrivateKey
}

// Format keeps secrets out of formatted output, whatever the verb.
func (k *Keyring) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "keyring of %x", k.bundle.Repository[:8])
}

// Repository returns the repository's ID.
func (k *Keyring) Repository() format.ID { return k.bundle.Repository }

// Role returns the bundle's role.
func (k *Keyring) Role() format.Role { return k.bundle.Role }

// Root returns the newest verified root it was given. Callers must not change it.
func (k *Keyring) Root() *format.Root { return k.standing.Load().root }

// Epoch returns the epoch that is sealed with: the newest there was when the keyring was
// opened.
func (k *Keyring) Epoch() uint32 { return k.epoch }

// Newest returns the newest epoch of the root.
func (k *Keyring) Newest() uint32 { return newestEpoch(k.Root()) }

// Host returns the short name of the signing key.
func (k *Keyring) Host() format.Host { return format.HostOf(k.certificate.PublicKey) }

// HostSeed returns the secret seed of the signing key, for an owner's machine
// to keep and hand to Open again.
func (k *Keyring) HostSeed() []byte { return k.host.Seed() }

// Certificate returns the owner's statement about the signing key.
func (k *Keyring) Certificate() format.Certificate {
	c := k.certificate
	c.PublicKey = bytes.Clone(c.PublicKey)
	c.Signature = bytes.Clone(c.Signature)
	return c
}

// ReadsData reports whether data blocks of any epoch can be opened.
func (k *Keyring) ReadsData() bool {
	return k.reads(func(e *epochKeys) *sealingKey { return &e.data })
}

// ReadsMetadata reports whether metadata blocks and manifests of any epoch can be opened.
func (k *Keyring) ReadsMetadata() bool {
	return k.reads(func(e *epochKeys) *sealingKey { return &e.metadata })
}

func (k *Keyring) reads(which func(*epochKeys) *sealingKey) bool {
	for _, e := range k.standing.Load().epochs {
		if which(e).secret != nil {
			return true
		}
	}
	return false
}

// indexKeys returns the keys derived from an epoch's index key, or ErrNoKey.
func (k *Keyring) indexKeys(epoch uint32) (*indexKeys, error) {
	if e := k.standing.Load().epochs[epoch]; e != nil && e.index != nil {
		return e.index, nil
	}
	return nil, fmt.Errorf("index key of epoch %d: %w", epoch, k.notHeld(epoch))
}

// notHeld is the error for a key that is not held: ErrNewKeys for an epoch that the
// root does not know yet.
func (k *Keyring) notHeld(epoch uint32) error {
	if epoch > k.Newest() {
		return ErrNewKeys
	}
	return ErrNoKey
}

// sealingKey returns the key pair for blocks of kind in an epoch; halves not
// held are nil. Data blocks go by the data key, all else by the metadata key.
func (k *Keyring) sealingKey(kind format.Kind, epoch uint32) sealingKey {
	e := k.standing.Load().epochs[epoch]
	if e == nil {
		return sealingKey{}
	}
	if kind == format.KindData {
		return e.data
	}
	return e.metadata
}

// ChunkID names a chunk by its plaintext: file content for KindData, pages of
// trees and sequences for KindMeta.
func (k *Keyring) ChunkID(kind format.Kind, plaintext []byte) format.ID {
	if kind == format.KindData {
		return k.dataID.sum(plaintext)
	}
	return k.metadataID.sum(plaintext)
}

// MirrorID names the chunk that mirrors a data pack's footer.
func (k *Keyring) MirrorID(pack format.PackName) format.ID {
	return k.metadataID.sum(append([]byte("mirror"), pack.Hash[:]...))
}

// GearTable returns the table of the content cutter. Callers must not change it.
func (k *Keyring) GearTable() *[256]uint64 { return &k.gear }

// PageCutKey returns the key that decides where tree pages end. Callers must not change it.
func (k *Keyring) PageCutKey() *[32]byte { return &k.pageCut }
