package s3

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(4)
		entered := make(chan int, 100)
		enter := func() {
			go func() {
				cuts, err := g.enter(t.Context())
				if err != nil {
					t.Error(err)
				}
				entered <- cuts
			}()
			synctest.Wait()
		}
		count := func(want int) {
			t.Helper()
			synctest.Wait()
			if len(entered) != want {
				t.Fatalf("%d have entered, want %d", len(entered), want)
			}
		}
		for range 6 {
			enter()
		}
		count(4)

		g.leave(0, true) // three run, two wait; the limit is two now
		count(4)
		g.leave(0, true) // began with the one before: halves nothing
		g.leave(0, false)
		count(5)

		ctx, cancel := context.WithCancel(t.Context())
		given := make(chan error)
		go func() {
			_, err := g.enter(ctx)
			given <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-given; !errors.Is(err, context.Canceled) {
			t.Errorf("waiting with a cancelled context: %v", err)
		}

		for range 20 { // successes raise the limit again
			g.leave(1, false)
			enter()
		}
		if g.limit != 4 {
			t.Errorf("limit is %v after many successes, want 4", g.limit)
		}
		for range 4 {
			g.leave(g.cuts, true)
		}
		if g.limit != 1 {
			t.Errorf("limit is %v after many cuts, want 1", g.limit)
		}
	})
}
