package objecttest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"firn/internal/object"
)

// Archive is a store with archive classes that go by a test's own clock.
type Archive struct {
	Store object.Store // with a Thawer and a Copier in it
	Clock *Clock
	*Freezer
	// Transition moves all objects under a prefix into a class, as a lifecycle
	// rule does.
	Transition func(ctx context.Context, prefix, class string) error
}

// RunThawer tests that a store keeps the contract of object.Thawer. open returns
// an empty store of its own for each test.
func RunThawer(t *testing.T, open func(t *testing.T) Archive) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, s frozen)
	}{
		{"Life", testFrozenLife},
		{"Tiers", testTiers},
		{"Capacity", testCapacity},
		{"Tiering", testTiering},
		{"Transition", testTransition},
		{"Warm", testWarm},
		{"Replaced", testReplaced},
		{"Copied", testCopied},
		{"Frosts", testFrosts},
		{"Cancelled", testThawCancelled},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := open(t)
			thawer, ok := object.ThawerOf(a.Store)
			if !ok {
				t.Fatal("no Thawer is found")
			}
			c.test(t, frozen{t, a, thawer})
		})
	}
}

// frozen is an archive under test.
type frozen struct {
	t *testing.T
	Archive
	thawer object.Thawer
}

func (s frozen) put(name, class string) {
	s.t.Helper()
	if _, err := s.Store.Put(s.t.Context(), name, []byte("body of "+name), object.PutOptions{Class: class}); err != nil {
		s.t.Fatal(err)
	}
}

// reads expects every way to read an object to succeed, or to be ErrFrozen.
func (s frozen) reads(name string, want bool) {
	s.t.Helper()
	body, _, err := s.Store.Get(s.t.Context(), name, 1<<20)
	part := make([]byte, 4)
	ranged := s.Store.GetRange(s.t.Context(), name, part, 1)
	if want && (err != nil || ranged != nil || string(body) != "body of "+name || string(part) != "ody ") {
		s.t.Fatalf("%s: get: %q, %v; range: %q, %v", name, body, err, part, ranged)
	}
	if !want && (!errors.Is(err, object.ErrFrozen) || !errors.Is(ranged, object.ErrFrozen)) {
		s.t.Fatalf("%s: get: %v, range: %v; want both frozen", name, err, ranged)
	}
}

func (s frozen) thaw(name string, tier object.Tier, days int) {
	s.t.Helper()
	if err := s.thawer.Thaw(s.t.Context(), name, object.ThawRequest{Tier: tier, Days: days}); err != nil {
		s.t.Fatal(err)
	}
}

