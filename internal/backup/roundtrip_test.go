package backup_test

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"firn/internal/backup"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/restore"
	"firn/internal/seal"
	"firn/internal/source"
	"firn/internal/target"
)

// newRepository returns a repository in memory and the key that opens it.
func newRepository(t *testing.T, store object.Store) (*repo.Repository, seal.Secret) {
	t.Helper()
	key := [32]byte{1}
	secret := seal.Secret{Key: &key}
	r, err := repo.Create(context.Background(), store, repo.CreateOptions{Slots: []repo.NewSlot{{Secret: secret}}, Cache: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r, secret
}

func writeTree(t *testing.T, dir string) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	for _, f := range []struct {
		path string
		size int
	}{
		{"a/one", 10}, {"a/two", 300 << 10}, {"a-b", 0}, {"a/b/deep", 5 << 20}, {"big", 20 << 20}, {"z", 1},
	} {
		path := filepath.Join(dir, f.path)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		content := make([]byte, f.size)
		for i := range content {
			content[i] = byte(rng.Uint32())
		}
		if err := os.WriteFile(path, content, 0o640); err != nil {
			t.Fatal(err)
		}
	}
}

func backUp(t *testing.T, r *repo.Repository, dir string) backup.Result {
	t.Helper()
	files, err := source.NewFiles([]string{dir}, source.FilesOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	results, err := backup.Run(context.Background(), []backup.Drive{{Label: "test", Repo: r}}, files, backup.Options{
		Host: "host", Sources: [][]byte{[]byte(dir)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return results[0]
}

func TestRoundTrip(t *testing.T) {
	r, _ := newRepository(t, object.NewMem())
	dir := t.TempDir()
	writeTree(t, dir)
	first := backUp(t, r, dir)
	if first.Snapshot.Stats.FilesNew != 5 {
		t.Errorf("new files: %d", first.Snapshot.Stats.FilesNew)
	}
	second := backUp(t, r, dir)
	// The directories above the source may have changed, the source has not.
	if s := second.Snapshot.Stats; s.BytesRead != 0 || s.FilesUnmodified != 5 || s.BytesAdded > 16<<10 {
		t.Errorf("unchanged backup: %+v", second.Snapshot.Stats)
	}
	rd, bad, err := r.NewReader(context.Background())
	if err != nil || len(bad) > 0 {
		t.Fatal(err, bad)
	}
	defer rd.Close()
	to := t.TempDir()
	disk, err := target.NewDisk(to, target.DiskOptions{Owner: true, Xattrs: true})
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	p := new(restore.Progress)
	p.OnProblem = func(path string, err error) { t.Errorf("%s: %v", path, err) }
	if err := restore.ToDisk(context.Background(), rd, second.Snapshot.Tree(), disk, restore.Options{Progress: p, From: []byte(dir[1:])}); err != nil {
		t.Fatal(err)
	}
	compareTrees(t, dir, to)
}

func compareTrees(t *testing.T, want, got string) {
	t.Helper()
	err := filepath.WalkDir(want, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(want, path)
		a, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(filepath.Join(got, rel))
		if err != nil {
			return err
		}
		if string(a) != string(b) {
			t.Errorf("%s differs", rel)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
