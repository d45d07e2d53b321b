package main

import (
	"context"
	"sync"
	"time"

	"firn/internal/object"
)

const (
	roundTrip   = 20 * time.Millisecond
	bytesSecond = 125e6
)

// link is a store behind a network: requests take a round trip each and share the bandwidth.
type link struct {
	object.Store
	mu   sync.Mutex
	free time.Time // guarded by mu: when all that was asked for has come
}

// pass waits until n bytes have come.
func (l *link) pass(ctx context.Context, n int) error {
	l.mu.Lock()
	if now := time.Now(); l.free.Before(now) {
		l.free = now
	}
	l.free = l.free.Add(time.Duration(float64(n) / bytesSecond * float64(time.Second)))
	arrival := l.free.Add(roundTrip)
	l.mu.Unlock()
	timer := time.NewTimer(time.Until(arrival))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Get implements object.Store.
func (l *link) Get(ctx context.Context, name string, limit int64) ([]byte, object.Info, error) {
	body, info, err := l.Store.Get(ctx, name, limit)
	if err == nil {
		err = l.pass(ctx, len(body))
	}
	return body, info, err
}

// GetRange implements object.Store.
func (l *link) GetRange(ctx context.Context, name string, p []byte, offset int64) error {
	if err := l.Store.GetRange(ctx, name, p, offset); err != nil {
		return err
	}
	return l.pass(ctx, len(p))
}
