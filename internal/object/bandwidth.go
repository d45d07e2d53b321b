package object

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/time/rate"
)

// Bandwidth is a number of bytes per second that all who share it stay within together. It is safe
// for concurrent use.
type Bandwidth struct{ limiter *rate.Limiter }

// Bounds of what passes at once after a pause: a fiftieth of a second's worth, and in any case so much, bytes.
const (
	burstsPerSecond = 50
	leastBurst      = 1 << 10
)

// NewBandwidth returns a bandwidth of so many bytes per second; nil, no limit, for zero or less.
func NewBandwidth(bytesPerSecond int64) *Bandwidth {
	if bytesPerSecond <= 0 {
		return nil
	}
	burst := max(leastBurst, bytesPerSecond/burstsPerSecond)
	return &Bandwidth{rate.NewLimiter(rate.Limit(bytesPerSecond), int(burst))}
}

// Bandwidths are limits that hold all at once, of a drive and of all drives together, say. Those that are nil
// do not count.
type Bandwidths []*Bandwidth

// Portion returns how many of n bytes may pass at once.
func (b Bandwidths) Portion(n int) int {
	for _, one := range b {
		if one != nil {
			n = min(n, one.limiter.Burst())
		}
	}
	return n
}

// Pass waits until n bytes may pass and returns how long it has waited.
func (b Bandwidths) Pass(ctx context.Context, n int) (time.Duration, error) {
	if !b.limits() {
		return 0, nil
	}
	begun := time.Now()
	for n > 0 {
		portion := b.Portion(n)
		for _, one := range b {
			if one == nil {
				continue
			}
			if err := one.limiter.WaitN(ctx, portion); err != nil {
				if ctx.Err() == nil { // it would come to that
					err = fmt.Errorf("bandwidth limit: %w", context.DeadlineExceeded)
				}
				return time.Since(begun), err
			}
		}
		n -= portion
	}
	return time.Since(begun), nil
}

// limits says whether there is any limit.
func (b Bandwidths) limits() bool {
	for _, one := range b {
		if one != nil {
			return true
		}
	}
	return false
}
