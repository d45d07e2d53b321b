package objecttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"firn/internal/object"
)

// fill puts objects into a store, failing the test on any error.
func fill(t *testing.T, s object.Store, names ...string) {
	t.Helper()
	for _, name := range names {
		if _, err := s.Put(t.Context(), name, []byte("body of "+name), object.PutOptions{}); err != nil {
			t.Fatalf("put %s: %v", name, err)
		}
	}
}

func TestRuleFits(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"a", "a", true},
		{"a", "ab", false},
		{"p/*", "p/aa/bb", true},
		{"p/*", "q/aa", false},
		{"*/bb", "p/aa/bb", true},
		{"p/*/x*y", "p/1/2/x3y", true},
		{"p/*/x*y", "p/1/2/x3", false},
		{"a*a", "a", false},
		{"*", "", true},
	} {
		if got := like(c.pattern, c.name); got != c.want {
			t.Errorf("like(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
}

func TestFaultFailAndLose(t *testing.T) {
	inner := object.NewMem()
	f := NewFault(inner, 1,
		Rule{Op: Put, Name: "p/*", Nth: 2, Do: Fail, Err: object.ErrFull},
		Rule{Op: Put, Name: "m/*", Do: Lose, Times: 1})
	fill(t, f, "p/1", "x/1")
	if _, err := f.Put(t.Context(), "p/2", nil, object.PutOptions{}); !errors.Is(err, object.ErrFull) {
		t.Fatalf("second put under p/: %v", err)
	}
	fill(t, f, "p/3")
	if _, err := f.Put(t.Context(), "m/1", nil, object.PutOptions{}); !errors.Is(err, object.ErrUnreachable) {
		t.Fatalf("put whose answer is lost: %v", err)
	}
	fill(t, f, "m/2")
	names, err := namesUnder(t.Context(), inner, "")
	if want := []string{"m/1", "m/2", "p/1", "p/3", "x/1"}; err != nil || !slices.Equal(names, want) {
		t.Fatalf("stored %v, %v; want %v", names, err, want)
	}
	var lines []string
	for _, op := range f.Operations() {
		lines = append(lines, op.String())
	}
	want := []string{"1 put p/1", "2 put x/1", "3 put p/2 [fail]", "4 put p/3", "5 put m/1 [lose]", "6 put m/2"}
	if !slices.Equal(lines, want) {
		t.Fatalf("recorded %q", lines)
	}
}

func TestFaultDamage(t *testing.T) {
	inner := object.NewMem()
	fill(t, inner, "a", "b", "c")
	f := NewFault(inner, 1,
		Rule{Op: Get, Name: "a", Do: Truncate, Bytes: 3},
		Rule{Op: Get, Name: "b", Do: Flip},
		Rule{Op: GetRange, Name: "a", Do: Truncate, Bytes: 3},
		Rule{Op: Put, Name: "d", Do: Flip},
		Rule{Op: List, Nth: 1, Do: Truncate, Bytes: 2},
		Rule{Op: Delete, Nth: 1, Do: Truncate, Bytes: 1})

	if got, _, err := f.Get(t.Context(), "a", 100); err != nil || string(got) != "bod" {
		t.Errorf("cut get: %q, %v", got, err)
	}
	if got, _, err := f.Get(t.Context(), "b", 100); err != nil || bitsChanged(got, []byte("body of b")) != 1 {
		t.Errorf("flipped get: %q, %v", got, err)
	}
	if err := f.GetRange(t.Context(), "a", make([]byte, 5), 0); !errors.Is(err, object.ErrShort) {
		t.Errorf("cut range: %v", err)
	}
	body := []byte("dear")
	if _, err := f.Put(t.Context(), "d", body, object.PutOptions{}); err != nil || string(body) != "dear" {
		t.Errorf("flipped put: %v; the caller's bytes are now %q", err, body)
	}
	if got, _, err := inner.Get(t.Context(), "d", 100); err != nil || bitsChanged(got, body) != 1 {
		t.Errorf("stored %q, %v", got, err)
	}
	if names, err := namesUnder(t.Context(), f, ""); !errors.Is(err, object.ErrUnreachable) || names != nil {
		t.Errorf("cut listing: %v, %v", names, err)
	}
	if err := f.Delete(t.Context(), "a", "b"); !errors.Is(err, object.ErrUnreachable) {
		t.Errorf("cut delete: %v", err)
	}
	if names, err := namesUnder(t.Context(), f, ""); err != nil || !slices.Equal(names, []string{"b", "c", "d"}) {
		t.Errorf("after cut delete: %v, %v", names, err)
	}
}

func bitsChanged(a, b []byte) (n int) {
	if len(a) != len(b) {
		return -1
	}
	for i := range a {
		for d := a[i] ^ b[i]; d != 0; d &= d - 1 {
			n++
		}
	}
	return n
}

func TestFaultStale(t *testing.T) {
	f := NewFault(object.NewMem(), 1, Rule{Op: List, Name: "p/*", Do: Stale, Lag: 3})
	fill(t, f, "p/1", "p/2", "p/3")
	if err := f.Delete(t.Context(), "p/1"); err != nil {
		t.Fatal(err)
	}
	fill(t, f, "p/4", "p/3")
	names, err := namesUnder(t.Context(), f, "p/")
	if want := []string{"p/1", "p/2", "p/3"}; err != nil || !slices.Equal(names, want) {
		t.Fatalf("stale listing %v, %v; want %v", names, err, want)
	}
	names, err = namesUnder(t.Context(), f, "p")
	if want := []string{"p/2", "p/3", "p/4"}; err != nil || !slices.Equal(names, want) {
		t.Fatalf("fresh listing %v, %v; want %v", names, err, want)
	}
}

func TestFaultWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFault(object.NewMem(), 1, Rule{Op: Put, Do: Wait, Delay: time.Hour})
		start := time.Now()
		fill(t, f, "a")
		if waited := time.Since(start); waited != time.Hour {
			t.Errorf("waited %v", waited)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := f.Put(ctx, "b", nil, object.PutOptions{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("put past its deadline: %v", err)
		}
	})
}

func TestFaultIsDeterministic(t *testing.T) {
	run := func(seed uint64) []string {
		f := NewFault(object.NewMem(), seed, Rule{Chance: 0.3, Do: Lose}, Rule{Op: Get, Chance: 0.5, Do: Flip})
		var outcome []string
		for i := range 50 {
			name := fmt.Sprint(i)
			_, putErr := f.Put(t.Context(), name, []byte("content"), object.PutOptions{})
			got, _, getErr := f.Get(t.Context(), name, 100)
			outcome = append(outcome, fmt.Sprint(putErr, got, getErr))
		}
		return outcome
	}
	if !slices.Equal(run(7), run(7)) {
		t.Error("two runs with one seed differ")
	}
	if slices.Equal(run(7), run(8)) {
		t.Error("two seeds gave the same run")
	}
}

func TestSweepStopsEverywhere(t *testing.T) {
	want := []string{"a", "b", "c"}
	seen := make(map[int]int) // number of objects left behind → how often
	Sweep(t, func(*testing.T) object.Store { return object.NewMem() },
		func(t *testing.T, s object.Store) error {
			for _, name := range want {
				if _, err := s.Put(t.Context(), name, []byte(name), object.PutOptions{}); err != nil {
					return err
				}
			}
			return nil
		},
		func(t *testing.T, s object.Store, err error) {
			names, listErr := namesUnder(t.Context(), s, "")
			if listErr != nil || !slices.Equal(names, want[:len(names)]) {
				t.Fatalf("left behind %v, %v", names, listErr)
			}
			if err != nil && !errors.Is(err, ErrStopped) {
				t.Fatal(err)
			}
			seen[len(names)]++
		})
	// Stop leaves 0, 1, 2, then all; StopAfter puts leaves 1, 2, 3, then all; no delete
	// stops the last run.
	for n, times := range map[int]int{0: 1, 1: 2, 2: 2, 3: 4} {
		if seen[n] != times {
			t.Errorf("%d objects were left behind %d times, want %d", n, seen[n], times)
		}
	}
}