// stands expects an object to stand like want, by itself and, as far as listings
// tell, in one.
func (s frozen) stands(name string, want object.Frost) {
	s.t.Helper()
	f, err := s.thawer.Frost(s.t.Context(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	s.alike(f, name, want)
	found := 0
	for f, err := range s.thawer.Frosts(s.t.Context(), name) {
		if err != nil {
			s.t.Fatal(err)
		}
		if f.Name == name {
			found++
			listed := want
			if listed.Unsure = f.Class == Tiering; listed.Unsure {
				listed.Frozen = false
			}
			s.alike(f, name, listed)
		}
	}
	if found != 1 {
		s.t.Fatalf("%s: listed %d times", name, found)
	}
}

func (s frozen) alike(f object.Frost, name string, want object.Frost) {
	s.t.Helper()
	if f.Name != name || f.Size != int64(len("body of "+name)) || f.Class != want.Class ||
		f.Frozen != want.Frozen || f.Asked != want.Asked || f.Unsure != want.Unsure || !f.Until.Equal(want.Until) {
		s.t.Fatalf("%s stands like %+v, want %+v", name, f, want)
	}
	if now := s.Clock.Now(); f.Readable(now) != (!f.Unsure && (!want.Frozen || want.Until.After(now))) {
		s.t.Fatalf("%s: readable %v", name, f.Readable(now))
	}
}

func testFrozenLife(t *testing.T, s frozen) {
	s.Clock.Set(time.Date(2026, 3, 1, 10, 30, 0, 0, time.UTC))
	s.put("p/a", "GLACIER")
	s.reads("p/a", false)
	s.stands("p/a", object.Frost{Info: object.Info{Class: "GLACIER"}, Frozen: true})
	if info, err := s.Store.Head(t.Context(), "p/a"); err != nil || info.Class != "GLACIER" {
		t.Errorf("head: %+v, %v", info, err)
	}
	for range 2 { // to ask twice is no error
		s.thaw("p/a", object.Standard, 2)
		s.stands("p/a", object.Frost{Info: object.Info{Class: "GLACIER"}, Frozen: true, Asked: true})
		s.reads("p/a", false)
	}
	s.Clock.Advance(5 * time.Hour)
	there := object.Frost{Info: object.Info{Class: "GLACIER"}, Frozen: true, Until: time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)}
	s.stands("p/a", there)
	s.reads("p/a", true)
	s.Clock.Advance(24 * time.Hour)
	s.thaw("p/a", object.Bulk, 5) // an extension
	there.Until = time.Date(2026, 3, 8, 0, 0, 0, 0, time.UTC)
	s.stands("p/a", there)
	s.reads("p/a", true)
	s.Clock.Set(there.Until)
	s.stands("p/a", object.Frost{Info: object.Info{Class: "GLACIER"}, Frozen: true})
	s.reads("p/a", false)
	s.thaw("p/a", object.Expedited, 1)
	s.Clock.Advance(5 * time.Minute)
	s.reads("p/a", true)
}

func testTiers(t *testing.T, s frozen) {
	for class, tiers := range map[string]map[object.Tier]time.Duration{
		"GLACIER":      {object.Expedited: 5 * time.Minute, object.Standard: 5 * time.Hour, object.Bulk: 12 * time.Hour},
		"DEEP_ARCHIVE": {object.Expedited: 0, object.Standard: 12 * time.Hour, object.Bulk: 48 * time.Hour},
	} {
		for tier, takes := range tiers {
			name := "p/" + class + "-" + string(tier)
			s.put(name, class)
			err := s.thawer.Thaw(t.Context(), name, object.ThawRequest{Tier: tier, Days: 1, Class: class})
			if takes == 0 {
				var advised *object.Error
				if !errors.Is(err, object.ErrUnsupported) || !errors.As(err, &advised) {
					t.Errorf("%s from %s: %v", tier, class, err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			s.Clock.Advance(takes - time.Second)
			s.reads(name, false)
			s.Clock.Advance(time.Second)
			s.reads(name, true)
		}
	}
}

// testCapacity: expedited requests can be refused for now, others are taken.
func testCapacity(t *testing.T, s frozen) {
	s.put("p/a", "GLACIER")
	s.Expedite(false)
	err := s.thawer.Thaw(t.Context(), "p/a", object.ThawRequest{Tier: object.Expedited, Days: 1})
	if !errors.Is(err, object.ErrNoCapacity) || object.IsTransient(err) {
		t.Fatalf("without capacity: %v", err)
	}
	s.thaw("p/a", object.Standard, 1)
	s.Expedite(true)
	s.thaw("p/a", object.Expedited, 1) // speeds it up
	s.Clock.Advance(5 * time.Minute)
	s.reads("p/a", true)
}

// testTiering: copies from the archive tiers are asked for without days and stay.
func testTiering(t *testing.T, s frozen) {
	tiering := object.Frost{Info: object.Info{Class: Tiering}}
	s.put("p/a", Tiering)
	s.stands("p/a", tiering)
	s.thaw("p/a", object.Standard, 3) // needs none
	s.reads("p/a", true)
	for tier, takes := range map[string]time.Duration{ArchiveAccess: 5 * time.Hour, DeepArchiveAccess: 12 * time.Hour} {
		for _, class := range []string{"", Tiering} { // told or not
			if err := s.Transition(t.Context(), "p/", tier); err != nil {
				t.Fatal(err)
			}
			tiering.Frozen, tiering.Asked = true, false
			s.stands("p/a", tiering)
			s.reads("p/a", false)
			for range 2 {
				if err := s.thawer.Thaw(t.Context(), "p/a", object.ThawRequest{Tier: object.Standard, Days: 3, Class: class}); err != nil {
					t.Fatal(err)
				}
			}
			tiering.Asked = true
			s.stands("p/a", tiering)
			s.Clock.Advance(takes)
			tiering.Frozen, tiering.Asked = false, false
			s.stands("p/a", tiering)
			s.Clock.Advance(300 * 24 * time.Hour)
			s.reads("p/a", true)
		}
	}
}

func testTransition(t *testing.T, s frozen) {
	s.put("p/a", "")
	s.put("q/a", "")
	s.reads("p/a", true)
	if err := s.Transition(t.Context(), "p/", "DEEP_ARCHIVE"); err != nil {
		t.Fatal(err)
	}
	s.reads("p/a", false)
	s.stands("p/a", object.Frost{Info: object.Info{Class: "DEEP_ARCHIVE"}, Frozen: true})
	s.reads("q/a", true)
}

// testWarm: what needs no copy is none the worse for one being asked for, and
// what is absent is absent.
func testWarm(t *testing.T, s frozen) {
	s.put("p/a", "STANDARD_IA")
	s.thaw("p/a", object.Bulk, 1)
	s.reads("p/a", true)
	if f, err := s.thawer.Frost(t.Context(), "p/a"); err != nil || f.Frozen || f.Asked || !f.Until.IsZero() {
		t.Errorf("%+v, %v", f, err)
	}
	_, err := s.thawer.Frost(t.Context(), "p/b")
	for _, err := range []error{err, s.thawer.Thaw(t.Context(), "p/b", object.ThawRequest{Tier: object.Standard, Days: 1})} {
		if !errors.Is(err, object.ErrNotFound) {
			t.Errorf("absent: %v", err)
		}
	}
}

// testReplaced: a frozen object can be overwritten and deleted.
func testReplaced(t *testing.T, s frozen) {
	s.put("p/a", "GLACIER")
	s.put("p/a", "")
	s.reads("p/a", true)
	s.put("p/b", "GLACIER")
	if err := s.Store.Delete(t.Context(), "p/a", "p/b"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Store.Head(t.Context(), "p/b"); !errors.Is(err, object.ErrNotFound) {
		t.Errorf("deleted: %v", err)
	}
	s.put("p/b", "STANDARD")
	s.reads("p/b", true)
}

// testCopied: a copy takes an object into another class, out of an archive only
// while there is a readable copy.
func testCopied(t *testing.T, s frozen) {
	copier, ok := object.CopierOf(s.Store)
	if !ok {
		t.Fatal("no Copier is found")
	}
	s.put("p/a", "")
	if err := copier.Copy(t.Context(), "p/a", object.CopyOptions{Class: "GLACIER"}); err != nil {
		t.Fatal(err)
	}
	s.reads("p/a", false)
	if err := copier.Copy(t.Context(), "p/a", object.CopyOptions{Class: "STANDARD_IA"}); !errors.Is(err, object.ErrFrozen) {
		t.Errorf("frozen: %v", err)
	}
	s.thaw("p/a", object.Expedited, 1)
	s.Clock.Advance(5 * time.Minute)
	if err := copier.Copy(t.Context(), "p/a", object.CopyOptions{Class: "STANDARD_IA"}); err != nil {
		t.Fatal(err)
	}
	s.Clock.Advance(48 * time.Hour)
	s.reads("p/a", true)
	s.stands("p/a", object.Frost{Info: object.Info{Class: "STANDARD_IA"}})
}

func testFrosts(t *testing.T, s frozen) {
	s.put("p/a", "GLACIER")
	s.put("p/b", "STANDARD_IA")
	s.put("p/c", "DEEP_ARCHIVE")
	s.put("q/a", "GLACIER")
	s.thaw("p/c", object.Bulk, 1)
	var found []string
	for f, err := range s.thawer.Frosts(t.Context(), "p/") {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, f.Name)
		if f.Frozen == (f.Name == "p/b") || f.Asked != (f.Name == "p/c") {
			t.Errorf("%+v", f)
		}
	}
	slices.Sort(found)
	if !slices.Equal(found, []string{"p/a", "p/b", "p/c"}) {
		t.Errorf("listed %q", found)
	}
	for range s.thawer.Frosts(t.Context(), "p/") {
		break
	}
	for range s.thawer.Frosts(t.Context(), "nothing") {
		t.Error("something is listed")
	}
}

func testThawCancelled(t *testing.T, s frozen) {
	s.put("p/a", "GLACIER")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.thawer.Frost(ctx, "p/a")
	errs := []error{err, s.thawer.Thaw(ctx, "p/a", object.ThawRequest{Tier: object.Standard, Days: 1})}
	for _, err := range s.thawer.Frosts(ctx, "p/") {
		errs = append(errs, err)
	}
	if len(errs) != 3 {
		t.Fatalf("the listing went on: %v", errs)
	}
	for _, err := range errs {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	}
}
