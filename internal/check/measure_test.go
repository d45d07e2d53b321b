package check_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"firn/internal/check"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/snapshot"
)

func snapshots(t testing.TB, r *repo.Repository) []*snapshot.Snapshot {
	t.Helper()
	records, err := r.ReadRecords(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	set, err := snapshot.List(context.Background(), r, records)
	if err != nil {
		t.Fatal(err)
	}
	return set.Snapshots
}

func TestMeasure(t *testing.T) {
	ctx := context.Background()
	r := create(t, object.NewMem())
	dir := t.TempDir()
	same := noise(1, 200<<10)
	files{"a": same, "b": same, "c": noise(2, 100<<10)}.write(t, dir)
	backUp(t, r, dir, false)
	if err := os.WriteFile(filepath.Join(dir, "d"), noise(3, 50<<10), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "c")); err != nil {
		t.Fatal(err)
	}
	backUp(t, r, dir, false)

	sizes, err := check.Measure(ctx, r, snapshots(t, r), nil)
	if err != nil {
		t.Fatal(err)
	}
	if sizes.Restored.Bytes != (500+450)<<10 || sizes.Restored.Files != 6 {
		t.Errorf("restored: %+v", sizes.Restored)
	}
	if sizes.Data.Bytes != (200+100+50)<<10 || sizes.Data.Chunks != 3 {
		t.Errorf("data: %+v", sizes.Data)
	}
	first, second := sizes.Snapshots[0], sizes.Snapshots[1]
	if first.Data.Bytes != 300<<10 || second.Data.Bytes != 50<<10 || second.Data.Chunks != 1 {
		t.Errorf("first %+v, second %+v", first.Data, second.Data)
	}
	for _, a := range []check.Amount{first.Data, first.Meta, second.Data, second.Meta} {
		if a.Stored == 0 || a.Bytes == 0 || a.Chunks == 0 {
			t.Errorf("nothing stored: %+v", a)
		}
	}
	if sum := first.Data.Stored + second.Data.Stored; sum != sizes.Data.Stored || sum < sizes.Data.Bytes {
		t.Errorf("stored %d of %+v", sum, sizes.Data)
	}
	if sizes.Unused != 0 || sizes.DataPacks.Count != 2 || sizes.MetaPacks.Count != 2 || sizes.Segments.Count != 2 ||
		sizes.Entries < 7 || sizes.Mirrors == 0 || sizes.Orphans.Count != 0 {
		t.Errorf("%+v", sizes)
	}

	// The second alone needs no "c", whose block also holds "a".
	sizes, err = check.Measure(ctx, r, snapshots(t, r)[1:], nil)
	if err != nil {
		t.Fatal(err)
	}
	if sizes.Data.Bytes != 250<<10 || sizes.Restored.Bytes != 450<<10 || sizes.Unused == 0 {
		t.Errorf("second alone: %+v", sizes)
	}
}

func TestMeasureDamaged(t *testing.T) {
	store := object.NewMem()
	small(t, store)
	for _, name := range list(t, store, "x/") {
		remove(t, store, name)
	}
	r := open(t, store)
	if _, err := check.Measure(context.Background(), r, snapshots(t, r), nil); !errors.Is(err, repo.ErrNoChunk) {
		t.Error(err)
	}
}
