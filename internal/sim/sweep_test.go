package sim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/object/objecttest"
	"firn/internal/prune"
	"firn/internal/repo"
	"firn/internal/seal"
)

// stage is a repository and a machine's cache before some work, to be copied for
// each run of the work.
type stage struct {
	objects map[string][]byte
	cache   string
	want    expectation
	age     time.Duration // between what is there and the work
}

// newStage runs steps in a new repository, one after the other.
func newStage(t *testing.T, steps ...func(ctx context.Context, r *repo.Repository, want expectation) error) *stage {
	t.Helper()
	s := &stage{cache: t.TempDir(), want: expectation{}}
	store := object.NewMem()
	if err := fill(t.Context(), store, founded(t)); err != nil {
		t.Fatal(err)
	}
	for i, step := range steps {
		err := machine{cache: s.cache}.with(t.Context(), store, func(r *repo.Repository) error {
			return step(t.Context(), r, s.want)
		})
		if err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
	s.objects = objectsOf(t, store)
	return s
}

func objectsOf(t *testing.T, store object.Store) map[string][]byte {
	t.Helper()
	all, err := contents(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// store returns a copy of the drive, whose objects are s.age old.
func (s *stage) store(t *testing.T) object.Store {
	t.Helper()
	var ahead atomic.Int64
	store := object.NewMemClock(func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) })
	if err := fill(t.Context(), store, s.objects); err != nil {
		t.Fatal(err)
	}
	ahead.Store(int64(s.age))
	return store
}

// sweep stops work at each of its operations. After each stop all that was promised
// restores, the walk is clean, and a next backup and prune work: in turns on the
// machine that was stopped and on another one.
func (s *stage) sweep(t *testing.T, work func(ctx context.Context, r *repo.Repository) error) {
	t.Helper()
	var cache string
	runs := 0
	objecttest.Sweep(t, s.store, func(t *testing.T, store object.Store) error {
		cache = t.TempDir()
		if err := os.CopyFS(cache, os.DirFS(s.cache)); err != nil {
			t.Fatal(err)
		}
		return machine{cache: cache}.with(t.Context(), store, func(r *repo.Repository) error { return work(t.Context(), r) })
	}, func(t *testing.T, store object.Store, err error) {
		if err != nil && !errors.Is(err, objecttest.ErrStopped) {
			t.Errorf("the stop shows as %v", err)
		}
		if runs++; runs%2 == 0 {
			s.goOn(t, store, machine{})
			return
		}
		s.check(t, store)
		s.goOn(t, store, machine{cache: cache})
	})
}

// goOn backs up and prunes once more.
func (s *stage) goOn(t *testing.T, store object.Store, m machine) {
	t.Helper()
	const tag = "next"
	s.want[tag] = files{"next": {bytes: []byte(tag), version: 1}, "a/1": {bytes: some(1, 3001), version: 1}}
	defer delete(s.want, tag)
	err := m.with(t.Context(), store, func(r *repo.Repository) error {
		if _, err := backUp(t.Context(), r, s.want[tag], "host", tag); err != nil {
			return fmt.Errorf("next backup: %w", err)
		}
		if _, err := prune.Run(t.Context(), r, promptly); err != nil {
			return fmt.Errorf("next prune: %w", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	s.check(t, store)
}

// check inspects the repository; everything wanted must be there.
func (s *stage) check(t *testing.T, store object.Store) {
	t.Helper()
	tags := inspect(t, store, s.want)
	for tag := range s.want {
		if !slices.Contains(tags, tag) {
			t.Errorf("snapshot %s is gone", tag)
		}
	}
}

// some returns n bytes that follow from a number and do not compress.
func some(number, n int) []byte {
	body := make([]byte, 0, n+8)
	state := uint64(number)*0x9e3779b97f4a7c15 + 1
	for len(body) < n {
		state ^= state << 13
		state ^= state >> 7
		state ^= state << 17
		for shift := 0; shift < 64; shift += 8 {
			body = append(body, byte(state>>shift))
		}
	}
	return body[:n]
}

// corpus returns a few files; those of neighbouring numbers have most in common.
func corpus(number int) files {
	f := files{}
	for i := number; i < number+4; i++ {
		f[fmt.Sprintf("a/%d", i)] = content{bytes: some(i, 3000+i), version: int64(i)}
	}
	f["b"] = content{bytes: some(number, 100), version: int64(number)}
	return f
}

// save is a step that backs a corpus up.
func save(number int) func(context.Context, *repo.Repository, expectation) error {
	return func(ctx context.Context, r *repo.Repository, want expectation) error {
		tag := fmt.Sprint(number)
		want[tag] = corpus(number)
		_, err := backUp(ctx, r, want[tag], "host", tag)
		return err
	}
}

// forget is a step that forgets the snapshots of corpora.
func forget(numbers ...int) func(context.Context, *repo.Repository, expectation) error {
	return func(ctx context.Context, r *repo.Repository, want expectation) error {
		for _, n := range numbers {
			delete(want, fmt.Sprint(n))
		}
		return forgetTags(ctx, r, numbers...)
	}
}

func forgetTags(ctx context.Context, r *repo.Repository, numbers ...int) error {
	set, err := list(ctx, r)
	if err != nil {
		return err
	}
	var sessions []string
	for _, s := range set.Snapshots {
		if slices.ContainsFunc(numbers, func(n int) bool { return s.Tags[0] == fmt.Sprint(n) }) {
			sessions = append(sessions, s.Session)
		}
	}
	return prune.Forget(ctx, r, sessions, "test")
}

// clean is a step that prunes.
func clean(ctx context.Context, r *repo.Repository, _ expectation) error {
	_, err := prune.Run(ctx, r, promptly)
	return err
}

func TestCrashInCreate(t *testing.T) {
	objecttest.Sweep(t, func(*testing.T) object.Store { return object.NewMem() },
		func(t *testing.T, store object.Store) error {
			r, err := repo.Create(t.Context(), store, repo.CreateOptions{Slots: []repo.NewSlot{{Secret: seal.Secret{Key: &ownerKey}}}})
			if err == nil {
				err = r.Close()
			}
			return err
		},
		func(t *testing.T, store object.Store, _ error) {
			err := create(t.Context(), store)
			if errors.Is(err, repo.ErrExists) {
				err = nil
			}
			if err != nil {
				t.Fatalf("create again: %v", err)
			}
			want := expectation{"1": corpus(1)}
			err = machine{}.with(t.Context(), store, func(r *repo.Repository) error { return save(1)(t.Context(), r, want) })
			if err != nil {
				t.Fatalf("back up: %v", err)
			}
			inspect(t, store, want)
		})
}

func TestCrashInFirstBackup(t *testing.T) {
	newStage(t).sweep(t, func(ctx context.Context, r *repo.Repository) error {
		_, err := backUp(ctx, r, corpus(1), "host", "1")
		return err
	})
}

func TestCrashInSecondBackup(t *testing.T) {
	newStage(t, save(1)).sweep(t, func(ctx context.Context, r *repo.Repository) error {
		_, err := backUp(ctx, r, corpus(2), "host", "2")
		return err
	})
}

func TestCrashInForget(t *testing.T) {
	s := newStage(t, save(1), save(2))
	delete(s.want, "1") // may be there or not
	s.sweep(t, func(ctx context.Context, r *repo.Repository) error { return forgetTags(ctx, r, 1) })
}

// TestCrashInPrune frees, moves and deletes with no grace.
func TestCrashInPrune(t *testing.T) {
	newStage(t, save(1), save(3), save(6), forget(1, 3)).sweep(t, func(ctx context.Context, r *repo.Repository) error {
		_, err := prune.Run(ctx, r, promptly)
		return err
	})
}

// TestCrashInMerge has enough segments to merge, and records to retire.
func TestCrashInMerge(t *testing.T) {
	steps := []func(context.Context, *repo.Repository, expectation) error{save(50), forget(50), clean}
	for i := range 10 {
		steps = append(steps, save(i))
	}
	s := newStage(t, append(steps, forget(0, 1, 2, 3, 4, 5, 6, 7))...)
	s.age = 40 * 24 * time.Hour
	merged := false
	s.sweep(t, func(ctx context.Context, r *repo.Repository) error {
		report, err := prune.Run(ctx, r, promptly)
		merged = merged || err == nil && report.Merged > 0
		return err
	})
	if !merged {
		t.Error("nothing was merged")
	}
}

// TestCrashAfterMerge deletes the inputs of a merge.
func TestCrashAfterMerge(t *testing.T) {
	var steps []func(context.Context, *repo.Repository, expectation) error
	for i := range 11 {
		steps = append(steps, save(i))
	}
	s := newStage(t, append(steps, forget(0, 1, 2, 3, 4, 5, 6, 7), clean)...)
	s.age = 40 * 24 * time.Hour
	s.sweep(t, func(ctx context.Context, r *repo.Repository) error {
		_, err := prune.Run(ctx, r, promptly)
		return err
	})
}

func TestCrashInAddSlot(t *testing.T) {
	s := newStage(t, save(1))
	key := [32]byte{9}
	s.sweep(t, func(ctx context.Context, r *repo.Repository) error {
		_, err := r.AddSlot(ctx, format.RoleOwner, repo.NewSlot{Secret: seal.Secret{Key: &key}})
		if err != nil {
			return err
		}
		slots, err := r.Slots(ctx)
		if err == nil && len(slots) != 4 {
			err = fmt.Errorf("%d slots", len(slots))
		}
		return err
	})
}

// TestCrashInChangeSlot exchanges the owner's slot: one of the two always opens.
func TestCrashInChangeSlot(t *testing.T) {
	s := newStage(t, save(1))
	key := [32]byte{9}
	objecttest.Sweep(t, s.store, func(t *testing.T, store object.Store) error {
		return machine{}.with(t.Context(), store, func(r *repo.Repository) error {
			if _, err := r.AddSlot(t.Context(), format.RoleOwner, repo.NewSlot{Secret: seal.Secret{Key: &key}}); err != nil {
				return err
			}
			return r.RemoveSlot(t.Context(), r.Slot())
		})
	}, func(t *testing.T, store object.Store, err error) {
		nothing := func(*repo.Repository) error { return nil }
		before := machine{}.with(t.Context(), store, nothing)
		after := machine{key: &key}.with(t.Context(), store, nothing)
		if before != nil && after != nil {
			t.Errorf("locked out: %v, %v", before, after)
		}
		if err == nil && before == nil {
			t.Error("the old key still opens")
		}
	})
}

// TestResume stops a backup of many packs late and sees that the next one uploads
// next to nothing of what had arrived.
func TestResume(t *testing.T) {
	s := newStage(t)
	big := files{}
	for i := range 100 {
		big[fmt.Sprintf("f%03d", i)] = content{bytes: some(i, 60_000), version: 1}
	}
	store := s.store(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var puts atomic.Int64
	interrupting := &telling{Store: store, put: func(name string) {
		if strings.HasPrefix(name, format.PrefixData) && puts.Add(1) == 5 {
			cancel()
		}
	}}
	err := machine{}.with(ctx, interrupting, func(r *repo.Repository) error {
		_, err := backUp(ctx, r, big, "host", "1")
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	arrived := 0
	for name, body := range objectsOf(t, store) {
		if name[0] == 'p' && name[1] == '/' {
			arrived += len(body)
		}
	}
	if arrived < 3<<20 {
		t.Fatalf("%d bytes arrived", arrived)
	}
	meter := object.Meter(store)
	err = machine{}.with(t.Context(), meter, func(r *repo.Repository) error {
		_, err := backUp(t.Context(), r, big, "host", "2")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if sent, all := meter.Counts().BytesOut, int64(100*60_000); sent > all-int64(arrived)+1_300_000 {
		t.Errorf("%d of %d bytes had arrived, and %d were sent again", arrived, all, sent)
	}
	inspect(t, store, expectation{"2": big})
}

// telling is a store that tells of each object written before it is.
type telling struct {
	object.Store
	put func(name string)
}

func (c *telling) Put(ctx context.Context, name string, body []byte, opts object.PutOptions) (object.Info, error) {
	c.put(name)
	return c.Store.Put(ctx, name, body, opts)
}
