package check_test

import (
	"context"
	"errors"
	"iter"
	"sync"
	"testing"

	"firn/internal/check"
	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/object/objecttest"
)

// TestDriveFails lets every operation of a check fail once: it ends with that
// error or, where another try helped, with nothing found. Nothing is recorded.
func TestDriveFails(t *testing.T) {
	store := object.NewMem()
	small(t, store)
	fault := objecttest.NewFault(store, 1)
	r := open(t, fault)
	before := len(fault.Operations())
	run(t, r, all)
	operations := len(fault.Operations()) - before
	if operations < 15 {
		t.Fatalf("a check has %d operations only", operations)
	}
	failed := 0
	for n := 1; n <= operations; n++ {
		fault.Heal()
		fault.Add(objecttest.Rule{Nth: n, Do: objecttest.Fail})
		report, err := check.Run(context.Background(), r, all)
		switch {
		case err == nil && len(report.Findings) > 0:
			t.Errorf("operation %d: %s", n, describe(report))
		case err != nil && !errors.Is(err, object.ErrUnreachable):
			t.Errorf("operation %d: %v", n, err)
		case err != nil:
			failed++
		}
	}
	if failed < operations/2 {
		t.Errorf("%d of %d failures were told", failed, operations)
	}
	if records := list(t, store, "g/"); len(records) > 0 {
		t.Errorf("records: %v", records)
	}
}

func TestCancel(t *testing.T) {
	store := object.NewMem()
	small(t, store)
	fault := objecttest.NewFault(store, 1)
	r := open(t, fault)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := check.Run(ctx, r, all); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// during is a store that lets something happen right before a listing.
type during struct {
	object.Store
	prefix string
	once   *sync.Once
	do     func()
}

func (d during) List(ctx context.Context, prefix string) iter.Seq2[object.Info, error] {
	if prefix == d.prefix {
		d.once.Do(d.do)
	}
	return d.Store.List(ctx, prefix)
}

// TestPruneMeanwhile: what a prune deletes while a check runs is no damage.
func TestPruneMeanwhile(t *testing.T) {
	for _, prefix := range []string{"k/", "x/", "p/", "q/"} {
		t.Run(prefix[:1], func(t *testing.T) {
			store := object.NewMem()
			r, _, want := small(t, store)
			packs := map[string]bool{}
			for _, name := range append(list(t, store, "p/"), list(t, store, "q/")...) {
				packs[name] = true
			}
			dir := t.TempDir()
			files{"only/here": noise(99, 400<<10)}.write(t, dir)
			doomed := backUp(t, r, dir, false)
			prune := func() {
				var drop []format.PackName
				for _, name := range append(list(t, store, "p/"), list(t, store, "q/")...) {
					if p, err := format.ParsePackName(name); err == nil && !packs[name] {
						drop = append(drop, p)
					}
				}
				forgetAndDrop(t, r, []string{doomed.Session}, drop)
				remove(t, store, format.ManifestObject(doomed.Session))
				for _, p := range drop {
					remove(t, store, p.Object())
				}
			}
			checked := open(t, during{store, prefix, new(sync.Once), prune})
			report := run(t, checked, all)
			if len(report.Findings) > 0 || report.Snapshots != 1 {
				t.Errorf("%d snapshots\n%s", report.Snapshots, describe(report))
			}
			compareAll(t, checked, report, want)
		})
	}
}

// TestBackupMeanwhile: a snapshot that is committed while a check runs is no damage.
func TestBackupMeanwhile(t *testing.T) {
	for _, prefix := range []string{"k/", "g/", "m/", "x/", "p/", "q/"} {
		store := object.NewMem()
		r, _, _ := small(t, store)
		dir := t.TempDir()
		files{"new": noise(98, 300<<10)}.write(t, dir)
		checked := open(t, during{store, prefix, new(sync.Once), func() { backUp(t, r, dir, false) }})
		if report := run(t, checked, all); len(report.Findings) > 0 {
			t.Errorf("before %s: %s", prefix, describe(report))
		}
	}
}
