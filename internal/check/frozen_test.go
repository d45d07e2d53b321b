package check_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"firn/internal/check"
	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
)

// freezer is a drive on which data packs are frozen. As their gate it thaws one
// at each Wait.
type freezer struct {
	object.Store

	mu    sync.Mutex // guards all below
	queue []format.PackName
	ready map[format.PackName]bool
	read  map[string]bool // data packs that were read
	wrong []string        // those read while frozen
}

var errNoThaw = errors.New("nothing more is being thawed")

func (f *freezer) Ready(pack format.PackName) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ready[pack]
}

func (f *freezer) Wait(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.queue) == 0 {
		return errNoThaw
	}
	f.ready[f.queue[0]] = true
	f.queue = f.queue[1:]
	return ctx.Err()
}

func (f *freezer) GetRange(ctx context.Context, name string, p []byte, offset int64) error {
	if pack, err := format.ParsePackName(name); err == nil && pack.Kind == format.KindData {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.read[name] = true
		if !f.ready[pack] {
			f.wrong = append(f.wrong, name)
			return object.ErrFrozen
		}
	}
	return f.Store.GetRange(ctx, name, p, offset)
}

func freeze(store object.Store) *freezer {
	return &freezer{Store: store, ready: map[format.PackName]bool{}, read: map[string]bool{}}
}

// needs returns the packs that a check would read.
func needs(t *testing.T, store object.Store, opts check.Options) []repo.Need {
	t.Helper()
	f := freeze(store)
	found, err := check.Packs(t.Context(), open(t, f), opts)
	if err != nil || len(f.read) > 0 {
		t.Fatalf("%v, read %v", err, f.read)
	}
	return found
}

// TestFrozen checks packs that become readable one after the other: all that it
// said it needs is read, bases of deltas included, and nothing before it can be.
func TestFrozen(t *testing.T) {
	store := object.NewMem()
	r, _, _ := resembling(t, store)
	base := deepBase(t, packsOf(t, r))
	for _, text := range []string{"all", "30%", "1/3", "2/3", "3/3"} {
		data, err := check.ParseReadData(text)
		if err != nil {
			t.Fatal(err)
		}
		opts := check.Options{ReadData: data}
		found := needs(t, store, opts)
		f := freeze(store)
		for _, n := range found {
			f.queue = append(f.queue, n.Pack)
			if n.Bytes == 0 || n.Bytes > n.Size {
				t.Errorf("%s: %d bytes of %d", n.Pack.Object(), n.Bytes, n.Size)
			}
		}
		slices.Reverse(f.queue)
		opts.Gate = f
		report := run(t, open(t, f), opts)
		wantClean(t, report)
		if len(f.wrong) > 0 || len(f.read) != len(found) {
			t.Errorf("%s: %d packs needed, %d read, while frozen: %v", text, len(found), len(f.read), f.wrong)
		}
	}
	// Without the base, nothing that stands on it is read, and the check says why.
	f := freeze(store)
	for _, n := range needs(t, store, all) {
		if n.Pack != base {
			f.queue = append(f.queue, n.Pack)
		}
	}
	opts := all
	opts.Gate = f
	if _, err := check.Run(t.Context(), open(t, f), opts); !errors.Is(err, errNoThaw) || len(f.wrong) > 0 {
		t.Errorf("%v, read while frozen: %v", err, f.wrong)
	}
}

// TestFrozenStructure: a check that reads no data needs no data pack, and one of
// damage says what it cannot tell.
func TestFrozenStructure(t *testing.T) {
	store := object.NewMem()
	r, _, _ := resembling(t, store)
	if found := needs(t, store, check.Options{}); len(found) > 0 {
		t.Errorf("needs %v", found)
	}
	base := deepBase(t, packsOf(t, r))
	remove(t, store, base.Object())
	f := freeze(store)
	report := run(t, open(t, f), check.Options{Gate: f, NoRecord: true})
	if len(f.wrong) > 0 || !report.Damaged() || !strings.Contains(describe(report), base.Object()) {
		t.Errorf("read while frozen: %v\n%s", f.wrong, describe(report))
	}
}
