package object_test

import (
	"bytes"
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"firn/internal/object"
)

// distant is a store with a round trip, over connections of so many bytes per second each.
type distant struct {
	object.Store
	roundTrip  time.Duration
	connection float64
	ranges     atomic.Int64
}

func (d *distant) Head(ctx context.Context, name string) (object.Info, error) {
	time.Sleep(d.roundTrip)
	return d.Store.Head(ctx, name)
}

func (d *distant) GetRange(ctx context.Context, name string, p []byte, offset int64) error {
	d.ranges.Add(1)
	time.Sleep(d.roundTrip + time.Duration(float64(len(p))/d.connection*1e9))
	return d.Store.GetRange(ctx, name, p, offset)
}

// TestSpread reads ranges from stores near and far: only where it takes long and comes sooner so, they are cut.
func TestSpread(t *testing.T) {
	content := make([]byte, 16<<20)
	for i := range content {
		content[i] = byte(i * i >> 7)
	}
	for _, c := range []struct {
		name      string
		roundTrip time.Duration
		cut       bool
	}{{"near", time.Millisecond, false}, {"far", 100 * time.Millisecond, true}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := &distant{Store: object.NewMem(), roundTrip: c.roundTrip, connection: 30e6}
				if _, err := d.Put(t.Context(), "a", content, object.PutOptions{}); err != nil {
					t.Fatal(err)
				}
				s := object.Spread(d, nil)
				if object.Far(s) {
					t.Error("far before anything was asked")
				}
				if _, err := s.Head(t.Context(), "a"); err != nil {
					t.Fatal(err)
				}
				if object.Far(object.Meter(s)) != c.cut {
					t.Errorf("far: %v", !c.cut)
				}
				p := make([]byte, len(content)-1)
				const reads = 60
				for range reads {
					clear(p)
					if err := s.GetRange(t.Context(), "a", p, 1); err != nil || !bytes.Equal(p, content[1:]) {
						t.Fatalf("read something else, or %v", err)
					}
				}
				if n := d.ranges.Load(); (n > reads+reads/2) != c.cut {
					t.Errorf("%d requests for %d ranges", n, reads)
				}
				if err := s.GetRange(t.Context(), "b", p, 0); !errors.Is(err, object.ErrNotFound) {
					t.Errorf("read of an absent object: %v", err)
				}
			})
		})
	}
}
