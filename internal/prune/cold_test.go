package prune_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/object/objecttest"
	"firn/internal/prune"
	"firn/internal/storageconfig"
)

// inCold runs a test in virtual time on a drive with archive classes, into which
// freeze moves the data packs that are there.
func inCold(t *testing.T, test func(t *testing.T, s *shelf, cold *objecttest.Cold, freeze func(class string))) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cold := objecttest.NewCold(object.NewMem(), objecttest.NewClock(time.Now()))
		s := newShelf(t, cold)
		test(t, s, cold, func(class string) { s.must(cold.Transition(t.Context(), format.PrefixData, class)) })
	})
}

// archived knows which classes must be thawed, and moves what is worth moving.
func archived(o *prune.Options) { o.Archive, o.MaxUnused = storageconfig.Archive, 1e-9 }

// TestColdPacks: packs that must be thawed go when nothing in them is needed, and
// are neither read nor moved before.
func TestColdPacks(t *testing.T) {
	inCold(t, func(t *testing.T, s *shelf, cold *objecttest.Cold, freeze func(string)) {
		both, gone := s.save("a", "b"), s.save("c", "d")
		kept := s.save("b")
		packs := s.names(format.PrefixData)
		freeze("DEEP_ARCHIVE")
		s.forget(both, gone)
		for range 2 {
			r := s.prune(archived)
			if r.Left.Cold != 1 || r.Left.ColdUnused == 0 || r.Left.Early != 0 {
				t.Errorf("left: %+v", r.Left)
			}
			if moved := s.names(format.PrefixData); len(moved) != 1 || !slices.Contains(packs, moved[0]) {
				t.Errorf("of %v there are %v", packs, moved)
			}
		}
		if vain := cold.Vain(); len(vain) > 0 {
			t.Errorf("frozen packs were read: %v", vain)
		}
		s.forget(kept)
		if r := s.prune(archived); r.Left.Cold != 0 || len(s.names(format.PrefixData)) != 0 || len(cold.Vain()) > 0 {
			t.Errorf("in the end: %+v, read: %v", r, cold.Vain())
		}
	})
}

// TestColdWasteMovesNothingElse: what is unused in packs that cannot be moved is
// not made up for by moving others.
func TestColdWasteMovesNothingElse(t *testing.T) {
	inCold(t, func(t *testing.T, s *shelf, _ *objecttest.Cold, freeze func(string)) {
		both, cold := s.save("a", "b"), s.save("b")
		freeze("GLACIER")
		more, warm := s.save("c", "d", "e"), s.save("d", "e")
		s.forget(both, more)
		r := s.prune(func(o *prune.Options) { o.Archive, o.MaxUnused = storageconfig.Archive, 0.4 })
		if r.Left.Cold != 1 || r.Repacked != 0 {
			t.Errorf("%+v", r)
		}
		if r = s.prune(archived); r.Repacked == 0 {
			t.Errorf("the warm pack is not moved: %+v", r)
		}
		_, _ = cold, warm
	})
}

// TestFrozenTier: an object of INTELLIGENT_TIERING that sank into an archive tier
// looks like any other; it is asked how it stands before it would be read.
func TestFrozenTier(t *testing.T) {
	inCold(t, func(t *testing.T, s *shelf, cold *objecttest.Cold, freeze func(string)) {
		both := s.save("a", "b")
		s.save("b")
		packs := s.names(format.PrefixData)
		freeze(objecttest.ArchiveAccess)
		s.forget(both)
		if r := s.prune(archived); r.Left.Cold != 1 || r.Repacked != 0 || !slices.Equal(packs, s.names(format.PrefixData)) {
			t.Errorf("%+v, packs %v became %v", r, packs, s.names(format.PrefixData))
		}
		if len(cold.Vain()) > 0 {
			t.Errorf("frozen packs were read: %v", cold.Vain())
		}
	})
}

// charged has data packs in GLACIER and STANDARD_IA be charged for some days.
func charged(o *prune.Options) {
	archived(o)
	o.MinimumDays = func(class string) int { return map[string]int{"GLACIER": 90, "STANDARD_IA": 30}[class] }
}

// TestEarly: packs stay until their minimum time is over, and what is in them can
// be used until then; --early-delete has them go.
func TestEarly(t *testing.T) {
	inCold(t, func(t *testing.T, s *shelf, cold *objecttest.Cold, freeze func(string)) {
		gone, kept := s.save("a"), s.save("b")
		freeze("GLACIER")
		s.forget(gone)
		packs := s.names(format.PrefixData)
		r := s.prune(charged)
		if r.Left.Early != 1 || r.Left.EarlyUnused == 0 || len(s.names(format.PrefixData)) != len(packs) {
			t.Errorf("%+v", r)
		}
		if days := time.Until(r.Left.From).Hours() / 24; days < 89 || days > 90 || !r.Left.From.Equal(r.Left.Until) {
			t.Errorf("it pays to go in %.1f days: %+v", days, r.Left)
		}
		again := s.save("a") // takes what is there
		if len(s.names(format.PrefixData)) != len(packs) {
			t.Error("what stayed was stored again")
		}
		s.forget(again)
		time.Sleep(91 * 24 * time.Hour)
		if r := s.prune(charged); r.Left.Early != 0 || len(s.names(format.PrefixData)) != 1 {
			t.Errorf("after the time: %+v", r)
		}
		s.forget(kept)
		time.Sleep(time.Hour)
		late := s.save("c")
		freeze("GLACIER")
		s.forget(late)
		if r := s.prune(func(o *prune.Options) { charged(o); o.EarlyDelete = true }); r.Left.Early != 0 || len(s.names(format.PrefixData)) != 0 {
			t.Errorf("early: %+v", r)
		}
		if len(cold.Vain()) > 0 {
			t.Errorf("frozen packs were read: %v", cold.Vain())
		}
	})
}

// TestEarlyIsNotMoved: a pack that is charged for is not written a second time to be
// charged for twice.
func TestEarlyIsNotMoved(t *testing.T) {
	inCold(t, func(t *testing.T, s *shelf, _ *objecttest.Cold, freeze func(string)) {
		both := s.save("a", "b")
		kept := s.save("b")
		freeze("STANDARD_IA")
		s.forget(both)
		r := s.prune(func(o *prune.Options) { charged(o); o.DryRun = true })
		ofData := func(m prune.Move) bool { return m.Pack.Kind == format.KindData }
		if r.Left.Early != 1 || slices.ContainsFunc(r.Moves, ofData) {
			t.Errorf("a plan: %+v", r)
		}
		packs := s.names(format.PrefixData)
		if r := s.prune(charged); r.Left.Early != 1 || !slices.Equal(packs, s.names(format.PrefixData)) {
			t.Errorf("%+v", r)
		}
		time.Sleep(31 * 24 * time.Hour)
		r = s.prune(func(o *prune.Options) { charged(o); o.DryRun = true })
		at := slices.IndexFunc(r.Moves, ofData)
		if at < 0 || len(r.Goes) < 1 || r.Moves[at].Bytes != r.Moves[at].Size || r.Moves[at].Requests != 1 {
			t.Errorf("a plan after the time: %+v", r)
		}
		if s.prune(charged); slices.Equal(packs, s.names(format.PrefixData)) {
			t.Error("it is not moved after the time")
		}
		s.holds(map[string][]string{kept: {"b"}})
	})
}
