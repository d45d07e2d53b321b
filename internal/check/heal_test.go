package check_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"firn/internal/check"
	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/seal"
)

// small gives a source and a repository with one snapshot of it.
func small(t testing.TB, store object.Store) (*repo.Repository, string, func(id, path string) []byte) {
	t.Helper()
	return smallOf(t, store, false)
}

// smallOf is small, with a file whose content list does not fit its entry if
// that is wanted.
func smallOf(t testing.TB, store object.Store, sparse bool) (*repo.Repository, string, func(id, path string) []byte) {
	t.Helper()
	r := create(t, store)
	dir := t.TempDir()
	state := someFiles()
	state.write(t, dir)
	if sparse {
		writeSparse(t, filepath.Join(dir, "sparse"))
	}
	backUp(t, r, dir, false)
	return r, dir, func(_, path string) []byte {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

func TestCleanRepository(t *testing.T) {
	store := object.NewMem()
	r, _, want := small(t, store)
	for _, opts := range []check.Options{{}, all} {
		report := run(t, r, opts)
		if len(report.Findings) > 0 {
			t.Errorf("findings:\n%s", describe(report))
		}
		if report.Snapshots != 1 || report.Segments == 0 || report.Pages < 3 || report.Chunks < 300 || report.Packs < 4 ||
			report.Orphans != 0 || report.Record != "" {
			t.Errorf("report: %+v", report)
		}
	}
	report := run(t, r, all)
	if report.PacksRead != uint64(report.Packs) || report.BytesRead != report.PackBytes || report.ChunksVerified < report.Chunks {
		t.Errorf("read %d of %d packs, %d of %d bytes, %d of %d chunks", report.PacksRead, report.Packs,
			report.BytesRead, report.PackBytes, report.ChunksVerified, report.Chunks)
	}
	compareAll(t, r, report, want)
	put(t, store, format.PackName{Kind: format.KindData, Hash: format.ID{1}}.Object(), []byte("somebody's"))
	if report := run(t, r, check.Options{}); report.Orphans != 1 || report.OrphanBytes != 10 || len(report.Findings) > 0 {
		t.Errorf("orphan: %+v", report)
	}
}

// TestWindow reads packs through a window smaller than they are.
func TestWindow(t *testing.T) {
	store := object.NewMem()
	r, _, _ := small(t, store)
	opts := all
	opts.SetWindow(100 << 10)
	report := run(t, r, opts)
	if len(report.Findings) > 0 || report.BytesRead != report.PackBytes || report.ChunksVerified < report.Chunks {
		t.Errorf("%+v\n%s", report, describe(report))
	}
	largest := ""
	var size int
	for _, name := range list(t, store, "p/") {
		if b := get(t, store, name); len(b) > size {
			largest, size = name, len(b)
		}
	}
	if size <= 300<<10 {
		t.Fatalf("the largest pack has %d bytes only", size)
	}
	for _, at := range []int{0, size / 3, size / 2, 250 << 10, size - 100, size - 1} {
		b := get(t, store, largest)
		b[at] ^= 0x10
		damaged := clone(t, store)
		put(t, damaged, largest, b)
		report := run(t, open(t, damaged), opts)
		if f := report.Findings; len(f) == 0 || f[0].Object != largest || f[0].Kind != check.Altered {
			t.Errorf("flip at %d:\n%s", at, describe(report))
		}
	}
}

// TestHealing damages packs, checks, backs up again and finds all healed.
func TestHealing(t *testing.T) {
	for _, prefix := range []string{"p/", "q/"} {
		for _, c := range changes() {
			for _, force := range []bool{false, true} {
				name := "data"
				if prefix == "q/" {
					name = "metadata"
				}
				if force {
					name += " forced"
				}
				if !slices.Contains([]string{"missing", "swapped", "cut in half", "flip half", "flip near the end"}, c.name) {
					continue
				}
				t.Run(name+"/"+c.name, func(t *testing.T) { heal(t, prefix, c, force) })
			}
		}
	}
}

func heal(t *testing.T, prefix string, c change, force bool) {
	store := object.NewMem()
	r, dir, want := smallOf(t, store, true)
	packs := list(t, store, prefix)
	other := ""
	if len(packs) > 1 {
		other = packs[1]
	}
	if !c.do(t, store, packs[0], other) {
		t.Skip("there is only one")
	}
	first := run(t, r, all)
	if !first.Damaged() || first.Record == "" {
		t.Fatalf("damage was not found or not recorded: %q\n%s", first.Record, describe(first))
	}
	second := run(t, r, all)
	if !second.Damaged() || second.Record != "" {
		t.Fatalf("second check wrote %q\n%s", second.Record, describe(second))
	}
	backUp(t, r, dir, force)
	healed := run(t, r, all)
	wantClean(t, healed)
	if !slices.ContainsFunc(healed.Findings, func(f *check.Finding) bool { return f.Healed() && f.Object == packs[0] }) {
		t.Errorf("nobody says that %s is healed:\n%s", packs[0], describe(healed))
	}
	wantClean(t, run(t, r, check.Options{}))
	fresh := open(t, store)
	compareAll(t, fresh, healed, want)
	if s := backUp(t, fresh, dir, false); s.Stats.FilesUnmodified < 300 || s.Stats.BytesRead > 0 {
		t.Errorf("what is healed is read again: %+v", s.Stats)
	}
}

// TestStructureRemembersDamage: a check without reading data goes by what an
// earlier one recorded.
func TestStructureRemembersDamage(t *testing.T) {
	store := object.NewMem()
	r, _, _ := small(t, store)
	name := list(t, store, "p/")[0]
	b := get(t, store, name)
	sound := bytes.Clone(b)
	b[len(b)/2] ^= 1
	put(t, store, name, b)
	if report := run(t, r, check.Options{}); report.Damaged() {
		t.Fatalf("found without reading:\n%s", describe(report))
	}
	if report := run(t, r, all); !report.Damaged() || report.Record == "" {
		t.Fatalf("not found by reading:\n%s", describe(report))
	}
	if report := run(t, r, check.Options{}); !report.Damaged() || !report.Findings[0].Recorded {
		t.Errorf("forgotten:\n%s", describe(report))
	}
	put(t, store, name, sound)
	wantClean(t, run(t, r, check.Options{}))
}

// TestNaming loses each data pack in turn: the finding names it and no paths
// but those of files that have chunks in it.
func TestNaming(t *testing.T) {
	store := object.NewMem()
	_, dir, want := small(t, store)
	for _, name := range list(t, store, "p/") {
		damaged := clone(t, store)
		remove(t, damaged, name)
		report := run(t, open(t, damaged), check.Options{NoRecord: true})
		if report.Record != "" || len(list(t, damaged, "g/")) > 0 {
			t.Error("a record was written though none was wanted")
		}
		f := report.Findings[0]
		if f.Kind != check.Missing || f.Object != name || !f.Harm || f.SnapshotCount != 1 || f.PathCount == 0 ||
			f.Unreadable != f.Chunks || f.Chunks == 0 {
			t.Errorf("%s", describe(report))
		}
		for _, p := range f.Paths {
			if !strings.HasPrefix("/"+string(p.Key), dir) || p.Range {
				t.Errorf("named %q", p.Key)
			}
		}
		compareAll(t, open(t, damaged), report, want)
	}
}

// TestTreesHeal loses all trees, on the drive and in the cache.
func TestTreesHeal(t *testing.T) {
	store := object.NewMem()
	r, dir, want := smallOf(t, store, true)
	for _, name := range list(t, store, "q/") {
		remove(t, store, name)
	}
	report := run(t, r, check.Options{})
	if !report.Damaged() || !report.Findings[0].Paths[0].Range {
		t.Fatalf("%s", describe(report))
	}
	fresh := open(t, store)
	backUp(t, fresh, dir, false)
	wantClean(t, run(t, fresh, all))
	compareAll(t, open(t, store), nil, want)
}

func TestRoles(t *testing.T) {
	store := object.NewMem()
	owner, _, _ := small(t, store)
	ctx := context.Background()
	as := func(role format.Role, key byte) *repo.Repository {
		s := seal.Secret{Key: &[32]byte{key}}
		if _, err := owner.AddSlot(ctx, role, repo.NewSlot{Secret: s}); err != nil {
			t.Fatal(err)
		}
		r, err := repo.Open(ctx, store, repo.OpenOptions{Secret: s, Cache: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { closeAll(t, r) })
		return r
	}
	if _, err := check.Run(ctx, as(format.RoleWriter, 20), all); !errors.Is(err, repo.ErrRole) {
		t.Errorf("writer: %v", err)
	}
	maintainer := as(format.RoleMaintainer, 21)
	report := run(t, maintainer, all)
	if len(report.Findings) > 0 || !report.Closed || report.PacksRead != uint64(report.Packs) {
		t.Errorf("maintainer: %+v\n%s", report, describe(report))
	}
	name := list(t, store, "p/")[0]
	b := get(t, store, name)
	b[len(b)/2] ^= 1
	put(t, store, name, b)
	if report := run(t, maintainer, all); !report.Damaged() || report.Record == "" || report.Findings[0].Object != name {
		t.Errorf("maintainer: %s", describe(report))
	}
}

func TestReadOnlyDrive(t *testing.T) {
	store := object.NewMem()
	small(t, store)
	remove(t, store, list(t, store, "p/")[0])
	report := run(t, open(t, object.ReadOnly(store)), check.Options{})
	if !report.Damaged() || report.Record != "" || !errors.Is(report.Unrecorded, object.ErrReadOnly) {
		t.Errorf("%v\n%s", report.Unrecorded, describe(report))
	}
}

// TestNothingLeft: the fresh cache goes when the check ends.
func TestNothingLeft(t *testing.T) {
	r, _, _ := small(t, object.NewMem())
	run(t, r, all)
	left, err := filepath.Glob(filepath.Join(r.Cache().Dir(), "fresh-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
