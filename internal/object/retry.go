package object

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"
)

// RetryOptions bounds the retrying of one call. Zero fields take the defaults
// named beside them.
type RetryOptions struct {
	Attempts int           // at most, the first included; 8
	First    time.Duration // upper bound of the first pause; 200 ms
	Longest  time.Duration // upper bound of any pause; 20 s
	Budget   time.Duration // no attempt is begun later than this after the call; 3 min
}

func (o RetryOptions) withDefaults() RetryOptions {
	if o.Attempts <= 0 {
		o.Attempts = 8
	}
	if o.First <= 0 {
		o.First = 200 * time.Millisecond
	}
	if o.Longest <= 0 {
		o.Longest = 20 * time.Second
	}
	if o.Budget <= 0 {
		o.Budget = 3 * time.Minute
	}
	return o
}

// pause returns how long to wait after the given failed attempt, counted from
// 1: anything up to a bound that doubles ("full jitter": Brooker, Exponential
// Backoff and Jitter, 2015).
func (o RetryOptions) pause(attempt int) time.Duration {
	bound := o.Longest
	if doublings := attempt - 1; doublings < 32 && o.First<<doublings>>doublings == o.First {
		bound = min(bound, o.First<<doublings)
	}
	return rand.N(bound + 1)
}

// Retry wraps s so that calls which fail by IsTransient are made again after a
// pause. Whether that is safe depends on the operation:
//
//   - Get, GetRange and Head change nothing and are repeated.
//   - List is begun anew as long as it has yielded nothing. Later it would
//     yield names twice, so its error is the caller's.
//   - Delete is repeated if any of its names failed so. Absent names are no
//     error, and names are never used again, so a late deletion hits nothing
//     else.
//   - An unconditional Put is repeated: it overwrites itself with the same
//     bytes. Only heartbeats are written so, each by one author.
//   - A conditional Put (IfAbsent, IfMatch) whose answer was lost may have
//     happened. Sent again blindly, it would take its own object for somebody
//     else's. So the object is looked at first: if it holds exactly the bytes
//     of the body, the Put has succeeded; if it holds others, it is ErrExists
//     or ErrChanged; only if it is absent, or for IfMatch still has that ETag,
//     the Put is sent again. Where reading is not allowed the Put is sent again
//     too, and should the condition then fail, nobody knows whose object it is:
//     the error says so and matches neither ErrExists nor ErrChanged.
//
// Protocol steps that must be sent at most once use s itself.
func Retry(s Store, opts RetryOptions) Store {
	return &retrying{Store: s, opts: opts.withDefaults()}
}

type retrying struct {
	Store
	opts RetryOptions
}

// do makes attempts until one succeeds, fails for good, or patience ends.
func (r *retrying) do(ctx context.Context, attempt func() error) error {
	begun := time.Now()
	for n := 1; ; n++ {
		err := attempt()
		if err == nil || !IsTransient(err) || n >= r.opts.Attempts {
			return err
		}
		pause := r.opts.pause(n)
		if time.Since(begun)+pause > r.opts.Budget {
			return err
		}
		if ended := sleep(ctx, pause); ended != nil {
			return errors.Join(ended, err)
		}
	}
}

// sleep waits, but not beyond the end of ctx, whose error it returns then.
func sleep(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return ctx.Err()
	}
}

// Get implements Store.
func (r *retrying) Get(ctx context.Context, name string, limit int64) (body []byte, info Info, err error) {
	err = r.do(ctx, func() error {
		body, info, err = r.Store.Get(ctx, name, limit)
		return err
	})
	return body, info, err
}

// GetRange implements Store.
func (r *retrying) GetRange(ctx context.Context, name string, p []byte, offset int64) error {
	return r.do(ctx, func() error { return r.Store.GetRange(ctx, name, p, offset) })
}

// Head implements Store.
func (r *retrying) Head(ctx context.Context, name string) (info Info, err error) {
	err = r.do(ctx, func() error {
		info, err = r.Store.Head(ctx, name)
		return err
	})
	return info, err
}

// Put implements Store.
func (r *retrying) Put(ctx context.Context, name string, body []byte, opts PutOptions) (info Info, err error) {
	if opts.IfAbsent || opts.IfMatch != "" {
		return r.putConditionally(ctx, name, body, opts)
	}
	err = r.do(ctx, func() error {
		info, err = r.Store.Put(ctx, name, body, opts)
		return err
	})
	return info, err
}

func (r *retrying) putConditionally(ctx context.Context, name string, body []byte, opts PutOptions) (info Info, err error) {
	var lost error // the first attempt whose outcome is unknown
	err = r.do(ctx, func() error {
		var settled bool
		if lost != nil {
			info, settled, err = r.settle(ctx, name, body, opts)
			if settled || IsTransient(err) {
				return err
			}
		}
		info, err = r.Store.Put(ctx, name, body, opts)
		switch refused := errors.Is(err, ErrExists) || errors.Is(err, ErrChanged); {
		case lost == nil && IsTransient(err):
			lost = err
		case lost != nil && refused:
			info, settled, err = r.settle(ctx, name, body, opts)
			if !settled && !IsTransient(err) {
				err = fail("put", name, fmt.Errorf("%w: first %v, then a refusal that may be due to itself", errUnresolved, lost))
			}
		}
		return err
	})
	if err != nil {
		return Info{}, err
	}
	return info, nil
}

// errUnresolved says that nobody knows whether a conditional Put has happened.
// It is neither ErrExists nor ErrChanged, and not transient.
var errUnresolved = errors.New("outcome unknown and the object cannot be compared")

// settle finds out whether a Put whose answer was lost has happened, from what
// the object holds now. It is not settled if the Put can still happen, or if
// the object cannot be read, which err then says.
func (r *retrying) settle(ctx context.Context, name string, body []byte, opts PutOptions) (info Info, settled bool, err error) {
	info, err = r.Store.Head(ctx, name)
	if errors.Is(err, ErrNotFound) && opts.IfMatch != "" {
		return Info{}, true, fail("put", name, ErrChanged)
	}
	if err != nil {
		return Info{}, false, err
	}
	if opts.IfMatch != "" && info.ETag == opts.IfMatch {
		return Info{}, false, nil // not yet, even if the bytes happen to be the same
	}
	same := info.Size == int64(len(body))
	if same {
		var present []byte
		if present, info, err = r.Store.Get(ctx, name, info.Size); err != nil {
			return Info{}, false, err
		}
		same = bytes.Equal(present, body)
	}
	switch {
	case same:
		return info, true, nil
	case opts.IfAbsent:
		return Info{}, true, fail("put", name, ErrExists)
	default:
		return Info{}, true, fail("put", name, ErrChanged)
	}
}

// Delete implements Store.
func (r *retrying) Delete(ctx context.Context, names ...string) error {
	return r.do(ctx, func() error { return r.Store.Delete(ctx, names...) })
}

// List implements Store.
func (r *retrying) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return listAgain(ctx, r, func() iter.Seq2[Info, error] { return r.Store.List(ctx, prefix) })
}

// listAgain begins a listing anew as long as it has yielded nothing.
func listAgain[T any](ctx context.Context, r *retrying, list func() iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yielding, wanted := false, true
		var late error // what ended a listing that had yielded already
		err := r.do(ctx, func() error {
			for found, err := range list() {
				if err != nil && yielding {
					late = err
					return nil
				}
				if err != nil {
					return err
				}
				yielding = true
				if wanted = yield(found, nil); !wanted {
					return nil
				}
			}
			return nil
		})
		if err = errors.Join(err, late); err != nil && wanted {
			yield(none, err)
		}
	}
}
