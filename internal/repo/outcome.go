package repo

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"firn/internal/format"
	"firn/internal/object"
)

// putOutcome writes m/S as docs/protocol.md says: create-once where the drive
// can, else between two looks at the session object.
//
// Where it can, a tombstone keeps the write from happening for the month that
// it stays. So a look of minutes ago will do, the writing of the session object
// itself for one: a session that was asleep for a month has none.
func (s *Session) putOutcome(ctx context.Context, name string, body []byte) error {
	write := func(ctx context.Context) error {
		err := s.repo.putOnce(ctx, name, body)
		if errors.Is(err, object.ErrExists) {
			return s.resolveOutcome(ctx, name, body)
		}
		return err
	}
	if age, ok := s.look.age(s.repo.now()); ok && age < lookCounts && s.repo.store.Capabilities().IfAbsent {
		bounded, cancel := context.WithTimeout(ctx, writeTime-age)
		defer cancel()
		return write(bounded)
	}
	return s.between(ctx, write)
}

const (
	// writeTime bounds the write that follows a look at the session object. It is
	// far shorter than a maintainer waits between fence and decision.
	writeTime = 15 * time.Minute
	// lookCounts is how old a look may be, so that time is left for the write.
	lookCounts = 10 * time.Minute
)

// look is when the session object was last known to be there: before the
// request that showed it was sent.
type look struct{ at atomic.Pointer[time.Time] }

func (l *look) keep(at time.Time) { l.at.Store(&at) }

// age returns how long ago the look was. Of what passed by the clock on the wall and what
// passed by the one that nobody sets it is the longer: one may be set back, the
// other may stand while the machine sleeps.
func (l *look) age(now time.Time) (time.Duration, bool) {
	at := l.at.Load()
	if at == nil {
		return 0, false
	}
	wall, steady := now.Round(0).Sub(at.Round(0)), now.Sub(*at)
	return max(wall, steady), wall >= 0
}

// between makes one write that must not happen in a session that was closed.
// A look before it keeps what was asleep for long, until all trace of its being
// closed is gone, from going on as if nothing had happened. Where the drive has
// no conditional writes, a second look tells whether the write still counted.
func (s *Session) between(ctx context.Context, write func(context.Context) error) error {
	bounded, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	if err := s.StillOpen(bounded); err != nil {
		return err
	}
	if err := write(bounded); err != nil {
		return err
	}
	if s.repo.store.Capabilities().IfAbsent {
		return nil
	}
	return s.StillOpen(ctx)
}

// StillOpen returns ErrFenced when a maintainer closed the session. What a closed
// session uploaded may be gone, so nothing may refer to it any more.
func (s *Session) StillOpen(ctx context.Context) error {
	asked := s.repo.now()
	_, err := s.repo.store.Head(ctx, format.SessionObject(s.name))
	if errors.Is(err, object.ErrNotFound) {
		return ErrFenced
	}
	if err != nil {
		return fmt.Errorf("look at own session: %w", err)
	}
	s.look.keep(asked)
	return nil
}

// resolveOutcome finds out who wrote the outcome that is there already: this
// session, whose answer was lost, or a maintainer.
func (s *Session) resolveOutcome(ctx context.Context, name string, body []byte) error {
	there, _, err := s.repo.store.Get(ctx, name, smallLimit)
	if err != nil {
		return err
	}
	if string(there) == string(body) {
		return nil
	}
	return ErrFenced
}
