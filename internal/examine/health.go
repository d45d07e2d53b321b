package examine

import (
	"context"
	"errors"
	"time"

	"firn/internal/object"
)

// Health is what a short look at a drive found.
type Health struct {
	Reachable  bool
	Repository bool // one is there
	Writable   bool // a test object was written
	Listing    time.Duration
	Err        error // what is wrong, nil if nothing is
}

// HealthOf looks at a drive with a handful of requests: it lists and, unless the
// drive is to be read only, writes a test object and deletes it where that is
// permitted.
func HealthOf(ctx context.Context, store object.Store, readOnly bool) Health {
	begun := time.Now()
	there, err := repositoryThere(ctx, store)
	h := Health{Repository: there, Listing: time.Since(begun)}
	if err != nil {
		h.Reachable = !errors.Is(err, object.ErrUnreachable) && ctx.Err() == nil
		h.Err = err
		return h
	}
	h.Reachable = true
	if readOnly {
		return h
	}
	t := &trial{name: newName(), body: random(256)}
	if h.Err = t.write(ctx, store); h.Err == nil {
		h.Writable = true
		h.Err = t.drop(ctx, store)
	}
	return h
}
