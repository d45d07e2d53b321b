package objecttest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"firn/internal/object"
)

// newCold returns a cold store in memory and its clock.
func newCold() (*Cold, *Clock) {
	clock := NewClock(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))
	return NewCold(object.NewMemClock(clock.Now), clock), clock
}

func TestConformanceOfCold(t *testing.T) {
	Run(t, func(*testing.T) object.Store {
		c, _ := newCold()
		return c
	})
	RunCopier(t, "GLACIER_IR", func(*testing.T) object.Store {
		c, _ := newCold()
		return c
	})
	RunThawer(t, func(*testing.T) Archive {
		c, clock := newCold()
		return Archive{c, clock, c.Freezer, c.Transition}
	})
}

// TestThroughWrappers finds a Thawer below all wrappers.
func TestThroughWrappers(t *testing.T) {
	RunThawer(t, func(*testing.T) Archive {
		c, clock := newCold()
		all := object.Capabilities{IfAbsent: true, IfMatch: true, Attests: true}
		var s object.Store = Restrict(NewFault(c, 1), all)
		s = object.Meter(object.Limit(object.Retry(s, object.RetryOptions{}), object.Bandwidths{object.NewBandwidth(1 << 40)}, nil))
		return Archive{s, clock, c.Freezer, c.Transition}
	})
}

// TestColdCounts counts what S3 would charge, and names what was read in vain.
func TestColdCounts(t *testing.T) {
	c, clock := newCold()
	for _, name := range []string{"p/a", "p/b"} {
		if _, err := c.Put(t.Context(), name, []byte("123"), object.PutOptions{Class: "GLACIER"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := c.Get(t.Context(), "p/b", 10); !errors.Is(err, object.ErrFrozen) {
		t.Fatal(err)
	}
	if err := c.Thaw(t.Context(), "p/a", object.ThawRequest{Tier: object.Standard, Days: 1}); err != nil {
		t.Fatal(err)
	}
	clock.Advance(5 * time.Hour)
	if err := c.GetRange(t.Context(), "p/a", make([]byte, 2), 0); err != nil {
		t.Fatal(err)
	}
	for range c.Frosts(t.Context(), "") {
	}
	if want := (Requests{Get: 2, Put: 2, List: 1, Thaw: 1, BytesIn: 2}); c.Requests() != want {
		t.Errorf("%+v, want %+v", c.Requests(), want)
	}
	if !slices.Equal(c.Vain(), []string{"p/b"}) {
		t.Errorf("read in vain: %q", c.Vain())
	}
	c.Hide()
	for _, err := range c.Frosts(t.Context(), "") {
		if !errors.Is(err, object.ErrUnsupported) {
			t.Errorf("hidden: %v", err)
		}
	}
}

// TestThawFaults: a lost answer is asked again and does no harm; a read-only drive
// asks for nothing.
func TestThawFaults(t *testing.T) {
	c, _ := newCold()
	if _, err := c.Put(t.Context(), "p/a", nil, object.PutOptions{Class: "GLACIER"}); err != nil {
		t.Fatal(err)
	}
	f := NewFault(c, 1, Rule{Op: Thaw, Do: Lose, Times: 2}, Rule{Op: Frosts, Do: Fail, Times: 1}, Rule{Op: Copy, Do: Lose, Times: 1})
	s := object.Meter(object.Retry(f, object.RetryOptions{First: time.Millisecond}))
	thawer, _ := object.ThawerOf(s)
	req := object.ThawRequest{Tier: object.Bulk, Days: 1}
	if err := thawer.Thaw(t.Context(), "p/a", req); err != nil || c.Requests().Thaw != 3 {
		t.Errorf("%v after %d requests", err, c.Requests().Thaw)
	}
	for _, err := range thawer.Frosts(t.Context(), "") {
		if err != nil {
			t.Error(err)
		}
	}
	info, err := c.Put(t.Context(), "q/a", nil, object.PutOptions{})
	copier, _ := object.CopierOf(s)
	if err := errors.Join(err, copier.Copy(t.Context(), "q/a", object.CopyOptions{Class: "GLACIER_IR", IfMatch: info.ETag})); err != nil {
		t.Errorf("an answer to a copy was lost: %v", err)
	}
	if counts := s.Counts(); counts.Thaw != 1 || counts.List != 1 || counts.Copy != 1 {
		t.Errorf("%+v", counts)
	}
	readOnly, _ := object.ThawerOf(object.ReadOnly(c))
	if err := readOnly.Thaw(t.Context(), "p/a", req); !errors.Is(err, object.ErrReadOnly) {
		t.Errorf("read-only: %v", err)
	}
	if _, err := readOnly.Frost(t.Context(), "p/a"); err != nil {
		t.Error(err)
	}
}
