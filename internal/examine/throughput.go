package examine

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The test object of a measurement grows until it takes long enough to be timed.
const (
	firstBody  = 256 << 10 // bytes
	mostBody   = 64 << 20
	growth     = 4
	longEnough = time.Second
	mostTime   = 3 * time.Minute // for the whole measurement
)

// throughput measures how fast one connection moves bytes each way.
func (e *examination) throughput(ctx context.Context) {
	if !e.Throughput {
		return
	}
	if !e.report.Writable || !e.report.Readable || !e.report.Deletable {
		e.skip(StepThroughput, "it takes writing, reading and deleting", "")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, mostTime)
	defer cancel()
	size, err := e.measure(ctx)
	switch {
	case e.report.Down > 0:
		e.ok(StepThroughput, "up %s, down %s, over one connection with %s", rate(e.report.Up), rate(e.report.Down), amount(size))
	case errors.Is(err, context.DeadlineExceeded):
		e.skip(StepThroughput, fmt.Sprintf("not measured: %s took longer than %s", amount(size), mostTime), "")
	default:
		e.doubt(StepThroughput, err)
	}
}

// measure fills the report and returns the size of the object measured with.
func (e *examination) measure(ctx context.Context) (size int, err error) {
	for size = firstBody; ; size *= growth {
		t := &trial{name: newName(), body: random(size)}
		up, err := timed(func() error { return t.write(ctx, e.Store) })
		if err != nil {
			return size, errors.Join(err, t.remove(ctx, e.Store))
		}
		if up < longEnough && size*growth <= mostBody {
			if err := t.remove(ctx, e.Store); err != nil {
				return size, err
			}
			continue
		}
		down, err := timed(func() error { return t.read(ctx, e.Store) })
		if err == nil {
			e.report.Up, e.report.Down = float64(size)/up.Seconds(), float64(size)/down.Seconds()
		}
		return size, errors.Join(err, t.remove(ctx, e.Store))
	}
}

func timed(work func() error) (time.Duration, error) {
	begun := time.Now()
	err := work()
	return max(time.Since(begun), time.Microsecond), err
}

// rate writes bytes per second for people.
func rate(bytesPerSecond float64) string {
	switch {
	case bytesPerSecond >= 1e7:
		return fmt.Sprintf("%.0f MB/s", bytesPerSecond/1e6)
	case bytesPerSecond >= 1e5:
		return fmt.Sprintf("%.1f MB/s", bytesPerSecond/1e6)
	}
	return fmt.Sprintf("%.0f kB/s", bytesPerSecond/1e3)
}

// amount writes a size that is a whole number of KiB.
func amount(size int) string {
	if size >= 1<<20 {
		return fmt.Sprintf("%d MiB", size>>20)
	}
	return fmt.Sprintf("%d KiB", size>>10)
}
