package objecttest

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"firn/internal/object"
)

// inParallel runs work in several goroutines that start together.
func inParallel(t *testing.T, workers int, work func(worker int) error) {
	t.Helper()
	start := make(chan struct{})
	var running sync.WaitGroup
	for worker := range workers {
		running.Go(func() {
			<-start
			if err := work(worker); err != nil {
				t.Errorf("worker %d: %v", worker, err)
			}
		})
	}
	close(start)
	running.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// testCreateRace expects one winner, whose bytes stay.
func testCreateRace(t *testing.T, s object.Store) {
	if !s.Capabilities().IfAbsent {
		t.Skip("the store has no IfAbsent")
	}
	for round := range 10 {
		name := fmt.Sprintf("m/%d/session", round)
		var winners atomic.Int32
		var winner atomic.Pointer[[]byte]
		inParallel(t, 8, func(worker int) error {
			body := bytes.Repeat([]byte{byte('a' + worker)}, 1000+worker)
			_, err := s.Put(t.Context(), name, body, object.PutOptions{IfAbsent: true})
			if err == nil {
				winners.Add(1)
				winner.Store(&body)
			} else if !errors.Is(err, object.ErrExists) {
				return err
			}
			// Whoever lost must find the winner's object at once.
			_, _, err = s.Get(t.Context(), name, 1<<20)
			return err
		})
		if winners.Load() != 1 {
			t.Fatalf("%d of 8 concurrent creations won", winners.Load())
		}
		script{get(name, string(*winner.Load())), list("m/"+fmt.Sprint(round)+"/", name)}.play(t, s)
	}
}

// testSwapRace expects one winner for each ETag.
func testSwapRace(t *testing.T, s object.Store) {
	if !s.Capabilities().IfMatch {
		t.Skip("the store has no IfMatch")
	}
	info, err := s.Put(t.Context(), "a", []byte("0"), object.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for round := range 10 {
		var winners atomic.Int32
		var winner atomic.Pointer[object.Info]
		inParallel(t, 8, func(worker int) error {
			won, err := s.Put(t.Context(), "a", fmt.Append(nil, round, worker), object.PutOptions{IfMatch: info.ETag})
			if errors.Is(err, object.ErrChanged) {
				return nil
			}
			winners.Add(1)
			winner.Store(&won)
			return err
		})
		if winners.Load() != 1 {
			t.Fatalf("%d of 8 concurrent replacements won", winners.Load())
		}
		info = *winner.Load()
	}
}

// testAtomic reads an object that is created and replaced all the time, and
// expects to see one of the written bodies, whole, or none.
func testAtomic(t *testing.T, s object.Store) {
	bodies := [][]byte{
		bytes.Repeat([]byte{'a'}, 300_000),
		bytes.Repeat([]byte{'b'}, 200_001),
		bytes.Repeat([]byte{'c'}, 1),
	}
	whole := func(body []byte) bool {
		for _, written := range bodies {
			if bytes.Equal(body, written) {
				return true
			}
		}
		return false
	}
	inParallel(t, 4, func(worker int) error {
		for i := range 30 {
			name := fmt.Sprintf("h/%d", i/10)
			if worker == 0 {
				if _, err := s.Put(t.Context(), name, bodies[i%len(bodies)], object.PutOptions{}); err != nil {
					return err
				}
				continue
			}
			body, info, err := s.Get(t.Context(), name, 1<<20)
			if errors.Is(err, object.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if !whole(body) || info.Size != int64(len(body)) {
				return fmt.Errorf("read %d bytes %.1q of %d", len(body), body, info.Size)
			}
		}
		return nil
	})
}

// testParallel works on different names at the same time.
func testParallel(t *testing.T, s object.Store) {
	inParallel(t, 8, func(worker int) error {
		for i := range 10 {
			name := fmt.Sprintf("p/%x/%d", worker%3, worker)
			body := fmt.Sprint(worker, i)
			if _, err := s.Put(t.Context(), name, []byte(body), object.PutOptions{}); err != nil {
				return err
			}
			got, _, err := s.Get(t.Context(), name, 100)
			if err != nil || string(got) != body {
				return fmt.Errorf("read %q after writing %q: %w", got, body, err)
			}
			names, err := namesUnder(t.Context(), s, name)
			if err != nil || len(names) != 1 {
				return fmt.Errorf("listed %q: %w", names, err)
			}
			if err := s.Delete(t.Context(), name); err != nil {
				return err
			}
			if _, err := s.Head(t.Context(), name); !errors.Is(err, object.ErrNotFound) {
				return fmt.Errorf("after delete: %w", err)
			}
		}
		return nil
	})
	script{list("")}.play(t, s)
}
