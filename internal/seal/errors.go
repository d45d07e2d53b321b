package seal

import (
	"errors"
	"fmt"

	"firn/internal/format"
)

// The errors of this package. None of them, nor what wraps them, carries secrets.
var (
	ErrSecret    = errors.New("wrong passphrase or key")
	ErrNoKey     = errors.New("key not held")
	ErrRole      = errors.New("not allowed in this role")
	ErrDamaged   = errors.New("sealed data damaged")
	ErrUntrusted = errors.New("signature not trusted")
)

// broken wraps a decoding error as damage; an unknown version is not damage.
func broken(doing string, err error) error {
	if errors.Is(err, format.ErrVersion) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return fmt.Errorf("%s: %w: %w", doing, ErrDamaged, err)
}
