package repair_test

import (
	"maps"
	"slices"
	"testing"

	"firn/internal/format"
	"firn/internal/prune"
	"firn/internal/repair"
	"firn/internal/repo"
	"firn/internal/snapshot"
	"firn/internal/tree"
)

// repairSnapshots writes what is left of all snapshots.
func repairSnapshots(t testing.TB, w *world, words ...string) []repair.SnapshotReport {
	t.Helper()
	r := open(t, w.store, owner)
	defer shut(t, r)
	reports, err := repair.Snapshots(t.Context(), r, words, repair.Options{Writer: small})
	if err != nil {
		t.Fatal(err)
	}
	return reports
}

// keys lists the files of a snapshot.
func keys(t testing.TB, r *repo.Repository, s *snapshot.Snapshot) []string {
	t.Helper()
	rd, _, err := r.NewReader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, rd)
	var all []string
	for item, err := range tree.Walk(t.Context(), rd, s.Tree(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, string(item.Key))
	}
	return all
}

// TestSnapshotsWithoutWhatIsLost loses a data pack, or a page of a tree.
func TestSnapshotsWithoutWhatIsLost(t *testing.T) {
	w := newWorld(t)
	before := named(t, w.store, format.PrefixManifests)
	remove(t, w.store, named(t, w.store, format.PrefixData)[0])
	reports := repairSnapshots(t, w)
	replaced := map[string]string{} // new session → old
	for _, report := range reports {
		if (report.Lost > 0) != (report.Replaced != "") || report.New != (report.Lost > 0) || uint64(len(report.Losses)) != report.Lost {
			t.Errorf("%+v", report)
		}
		if report.New {
			replaced[report.Replaced] = report.Snapshot.Session
		}
	}
	if len(replaced) == 0 {
		t.Fatal("nothing was replaced")
	}
	now := named(t, w.store, format.PrefixManifests)
	for _, name := range before {
		if !slices.Contains(now, name) {
			t.Errorf("%s is gone", name)
		}
	}
	r := open(t, w.store, owner)
	defer shut(t, r)
	set := list(t, r)
	byName := map[string]*snapshot.Snapshot{}
	for _, s := range set.Snapshots {
		byName[s.Session] = s
	}
	for session, oldSession := range replaced {
		s, old := byName[session], byName[oldSession]
		if s.Started != old.Started || s.Finished != old.Finished || s.Host != old.Host || s.ReplicaOf != oldSession || len(s.Problems) == 0 {
			t.Errorf("manifest: %+v", s.Manifest)
		}
		lost := map[string]bool{}
		for _, p := range s.Problems {
			lost[string(p.Path)] = true
		}
		left := slices.DeleteFunc(keys(t, r, old), func(key string) bool { return lost[key] })
		if got := keys(t, r, s); !slices.Equal(got, left) || len(got) == 0 {
			t.Errorf("%d entries are left, want %d", len(got), len(left))
		}
	}
	if err := prune.Forget(t.Context(), r, slices.Collect(maps.Values(replaced)), "test"); err != nil {
		t.Fatal(err)
	}
	wantClean(t, w.store, 2)
}

// TestSnapshotsAgain does nothing the second time, and nothing where nothing is lost.
func TestSnapshotsAgain(t *testing.T) {
	w := newWorld(t)
	whole := objects(t, w.store)
	for _, report := range repairSnapshots(t, w) {
		if report.Lost > 0 || report.Replaced != "" {
			t.Errorf("%+v", report)
		}
	}
	if !maps.Equal(whole, objects(t, w.store)) {
		t.Error("something was written")
	}
	remove(t, w.store, named(t, w.store, format.PrefixData)[0])
	repairSnapshots(t, w)
	once := objects(t, w.store)
	for _, report := range repairSnapshots(t, w) {
		if report.New || report.Lost > 0 && report.Replaced == "" {
			t.Errorf("%+v", report)
		}
	}
	if !maps.Equal(once, objects(t, w.store)) {
		t.Error("something was written again")
	}
}

// TestSnapshotsWithLostPages loses the pages of one snapshot's tree.
func TestSnapshotsWithLostPages(t *testing.T) {
	w := newWorld(t)
	known := objects(t, w.store)
	w.write(t, 20, 30)
	id := w.backUp(t, owner)
	for _, name := range named(t, w.store, format.PrefixMeta) {
		if _, old := known[name]; !old {
			remove(t, w.store, name)
		}
	}
	reports := repairSnapshots(t, w, id)
	if len(reports) != 1 || reports[0].Lost == 0 || !reports[0].New {
		t.Fatalf("%+v", reports)
	}
	r := open(t, w.store, owner)
	defer shut(t, r)
	if err := prune.Forget(t.Context(), r, []string{reports[0].Snapshot.Session}, "test"); err != nil {
		t.Fatal(err)
	}
	wantClean(t, w.store, 3)
}

// TestSnapshotsKeepWhatCanStillBeRead: packs that a record calls damaged but that can be read
// are not relied on: what is in them is stored anew.
func TestSnapshotsKeepWhatCanStillBeRead(t *testing.T) {
	w := newWorld(t)
	packs := named(t, w.store, format.PrefixData)
	doubted, err := format.ParsePackName(packs[0])
	if err != nil {
		t.Fatal(err)
	}
	r := open(t, w.store, owner)
	defer shut(t, r)
	if _, err := r.WriteRecord(t.Context(), &format.Record{Kind: format.RecordDamage, Time: 1, DamagedPacks: []format.PackName{doubted}}); err != nil {
		t.Fatal(err)
	}
	remove(t, w.store, packs[1])
	var old []string
	for _, report := range repairSnapshots(t, w) {
		old = append(old, report.Snapshot.Session) // one that is whole is not of interest
	}
	if err := prune.Forget(t.Context(), r, old, "test"); err != nil {
		t.Fatal(err)
	}
	remove(t, w.store, packs[0])
	if report := inspect(t, w.store); report.Damaged() || report.Snapshots == 0 {
		t.Errorf("%d snapshots, damaged: %t", report.Snapshots, report.Damaged())
	}
}
