package objecttest

import (
	"context"
	"errors"
	"time"

	"firn/internal/object"
)

// verdict is what all applying rules together do to one operation.
type verdict struct {
	before error // returned instead of doing it
	after  error // returned although it was done
	cut    int   // -1 for none
	cutErr error
	flip   bool
	random uint64 // chooses the bit
	lag    int
}

// judge records an operation, waits if a rule says so, and returns what else
// is to be done to it.
func (f *Fault) judge(ctx context.Context, op Op, size int, names ...string) (verdict, error) {
	v, delay := f.decide(op, size, names)
	if delay > 0 {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return v, wrap(op, names, ctx.Err())
		case <-timer.C:
		}
	}
	return v, v.before
}

func (f *Fault) decide(op Op, size int, names []string) (verdict, time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v := verdict{cut: -1}
	done := Operation{Number: len(f.record) + 1, Op: op, Name: first(names), Names: len(names), Bytes: size}
	var delay time.Duration
	if f.stopped {
		v.before = wrap(op, names, ErrStopped)
	}
	for _, r := range f.rules {
		if v.before != nil || !r.applies(done.Number, op, names, f.random.Float64) {
			continue
		}
		if done.Faults != "" {
			done.Faults += ", "
		}
		done.Faults += r.String()
		switch r.Do {
		case Fail:
			v.before = wrap(op, names, r.Err)
		case Lose:
			v.after = wrap(op, names, r.Err)
		case Truncate:
			v.cut, v.cutErr = r.Bytes, wrap(op, names, r.Err)
		case Flip:
			v.flip, v.random = true, f.random.Uint64()
		case Wait:
			delay += r.Delay
		case Stop:
			v.before, f.stopped = wrap(op, names, ErrStopped), true
		case StopAfter:
			v.after, f.stopped = wrap(op, names, ErrStopped), true
		case Stale:
			v.lag = max(v.lag, r.Lag)
		}
	}
	f.record = append(f.record, done)
	return v, delay
}

// wrap makes an operation's error, for each of its names.
func wrap(op Op, names []string, err error) error {
	if err == nil {
		err = object.ErrUnreachable
	}
	failures := make([]error, len(names))
	for i, name := range names {
		failures[i] = &object.Error{Op: string(op), Name: name, Err: err}
	}
	if len(failures) == 1 {
		return failures[0]
	}
	return errors.Join(failures...)
}

func first(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

// answer is what the caller learns of what an operation came to.
func (v *verdict) answer(err error) error {
	if v.after != nil {
		return v.after
	}
	return err
}

// spoil cuts and flips in place.
func (v *verdict) spoil(body []byte) []byte {
	if v.cut >= 0 && v.cut < len(body) {
		body = body[:v.cut]
	}
	if v.flip && len(body) > 0 {
		bit := v.random % (8 * uint64(len(body)))
		body[bit/8] ^= 1 << (bit % 8)
	}
	return body
}
