package restore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/object/objecttest"
	"firn/internal/price"
	"firn/internal/repo"
	"firn/internal/restore"
	"firn/internal/target"
	"firn/internal/thaw"
)

// glacier is a tree in a repository whose data packs lie in archive classes.
type glacier struct {
	*stock
	cold *objecttest.Cold
}

// sink puts the data packs of a tree into a class.
func sink(s *stock, class string) *glacier {
	g := &glacier{stock: s, cold: objecttest.NewCold(s.store, nil)}
	g.cold.Freezer = objecttest.NewFreezer(time.Now)
	s.must(g.cold.Transition(s.Context(), format.PrefixData, class))
	return g
}

// restore plans, thaws and restores what a folder lacks.
func (g *glacier) restore(ctx context.Context, dir string, options thaw.Options, opts restore.Options) (told problems, err error) {
	g.Helper()
	told = problems{}
	table, err := price.Load("")
	g.must(err)
	options.Tariff = thaw.TariffOf(table.Sheet("aws", "us-east-1"))
	opts.Progress = &restore.Progress{OnProblem: func(path string, err error) { told[path] = err }}
	g.reader(g.cold, func(rd *repo.Reader) {
		lacking, failed := target.NewDisk(dir, target.DiskOptions{DryRun: true})
		g.must(failed)
		planned := opts
		planned.Select = restore.Lacking(ctx, rd, lacking, opts.Select)
		needs, failed := restore.Packs(ctx, rd, g.root, planned)
		g.must(errors.Join(failed, lacking.Close()))
		plan, failed := thaw.Look(ctx, g.cold, needs, len(slices.Collect(rd.View().Packs())))
		g.must(failed)
		watch := thaw.NewWatch(g.cold, plan, options)
		disk, failed := target.NewDisk(dir, target.DiskOptions{})
		g.must(failed)
		defer func() { g.must(disk.Close()) }()
		opts.Gate = watch
		err = watch.Run(ctx, func(ctx context.Context) error { return restore.ToDisk(ctx, rd, g.root, disk, opts) })
	})
	if vain := g.cold.Vain(); len(vain) > 0 {
		g.Errorf("%d packs were read while frozen, such as %s", len(vain), vain[0])
	}
	return told, err
}

// TestThousandsOfFrozenPacks restores from 5,000 frozen packs with a request to thaw
// and one to read each, and few besides.
func TestThousandsOfFrozenPacks(t *testing.T) {
	const packs = 5000
	synctest.Test(t, func(t *testing.T) {
		specs := map[string]spec{}
		for i := range packs {
			specs[fmt.Sprintf("f%04d", i)] = file(noise(i, 40))
		}
		g := sink(scatter(t, specs), "DEEP_ARCHIVE")
		before, begun, dir := g.cold.Requests(), time.Now(), t.TempDir()
		told, err := g.restore(t.Context(), dir, thaw.Options{Tier: object.Bulk, Days: 7}, restore.Options{})
		if err != nil || len(told) > 0 {
			t.Fatalf("%v, %v", err, told)
		}
		now := g.cold.Requests()
		thaws, gets := now.Thaw-before.Thaw, now.Get-before.Get
		more := now.Head - before.Head + now.List - before.List + now.Put - before.Put
		t.Logf("%d packs after %s: %d requests to thaw, %d to read, %d others", packs, time.Since(begun).Round(time.Minute), thaws, gets, more)
		if thaws != packs || gets > packs+50 || more > 300 {
			t.Error("that is too many")
		}
		g.compare(dir, g.all()...)
	})
}

// TestThawInterrupted stops a restore for two days while packs thaw. Nothing is asked
// for twice, and what was restored is not thawed again when its copies are gone.
func TestThawInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		specs := map[string]spec{}
		for i := range 40 {
			specs[fmt.Sprintf("f%02d", i)] = file(noise(i, 40))
		}
		g := sink(scatter(t, specs), "GLACIER")
		early := func(key []byte, _ *format.Entry) bool { return string(key) < "f10" }
		dir, options := t.TempDir(), thaw.Options{Tier: object.Standard, Days: 3}
		if told, err := g.restore(t.Context(), dir, options, restore.Options{Select: early}); err != nil || len(told) > 0 {
			t.Fatalf("%v, %v", err, told)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := g.restore(ctx, dir, options, restore.Options{})
		if now := g.cold.Requests(); !errors.Is(err, context.DeadlineExceeded) || now.Thaw != 40 {
			t.Errorf("%v, %d requests to thaw", err, now.Thaw)
		}
		time.Sleep(48 * time.Hour)
		if told, err := g.restore(t.Context(), dir, options, restore.Options{}); err != nil || len(told) > 0 {
			t.Fatalf("%v, %v", err, told)
		}
		g.compare(dir, g.all()...)
		if now := g.cold.Requests(); now.Thaw != 40 {
			t.Errorf("%d requests to thaw", now.Thaw)
		}
		time.Sleep(20 * 24 * time.Hour)
		if _, err := g.restore(t.Context(), dir, options, restore.Options{}); err != nil || g.cold.Requests().Thaw != 40 {
			t.Errorf("%v, %d requests to thaw when all is there", err, g.cold.Requests().Thaw)
		}
	})
}

// TestThawLoses has a pack disappear while it thaws, and one that cannot be thawed:
// the files that need them are named, the others come.
func TestThawLoses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := sink(scatter(t, map[string]spec{
			"a": file(noise(1, 40)), "b": file(noise(2, 40)), "c": file(noise(3, 40), noise(4, 40)), "d": file(noise(5, 40)),
		}), "GLACIER")
		stuck, gone := g.packOf(noise(4, 40)), g.packOf(noise(2, 40))
		time.AfterFunc(time.Hour, func() { g.must(g.cold.Delete(t.Context(), gone)) })
		reset := time.NewTicker(time.Hour) // it is put there anew, so that no copy ever comes
		defer reset.Stop()
		ended := make(chan struct{})
		go func() {
			for {
				select {
				case <-reset.C:
					g.cold.Lay(stuck, "GLACIER")
				case <-ended:
					return
				}
			}
		}()
		dir := t.TempDir()
		told, err := g.restore(t.Context(), dir, thaw.Options{Tier: object.Standard, Days: 7}, restore.Options{})
		close(ended)
		if err != nil || len(told) != 2 || !repo.IsDamage(told["b"]) || !errors.Is(told["c"], repo.ErrNeverReady) || !strings.Contains(fmt.Sprint(told["c"]), stuck) {
			t.Fatalf("%v, %v", err, told)
		}
		g.compare(dir, "a", "d")
		if _, err := os.Stat(filepath.Join(dir, "c")); err == nil {
			t.Error("half a file is there")
		}
	})
}
