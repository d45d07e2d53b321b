package seal

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hpke"
	"encoding/binary"
	"fmt"
	"slices"

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
	k := &Keyring{bundle: new(format.Bundle)}
	if err := k.bundle.Decode(b.Append(nil)); err != nil {
		return nil, broken("open bundle", err)
	}
	s, err := k.stand(root, k.bundle.Epochs)
	if err != nil {
		return nil, err
	}
	k.standing.Store(s)
	k.epoch = newestEpoch(s.root)
	if err := k.openDedup(); err != nil {
		return nil, fmt.Errorf("open bundle: %w", err)
	}
	if err := k.openHost(hostSeed); err != nil {
		return nil, fmt.Errorf("open bundle: %w", err)
	}
	return k, nil
}

// Follow goes by a newer root from now on: it opens what is sealed with the keys that came
// with it, and believes no host that it revokes. It seals with the keys from before. A root that is not
// newer changes nothing.
//
// Errors: as Open, ErrNoKey when the root has keys that it does not give to this host. Nothing is
// changed then.
func (k *Keyring) Follow(root *format.Root) error {
	before := k.standing.Load()
	s, err := k.stand(root, before.held)
	if err != nil {
		return err
	}
	if s.revoked[[ed25519.PublicKeySize]byte(k.certificate.PublicKey)] {
		return fmt.Errorf("own host key %x: %w", k.Host(), ErrRevoked)
	}
	if newest := newestEpoch(s.root); s.epochs[newest].index == nil {
		return fmt.Errorf("index key of epoch %d: %w", newest, ErrNoKey)
	}
	for s.root.Number > before.root.Number && !k.standing.CompareAndSwap(before, s) {
		before = k.standing.Load()
	}
	return nil
}

// held returns the bundle with the keys that came with roots.
func (k *Keyring) held() *format.Bundle {
	b := *k.bundle
	b.Epochs = k.standing.Load().held
	return &b
}

// stand verifies a root and makes of it, and of the keys held so far, what follows from it.
func (k *Keyring) stand(root *format.Root, held []format.EpochKeys) (*standing, error) {
	s := &standing{root: new(format.Root), held: slices.Clone(held), epochs: map[uint32]*epochKeys{}}
	if err := s.root.Decode(root.Append(nil)); err != nil {
		return nil, broken("open root", err)
	}
	repository, err := VerifyRoot(s.root)
	if err != nil {
		return nil, err
	}
	if repository != k.bundle.Repository {
		return nil, fmt.Errorf("open root: of repository %x, not %x: %w", repository[:8], k.bundle.Repository[:8], ErrUntrusted)
	}
	s.openRevoked()
	if err := s.renew(k.bundle); err != nil {
		return nil, fmt.Errorf("open bundle: %w", err)
	}
	if err := s.openEpochs(); err != nil {
		return nil, fmt.Errorf("open bundle: %w", err)
	}
	return s, nil
}

// openEpochs brings the root's public keys and the secrets together.
// An epoch may be held that is not in the root: one older than the bundle was
// read, by a reader that does not see the newest.
func (s *standing) openEpochs() (err error) {
	for _, e := range s.root.Epochs {
		keys := new(epochKeys)
		if keys.data.public, err = kem.NewPublicKey(e.DataKey); err != nil {
			return fmt.Errorf("data key of epoch %d: %w", e.Number, ErrDamaged)
		}
		if keys.metadata.public, err = kem.NewPublicKey(e.MetadataKey); err != nil {
			return fmt.Errorf("metadata key of epoch %d: %w", e.Number, ErrDamaged)
		}
		s.epochs[e.Number] = keys
	}
	for _, e := range s.held {
		keys := s.epochs[e.Number]
		if keys == nil {
			keys = new(epochKeys)
			s.epochs[e.Number] = keys
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
	s := k.standing.Load()
	for _, e := range s.held {
		if e.Number != s.root.DedupEpoch {
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
	return fmt.Errorf("dedup key of epoch %d: %w", s.root.DedupEpoch, ErrNoKey)
}

// openHost sets up the keys that sign, by role.
func (k *Keyring) openHost(hostSeed []byte) (err error) {
	switch b := k.bundle; b.Role {
	case format.RoleOwner:
		if k.owner, err = signingKey(b.OwnerSeed); err != nil {
			return err
		}
		if !bytes.Equal(publicHalf(k.owner), k.Root().OwnerKey) {
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
func (s *standing) openRevoked() {
	s.revoked = make(map[[ed25519.PublicKeySize]byte]bool, len(s.root.Revoked))
	for _, key := range s.root.Revoked {
		s.revoked[[ed25519.PublicKeySize]byte(key)] = true
	}
	s.vouched = make(map[format.ID]bool, len(s.root.Vouched))
	for _, mark := range s.root.Vouched {
		s.vouched[mark] = true
	}
}
