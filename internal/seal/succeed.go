package seal

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"slices"

	"firn/internal/format"
)

// Member is a key slot of a writer or maintainer, by what the owner needs to make its
// keys again.
type Member struct {
	Slot [16]byte
	Role format.Role
}

// Succession says what the next root changes.
type Succession struct {
	// Epoch begins a new epoch: what is sealed from then on takes its keys.
	Epoch bool
	// Revoke withdraws trust from hosts, by their public keys.
	Revoke [][]byte
	// Vouched are the marks of what revoked hosts signed, now or before, and counts all the same.
	Vouched []format.ID
	// Members are given the keys of all epochs with the root, unless they are revoked.
	Members []Member
}

// Succeed makes the next root. It returns the owner's new keyring and the signed
// root, which is all there is to store. Chunk IDs stay with the dedup epoch. The
// same keyring always begins the same epoch. ErrRole unless owner.
func (k *Keyring) Succeed(s Succession) (*Keyring, *format.Root, error) {
	if k.owner == nil {
		return nil, nil, fmt.Errorf("make root: %w", ErrRole)
	}
	root := new(format.Root)
	if err := root.Decode(k.Root().Append(nil)); err != nil {
		return nil, nil, broken("copy root", err)
	}
	root.Number++
	if s.Epoch {
		_, public, err := deriveEpoch(k.owner.Seed(), k.Newest()+1)
		if err != nil {
			return nil, nil, err
		}
		root.Epochs = append(root.Epochs, public)
	}
	for _, key := range s.Revoke {
		if !slices.ContainsFunc(root.Revoked, func(known []byte) bool { return bytes.Equal(known, key) }) {
			root.Revoked = append(root.Revoked, bytes.Clone(key))
		}
	}
	root.Vouched = s.Vouched
	signRoot(k.owner, root)
	next, err := Open(k.held(), root, k.HostSeed())
	if err != nil {
		return nil, nil, err
	}
	if root.Renewals, err = next.renewals(s.Members); err != nil {
		return nil, nil, err
	}
	signRoot(k.owner, root)
	next, err = Open(k.held(), root, k.HostSeed())
	return next, root, err
}

// MemberKey returns the public key that a member signs with. ErrRole unless owner.
func (k *Keyring) MemberKey(m Member) ([]byte, error) {
	key, err := k.memberKey(m)
	if err != nil {
		return nil, fmt.Errorf("key of slot %x: %w", m.Slot, err)
	}
	return publicHalf(key), nil
}

// memberKey derives a member's signing key. The role goes in, so that a slot whose
// role somebody altered on the drive is nobody's.
func (k *Keyring) memberKey(m Member) (ed25519.PrivateKey, error) {
	if k.owner == nil {
		return nil, ErrRole
	}
	if m.Role != format.RoleWriter && m.Role != format.RoleMaintainer {
		return nil, fmt.Errorf("role %d: %w", m.Role, ErrRole)
	}
	seed := derive(contextHostSeed, k.owner.Seed(), m.Slot[:], binary.LittleEndian.AppendUint32(nil, uint32(m.Role)))
	return signingKey(seed[:])
}

// epochsFor returns the keys of all epochs that a writer or maintainer may hold.
func (k *Keyring) epochsFor(role format.Role) []format.EpochKeys {
	var list []format.EpochKeys
	for _, e := range k.standing.Load().held {
		own := format.EpochKeys{Number: e.Number, Dedup: bytes.Clone(e.Dedup), Index: bytes.Clone(e.Index)}
		if role == format.RoleMaintainer {
			own.MetadataSecret = bytes.Clone(e.MetadataSecret)
		}
		list = append(list, own)
	}
	return list
}

// deriveEpoch returns the keys of an epoch after the first. They follow from the
// owner's seed, so that every owner's slot opens what is sealed with them, however
// old it is.
func deriveEpoch(ownerSeed []byte, number uint32) (format.EpochKeys, format.Epoch, error) {
	part := func(context string) []byte {
		key := derive(context, ownerSeed, binary.LittleEndian.AppendUint32(nil, number))
		return key[:]
	}
	secret := format.EpochKeys{
		Number: number, Dedup: part(contextEpochDedup), Index: part(contextEpochIndex),
		DataSecret: part(contextEpochData), MetadataSecret: part(contextEpochMetadata),
	}
	public := format.Epoch{Number: number}
	for _, half := range []struct {
		secret []byte
		public *[]byte
	}{{secret.DataSecret, &public.DataKey}, {secret.MetadataSecret, &public.MetadataKey}} {
		key, err := kem.NewPrivateKey(half.secret)
		if err != nil {
			return secret, public, fmt.Errorf("keys of epoch %d: %w", number, ErrDamaged)
		}
		*half.public = key.PublicKey().Bytes()
	}
	return secret, public, nil
}
