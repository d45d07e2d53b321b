package storageconfig_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/object/objecttest"
	"firn/internal/storageconfig"
)

// packName is the name of a pack that there is no other of.
func packName(kind string, n int) string {
	hash := fmt.Sprintf("%064x", n+1)
	return kind + hash[:2] + "/" + hash
}

// store has packs in STANDARD and small objects beside them.
func store(t *testing.T, packs int) (*objecttest.Cold, *objecttest.Clock) {
	t.Helper()
	clock := objecttest.NewClock(time.Now())
	cold := objecttest.NewCold(object.NewMem(), clock)
	names := []string{"firn.repository", "m/a", "x/a", "s/a", "g/a", "k/a"}
	for i := range packs {
		names = append(names, packName(format.PrefixData, i))
	}
	names = append(names, packName(format.PrefixMeta, 0))
	for _, name := range names {
		if _, err := cold.Put(t.Context(), name, []byte(name), object.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return cold, clock
}

func rulesOf(t *testing.T, file string) *storageconfig.Rules {
	t.Helper()
	r, err := storageconfig.NewRules(storageconfig.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	with := object.NewMem()
	if _, err := with.Put(t.Context(), format.StorageConfigName, []byte(file), object.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Around(with, storageconfig.Watch{}).Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

const coldFile = `{"blobOptions":[{"prefix":"p","storageClass":"GLACIER"},{"storageClass":"STANDARD_IA"}]}`

func compare(t *testing.T, r *storageconfig.Rules, s object.Store, frozen func(object.Info) (bool, error)) *storageconfig.Moves {
	t.Helper()
	m, err := r.Compare(t.Context(), s, frozen, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// classes lists the classes of all objects by what their names begin with.
func classes(t *testing.T, s object.Store) map[string]int {
	t.Helper()
	found := map[string]int{}
	for info, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		found[strings.TrimSpace(info.Name[:1]+" "+info.Class)]++
	}
	return found
}

// TestApply: packs come into their class, data packs alone into an archive class;
// broken off, it goes on where it was; what is there is passed over.
func TestApply(t *testing.T) {
	s, _ := store(t, 20)
	r := rulesOf(t, coldFile)
	m := compare(t, r, s, nil)
	if len(m.Moves) != 21 || len(m.Frozen) != 0 || m.There != 0 {
		t.Fatalf("%d moves, %d frozen, %d there", len(m.Moves), len(m.Frozen), m.There)
	}
	ctx, stop := context.WithCancel(t.Context())
	_, err := storageconfig.Apply(ctx, s, m.Moves, func(a *storageconfig.Applied) {
		if a.Moved == 5 {
			stop()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("broken off: %v", err)
	}
	again := compare(t, r, s, nil)
	if again.There < 5 || again.There+len(again.Moves) != 21 {
		t.Fatalf("then there are %d, and %d are left", again.There, len(again.Moves))
	}
	before := s.Requests()
	a, err := storageconfig.Apply(t.Context(), s, again.Moves, nil)
	if err != nil || a.Moved != len(again.Moves) || a.Bytes == 0 || len(a.Frozen)+a.Gone != 0 {
		t.Fatalf("%+v, %v", a, err)
	}
	if n := s.Requests().Copy - before.Copy; n != len(again.Moves) {
		t.Errorf("%d copies for %d packs", n, len(again.Moves))
	}
	if n := s.Requests().Get - before.Get; n != 0 {
		t.Errorf("%d objects were read", n)
	}
	want := map[string]int{"p GLACIER": 20, "q STANDARD_IA": 1, "f": 1, "m": 1, "x": 1, "s": 1, "g": 1, "k": 1}
	if got := classes(t, s); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("objects are in %v, wanted %v", got, want)
	}
	if m := compare(t, r, s, nil); len(m.Moves)+len(m.Frozen) != 0 || m.There != 21 {
		t.Errorf("a second time: %+v", m)
	}
}

// TestApplyFrozen: what is in an archive class is named and left, unless it was
// thawed.
func TestApplyFrozen(t *testing.T) {
	s, clock := store(t, 3)
	for info, err := range s.List(t.Context(), format.PrefixData) {
		if err != nil {
			t.Fatal(err)
		}
		s.Lay(info.Name, "DEEP_ARCHIVE")
	}
	r := rulesOf(t, `{"blobOptions":[{"prefix":"p","storageClass":"GLACIER"}]}`)
	m := compare(t, r, s, nil)
	if len(m.Frozen) != 3 || len(m.Moves) != 0 {
		t.Fatalf("%+v", m)
	}
	thawed := m.Frozen[1].Pack.Name
	if err := s.Thaw(t.Context(), thawed, object.ThawRequest{Tier: object.Bulk, Days: 2}); err != nil {
		t.Fatal(err)
	}
	clock.Advance(49 * time.Hour)
	frozen := func(info object.Info) (bool, error) {
		f, err := s.Frost(t.Context(), info.Name)
		return !f.Readable(clock.Now()), err
	}
	m = compare(t, r, s, frozen)
	if len(m.Frozen) != 2 || len(m.Moves) != 1 || m.Moves[0].Pack.Name != thawed {
		t.Fatalf("%+v", m)
	}
	clock.Advance(72 * time.Hour) // the copy goes before it is used
	a, err := storageconfig.Apply(t.Context(), s, m.Moves, nil)
	if err != nil || !slices.Equal(a.Frozen, []string{thawed}) || a.Moved != 0 {
		t.Errorf("%+v, %v", a, err)
	}
}

// refusing is a store that copies into another class, or none, than was asked for.
type refusing struct {
	*objecttest.Cold
	err error
}

func (r refusing) Copy(ctx context.Context, name string, opts object.CopyOptions) error {
	if r.err != nil {
		return r.err
	}
	opts.Class = ""
	return r.Cold.Copy(ctx, name, opts)
}

// TestApplyRefused: a class that the server refuses, or drops, stops at the first
// pack.
func TestApplyRefused(t *testing.T) {
	for name, refusal := range map[string]error{"refused": object.ErrUnsupported, "dropped": nil} {
		t.Run(name, func(t *testing.T) {
			s, _ := store(t, 9)
			r := rulesOf(t, `{"blobOptions":[{"prefix":"p","storageClass":"STANDARD_IA"}]}`)
			m := compare(t, r, s, nil)
			before := s.Requests()
			a, err := storageconfig.Apply(t.Context(), refusing{s, refusal}, m.Moves, nil)
			if !errors.Is(err, object.ErrUnsupported) || a.Moved > 1 || s.Requests().Copy-before.Copy > 1 {
				t.Errorf("%+v, %v", a, err)
			}
		})
	}
	if _, err := storageconfig.Apply(t.Context(), plain{object.NewMem()}, nil, nil); !errors.Is(err, object.ErrUnsupported) {
		t.Errorf("a store that cannot copy: %v", err)
	}
}

// plain hides what a store can do beyond the contract.
type plain struct{ object.Store }

// TestApplyLeaves: what is about to be deleted is not moved first, and what was
// deleted meanwhile is no error.
func TestApplyLeaves(t *testing.T) {
	s, _ := store(t, 3)
	r := rulesOf(t, coldFile)
	gone := packName(format.PrefixData, 1)
	m, err := r.Compare(t.Context(), s, nil, func(name string) bool { return name == packName(format.PrefixData, 0) })
	if err != nil || len(m.Moves) != 3 {
		t.Fatalf("%+v, %v", m, err)
	}
	if err := s.Delete(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	if a, err := storageconfig.Apply(t.Context(), s, m.Moves, nil); err != nil || a.Gone != 1 || a.Moved != 2 {
		t.Errorf("%+v, %v", a, err)
	}
}
