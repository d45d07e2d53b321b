package s3

import (
	"testing"
	"time"
)

func TestDeadlineAdaptsToTheBody(t *testing.T) {
	times := Timeouts{Request: 30 * time.Second, Rate: 100_000}.withDefaults()
	for size, want := range map[int64]time.Duration{
		0: 30 * time.Second, 1_000_000: 40 * time.Second, 100_000_000: 1030 * time.Second,
	} {
		if got := times.transfer(size); got != want {
			t.Errorf("%d bytes: %v, want %v", size, got, want)
		}
	}
	_, x := newExchange(t.Context(), Timeouts{Request: time.Nanosecond, Rate: 1 << 40, Stall: time.Hour, Connect: time.Hour}, 1, 1<<10)
	defer x.end()
	x.answered(1 << 50) // an answer of that length has 1024 seconds
	if !x.total.Stop() {
		t.Error("the deadline was not put off for the answer's body")
	}
}

func TestRetriesByDefault(t *testing.T) {
	for given, want := range map[int]int{0: 3, -1: 0, 7: 7} {
		c := Config{Bucket: "bucket", MaxRetries: given}
		if _, err := c.resolve(); err != nil || c.MaxRetries != want {
			t.Errorf("%d given: %d, want %d (%v)", given, c.MaxRetries, want, err)
		}
	}
}
