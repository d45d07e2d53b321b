package s3_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"firn/internal/object"
	"firn/internal/object/s3"
)

func TestRetriesEnd(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		c.MaxRetries = 2
		s := openConfig(t, c)
		f.always(answer(500, "InternalError"))
		_, err := s.Head(t.Context(), "a")
		if !errors.Is(err, object.ErrUnreachable) {
			t.Errorf("head: %v, want %v", err, object.ErrUnreachable)
		}
		if n := len(f.log()); n != 3 {
			t.Errorf("%d attempts, want 3", n)
		}
	})
}

func TestSlowDownHasABudgetOfTime(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		c.MaxRetries = -1
		s := openConfig(t, c)
		storm := make([]fault, 25)
		for i := range storm {
			storm[i] = answer(503, "SlowDown")
		}
		f.next(storm...)
		if _, err := s.Put(t.Context(), "a", []byte("x"), object.PutOptions{}); err != nil {
			t.Errorf("put through a storm of 25: %v", err)
		}

		c.Timeouts.SlowDown = 50 * time.Millisecond
		s = openConfig(t, c)
		f.always(answer(503, "SlowDown"))
		var failure *object.Error
		_, err := s.Put(t.Context(), "a", []byte("x"), object.PutOptions{})
		if !errors.As(err, &failure) || !errors.Is(err, object.ErrUnreachable) || failure.Advice == "" {
			t.Errorf("endless storm: %v", err)
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	f := newFake(t)
	s := openConfig(t, f.config("aws"))
	f.next(func(_ *fake, w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "1")
		refuse(w, r, 503, "SlowDown")
	})
	begun := time.Now()
	if _, err := s.Put(t.Context(), "a", nil, object.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if waited := time.Since(begun); waited < time.Second {
		t.Errorf("waited %v, server asked for 1s", waited)
	}
}

func TestSlowDownLowersConcurrency(t *testing.T) {
	f := newFake(t)
	c := f.config("aws")
	c.Connections = 16
	s := openConfig(t, c)
	const capacity = 3 // requests at a time that the server bears
	var running, most, refused atomic.Int32
	handler := f.handler
	f.handler = func(w http.ResponseWriter, r *http.Request) {
		n := running.Add(1)
		defer running.Add(-1)
		if n > capacity {
			refused.Add(1)
			refuse(w, r, 503, "SlowDown")
			return
		}
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(time.Millisecond)
		handler(w, r)
	}
	var callers sync.WaitGroup
	for i := range 16 {
		callers.Go(func() {
			for j := range 20 {
				if _, err := s.Put(t.Context(), fmt.Sprintf("%d/%d", i, j), []byte("x"), object.PutOptions{}); err != nil {
					t.Errorf("put: %v", err)
					return
				}
			}
		})
	}
	callers.Wait()
	if n := refused.Load(); n > 320 {
		t.Errorf("%d refusals for 320 requests: the client did not slow down", n)
	}
}
