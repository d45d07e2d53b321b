package seal

import (
	"crypto/ed25519"
	"fmt"
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

// newEpoch makes the first epoch's keys: what the owner keeps and what the root tells.
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
// SealSlot. A writer's or maintainer's is for one slot, fresh on every call, and comes
// with that slot's signing key, certified. Only an owner can; others get ErrRole.
func (k *Keyring) Bundle(role format.Role) (*format.Bundle, error) {
	if k.owner == nil {
		return nil, fmt.Errorf("make bundle: %w", ErrRole)
	}
	if role == format.RoleOwner {
		b := new(format.Bundle)
		if err := b.Decode(k.held().Append(nil)); err != nil {
			return nil, broken("make bundle", err)
		}
		return b, nil
	}
	m := Member{Slot: [16]byte(random(16)), Role: role}
	host, err := k.memberKey(m)
	if err != nil {
		return nil, fmt.Errorf("make bundle: %w", err)
	}
	certificate := certify(k.owner, k.bundle.Repository, publicHalf(host), role, k.Epoch())
	return &format.Bundle{
		Repository: k.bundle.Repository, Role: role, Epochs: k.epochsFor(role),
		HostSeed: host.Seed(), Certificate: &certificate, Slot: m.Slot[:],
	}, nil
}
