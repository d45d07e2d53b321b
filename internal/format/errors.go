package format

import (
	"errors"
	"fmt"
)

// What is wrong with bytes that cannot be decoded. Every error of a decoder or
// parser in this package matches one of them.
var (
	// ErrMagic means that the bytes are no object of Firn at all.
	ErrMagic = errors.New("not a Firn object")
	// ErrVersion means that a later version of Firn wrote the object.
	ErrVersion = errors.New("unknown format version")
	// ErrCorrupt means that the bytes break the rules of the format.
	ErrCorrupt = errors.New("bytes are damaged")
	// ErrName means that a name is not one this kind of object can have.
	ErrName = errors.New("not a valid name")
	// ErrTextKey means that a text is no recovery key and no key file, or
	// that it was mistyped.
	ErrTextKey = errors.New("not a recovery key or key")
)

// corrupt says what is damaged and how.
func corrupt(what, reason string) error {
	return fmt.Errorf("decode %s: %w: %s", what, ErrCorrupt, reason)
}
