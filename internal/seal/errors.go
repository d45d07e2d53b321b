package seal

import (
	"errors"
	"fmt"

	"firn/internal/format"
)

// The errors of this package. None of them, nor what wraps them, carries secrets.
var (
	ErrSecret = errors.New("wrong passphrase or key")
	ErrNoKey  = errors.New("key not held")
	// ErrNewKeys is the ErrNoKey for keys that came with a newer root than the keyring
	// was given: see Follow.
	ErrNewKeys   = fmt.Errorf("sealed with keys that came with a later rotation: %w", ErrNoKey)
	ErrRole      = errors.New("not allowed in this role")
	ErrDamaged   = errors.New("sealed data damaged")
	ErrUntrusted = errors.New("signature not trusted")
	// ErrRevoked is the ErrUntrusted of a host whose key the owner revoked, where the
	// owner does not vouch for what it signed.
	ErrRevoked = fmt.Errorf("the owner revoked the signer's key: %w", ErrUntrusted)
)

// broken wraps a decoding error as damage; an unknown version is not damage.
func broken(doing string, err error) error {
	if errors.Is(err, format.ErrVersion) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return fmt.Errorf("%s: %w: %w", doing, ErrDamaged, err)
}
