package s3

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"firn/internal/object"
)

// TestSlowTransfer sends a whole pack over 1 Mbit/s that eight share: slow, but it moves. One
// that stands still is given up.
func TestSlowTransfer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size, rate, portion = 32 << 20, 125_000 / 8, 64 << 10
		ctx, x := newExchange(t.Context(), Timeouts{}.withDefaults(), 1, size)
		defer x.end()
		s := &sending{body: io.NopCloser(bytes.NewReader(make([]byte, size))), x: x, size: size, ctx: ctx}
		buf := make([]byte, portion)
		for range size/portion - 1 {
			if _, err := s.Read(buf); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second * portion / rate)
			if ctx.Err() != nil {
				t.Fatalf("given up after %d bytes: %v", s.sent, context.Cause(ctx))
			}
		}
		time.Sleep(x.times.Stall + time.Second)
		if !errors.Is(context.Cause(ctx), errStalled) {
			t.Errorf("a transfer that stands still ended with %v", context.Cause(ctx))
		}
	})
}

// TestTrickle gives up a transfer that moves, but not to speak of.
func TestTrickle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 1 << 20
		ctx, x := newExchange(t.Context(), Timeouts{}.withDefaults(), 1, size)
		defer x.end()
		for ctx.Err() == nil {
			x.moved()
			time.Sleep(10 * time.Second)
		}
		if !errors.Is(context.Cause(ctx), errSlow) {
			t.Errorf("it ended with %v", context.Cause(ctx))
		}
	})
}

// TestLimitedTransfer holds bodies to limits both ways, an attempt that is made again included, and does not
// count against the deadline what it held back.
func TestLimitedTransfer(t *testing.T) {
	const size, rate = 3 << 20, 20 << 10
	times := Timeouts{Request: time.Second, Rate: 100 << 10}.withDefaults()
	both := object.Bandwidths{object.NewBandwidth(rate), nil}
	for name, body := range map[string]func(context.Context, *exchange) io.Reader{
		"sent": func(ctx context.Context, x *exchange) io.Reader {
			return &sending{body: io.NopCloser(bytes.NewReader(make([]byte, size))), x: x, size: size, ctx: ctx, within: both}
		},
		"received": func(ctx context.Context, x *exchange) io.Reader {
			x.answered(size)
			return &receiving{body: io.NopCloser(bytes.NewReader(make([]byte, size))), x: x, ctx: ctx, within: both}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				for attempt := range 2 {
					ctx, x := newExchange(t.Context(), times, attempt+1, size)
					n, err := io.Copy(io.Discard, body(ctx, x))
					if err != nil || n != size || ctx.Err() != nil {
						t.Fatalf("%d bytes, %v, %v", n, err, context.Cause(ctx))
					}
					x.end()
				}
				got := 2 * size / time.Since(begun).Seconds()
				if got < 0.95*rate || got > 1.05*rate {
					t.Errorf("%.0f bytes per second, want %d", got, rate)
				}
			})
		})
	}
}

// TestLimitedTransferEnds lets go of a body that waits for its turn when the request ends.
func TestLimitedTransferEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, x := newExchange(t.Context(), Timeouts{}.withDefaults(), 1, 1<<20)
		s := &sending{body: io.NopCloser(bytes.NewReader(make([]byte, 1<<20))), x: x, size: 1 << 20, ctx: ctx, within: object.Bandwidths{object.NewBandwidth(1)}}
		go func() {
			time.Sleep(time.Second)
			x.end()
		}()
		if _, err := io.Copy(io.Discard, s); !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	})
}
