package repo

import (
	"context"
	"errors"
	"fmt"

	"firn/internal/format"
	"firn/internal/object"
)

// Explain returns the error with which a session's work ended, or ErrFenced in its
// place when the session was closed meanwhile: nothing waits for a closed session, so what it
// had seen may be gone, and what it misses is no damage. It is to be asked before
// the session is ended, and asks nobody when the context is over.
func (s *Session) Explain(ctx context.Context, err error) error {
	if err == nil || errors.Is(err, ErrFenced) || ctx.Err() != nil {
		return err
	}
	if closed, unknown := s.closed(ctx); unknown != nil || !closed {
		return err
	}
	return fmt.Errorf("%w; what it came upon then: %v", ErrFenced, err)
}

// closed reports whether a maintainer closed the session: there is an outcome, or that
// is gone again and the session's object with it.
func (s *Session) closed(ctx context.Context) (bool, error) {
	err := s.StillOpen(ctx)
	if errors.Is(err, ErrFenced) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	_, err = s.repo.store.Head(ctx, format.ManifestObject(s.name))
	if errors.Is(err, object.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
