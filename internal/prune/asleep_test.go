package prune_test

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"
	"testing"
	"time"

	"firn/internal/object"
	"firn/internal/prune"
	"firn/internal/repo"
)

// napping is a drive whose user sleeps before one of its listings, while other
// things happen.
type napping struct {
	object.Store
	prefix    string
	left      int // listings of it before the nap
	meanwhile func()
	asleep    atomic.Bool
}

func (n *napping) List(ctx context.Context, prefix string) iter.Seq2[object.Info, error] {
	if prefix == n.prefix {
		if n.left--; n.left == 0 {
			n.asleep.Store(true)
			time.Sleep(3 * time.Hour)
			n.meanwhile()
			n.asleep.Store(false)
		}
	}
	return n.Store.List(ctx, prefix)
}

// Put writes nothing while its user sleeps: no heartbeat.
func (n *napping) Put(ctx context.Context, name string, body []byte, opts object.PutOptions) (object.Info, error) {
	if n.asleep.Load() {
		return object.Info{}, &object.Error{Op: "put", Name: name, Err: object.ErrUnreachable}
	}
	return n.Store.Put(ctx, name, body, opts)
}

// TestAsleep has a prune sleep at each of its listings while others close its session,
// forget a snapshot and free what that needed. What it misses then is no damage,
// and it says what happened to it.
func TestAsleep(t *testing.T) {
	fenced := 0
	for _, prefix := range []string{"g/", "p/", "m/", "x/", "s/"} {
		for at := 1; at <= 6; at++ {
			inBubble(t, func(t *testing.T, s *shelf) {
				first, second, third := s.save("a"), s.save("b"), s.save("c")
				s.forget(first)
				store := &napping{Store: s.store, prefix: prefix, left: at, meanwhile: func() {
					s.forget(second)
					s.prune(nil)
					s.prune(nil)
				}}
				r, err := repo.Open(t.Context(), store, repo.OpenOptions{Secret: owner})
				s.must(err)
				defer func() { s.must(r.Close()) }()
				_, err = prune.Run(t.Context(), r, options(nil))
				if err != nil && !errors.Is(err, repo.ErrFenced) {
					t.Errorf("asleep before listing %d of %s: %v", at, prefix, err)
				}
				if errors.Is(err, repo.ErrFenced) {
					fenced++
					if errors.Is(err, repo.ErrNoChunk) || errors.Is(err, prune.ErrLost) {
						t.Errorf("asleep before listing %d of %s: it counts as damage: %v", at, prefix, err)
					}
				}
				want := map[string][]string{third: {"c"}}
				if store.left > 0 { // there are not so many listings
					want[second] = []string{"b"}
				}
				s.holds(want)
			})
		}
	}
	if fenced == 0 {
		t.Error("no prune found out that it was given up")
	}
}
