package check_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"firn/internal/check"
	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/prune"
	"firn/internal/repo"
	"firn/internal/snapshot"
	"firn/internal/tree"
)

// rows is the text of a table, larger than what is read in one piece.
var rows = sync.OnceValue(func() []byte {
	r := rand.New(rand.NewPCG(7, 7))
	var b bytes.Buffer
	for i := 0; b.Len() < 9<<19; i++ {
		fmt.Fprintf(&b, "%d\tcustomer %d\t%08x\tpaid\tOak Street %d\n", i, r.IntN(9999), r.Uint32(), r.IntN(99))
	}
	return b.Bytes()
})

// updated is content with a few stretches changed.
func updated(content []byte, seed uint64) []byte {
	r := rand.New(rand.NewPCG(seed, 3))
	b := bytes.Clone(content)
	for range 8 {
		copy(b[r.IntN(len(b)-100):], fmt.Sprintf("updated %016x%016x", r.Uint64(), r.Uint64()))
	}
	return b
}

// resembling gives a source of three files, each much like the one before and
// backed up in a night of its own, so that deltas stand on deltas.
func resembling(t testing.TB, store object.Store) (*repo.Repository, string, func(id, path string) []byte) {
	t.Helper()
	r := create(t, store)
	dir := t.TempDir()
	files{"small": noise(1, 1000)}.write(t, dir)
	content := rows()
	for i, name := range []string{"a", "b", "c"} {
		files{name: content}.write(t, dir)
		backUp(t, r, dir, false)
		content = updated(content, uint64(i))
	}
	return r, dir, func(_, path string) []byte {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

// standing is a data pack with what it holds and what stands on it.
type standing struct {
	footer *format.Footer
	info   *format.PackInfo
	above  []format.PackName // packs with deltas on it, over others too
	direct []uint32          // offsets of blocks that deltas stand on
}

// packsOf returns the data packs that are on the drive and in the index.
func packsOf(t testing.TB, r *repo.Repository) map[format.PackName]*standing {
	t.Helper()
	ctx := context.Background()
	rd, _, err := r.NewReader(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(t, rd)
	all := map[format.PackName]*standing{}
	for info := range rd.View().Packs() {
		if info.Name.Kind != format.KindData {
			continue
		}
		if _, err := r.Store().Head(ctx, info.Name.Object()); err != nil {
			continue
		}
		footer, err := r.ReadFooter(ctx, info.Name, int64(info.Size))
		if err != nil {
			t.Fatal(err)
		}
		all[info.Name] = &standing{footer: footer, info: info}
	}
	for name, p := range all {
		for _, hash := range p.info.BasePacks {
			if base := all[format.PackName{Kind: name.Kind, Hash: hash}]; base != nil {
				base.above = append(base.above, name)
			}
		}
		for i := range p.footer.Blocks {
			for _, ref := range p.footer.Blocks[i].Bases {
				base := all[format.PackName{Kind: name.Kind, Hash: ref.Pack}]
				if base == nil {
					t.Fatalf("%s stands on %x, which is not there", name.Object(), ref.Pack[:4])
				}
				base.direct = append(base.direct, ref.Offset)
			}
		}
	}
	return all
}

// deepBase chooses a pack that deltas stand on, over other deltas too where there is one.
func deepBase(t testing.TB, packs map[format.PackName]*standing) format.PackName {
	t.Helper()
	var chosen format.PackName
	for _, name := range slices.SortedFunc(maps.Keys(packs), func(a, b format.PackName) int { return bytes.Compare(a.Hash[:], b.Hash[:]) }) {
		if p := packs[name]; len(p.direct) > 0 && (chosen == format.PackName{} || len(p.above) > len(packs[chosen].above)) {
			chosen = name
		}
	}
	if chosen == (format.PackName{}) || len(packs[chosen].above) < 2 {
		t.Fatal("there are no deltas on deltas")
	}
	return chosen
}

func TestDeltasCheckClean(t *testing.T) {
	store := object.NewMem()
	r, dir, want := resembling(t, store)
	packs := packsOf(t, r)
	deepBase(t, packs)
	for _, opts := range []check.Options{{}, all} {
		if report := run(t, r, opts); len(report.Findings) > 0 {
			t.Errorf("findings:\n%s", describe(report))
		}
	}
	compareAll(t, open(t, store), nil, want)
	if s := backUp(t, r, dir, false); s.Stats.BytesRead > 0 {
		t.Errorf("an unchanged source is read: %+v", s.Stats)
	}
}

// damages are the ways to damage a base's pack.
var damages = []struct {
	name string
	do   func(t testing.TB, store object.Store, name string, p *standing)
}{
	{"missing", func(t testing.TB, store object.Store, name string, _ *standing) { remove(t, store, name) }},
	{"truncated", func(t testing.TB, store object.Store, name string, _ *standing) {
		b := get(t, store, name)
		put(t, store, name, b[:len(b)/3])
	}},
	{"flip in a base", func(t testing.TB, store object.Store, name string, p *standing) {
		b := get(t, store, name)
		b[p.direct[0]+500] ^= 1
		put(t, store, name, b)
	}},
}

// TestDamagedBase: check names the pack, and all that hangs on it through
// deltas; the next backup heals all of it.
func TestDamagedBase(t *testing.T) {
	for _, c := range damages {
		t.Run(c.name, func(t *testing.T) {
			store := object.NewMem()
			r, dir, want := resembling(t, store)
			packs := packsOf(t, r)
			base := deepBase(t, packs)
			c.do(t, store, base.Object(), packs[base])
			report := run(t, r, all)
			if !report.Damaged() || report.Record == "" {
				t.Fatalf("not found or not recorded:\n%s", describe(report))
			}
			compareAll(t, open(t, store), report, want)
			wantAllNamed(t, r, report, base)
			wantAllRecorded(t, r, base, packs)
			if structure := run(t, open(t, store), check.Options{}); !structure.Damaged() {
				t.Errorf("without reading it is forgotten:\n%s", describe(structure))
			}
			backUp(t, r, dir, false)
			healed := run(t, r, all)
			wantClean(t, healed)
			if !slices.ContainsFunc(healed.Findings, func(f *check.Finding) bool { return f.Healed() && f.Object == base.Object() }) {
				t.Errorf("nobody says that the base is healed:\n%s", describe(healed))
			}
			pruned(t, r)
			pruned(t, r)
			compareAll(t, open(t, store), nil, want)
		})
	}
}

// wantAllNamed compares the paths named with those that cannot be read.
func wantAllNamed(t *testing.T, r *repo.Repository, report *check.Report, base format.PackName) {
	t.Helper()
	named := map[string]bool{}
	if !slices.ContainsFunc(report.Findings, func(f *check.Finding) bool { return f.Object == base.Object() && f.SnapshotCount > 0 }) {
		t.Errorf("the base's pack is not named:\n%s", describe(report))
	}
	for _, f := range report.Findings {
		if f.Object != base.Object() {
			t.Errorf("%s is blamed too:\n%s", f.Object, describe(report))
		}
		if f.Chunks < f.Unreadable || f.Chunks == 0 {
			t.Errorf("it counts wrongly:\n%s", describe(report))
		}
		for _, p := range f.Paths {
			named[string(p.Key)] = true
		}
	}
	broken := map[string]bool{}
	for key := range unreadable(t, r) {
		broken[key] = true
	}
	if !maps.Equal(named, broken) || len(broken) < 2 {
		t.Errorf("named are %v, unreadable %v", named, broken)
	}
}

// unreadable returns the paths of the newest snapshot that cannot be read.
func unreadable(t *testing.T, r *repo.Repository) map[string]error {
	t.Helper()
	ctx := context.Background()
	rd, _, err := r.NewReader(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(t, rd)
	broken := map[string]error{}
	for item, err := range tree.Walk(ctx, rd, newest(t, r).Tree(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		if item.Entry.Type == format.TypeFile {
			if _, err := readFile(ctx, rd, item.Entry); err != nil {
				broken[string(item.Key)] = err
			}
		}
	}
	return broken
}

// newest returns the newest snapshot.
func newest(t *testing.T, r *repo.Repository) *snapshot.Snapshot {
	t.Helper()
	ctx := context.Background()
	records, err := r.ReadRecords(ctx)
	if err != nil {
		t.Fatal(err)
	}
	set, err := snapshot.List(ctx, r, records)
	if err != nil {
		t.Fatal(err)
	}
	return set.Snapshots[len(set.Snapshots)-1]
}

// wantAllRecorded: the record names the pack, and every chunk in it and in the
// packs above it.
func wantAllRecorded(t *testing.T, r *repo.Repository, base format.PackName, packs map[format.PackName]*standing) {
	t.Helper()
	records, err := r.ReadRecords(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if got := records.DamagedPacks(); !got[base] || len(got) != 1 {
		t.Errorf("recorded packs: %v", got)
	}
	chunks := records.DamagedChunks()
	for _, name := range append(packs[base].above, base) {
		for i := range packs[name].footer.Blocks {
			for _, id := range packs[name].footer.Blocks[i].IDs {
				if !chunks[id] {
					t.Errorf("chunk %x of %s is not recorded", id[:4], name.Object())
				}
			}
		}
	}
}

// pruned prunes without grace and to the last byte, and checks.
func pruned(t *testing.T, r *repo.Repository) *prune.Report {
	t.Helper()
	report, err := prune.Run(context.Background(), r, prune.Options{
		Grace: -1, MaxUnused: 1e-6, Writer: repo.WriterOptions{PackSize: 768 << 10, Compression: repo.CompressFastest},
	})
	if err != nil {
		t.Fatal(err)
	}
	wantClean(t, run(t, r, all))
	return report
}

func forget(t *testing.T, r *repo.Repository, sessions ...string) {
	t.Helper()
	if err := prune.Forget(context.Background(), r, sessions, "test"); err != nil {
		t.Fatal(err)
	}
}

// TestPruneWithDeltas: bases stay, whole and where they are, as long as something
// stands on them, and then they go.
func TestPruneWithDeltas(t *testing.T) {
	var day atomic.Int64
	store := object.NewMemClock(func() time.Time { return time.Now().Add(time.Duration(day.Load()) * 25 * time.Hour) })
	r, dir := create(t, store), t.TempDir()
	states := map[string][]byte{} // by snapshot
	want := func(id, path string) []byte {
		if strings.HasSuffix(path, "/database") {
			return states[id]
		}
		return nil
	}
	var sessions []string
	content := rows()
	for night := range 4 {
		files{"database": content, fmt.Sprint("new", night): noise(uint64(night), 5000)}.write(t, dir)
		s := backUp(t, r, dir, false)
		states[s.ID()], sessions = content, append(sessions, s.Session)
		content = updated(content, uint64(night))
	}
	before := packsOf(t, r)
	deepBase(t, before)
	for _, gone := range [][]string{sessions[:1], sessions[1:3]} {
		forget(t, r, gone...)
		for range 3 {
			pruned(t, r)
			for name, p := range packsOf(t, r) {
				if old := before[name]; old != nil && len(p.direct) > 0 && len(p.footer.Blocks) != len(old.footer.Blocks) {
					t.Errorf("%s has lost blocks", name.Object())
				}
			}
			compareAll(t, open(t, store), nil, want)
		}
	}
	if left := packsOf(t, r); !slices.ContainsFunc(slices.Collect(maps.Values(left)), func(p *standing) bool { return len(p.direct) > 0 }) {
		t.Error("no base is left, though the last night stands on the first")
	}
	for i := range content {
		content[i] ^= 0x15 // nothing resembles it
	}
	if err := os.WriteFile(filepath.Join(dir, "database"), content, 0o640); err != nil {
		t.Fatal(err)
	}
	s := backUp(t, r, dir, false)
	states[s.ID()] = content
	forget(t, r, sessions[3])
	for range 2 * len(sessions) { // one day frees what the days before left standing alone
		day.Add(1)
		pruned(t, r)
	}
	compareAll(t, open(t, store), nil, want)
	for name, p := range packsOf(t, r) {
		if before[name] != nil && (len(p.direct) > 0 || len(p.info.BasePacks) > 0) {
			t.Errorf("%s is left, though nothing stands on it", name.Object())
		}
	}
}
