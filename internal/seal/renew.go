package seal

import (
	"crypto/ed25519"
	"fmt"
	"slices"

	"firn/internal/format"
)

// renewals seals the keys of all epochs to the members that are not revoked.
func (k *Keyring) renewals(members []Member) ([]format.Renewal, error) {
	var list []format.Renewal
	for _, m := range members {
		key, err := k.memberKey(m)
		if err != nil {
			return nil, err
		}
		if k.revoked[[ed25519.PublicKeySize]byte(publicHalf(key))] {
			continue
		}
		r := format.Renewal{Host: format.HostOf(publicHalf(key))}
		body := (&format.Bundle{Repository: k.bundle.Repository, Role: m.Role, Epochs: k.epochsFor(m.Role)}).Append(nil)
		salt := freshSalt(body)
		r.Salt = salt[:]
		sealing := renewalKey(key, &r)
		r.Sealed = aead(&sealing).Seal(nil, zeroNonce[:], body, renewalData(k.bundle.Repository, &r))
		list = append(list, r)
	}
	return list, nil
}

// renew adds to the bundle the keys of epochs that are in the root and not in the
// bundle: an owner derives them, others find them in the root if the owner left them there.
func (k *Keyring) renew() error {
	switch {
	case k.bundle.Role == format.RoleOwner:
		for _, e := range k.root.Epochs {
			if k.hasEpoch(e.Number) {
				continue
			}
			keys, _, err := deriveEpoch(k.bundle.OwnerSeed, e.Number)
			if err != nil {
				return err
			}
			k.bundle.Epochs = append(k.bundle.Epochs, keys)
		}
		return nil
	case k.bundle.Certificate == nil:
		return nil // which openHost does not take
	}
	host := format.HostOf(k.bundle.Certificate.PublicKey)
	at := slices.IndexFunc(k.root.Renewals, func(r format.Renewal) bool { return r.Host == host })
	if at < 0 {
		return nil
	}
	return k.takeRenewal(&k.root.Renewals[at])
}

func (k *Keyring) hasEpoch(number uint32) bool {
	return slices.ContainsFunc(k.bundle.Epochs, func(e format.EpochKeys) bool { return e.Number == number })
}

// takeRenewal opens a renewal of this host and takes the keys that the bundle lacks.
func (k *Keyring) takeRenewal(r *format.Renewal) error {
	host, err := signingKey(k.bundle.HostSeed)
	if err != nil {
		return err
	}
	key := renewalKey(host, r)
	body, err := aead(&key).Open(nil, zeroNonce[:], r.Sealed, renewalData(k.bundle.Repository, r))
	if err != nil {
		return fmt.Errorf("renewal of host %x: %w", r.Host, ErrDamaged)
	}
	b := new(format.Bundle)
	if b.Decode(body) != nil || b.Repository != k.bundle.Repository || b.Role != k.bundle.Role {
		return fmt.Errorf("renewal of host %x: %w", r.Host, ErrDamaged) // the cause might quote secrets
	}
	for _, e := range b.Epochs {
		if !k.hasEpoch(e.Number) {
			k.bundle.Epochs = append(k.bundle.Epochs, e)
		}
	}
	return nil
}

// renewalKey seals one renewal: the salt is fresh.
func renewalKey(host ed25519.PrivateKey, r *format.Renewal) [keySize]byte {
	key := derive(contextRenewal, host.Seed())
	return subkey(&key, r.Salt)
}

func renewalData(repository format.ID, r *format.Renewal) []byte {
	return slices.Concat(repository[:], r.Host[:])
}
