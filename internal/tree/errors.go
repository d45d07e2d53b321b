package tree

import (
	"errors"
	"fmt"

	"firn/internal/format"
)

// Sentinel errors.
var (
	ErrKey      = errors.New("not a valid key")
	ErrOrder    = errors.New("keys are not in ascending order")
	ErrEntry    = errors.New("not a valid entry")
	ErrPiece    = errors.New("not a valid piece of content")
	ErrShape    = errors.New("not a valid page shape")
	ErrTooLarge = errors.New("tree page is too large")
	ErrDepth    = errors.New("tree is too deep")
	ErrFinished = errors.New("writing to a finished tree or sequence")
	ErrNotFound = errors.New("no such entry")
	ErrDamaged  = errors.New("damaged")
)

// PageError says which page could not be read or believed.
type PageError struct {
	ID  format.ID
	Err error // the Reader's error, or one that matches ErrDamaged
}

func (e *PageError) Error() string { return fmt.Sprintf("read tree page %x: %v", e.ID[:], e.Err) }

// Unwrap returns the cause.
func (e *PageError) Unwrap() error { return e.Err }

// damaged says what is wrong with bytes that somebody stored.
func damaged(reason string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrDamaged, fmt.Errorf(reason, args...))
}
