package object

import (
	"context"
	"errors"
)

// Reserver is a store that keeps a little room back from its users, so that on a drive
// that is full there is room for the few small objects that freeing some takes.
type Reserver interface {
	// Release gives the room away and reports whether there was any. The store
	// takes it back by itself, in later processes.
	Release(ctx context.Context) (bool, error)
}

// InReserve does something that takes a few small objects, and if the drive is full gives
// away what it keeps back and does it again. It reports whether the drive was full.
func InReserve(ctx context.Context, s Store, do func() error) (full bool, err error) {
	err = do()
	if !errors.Is(err, ErrFull) {
		return false, err
	}
	r, ok := beneath(s, func(_ Store, inner Reserver) Reserver { return inner })
	if !ok {
		return true, err
	}
	released, releasing := r.Release(ctx)
	if releasing != nil || !released {
		return true, errors.Join(err, releasing)
	}
	return true, do()
}
