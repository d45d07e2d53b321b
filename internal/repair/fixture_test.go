package repair_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
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
	"firn/internal/repair"
	"firn/internal/repo"
	"firn/internal/seal"
	"firn/internal/snapshot"
	"firn/internal/source"
)

// secrets of the roles.
var (
	owner      = seal.Secret{Key: &[32]byte{1}}
	writer     = seal.Secret{Key: &[32]byte{2}}
	maintainer = seal.Secret{Key: &[32]byte{3}}
)

var small = repo.WriterOptions{PackSize: 128 << 10, MetaPackSize: 64 << 10, Compression: repo.CompressOff, DeltaCache: -1}

// world is a repository and what was backed up.
type world struct {
	store object.Store
	files string // folder of the source
}

// newWorld makes a repository with a slot for each role, and backs up as owner and writer.
func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{store: object.NewMem(), files: t.TempDir()}
	r, err := repo.Create(t.Context(), w.store, repo.CreateOptions{Slots: []repo.NewSlot{{Secret: owner}}})
	if err != nil {
		t.Fatal(err)
	}
	for role, secret := range map[format.Role]seal.Secret{format.RoleWriter: writer, format.RoleMaintainer: maintainer} {
		if _, err := r.AddSlot(t.Context(), role, repo.NewSlot{Secret: secret, Label: "test"}); err != nil {
			t.Fatal(err)
		}
	}
	shut(t, r)
	w.write(t, 0, 40)
	w.backUp(t, owner)
	w.write(t, 30, 60)
	w.backUp(t, writer)
	return w
}

// write fills files of the source that follow from their numbers.
func (w *world) write(t testing.TB, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		body := make([]byte, 5000+i)
		_, _ = rand.NewChaCha8([32]byte{byte(i), byte(from)}).Read(body)
		if err := os.WriteFile(filepath.Join(w.files, fmt.Sprintf("%03d", i)), body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// below is a source without the directories on the way to it.
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

// backUp backs the source up with a secret's role.
func (w *world) backUp(t testing.TB, secret seal.Secret) string {
	t.Helper()
	r := open(t, w.store, secret)
	defer shut(t, r)
	id, err := w.tryBackUp(r)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (w *world) tryBackUp(r *repo.Repository) (_ string, err error) {
	src, err := source.NewFiles([]string{w.files}, source.FilesOptions{})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	results, err := backup.Run(context.Background(), []backup.Drive{{Label: "test", Repo: r}}, below{src, w.files}, backup.Options{
		Host: fmt.Sprint(r.Keys().Role()), Sources: [][]byte{[]byte(w.files)}, Writer: small,
	})
	if err != nil {
		return "", err
	}
	return results[0].Snapshot.ID(), nil
}

// open opens a repository with an empty cache.
func open(t testing.TB, store object.Store, secret seal.Secret) *repo.Repository {
	t.Helper()
	r, err := repo.Open(t.Context(), store, repo.OpenOptions{Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func shut(t testing.TB, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// objects returns all objects of a store.
func objects(t testing.TB, store object.Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	for info, err := range store.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		b, _, err := store.Get(t.Context(), info.Name, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		all[info.Name] = string(b)
	}
	return all
}

// storeOf makes a store of objects.
func storeOf(t testing.TB, all map[string]string) object.Store {
	t.Helper()
	store := object.NewMem()
	for name, body := range all {
		put(t, store, name, []byte(body))
	}
	return store
}

func put(t testing.TB, store object.Store, name string, body []byte) {
	t.Helper()
	if _, err := store.Put(t.Context(), name, body, object.PutOptions{}); err != nil {
		t.Fatal(err)
	}
}

func remove(t testing.TB, store object.Store, names ...string) {
	t.Helper()
	if err := store.Delete(t.Context(), names...); err != nil {
		t.Fatal(err)
	}
}

// named returns the objects under a prefix, in order.
func named(t testing.TB, store object.Store, prefix string) []string {
	t.Helper()
	var names []string
	for name := range maps.Keys(objects(t, store)) {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// inspect checks a repository as its owner, all data read.
func inspect(t testing.TB, store object.Store) *check.Report {
	t.Helper()
	r := open(t, store, owner)
	defer shut(t, r)
	report, err := check.Run(t.Context(), r, check.Options{ReadData: check.ReadData{Percent: 100}, NoRecord: true})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// wantClean checks a repository and wants all of its snapshots whole.
func wantClean(t testing.TB, store object.Store, snapshots int) {
	t.Helper()
	report := inspect(t, store)
	for _, f := range report.Findings {
		if f.Harm {
			t.Errorf("%s %s: %s", f.Kind, f.Object, f.Detail)
		}
	}
	if report.Snapshots != snapshots {
		t.Errorf("%d snapshots, want %d", report.Snapshots, snapshots)
	}
}

// mend repairs roots and index.
func mend(t testing.TB, store object.Store, secret seal.Secret) (*repair.RootReport, *repair.IndexReport) {
	t.Helper()
	r := open(t, store, secret)
	defer shut(t, r)
	roots, err := repair.Roots(t.Context(), r, repair.Options{})
	if err != nil {
		t.Fatal(err)
	}
	report, err := repair.Index(t.Context(), r, repair.Options{Writer: small})
	if err != nil {
		t.Fatal(err)
	}
	return roots, report
}

func list(t testing.TB, r *repo.Repository) *snapshot.Set {
	t.Helper()
	records, err := r.ReadRecords(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	set, err := snapshot.List(t.Context(), r, records)
	if err != nil {
		t.Fatal(err)
	}
	return set
}
