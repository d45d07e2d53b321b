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
	objecttest.Run(t, func(*testing.T) object.Store { return object.Limit(object.NewMem(), 1<<40, 1<<40, 2) })
}

func TestLimitBandwidth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const kib, mib = 1 << 10, 1 << 20
		s := object.Limit(object.NewMem(), 64*kib, 128*kib, 0)
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
			{"put", 15 * time.Second, func() error { // the first 64 KiB are free
				_, err := s.Put(t.Context(), "a", make([]byte, mib), object.PutOptions{})
				return err
			}},
			{"put again", 16 * time.Second, func() error {
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

// counting notes how many Heads are under way at once.
type counting struct {
	object.Store
	now, most atomic.Int32
}

func (c *counting) Head(ctx context.Context, name string) (object.Info, error) {
	now := c.now.Add(1)
	defer c.now.Add(-1)
	for most := c.most.Load(); now > most && !c.most.CompareAndSwap(most, now); most = c.most.Load() {
	}
	time.Sleep(time.Second)
	return c.Store.Head(ctx, name)
}

func TestLimitParallel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counting{Store: object.NewMem()}
		mustPut(t, c, "a", "x")
		s := object.Limit(c, 0, 0, 3)
		begun := time.Now()
		for range 12 {
			go func() {
				if _, err := s.Head(t.Context(), "a"); err != nil {
					t.Error(err)
				}
			}()
		}
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Delete(ctx, "a", "b"); !errors.Is(err, context.Canceled) {
			t.Errorf("a call that waits for its turn: %v", err)
		}
		for range s.List(t.Context(), "") { // needs no slot
		}
		if !begun.Equal(time.Now()) {
			t.Error("the listing waited")
		}
		time.Sleep(time.Minute)
		if most := c.most.Load(); most != 3 {
			t.Errorf("%d calls at once", most)
		}
	})
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
