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
		if k.standing.Load().revoked[[ed25519.PublicKeySize]byte(publicHalf(key))] {
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

// renew adds the keys of epochs that are in the root and not held yet: an owner derives
// them, others find them in the root if the owner left them there.
func (s *standing) renew(bundle *format.Bundle) error {
	switch {
	case bundle.Role == format.RoleOwner:
		for _, e := range s.root.Epochs {
			if s.hasEpoch(e.Number) {
				continue
			}
			keys, _, err := deriveEpoch(bundle.OwnerSeed, e.Number)
			if err != nil {
				return err
			}
			s.held = append(s.held, keys)
		}
		return nil
	case bundle.Certificate == nil:
		return nil // which openHost does not take
	}
	host := format.HostOf(bundle.Certificate.PublicKey)
	at := slices.IndexFunc(s.root.Renewals, func(r format.Renewal) bool { return r.Host == host })
	if at < 0 {
		return nil
	}
	return s.takeRenewal(bundle, &s.root.Renewals[at])
}

func (s *standing) hasEpoch(number uint32) bool {
	return slices.ContainsFunc(s.held, func(e format.EpochKeys) bool { return e.Number == number })
}

// takeRenewal opens a renewal of this host and takes the keys that it lacks.
func (s *standing) takeRenewal(bundle *format.Bundle, r *format.Renewal) error {
	host, err := signingKey(bundle.HostSeed)
	if err != nil {
		return err
	}
	key := renewalKey(host, r)
	body, err := aead(&key).Open(nil, zeroNonce[:], r.Sealed, renewalData(bundle.Repository, r))
	if err != nil {
		return fmt.Errorf("renewal of host %x: %w", r.Host, ErrDamaged)
	}
	b := new(format.Bundle)
	if b.Decode(body) != nil || b.Repository != bundle.Repository || b.Role != bundle.Role {
		return fmt.Errorf("renewal of host %x: %w", r.Host, ErrDamaged) // the cause might quote secrets
	}
	for _, e := range b.Epochs {
		if !s.hasEpoch(e.Number) {
			s.held = append(s.held, e)
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
