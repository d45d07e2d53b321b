package object_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"firn/internal/object"
	"firn/internal/object/objecttest"
)

func TestConformanceOfLimit(t *testing.T) {
	objecttest.Run(t, func(*testing.T) object.Store {
		return object.Limit(object.NewMem(), limits(1<<40), limits(1<<40))
	})
}

func TestConformanceOfSpread(t *testing.T) {
	objecttest.Run(t, func(*testing.T) object.Store { return object.Spread(object.NewMem(), nil) })
}

// limits are bandwidths of so many bytes per second each.
func limits(bytesPerSecond ...int64) (b object.Bandwidths) {
	for _, n := range bytesPerSecond {
		b = append(b, object.NewBandwidth(n))
	}
	return b
}

func TestLimitBandwidth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const kib, mib = 1 << 10, 1 << 20
		s := object.Limit(object.NewMem(), limits(0, 64*kib), limits(128*kib))
		took := func(call func() error) time.Duration {
			begun := time.Now()
			if err := call(); err != nil {
				t.Fatal(err)
			}
			return time.Since(begun).Round(time.Second)
		}
		for _, c := range []struct {
			what string
			want time.Duration
			call func() error
		}{
			{"put", 16 * time.Second, func() error {
				_, err := s.Put(t.Context(), "a", make([]byte, mib), object.PutOptions{})
				return err
			}},
			{"range", 8 * time.Second, func() error { return s.GetRange(t.Context(), "a", make([]byte, mib), 0) }},
			{"get", 8 * time.Second, func() error {
				_, _, err := s.Get(t.Context(), "a", mib)
				return err
			}},
		} {
			if got := took(c.call); got != c.want {
				t.Errorf("%s took %v, want %v", c.what, got, c.want)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Put(ctx, "b", make([]byte, mib), object.PutOptions{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("put with too little time: %v", err)
		}
	})
}

// TestBandwidthShared has several drives, each with a limit of its own, share another, from
// many goroutines: over ten seconds and longer what passes is within 5 % of the lowest limit.
func TestBandwidthShared(t *testing.T) {
	for _, c := range []struct{ own, all, want float64 }{
		{100e3, 1e9, 300e3}, {1e9, 100e3, 100e3}, {40e6, 100e6, 100e6}, {5e3, 0, 15e3},
	} {
		t.Run(fmt.Sprintf("%.0f of %.0f", c.own, c.all), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				all := object.NewBandwidth(int64(c.all))
				var passed atomic.Int64
				for range 3 {
					drive := object.Bandwidths{object.NewBandwidth(int64(c.own)), all}
					for range 6 {
						go func() {
							for ctx.Err() == nil {
								n := drive.Portion(256 << 10)
								if _, err := drive.Pass(ctx, n); err == nil {
									passed.Add(int64(n))
								}
							}
						}()
					}
				}
				for _, seconds := range []int{10, 10, 60} {
					before := passed.Load()
					time.Sleep(time.Duration(seconds) * time.Second)
					rate := float64(passed.Load()-before) / float64(seconds)
					if rate < 0.95*c.want || rate > 1.05*c.want {
						t.Errorf("%.0f bytes per second over %d seconds, want %.0f", rate, seconds, c.want)
					}
				}
				cancel()
				synctest.Wait()
			})
		})
	}
}

// asked is a store that must be told what it can do.
type asked struct {
	object.Store
	told object.Capabilities
}

func (a *asked) Probe(context.Context) (object.Capabilities, error) {
	a.told = object.Capabilities{IfMatch: true}
	return a.told, nil
}

func (a *asked) SetCapabilities(known object.Capabilities) { a.told = known }

