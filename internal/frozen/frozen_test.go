package frozen

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"firn/internal/backup"
	"firn/internal/check"
	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/prune"
	"firn/internal/repo"
	"firn/internal/restore"
	"firn/internal/seal"
	"firn/internal/snapshot"
	"firn/internal/source"
	"firn/internal/tree"
)

// update writes the frozen repository anew. It is for the time before a format
// is released, never after.
var update = flag.Bool("update", false, "write the frozen repository of the current format anew")

const current = "testdata/v1"

// key opens the frozen repositories; it protects nothing.
var key = [32]byte{'f', 'r', 'o', 'z', 'e', 'n'}

// load puts a frozen repository into memory.
func load(t *testing.T, dir string) object.Store {
	t.Helper()
	store := object.NewMem()
	root := filepath.Join(dir, "objects")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		_, err = store.Put(context.Background(), filepath.ToSlash(name), body, object.PutOptions{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// listing describes all snapshots of a repository, line by line: entries with
// their metadata, and the hash of their content.
func listing(t *testing.T, r *repo.Repository) []string {
	t.Helper()
	ctx := context.Background()
	records, err := r.ReadRecords(ctx)
	if err != nil {
		t.Fatal(err)
	}
	set, err := snapshot.List(ctx, r, records)
	if err != nil || len(set.Damage) > 0 {
		t.Fatal(err, set.Damage)
	}
	rd, bad, err := r.NewReader(ctx)
	if err != nil || len(bad) > 0 {
		t.Fatal(err, bad)
	}
	defer func() {
		if err := rd.Close(); err != nil {
			t.Error(err)
		}
	}()
	var lines []string
	for _, s := range set.Snapshots {
		lines = append(lines, fmt.Sprintf("snapshot %s host=%s tags=%v sums=%v", s.ID(), s.Host, s.Tags, s.Sums))
		for item, err := range tree.Walk(ctx, rd, s.Tree(), nil) {
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, describe(t, rd, item))
		}
	}
	return lines
}

func describe(t *testing.T, rd *repo.Reader, item tree.Item) string {
	t.Helper()
	e := item.Entry
	content := restore.NewContent(context.Background(), rd, e)
	defer content.Close()
	h := sha256.New()
	var buf bytes.Buffer
	if e.Type == format.TypeFile || e.Type == format.TypeStream {
		if _, err := buf.ReadFrom(content); err != nil {
			t.Fatal(err)
		}
	}
	h.Write(buf.Bytes())
	return fmt.Sprintf("%q type=%d mode=%o size=%d mtime=%d.%09d target=%q links=%d attributes=%d content=%s",
		item.Key, e.Type, e.Mode, e.Size, e.MTime, e.MTimeNS, e.Target, e.Links, len(e.Attributes), hex.EncodeToString(h.Sum(nil)[:8]))
}

func open(t *testing.T, store object.Store) *repo.Repository {
	t.Helper()
	r, err := repo.Open(context.Background(), store, repo.OpenOptions{Secret: seal.Secret{Key: &key}, Cache: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func TestFrozen(t *testing.T) {
	if *update {
		write(t)
	}
	versions, err := filepath.Glob("testdata/v*")
	if err != nil || len(versions) == 0 {
		t.Fatal("no frozen repository", err)
	}
	for _, dir := range versions {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			want, err := os.ReadFile(filepath.Join(dir, "listing.txt"))
			if err != nil {
				t.Fatal(err)
			}
			r := open(t, load(t, dir))
			if got := strings.Join(listing(t, r), "\n") + "\n"; got != string(want) {
				t.Errorf("the frozen repository reads as\n%swant\n%s", got, want)
			}
			report, err := check.Run(context.Background(), r, check.Options{ReadData: check.ReadData{Percent: 100}, NoRecord: true})
			if err != nil {
				t.Fatal(err)
			}
			if len(report.Findings) > 0 {
				t.Errorf("findings: %v", report.Findings)
			}
		})
	}
}

// write makes the frozen repository: two snapshots of a small tree, one of a
// stream, a forgotten one, a pruned pack.
func write(t *testing.T) {
	t.Helper()
	ctx := context.Background()
	store := object.NewMem()
	r, err := repo.Create(ctx, store, repo.CreateOptions{Cache: t.TempDir(), Slots: []repo.NewSlot{
		{Secret: seal.Secret{Key: &key}, Label: "key"},
		{Secret: seal.Secret{Passphrase: []byte("frozen")}, Label: "passphrase", Cost: seal.Argon2Cost{MemoryKiB: 64, Time: 1, Threads: 1}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	plant(t, dir, 1)
	first := backUp(t, r, dir)
	plant(t, dir, 2)
	backUp(t, r, dir)
	stream, err := source.FromReader("dump.sql", strings.NewReader(strings.Repeat("insert into t values (1);\n", 40_000)))
	if err != nil {
		t.Fatal(err)
	}
	run(t, r, backup.Stream(stream), "dump.sql")
	if err := prune.Forget(ctx, r, []string{first}, "frozen"); err != nil {
		t.Fatal(err)
	}
	if _, err := prune.Run(ctx, r, prune.Options{Grace: -1}); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(current); err != nil {
		t.Fatal(err)
	}
	for info, err := range store.List(ctx, "") {
		if err != nil {
			t.Fatal(err)
		}
		body, _, err := store.Get(ctx, info.Name, info.Size)
		if err != nil {
			t.Fatal(err)
		}
		save(t, filepath.Join(current, "objects", filepath.FromSlash(info.Name)), body)
	}
	lines := listing(t, r)
	save(t, filepath.Join(current, "listing.txt"), []byte(strings.Join(lines, "\n")+"\n"))
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

func save(t *testing.T, path string, body []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, body, 0o644); err != nil {
		t.Fatal(err)
	}
}

// plant writes the tree in its n-th state.
func plant(t *testing.T, dir string, n int) {
	t.Helper()
	big := make([]byte, 600<<10)
	for i := range big {
		big[i] = byte(i * i >> 7)
	}
	copy(big[300<<10:], fmt.Sprintf("state %d", n))
	for name, content := range map[string][]byte{
		"a-b": nil, "a/file": []byte("one"), "a/odd\xffname": []byte("two"), "big": big,
		fmt.Sprintf("only-in-%d", n): fmt.Appendf(nil, "number %d", n),
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o640); err != nil {
			t.Fatal(err)
		}
	}
	if n > 1 {
		return
	}
	if err := os.Symlink("a/file", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(dir, "big"), filepath.Join(dir, "hard")); err != nil {
		t.Fatal(err)
	}
}

func backUp(t *testing.T, r *repo.Repository, dir string) string {
	t.Helper()
	files, err := source.NewFiles([]string{dir}, source.FilesOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := files.Close(); err != nil {
			t.Error(err)
		}
	}()
	return run(t, r, files, "/frozen")
}

func run(t *testing.T, r *repo.Repository, src backup.Source, name string) string {
	t.Helper()
	results, err := backup.Run(context.Background(), []backup.Drive{{Label: "frozen", Repo: r}}, src, backup.Options{
		Host: "glacier", User: "firn", Sources: [][]byte{[]byte(name)}, Tags: []string{"frozen"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return results[0].Snapshot.Session
}

func TestListingNamesEverySnapshot(t *testing.T) {
	body, err := os.ReadFile(filepath.Join(current, "listing.txt"))
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(strings.Lines(string(body)))
	n := 0
	for _, l := range lines {
		if strings.HasPrefix(l, "snapshot ") {
			n++
		}
	}
	if n != 2 {
		t.Errorf("%d snapshots in the frozen listing", n)
	}
}
