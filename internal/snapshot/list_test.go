package snapshot_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/object/objecttest"
	"firn/internal/repo"
	"firn/internal/seal"
	"firn/internal/snapshot"
)

var owner = seal.Secret{Key: &[32]byte{1}}

// bench is a repository whose clock is set by hand.
type bench struct {
	*testing.T
	store *object.Mem
	repo  *repo.Repository
	now   time.Time
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, store: object.NewMem(), now: time.Unix(1_700_000_000, 0)}
	r, err := repo.Create(t.Context(), b.store, repo.CreateOptions{
		Slots: []repo.NewSlot{{Secret: owner}}, Cache: t.TempDir(), Now: func() time.Time { return b.now },
	})
	b.must(err)
	b.repo = r
	t.Cleanup(func() { b.must(r.Close()) })
	return b
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// save commits an empty snapshot.
func (b *bench) save() string {
	b.Helper()
	s, err := b.repo.Begin(b.Context(), repo.SessionOptions{})
	b.must(err)
	_, err = s.LoadIndex(b.Context())
	b.must(err)
	_, err = s.Commit(b.Context(), &format.Manifest{Host: "host"})
	b.must(err)
	return s.Name()
}

func (b *bench) list(r *repo.Repository) *snapshot.Set {
	b.Helper()
	records, err := r.ReadRecords(b.Context())
	b.must(err)
	set, err := snapshot.List(b.Context(), r, records)
	b.must(err)
	return set
}

func sessions(list []*snapshot.Snapshot) (names []string) {
	for _, s := range list {
		names = append(names, s.Session)
	}
	return names
}

// TestList has a set hold what was committed, oldest first, and neither tombstones nor
// what is forgotten.
func TestList(t *testing.T) {
	b := newBench(t)
	late := b.save()
	b.now = b.now.Add(-time.Hour)
	early := b.save()
	b.now = b.now.Add(time.Minute)
	gone := b.save()
	_, err := b.repo.WriteRecord(t.Context(), &format.Record{Kind: format.RecordPrune, Forgotten: []string{gone}})
	b.must(err)
	ended, err := b.repo.Begin(t.Context(), repo.SessionOptions{})
	b.must(err)
	b.must(ended.Abandon(t.Context(), "test"))
	for range 2 { // from the drive, then from the cache
		set := b.list(b.repo)
		if got, want := sessions(set.Snapshots), []string{early, late}; !slices.Equal(got, want) {
			t.Errorf("snapshots %v instead of %v", got, want)
		}
		if got, want := sessions(set.Forgotten), []string{gone}; !slices.Equal(got, want) {
			t.Errorf("forgotten %v instead of %v", got, want)
		}
		if len(set.Damage) > 0 {
			t.Errorf("damage %v", set.Damage)
		}
		for _, s := range set.Snapshots {
			if s.Host != "host" || s.Signer != b.repo.Keys().Host() || s.Hash == (format.ID{}) || s.Tree().ID != nil {
				t.Errorf("%+v", s)
			}
		}
	}
}

// TestListDamage has broken manifests named, and swapped ones too.
func TestListDamage(t *testing.T) {
	body := func(b *bench, session string) []byte {
		got, _, err := b.store.Get(b.Context(), format.ManifestObject(session), 1<<20)
		b.must(err)
		return got
	}
	for name, harm := range map[string]func(b *bench, one, two string) []byte{
		"truncated": func(b *bench, one, _ string) []byte { return body(b, one)[:20] },
		"empty":     func(*bench, string, string) []byte { return nil },
		"a flipped bit": func(b *bench, one, _ string) []byte {
			got := body(b, one)
			got[len(got)-5] ^= 1
			return got
		},
		"another's": func(b *bench, _, two string) []byte { return body(b, two) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			one, two := b.save(), b.save()
			harmed := harm(b, one, two)
			_, err := b.store.Put(t.Context(), format.ManifestObject(one), harmed, object.PutOptions{})
			b.must(err)
			r, err := repo.Open(t.Context(), b.store, repo.OpenOptions{Secret: owner})
			b.must(err)
			defer func() { b.must(r.Close()) }()
			set := b.list(r)
			if len(set.Damage) != 1 || !strings.Contains(set.Damage[0].Error(), one) {
				t.Errorf("damage: %v", set.Damage)
			}
			if got := sessions(set.Snapshots); !slices.Equal(got, []string{two}) {
				t.Errorf("snapshots %v", got)
			}
		})
	}
}

// TestListFails has a drive fail, or an object go between listing and reading.
func TestListFails(t *testing.T) {
	for name, test := range map[string]struct {
		rule  objecttest.Rule
		fails bool
	}{
		"swept meanwhile": {objecttest.Rule{Op: objecttest.Get, Name: "m/*", Do: objecttest.Fail, Err: object.ErrNotFound}, false},
		"unreachable":     {objecttest.Rule{Op: objecttest.Get, Name: "m/*", Do: objecttest.Fail}, true},
		"torn listing":    {objecttest.Rule{Op: objecttest.List, Name: "m/*", Do: objecttest.Truncate}, true},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.save()
			faulty := objecttest.NewFault(b.store, 0, test.rule)
			r, err := repo.Open(t.Context(), faulty, repo.OpenOptions{Secret: owner})
			b.must(err)
			defer func() { b.must(r.Close()) }()
			set, err := snapshot.List(context.Background(), r, &repo.Records{})
			if (err != nil) != test.fails {
				t.Fatalf("%v", err)
			}
			if err == nil && len(set.Snapshots)+len(set.Damage) != 0 {
				t.Errorf("%d snapshots, damage %v", len(set.Snapshots), set.Damage)
			}
		})
	}
}
