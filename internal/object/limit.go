package object

import (
	"context"
	"fmt"

	"golang.org/x/time/rate"
)

// burst is how much may pass at once after a pause, in bytes.
const burst = 64 << 10

// Limit wraps s so that Put sends at most up, Get and GetRange receive at most
// down bytes per second over time, and at most parallel calls are under way at
// once. Zero or less stands for no limit. Bodies are whole, so a limit holds on
// average: a body waits for its turn and is then sent at full speed, and a call
// that has received much returns late. Listings take no part in parallel,
// because their consumer may make calls of its own.
func Limit(s Store, up, down int64, parallel int) Store {
	l := &limited{Store: s, up: limiter(up), down: limiter(down)}
	if parallel > 0 {
		l.slots = make(chan struct{}, parallel)
	}
	return l
}

type limited struct {
	Store
	up, down *rate.Limiter
	slots    chan struct{} // nil: any number
}

func limiter(bytesPerSecond int64) *rate.Limiter {
	if bytesPerSecond <= 0 {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Limit(bytesPerSecond), burst)
}

// pass waits until n bytes may pass.
func pass(ctx context.Context, l *rate.Limiter, n int) error {
	if l.Limit() == rate.Inf {
		return nil
	}
	for n > 0 {
		portion := min(n, burst)
		if err := l.WaitN(ctx, portion); err != nil {
			if ctx.Err() == nil { // it would come to that
				err = fmt.Errorf("bandwidth limit: %w", context.DeadlineExceeded)
			}
			return err
		}
		n -= portion
	}
	return nil
}

// enter waits for a free slot, which leave gives back.
func (l *limited) enter(ctx context.Context, op string, names ...string) error {
	if l.slots == nil {
		return nil
	}
	select {
	case l.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return failEach(op, names, ctx.Err())
	}
}

func (l *limited) leave() {
	if l.slots != nil {
		<-l.slots
	}
}

// Get implements Store.
func (l *limited) Get(ctx context.Context, name string, limit int64) ([]byte, Info, error) {
	if err := l.enter(ctx, "get", name); err != nil {
		return nil, Info{}, err
	}
	body, info, err := l.Store.Get(ctx, name, limit)
	l.leave()
	if err == nil { // the size was not known before
		err = fail("get", name, pass(ctx, l.down, len(body)))
	}
	if err != nil {
		return nil, Info{}, err
	}
	return body, info, nil
}

// GetRange implements Store.
func (l *limited) GetRange(ctx context.Context, name string, p []byte, offset int64) error {
	if err := pass(ctx, l.down, len(p)); err != nil {
		return fail("get", name, err)
	}
	if err := l.enter(ctx, "get", name); err != nil {
		return err
	}
	defer l.leave()
	return l.Store.GetRange(ctx, name, p, offset)
}

// Head implements Store.
func (l *limited) Head(ctx context.Context, name string) (Info, error) {
	if err := l.enter(ctx, "head", name); err != nil {
		return Info{}, err
	}
	defer l.leave()
	return l.Store.Head(ctx, name)
}

// Put implements Store.
func (l *limited) Put(ctx context.Context, name string, body []byte, opts PutOptions) (Info, error) {
	if err := pass(ctx, l.up, len(body)); err != nil {
		return Info{}, fail("put", name, err)
	}
	if err := l.enter(ctx, "put", name); err != nil {
		return Info{}, err
	}
	defer l.leave()
	return l.Store.Put(ctx, name, body, opts)
}

// Delete implements Store.
func (l *limited) Delete(ctx context.Context, names ...string) error {
	if err := l.enter(ctx, "delete", names...); err != nil {
		return err
	}
	defer l.leave()
	return l.Store.Delete(ctx, names...)
}
