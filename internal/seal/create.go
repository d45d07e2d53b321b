package seal

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"slices"
	"time"

	"firn/internal/format"
)

// RootParams are what a new repository is created with.
type RootParams struct {
	Created                       time.Time
	Program                       string // name and version of the creator
	ChunkMin, ChunkMean, ChunkMax uint32 // bytes
	PageMin, PageMean, PageMax    uint32 // entries
}

// Create makes a new owner with the keys of epoch 1 and the signed root number
// 1. Nothing is stored: the caller writes the root and a slot of Bundle(RoleOwner).
func Create(p RootParams) (*Keyring, *format.Root, error) {
	owner, err := signingKey(random(ed25519.SeedSize))
	if err != nil {
		return nil, nil, fmt.Errorf("create owner: %w", err)
	}
	keys, public, err := newEpoch(1)
	if err != nil {
		return nil, nil, fmt.Errorf("create owner: %w", err)
	}
	root := &format.Root{
		Number:     1,
		OwnerKey:   publicHalf(owner),
		Created:    p.Created.Unix(),
		Epochs:     []format.Epoch{public},
		DedupEpoch: 1,
		ChunkMin:   p.ChunkMin,
		ChunkMean:  p.ChunkMean,
		ChunkMax:   p.ChunkMax,
		PageMin:    p.PageMin,
		PageMean:   p.PageMean,
		PageMax:    p.PageMax,
		Program:    p.Program,
	}
	signRoot(owner, root)
	k, err := Open(&format.Bundle{
		Repository: RepositoryID(root.OwnerKey),
		Role:       format.RoleOwner,
		OwnerSeed:  owner.Seed(),
		Epochs:     []format.EpochKeys{keys},
	}, root, nil)
	if err != nil {
		return nil, nil, fmt.Errorf("create owner: %w", err)
	}
	return k, root, nil
}

// newEpoch makes the keys of an epoch: what the owner keeps and what the root tells.
func newEpoch(number uint32) (format.EpochKeys, format.Epoch, error) {
	secret := format.EpochKeys{Number: number, Dedup: random(keySize), Index: random(keySize)}
	public := format.Epoch{Number: number}
	var err error
	if secret.DataSecret, public.DataKey, err = newSealingKey(); err != nil {
		return secret, public, err
	}
	secret.MetadataSecret, public.MetadataKey, err = newSealingKey()
	return secret, public, err
}

func newSealingKey() (secret, public []byte, err error) {
	key, err := kem.GenerateKey()
	if err != nil {
		return nil, nil, fmt.Errorf("generate sealing key: %w", err)
	}
	if secret, err = key.Bytes(); err != nil {
		return nil, nil, fmt.Errorf("encode sealing key: %w", err)
	}
	return secret, key.PublicKey().Bytes(), nil
}

// Bundle makes a bundle for a role, with all epochs the owner holds, to be wrapped by
// SealSlot. A writer's or maintainer's comes with a signing key of its own, fresh on
// every call and certified. Only an owner can; others get ErrRole.
func (k *Keyring) Bundle(role format.Role) (*format.Bundle, error) {
	if k.owner == nil {
		return nil, fmt.Errorf("make bundle: %w", ErrRole)
	}
	b := new(format.Bundle)
	if err := b.Decode(k.bundle.Append(nil)); err != nil {
		return nil, broken("make bundle", err)
	}
	b.Role = role
	switch role {
	case format.RoleOwner:
		return b, nil
	case format.RoleWriter, format.RoleMaintainer:
	default:
		return nil, fmt.Errorf("make bundle: role %d: %w", role, ErrRole)
	}
	b.OwnerSeed = nil
	for i := range b.Epochs {
		b.Epochs[i].DataSecret = nil
		if role == format.RoleWriter {
			b.Epochs[i].MetadataSecret = nil
		}
	}
	host, err := signingKey(random(ed25519.SeedSize))
	if err != nil {
		return nil, fmt.Errorf("make bundle: %w", err)
	}
	certificate := certify(k.owner, b.Repository, publicHalf(host), role, k.Epoch())
	b.HostSeed, b.Certificate = host.Seed(), &certificate
	return b, nil
}

// Rotate begins a new epoch with fresh keys. It returns the owner's new keyring and
// the signed root that announces the epoch. Bundles in slots know nothing of
// it: the caller writes new slots from the new keyring first, then the root,
// so that nothing is sealed with keys that no slot holds. Chunk IDs stay with
// the dedup epoch. ErrRole unless owner.
func (k *Keyring) Rotate() (*Keyring, *format.Root, error) {
	keys, public, err := newEpoch(k.Epoch() + 1)
	if err != nil {
		return nil, nil, fmt.Errorf("rotate keys: %w", err)
	}
	return k.succeed(func(b *format.Bundle, r *format.Root) {
		b.Epochs = slices.DeleteFunc(b.Epochs, func(e format.EpochKeys) bool { return e.Number == keys.Number })
		b.Epochs = append(b.Epochs, keys)
		r.Epochs = append(r.Epochs, public)
	})
}

// Revoke withdraws trust from the host with the given public key: what it
// signed is ErrUntrusted from the returned root on. Its bundle still opens what it opened before; Rotate
// as well to end that for what comes. ErrRole unless owner.
func (k *Keyring) Revoke(publicKey []byte) (*Keyring, *format.Root, error) {
	return k.succeed(func(_ *format.Bundle, r *format.Root) {
		for _, key := range r.Revoked {
			if bytes.Equal(key, publicKey) {
				return
			}
		}
		r.Revoked = append(r.Revoked, bytes.Clone(publicKey))
	})
}

// succeed makes the next root by changing copies of bundle and root.
func (k *Keyring) succeed(change func(*format.Bundle, *format.Root)) (*Keyring, *format.Root, error) {
	bundle, err := k.Bundle(format.RoleOwner)
	if err != nil {
		return nil, nil, err
	}
	root := new(format.Root)
	if err := root.Decode(k.root.Append(nil)); err != nil {
		return nil, nil, broken("copy root", err)
	}
	root.Number++
	change(bundle, root)
	signRoot(k.owner, root)
	next, err := Open(bundle, root, k.HostSeed())
	if err != nil {
		return nil, nil, err
	}
	return next, root, nil
}