// TestProberBelowWrappers checks that no wrapper keeps from a store what it can do: it
// would send no conditions.
func TestProberBelowWrappers(t *testing.T) {
	for name, wrap := range map[string]func(object.Store) object.Store{
		"limit":  func(s object.Store) object.Store { return object.Limit(s, limits(1<<40), nil) },
		"meter":  func(s object.Store) object.Store { return object.Meter(s) },
		"retry":  func(s object.Store) object.Store { return object.Retry(s, object.RetryOptions{}) },
		"spread": func(s object.Store) object.Store { return object.Spread(s, nil) },
	} {
		below := &asked{Store: object.NewMem()}
		if _, err := object.Learn(t.Context(), object.Meter(wrap(below))); err != nil || !below.told.IfMatch {
			t.Errorf("%s: learned %+v, %v", name, below.told, err)
		}
		object.Remind(wrap(below), object.Capabilities{IfAbsent: true})
		if !below.told.IfAbsent {
			t.Errorf("%s: reminded of %+v", name, below.told)
		}
	}
	below := &asked{Store: object.NewMem()}
	if _, err := object.Learn(t.Context(), object.ReadOnly(below)); !errors.Is(err, object.ErrReadOnly) || below.told != (object.Capabilities{}) {
		t.Errorf("a read-only drive was probed: %+v, %v", below.told, err)
	}
}

func TestReadOnly(t *testing.T) {
	m := object.NewMem()
	mustPut(t, m, "a", "x")
	s := object.ReadOnly(m)
	for call, err := range everyCall(t.Context(), s) {
		writes := call == "put" || call == "create" || call == "delete"
		if writes != errors.Is(err, object.ErrReadOnly) || !writes && err != nil {
			t.Errorf("%s: %v", call, err)
		}
	}
	if _, err := m.Head(t.Context(), "a"); err != nil {
		t.Errorf("the store was changed: %v", err)
	}
}

func TestMeter(t *testing.T) {
	s := object.Meter(object.NewMem())
	mustPut(t, s, "a", "12345")
	mustPut(t, s, "b", "678")
	for _, err := range everyCall(t.Context(), s) {
		if err != nil && !errors.Is(err, object.ErrExists) {
			t.Error(err)
		}
	}
	want := object.Counts{Get: 1, GetRange: 1, Put: 4, Head: 1, Delete: 1, List: 1, BytesIn: 6, BytesOut: 10}
	if got := s.Counts(); got != want || got.Requests() != 9 {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

func TestMemClock(t *testing.T) {
	now := time.Date(2020, 2, 29, 12, 0, 0, 0, time.UTC)
	m := object.NewMemClock(func() time.Time { return now })
	mustPut(t, m, "a", "x")
	now = now.Add(time.Hour)
	if info, err := m.Head(t.Context(), "a"); err != nil || !info.Modified.Equal(now.Add(-time.Hour)) {
		t.Errorf("%+v, %v", info, err)
	}
}

func TestIsTransient(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{object.ErrUnreachable, true},
		{&object.Error{Op: "get", Err: fmt.Errorf("dial: %w", object.ErrUnreachable)}, true},
		{fmt.Errorf("%w: %w", object.ErrUnreachable, context.DeadlineExceeded), true},
		{errors.Join(&object.Error{Op: "delete", Err: object.ErrAccess}, &object.Error{Op: "delete", Err: object.ErrUnreachable}), true},
		{context.Canceled, false},
		{fmt.Errorf("get: %w", context.DeadlineExceeded), false},
		{object.ErrNotFound, false},
		{object.ErrFull, false},
		{&os.PathError{Op: "open", Err: syscall.EMFILE}, true},
		{&os.PathError{Op: "open", Err: syscall.ENOENT}, false},
		{&net.DNSError{IsTemporary: true}, true},
	} {
		if got := object.IsTransient(c.err); got != c.want {
			t.Errorf("IsTransient(%v) = %v", c.err, got)
		}
	}
}

func TestErrorText(t *testing.T) {
	for want, err := range map[string]error{
		"get a/b: object not found": &object.Error{Op: "get", Name: "a/b", Err: object.ErrNotFound},
		"list: access denied":       &object.Error{Op: "list", Err: object.ErrAccess},
	} {
		if err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
	}
}
