package object

import (
	"context"
	"errors"
)

// IsTransient says whether the same call may well succeed a little later:
// the drive could not be reached, or the cause calls itself temporary (too
// many open files, say). The end of the caller's own context is not transient.
func IsTransient(err error) bool {
	if errors.Is(err, ErrUnreachable) {
		return true
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var temporary interface{ Temporary() bool }
	return errors.As(err, &temporary) && temporary.Temporary()
}

// fail wraps the cause of an operation's failure; nil stays nil.
func fail(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Op: op, Name: name, Err: err}
}

// failEach wraps the cause of an operation's failure once for every name.
func failEach(op string, names []string, err error) error {
	failures := make([]error, len(names))
	for i, name := range names {
		failures[i] = fail(op, name, err)
	}
	return errors.Join(failures...)
}

// begin is what every operation on one object does first.
func begin(ctx context.Context, op, name string) error {
	if err := ctx.Err(); err != nil {
		return fail(op, name, err)
	}
	return fail(op, name, CheckName(name))
}
