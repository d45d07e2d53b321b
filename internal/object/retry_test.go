package object_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"firn/internal/object"
	"firn/internal/object/objecttest"
)

var create = object.PutOptions{IfAbsent: true}

// retried wraps a faulty store over m.
func retried(m object.Store, rules ...objecttest.Rule) (object.Store, *objecttest.Fault) {
	f := objecttest.NewFault(m, 1, rules...)
	return object.Retry(f, object.RetryOptions{}), f
}

// TestConformanceOfRetry expects that faults do not show through. A Put has
// none here: of two that send the same bytes, Retry may tell both of success,
// which the contract of a bare store forbids.
func TestConformanceOfRetry(t *testing.T) {
	quick := object.RetryOptions{Attempts: 20, First: time.Nanosecond, Longest: time.Nanosecond}
	objecttest.Run(t, func(*testing.T) object.Store {
		return object.Retry(objecttest.NewFault(object.NewMem(), 1,
			objecttest.Rule{Op: objecttest.Get, Chance: 0.3, Do: objecttest.Fail},
			objecttest.Rule{Op: objecttest.GetRange, Chance: 0.3, Do: objecttest.Fail},
			objecttest.Rule{Op: objecttest.Head, Chance: 0.3, Do: objecttest.Fail},
			objecttest.Rule{Op: objecttest.List, Chance: 0.3, Do: objecttest.Fail},
			objecttest.Rule{Op: objecttest.Delete, Chance: 0.2, Do: objecttest.Fail},
			objecttest.Rule{Op: objecttest.Delete, Chance: 0.2, Do: objecttest.Lose}), quick)
	})
}

func TestRetryPausesAndGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := objecttest.NewFault(object.NewMem(), 1, objecttest.Rule{Do: objecttest.Fail})
		opts := object.RetryOptions{Attempts: 5, First: time.Second, Longest: 3 * time.Second}
		begun := time.Now()
		_, err := object.Retry(f, opts).Head(t.Context(), "a")
		took := time.Since(begun)
		if !errors.Is(err, object.ErrUnreachable) || len(f.Operations()) != 5 {
			t.Errorf("%d attempts, %v", len(f.Operations()), err)
		}
		if most := (1 + 2 + 3 + 3) * time.Second; took == 0 || took > most {
			t.Errorf("paused for %v in all, at most %v expected", took, most)
		}
	})
}

func TestRetryKeepsItsBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := objecttest.NewFault(object.NewMem(), 1, objecttest.Rule{Do: objecttest.Wait, Delay: 40 * time.Second},
			objecttest.Rule{Do: objecttest.Fail})
		begun := time.Now()
		_, err := object.Retry(f, object.RetryOptions{Attempts: 100, Budget: time.Minute}).Head(t.Context(), "a")
		if n := len(f.Operations()); n != 2 || !errors.Is(err, object.ErrUnreachable) {
			t.Errorf("%d attempts of 40 s in %v, %v", n, time.Since(begun), err)
		}
	})
}

func TestRetryEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := retried(object.NewMem(), objecttest.Rule{Do: objecttest.Fail})
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		begun := time.Now()
		_, err := s.Head(ctx, "a")
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Millisecond {
			t.Errorf("after %v: %v", time.Since(begun), err)
		}
	})
}

func TestRetryLeavesOtherErrorsAlone(t *testing.T) {
	for _, cause := range []error{object.ErrFull, object.ErrAccess, objecttest.ErrStopped, context.Canceled} {
		s, f := retried(object.NewMem(), objecttest.Rule{Do: objecttest.Fail, Err: cause})
		if _, err := s.Put(t.Context(), "a", nil, create); !errors.Is(err, cause) || len(f.Operations()) != 1 {
			t.Errorf("%v after %d attempts", err, len(f.Operations()))
		}
	}
}

