package seal

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hpke"
	"encoding/binary"
	"fmt"

	"github.com/zeebo/blake3"

	"firn/internal/format"
)

// kem is the one key encapsulation mechanism of the format.
var kem = hpke.MLKEM768X25519()

// Open makes a keyring of a bundle and the newest root. It checks the root's
// signature, that bundle and root belong together, and that the secrets fit
// the public keys the owner signed.
//
// hostSeed is the signing key of an owner's machine, which Open certifies; nil makes a fresh
// one (see HostSeed). The other roles sign with the key in their bundle and ignore it.
//
// Keys of epochs that began after the bundle was made come with the root, but for hosts
// that the owner revoked or did not know.
//
// Errors: ErrUntrusted for a root of another owner or a key that does not fit; ErrRevoked for a revoked
// host; ErrNoKey when the bundle lacks the keys of the dedup epoch; ErrDamaged and those of VerifyRoot.
func Open(b *format.Bundle, root *format.Root, hostSeed []byte) (*Keyring, error) {
	k := &Keyring{bundle: new(format.Bundle), root: new(format.Root)}
	if err := k.bundle.Decode(b.Append(nil)); err != nil {
		return nil, broken("open bundle", err)
	}
	if err := k.root.Decode(root.Append(nil)); err != nil {
		return nil, broken("open root", err)
	}
	repository, err := VerifyRoot(k.root)
	if err != nil {
		return nil, err
	}
	if repository != b.Repository {
		return nil, fmt.Errorf("open root: of repository %x, not %x: %w", repository[:8], b.Repository[:8], ErrUntrusted)
	}
	k.openRevoked()
	if err := k.renew(); err != nil {
		return nil, fmt.Errorf("open bundle: %w", err)
	}
	if err := k.openEpochs(); err != nil {
		return nil, fmt.Errorf("open bundle: %w", err)
	}
	if err := k.openDedup(); err != nil {
		return nil, fmt.Errorf("open bundle: %w", err)
	}
	if err := k.openHost(hostSeed); err != nil {
		return nil, fmt.Errorf("open bundle: %w", err)
	}
	return k, nil
}

// openEpochs brings the root's public keys and the bundle's secrets together.
// A bundle may hold an epoch that is not in the root: one older than the bundle was
// read, by a reader that does not see the newest.
func (k *Keyring) openEpochs() (err error) {
	k.epochs = make(map[uint32]*epochKeys)
	for _, e := range k.root.Epochs {
		keys := new(epochKeys)
		if keys.data.public, err = kem.NewPublicKey(e.DataKey); err != nil {
			return fmt.Errorf("data key of epoch %d: %w", e.Number, ErrDamaged)
		}
		if keys.metadata.public, err = kem.NewPublicKey(e.MetadataKey); err != nil {
			return fmt.Errorf("metadata key of epoch %d: %w", e.Number, ErrDamaged)
		}
		k.epochs[e.Number] = keys
	}
	for _, e := range k.bundle.Epochs {
		keys := k.epochs[e.Number]
		if keys == nil {
			keys = new(epochKeys)
			k.epochs[e.Number] = keys
		}
		if len(e.Index) != keySize {
			return fmt.Errorf("index key of epoch %d: %w", e.Number, ErrDamaged)
		}
		keys.index = deriveIndexKeys(e.Index)
		if err := keys.data.unlock(e.DataSecret); err != nil {
			return fmt.Errorf("data key of epoch %d: %w", e.Number, err)
		}
		if err := keys.metadata.unlock(e.MetadataSecret); err != nil {
			return fmt.Errorf("metadata key of epoch %d: %w", e.Number, err)
		}
	}
	return nil
}

// unlock adds the secret half, if there is one; it must fit a public half already there.
func (s *sealingKey) unlock(secret []byte) (err error) {
	if len(secret) == 0 {
		return nil
	}
	if s.secret, err = kem.NewPrivateKey(secret); err != nil {
		return ErrDamaged // the cause might tell of the secret
	}
	if s.public != nil && !bytes.Equal(s.secret.PublicKey().Bytes(), s.public.Bytes()) {
		return fmt.Errorf("does not fit the root: %w", ErrUntrusted)
	}
	return nil
}

func deriveIndexKeys(index []byte) *indexKeys {
	return &indexKeys{
		record:         derive(contextRecord, index),
		footer:         derive(contextFooter, index),
		segment:        derive(contextSegment, index),
		segmentContent: derive(contextSegmentContent, index),
	}
}

// openDedup derives what comes from the dedup key.
func (k *Keyring) openDedup() error {
	for _, e := range k.bundle.Epochs {
		if e.Number != k.root.DedupEpoch {
			continue
		}
		if len(e.Dedup) != keySize {
			return fmt.Errorf("dedup key of epoch %d: %w", e.Number, ErrDamaged)
		}
		k.dataID = newHashers(derive(contextDataID, e.Dedup))
		k.metadataID = newHashers(derive(contextMetadataID, e.Dedup))
		k.pageCut = derive(contextPageCut, e.Dedup)
		k.local = derive(contextLocal, e.Dedup)
		var table [256 * 8]byte
		blake3.DeriveKey(contextGear, e.Dedup, table[:])
		for i := range k.gear {
			k.gear[i] = binary.LittleEndian.Uint64(table[i*8:])
		}
		return nil
	}
	return fmt.Errorf("dedup key of epoch %d: %w", k.root.DedupEpoch, ErrNoKey)
}

// openHost sets up the keys that sign, by role.
func (k *Keyring) openHost(hostSeed []byte) (err error) {
	switch b := k.bundle; b.Role {
	case format.RoleOwner:
		if k.owner, err = signingKey(b.OwnerSeed); err != nil {
			return err
		}
		if !bytes.Equal(publicHalf(k.owner), k.root.OwnerKey) {
			return fmt.Errorf("owner key does not fit the root: %w", ErrUntrusted)
		}
		if hostSeed == nil {
			hostSeed = random(ed25519.SeedSize)
		}
		if k.host, err = signingKey(hostSeed); err != nil {
			return err
		}
		k.certificate = certify(k.owner, b.Repository, publicHalf(k.host), format.RoleOwner, k.Epoch())
	case format.RoleWriter, format.RoleMaintainer:
		if k.host, err = signingKey(b.HostSeed); err != nil {
			return err
		}
		if b.Certificate == nil {
			return fmt.Errorf("no certificate: %w", ErrDamaged)
		}
		k.certificate = *b.Certificate
		if k.certificate.Role != b.Role || !bytes.Equal(k.certificate.PublicKey, publicHalf(k.host)) {
			return fmt.Errorf("certificate of another key or role: %w", ErrUntrusted)
		}
	default:
		return fmt.Errorf("role %d: %w", b.Role, ErrDamaged)
	}
	if err := k.verifyCertificate(&k.certificate); err != nil {
		return err
	}
	if k.IsRevoked(&k.certificate) {
		return fmt.Errorf("own host key %x: %w", k.Host(), ErrRevoked)
	}
	return nil
}

// openRevoked makes sets of the root's lists.
func (k *Keyring) openRevoked() {
	k.revoked = make(map[[ed25519.PublicKeySize]byte]bool, len(k.root.Revoked))
	for _, key := range k.root.Revoked {
		k.revoked[[ed25519.PublicKeySize]byte(key)] = true
	}
	k.vouched = make(map[format.ID]bool, len(k.root.Vouched))
	for _, mark := range k.root.Vouched {
		k.vouched[mark] = true
	}
}
