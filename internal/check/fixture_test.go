package check_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"firn/internal/backup"
	"firn/internal/check"
	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/seal"
	"firn/internal/snapshot"
	"firn/internal/source"
	"firn/internal/tree"
)

var secret = seal.Secret{Key: &[32]byte{7}}

// create makes a repository on a store.
func create(t testing.TB, store object.Store) *repo.Repository {
	t.Helper()
	r, err := repo.Create(context.Background(), store, repo.CreateOptions{
		Slots: []repo.NewSlot{{Secret: secret, Label: "test"}}, Cache: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeAll(t, r) })
	return r
}

// open opens the repository of a store with an empty cache.
func open(t testing.TB, store object.Store) *repo.Repository {
	t.Helper()
	r, err := repo.Open(context.Background(), store, repo.OpenOptions{Secret: secret, Cache: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeAll(t, r) })
	return r
}

func closeAll(t testing.TB, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// files is the content of a source by path.
type files map[string][]byte

func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	rng := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	_, _ = rng.Read(b)
	return b
}

// someFiles gives a tree of several pages and content of several packs.
func someFiles() files {
	f := files{}
	for i := range 600 {
		f[fmt.Sprintf("small/%d/%03d", i%7, i)] = noise(uint64(i), 100+i%200)
	}
	for i := range 4 {
		f[fmt.Sprintf("mid/%d", i)] = noise(uint64(1000+i), 120<<10)
	}
	for i := range 3 { // each fills a pack by itself
		f[fmt.Sprintf("own/%d", i)] = noise(uint64(2000+i), 600<<10)
	}
	return f
}

func (f files) write(t testing.TB, dir string) {
	t.Helper()
	for name, content := range f {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o640); err != nil {
			t.Fatal(err)
		}
	}
}

// writeSparse writes a file whose content list has too many pieces for its entry.
func writeSparse(t testing.TB, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(t, f)
	for i := range int64(40) {
		if _, err := f.WriteAt(noise(uint64(3000+i), 4<<10), i*(128<<10)); err != nil {
			t.Fatal(err)
		}
	}
}

// below is a source without the directories on the way to it, which other
// tests change.
type below struct {
	*source.Files
	dir string
}

func (b below) Walk(ctx context.Context) iter.Seq2[*source.Item, error] {
	return func(yield func(*source.Item, error) bool) {
		for item, err := range b.Files.Walk(ctx) {
			if err == nil && !strings.HasPrefix("/"+string(item.Key), b.dir+"/") {
				continue
			}
			if !yield(item, err) {
				return
			}
		}
	}
}