func TestRetryOfConditionalPut(t *testing.T) {
	lose := objecttest.Rule{Op: objecttest.Put, Nth: 1, Do: objecttest.Lose}
	fail := objecttest.Rule{Op: objecttest.Put, Nth: 1, Do: objecttest.Fail}
	blind := []objecttest.Rule{
		{Op: objecttest.Head, Do: objecttest.Fail, Err: object.ErrAccess},
		{Op: objecttest.Get, Do: objecttest.Fail, Err: object.ErrAccess},
	}
	for _, c := range []struct {
		name    string
		present string // what another has written before
		rules   []objecttest.Rule
		want    error
		puts    int
		any     bool // the error is only expected not to be about the condition
	}{
		{name: "answer lost", rules: []objecttest.Rule{lose}, puts: 1},
		{name: "request lost", rules: []objecttest.Rule{fail}, puts: 2},
		{name: "request lost, taken by another", present: "other", rules: []objecttest.Rule{fail}, want: object.ErrExists, puts: 1},
		{name: "request lost, taken with the same size", present: "enim", rules: []objecttest.Rule{fail}, want: object.ErrExists, puts: 1},
		{name: "request lost, same bytes there", present: "mine", rules: []objecttest.Rule{fail}, puts: 1},
		{name: "taken", present: "mine", want: object.ErrExists, puts: 1},
		{name: "answer lost, twice", rules: []objecttest.Rule{lose, {Op: objecttest.Head, Nth: 1, Do: objecttest.Fail}}, puts: 1},
		{name: "answer lost, not allowed to read", rules: append(blind, lose), puts: 2, any: true},
		{name: "request lost, not allowed to read", rules: append(blind, fail), puts: 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := object.NewMem()
			if c.present != "" {
				mustPut(t, m, "a", c.present)
			}
			f := objecttest.NewFault(m, 1, c.rules...)
			s := object.Retry(f, object.RetryOptions{First: time.Nanosecond})
			info, err := s.Put(t.Context(), "a", []byte("mine"), create)
			switch {
			case c.any:
				if err == nil || errors.Is(err, object.ErrExists) || object.IsTransient(err) {
					t.Errorf("%v", err)
				}
			case !errors.Is(err, c.want):
				t.Errorf("%v, want %v", err, c.want)
			case err == nil && (info.Name != "a" || info.Size != 4 || info.ETag == ""):
				t.Errorf("put returned %+v", info)
			}
			puts := 0
			for _, op := range f.Operations() {
				if op.Op == objecttest.Put {
					puts++
				}
			}
			if puts != c.puts {
				t.Errorf("%d puts in %v", puts, f.Operations())
			}
		})
	}
}

// TestRetryIsTruthful lets several writers create and replace one object over
// a store that fails and loses answers. Whoever is told of success or refusal
// must have been told the truth.
func TestRetryIsTruthful(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := object.NewMem()
		seed := rapid.Uint64().Draw(rt, "seed")
		f := objecttest.NewFault(m, seed,
			objecttest.Rule{Chance: 0.3, Do: objecttest.Fail}, objecttest.Rule{Chance: 0.3, Do: objecttest.Lose})
		s := object.Retry(f, object.RetryOptions{Attempts: 4, First: time.Nanosecond, Longest: time.Nanosecond})
		tag := ""
		for i := range rapid.IntRange(1, 10).Draw(rt, "writes") {
			opts := create
			if tag != "" && rapid.Bool().Draw(rt, "swap") {
				opts = object.PutOptions{IfMatch: tag}
			}
			body := fmt.Sprint("body ", i)
			before, _, beforeErr := m.Get(t.Context(), "a", 100)
			_, err := s.Put(t.Context(), "a", []byte(body), opts)
			after, info, afterErr := m.Get(t.Context(), "a", 100)
			switch {
			case err == nil && (afterErr != nil || string(after) != body):
				rt.Fatalf("success, but there is %q, %v", after, afterErr)
			case (errors.Is(err, object.ErrExists) || errors.Is(err, object.ErrChanged)) &&
				(beforeErr != nil || string(before) != string(after)):
				rt.Fatalf("%v, but %q became %q", err, before, after)
			}
			if afterErr == nil && rapid.Bool().Draw(rt, "look") {
				tag = info.ETag
			}
		}
	})
}

func TestRetryOfListing(t *testing.T) {
	m := object.NewMem()
	for i := range 5 {
		mustPut(t, m, fmt.Sprint(i), "x")
	}
	count := func(s object.Store) (n int, err error) {
		for _, err := range s.List(t.Context(), "") {
			if err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	}
	quick := object.RetryOptions{First: time.Nanosecond}
	f := objecttest.NewFault(m, 1, objecttest.Rule{Nth: 1, Times: 2, Do: objecttest.Fail})
	if n, err := count(object.Retry(f, quick)); n != 5 || err != nil {
		t.Errorf("listing that failed twice at its start: %d, %v", n, err)
	}
	f = objecttest.NewFault(m, 1, objecttest.Rule{Nth: 1, Do: objecttest.Truncate, Bytes: 3})
	if n, err := count(object.Retry(f, quick)); n != 3 || !errors.Is(err, object.ErrUnreachable) || len(f.Operations()) != 1 {
		t.Errorf("listing that broke off: %d, %v, %v", n, err, f.Operations())
	}
	f = objecttest.NewFault(m, 1)
	for range object.Retry(f, quick).List(t.Context(), "") {
		break
	}
}
