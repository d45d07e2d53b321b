package repo_test

import (
	"errors"
	"testing"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/object/objecttest"
	"firn/internal/repo"
)

// TestLookBeforeTheOutcome has all trace of a session vanish, as a month after it
// was closed. One that was asleep so long must notice, by whichever clock it can;
// within minutes the tombstone that would be there speaks for itself, and no request is made.
func TestLookBeforeTheOutcome(t *testing.T) {
	start := time.Now()
	all, none := object.Capabilities{IfAbsent: true}, object.Capabilities{}
	for name, c := range map[string]struct {
		drive  object.Capabilities
		now    time.Time // when the outcome is written
		looks  bool
		fenced bool
	}{
		"at once":                      {all, start.Add(time.Minute), false, false},
		"after a while":                {all, start.Add(11 * time.Minute), true, true},
		"after a month":                {all, start.Add(31 * 24 * time.Hour), true, true},
		"after a month by the wall":    {all, start.Round(0).Add(31 * 24 * time.Hour), true, true},
		"with the clock set back":      {all, start.Round(0).Add(-time.Hour), true, true},
		"without create-only, at once": {none, start, true, true},
	} {
		b := newBench(t, objecttest.Restrict(object.NewMem(), c.drive))
		faulty := objecttest.NewFault(b.store, 0)
		now := start
		r, err := repo.Open(t.Context(), faulty, repo.OpenOptions{Secret: owner, Now: func() time.Time { return now }})
		b.must(err)
		s := b.begin(r)
		b.must(b.store.Delete(t.Context(), format.SessionObject(s.Name())))
		now = c.now
		_, err = s.Commit(t.Context(), &format.Manifest{})
		if errors.Is(err, repo.ErrFenced) != c.fenced || !c.fenced && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		looked := false
		for _, op := range faulty.Operations() {
			looked = looked || op.Op == objecttest.Head && op.Name == format.SessionObject(s.Name())
		}
		if looked != c.looks {
			t.Errorf("%s: looked %v", name, looked)
		}
		if err != nil {
			_ = s.Abandon(t.Context(), "test") // it was closed before
		}
		b.must(r.Close())
	}
}
