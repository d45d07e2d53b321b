package object

import (
	"context"
	"iter"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// farAway is the time for a small request from which on a store counts as far away.
	farAway = 5 * time.Millisecond
	// smallBody bounds what small requests send or receive, bytes.
	smallBody = 16 << 10
	// leastPart is what a range is not cut into less than, bytes.
	leastPart = 2 << 20
)

// readsAtOnce is the ladder of reading: ranges whole or cut in two, of which about three are under way.
var readsAtOnce = []int{3, 6}

// Spread wraps s so that long ranges are read as several parts at once where s is far
// away and they come sooner so, at the cost of more requests. tell, if it is not nil, is
// told in words how many these are and why.
func Spread(s Store, tell func(string)) Store {
	if tell == nil {
		tell = func(string) {}
	}
	return &spread{Store: s, pace: NewPace(func(text string) { tell("downloads: " + text) }, readsAtOnce...)}
}

type spread struct {
	Store
	pace  *Pace
	quick atomic.Int64 // the least time that a small request took, ns; 0: there was none
}

// Wrapped implements Wrapper.
func (s *spread) Wrapped() Store { return s.Store }

// Far reports whether requests to a store are known to take long for their way alone: a
// Spread is above or below it that has seen some.
func Far(s Store) bool {
	found, ok := beneath(s, func(_ Store, inner *spread) *spread { return inner })
	return ok && found.far()
}

func (s *spread) far() bool { return s.quick.Load() >= int64(farAway) }

// took notes how long a request took that moved n bytes.
func (s *spread) took(begun time.Time, n int) {
	if n > smallBody {
		return
	}
	took := max(1, int64(time.Since(begun)))
	for {
		least := s.quick.Load()
		if least > 0 && least <= took || s.quick.CompareAndSwap(least, took) {
			return
		}
	}
}

// Get implements Store.
func (s *spread) Get(ctx context.Context, name string, limit int64) ([]byte, Info, error) {
	begun := time.Now()
	body, info, err := s.Store.Get(ctx, name, limit)
	if err == nil {
		s.took(begun, len(body))
	}
	return body, info, err
}

// Head implements Store.
func (s *spread) Head(ctx context.Context, name string) (Info, error) {
	begun := time.Now()
	info, err := s.Store.Head(ctx, name)
	if err == nil {
		s.took(begun, 0)
	}
	return info, err
}

// List implements Store.
func (s *spread) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		begun, waiting := time.Now(), true
		for info, err := range s.Store.List(ctx, prefix) {
			if waiting && err == nil {
				s.took(begun, 0)
			}
			waiting = false
			if !yield(info, err) {
				return
			}
		}
	}
}

// Put implements Store.
func (s *spread) Put(ctx context.Context, name string, body []byte, opts PutOptions) (Info, error) {
	begun := time.Now()
	info, err := s.Store.Put(ctx, name, body, opts)
	if err == nil {
		s.took(begun, len(body))
	}
	return info, err
}

// GetRange implements Store.
func (s *spread) GetRange(ctx context.Context, name string, p []byte, offset int64) error {
	parts := min(s.pace.Rung()+1, len(p)/leastPart)
	if parts <= 1 {
		return s.part(ctx, name, p, offset)
	}
	g, ctx := errgroup.WithContext(ctx)
	for i := range parts {
		from, to := len(p)/parts*i, len(p)/parts*(i+1)
		if i == parts-1 {
			to = len(p)
		}
		g.Go(func() error { return s.part(ctx, name, p[from:to], offset+int64(from)) })
	}
	return g.Wait()
}

func (s *spread) part(ctx context.Context, name string, p []byte, offset int64) error {
	begun := time.Now()
	if err := s.Store.GetRange(ctx, name, p, offset); err != nil {
		return err
	}
	s.took(begun, len(p))
	if len(p) >= leastPart {
		if s.far() {
			s.pace.Pressed()
		}
		s.pace.Done(len(p), time.Now())
	}
	return nil
}