func backUp(t testing.TB, r *repo.Repository, dir string, force bool) *snapshot.Snapshot {
	t.Helper()
	src, err := source.NewFiles([]string{dir}, source.FilesOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(t, src)
	results, err := backup.Run(context.Background(), []backup.Drive{{Label: "test", Repo: r}}, below{src, dir}, backup.Options{
		Host: "host", Sources: [][]byte{[]byte(dir)}, Force: force,
		Writer: repo.WriterOptions{PackSize: 768 << 10, Compression: repo.CompressFastest},
	})
	if err != nil {
		t.Fatal(err)
	}
	return results[0].Snapshot
}

// clone copies a store.
func clone(t testing.TB, from object.Store) *object.Mem {
	t.Helper()
	ctx := context.Background()
	to := object.NewMem()
	for _, name := range list(t, from, "") {
		put(t, to, name, get(t, from, name))
	}
	if _, err := to.Head(ctx, format.RootName(1)); err != nil {
		t.Fatal(err)
	}
	return to
}

func list(t testing.TB, store object.Store, prefix string) []string {
	t.Helper()
	var names []string
	for info, err := range store.List(context.Background(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, info.Name)
	}
	slices.Sort(names)
	return names
}

func get(t testing.TB, store object.Store, name string) []byte {
	t.Helper()
	b, _, err := store.Get(context.Background(), name, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func put(t testing.TB, store object.Store, name string, body []byte) {
	t.Helper()
	if _, err := store.Put(context.Background(), name, body, object.PutOptions{}); err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, store object.Store, name string) {
	t.Helper()
	if err := store.Delete(context.Background(), name); err != nil {
		t.Fatal(err)
	}
}

// forgetAndDrop writes a settled prune record.
func forgetAndDrop(t testing.TB, r *repo.Repository, sessions []string, packs []format.PackName) {
	t.Helper()
	ctx := context.Background()
	s, err := r.Begin(ctx, repo.SessionOptions{Host: "host", Command: "prune"})
	if err != nil {
		t.Fatal(err)
	}
	name, err := r.WriteRecord(ctx, &format.Record{
		Kind: format.RecordPrune, Time: 1, Forgotten: sessions, CondemnedPacks: packs, Session: s.Name(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Settle(ctx, &format.Decision{Time: 2, DroppedPacks: packs, Record: name}); err != nil {
		t.Fatal(err)
	}
	if err := s.Abandon(ctx, "test"); err != nil {
		t.Fatal(err)
	}
}

var all = check.Options{ReadData: check.ReadData{Percent: 100}}

func run(t testing.TB, r *repo.Repository, opts check.Options) *check.Report {
	t.Helper()
	report, err := check.Run(context.Background(), r, opts)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func describe(report *check.Report) string {
	var b strings.Builder
	for _, f := range report.Findings {
		fmt.Fprintf(&b, "%s %s harm=%v recorded=%v chunks=%d unreadable=%d snapshots=%d paths=%d: %s\n",
			f.Kind, f.Object, f.Harm, f.Recorded, f.Chunks, f.Unreadable, f.SnapshotCount, f.PathCount, f.Detail)
	}
	return b.String()
}

func wantClean(t testing.TB, report *check.Report) {
	t.Helper()
	if report.Damaged() {
		t.Fatalf("damage where there is none:\n%s", describe(report))
	}
}

// suffers reports whether a report says that an entry of a snapshot suffers, or
// names too many to tell.
func suffers(report *check.Report, id string, key []byte) bool {
	for _, f := range report.Findings {
		if !slices.Contains(f.Snapshots, id) {
			continue
		}
		if strings.HasPrefix(f.Object, "m/") || f.PathCount > uint64(len(f.Paths)) {
			return true
		}
		for _, p := range f.Paths {
			if bytes.Equal(p.Key, key) ||
				p.Range && bytes.Compare(key, p.Key) >= 0 && (p.End == nil || bytes.Compare(key, p.End) < 0) {
				return true
			}
		}
	}
	return false
}

// compareAll reads every file of every snapshot. What cannot be read must be
// named in the report, if there is one; what can be read must be right.
func compareAll(t testing.TB, r *repo.Repository, report *check.Report, want func(id, path string) []byte) {
	t.Helper()
	ctx := context.Background()
	records, err := r.InspectRecords(ctx, func(string, error) {})
	if err != nil {
		t.Fatal(err)
	}
	set, err := snapshot.List(ctx, r, records)
	if err != nil {
		t.Fatal(err)
	}
	rd, _, err := r.ReaderWith(ctx, records)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(t, rd)
	for _, s := range set.Snapshots {
		compareSnapshot(t, rd, s, report, want)
	}
}

func compareSnapshot(t testing.TB, rd *repo.Reader, s *snapshot.Snapshot, report *check.Report, want func(id, path string) []byte) {
	t.Helper()
	ctx := context.Background()
	count := 0
	for item, err := range tree.Walk(ctx, rd, s.Tree(), nil) {
		if err != nil {
			if report == nil || !report.Damaged() {
				t.Errorf("snapshot %s cannot be walked and nothing was found: %v", s.Short(), err)
			}
			return
		}
		if item.Entry.Type != format.TypeFile {
			continue
		}
		count++
		content, err := readFile(ctx, rd, item.Entry)
		if err != nil {
			if report == nil || !suffers(report, s.ID(), item.Key) {
				t.Errorf("%s of %s cannot be read and was not named: %v", item.Key, s.Short(), err)
			}
			continue
		}
		if expected := want(s.ID(), "/"+string(item.Key)); expected != nil && !bytes.Equal(content, expected) {
			t.Errorf("%s of %s has wrong bytes", item.Key, s.Short())
		}
	}
	if count == 0 {
		t.Errorf("snapshot %s has no files", s.Short())
	}
}

func readFile(ctx context.Context, rd *repo.Reader, e *format.Entry) ([]byte, error) {
	var content []byte
	for p, err := range tree.Content(ctx, rd, e) {
		if err != nil {
			return nil, err
		}
		if p.Hole {
			content = append(content, make([]byte, p.Length)...)
			continue
		}
		chunk, err := rd.Chunk(ctx, format.KindData, p.ID, uint32(p.Length))
		if err != nil {
			return nil, err
		}
		content = append(content, chunk...)
	}
	if uint64(len(content)) != e.Size {
		return nil, errors.New("content has another size")
	}
	return content, nil
}
