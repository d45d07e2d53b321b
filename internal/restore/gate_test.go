package restore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"firn/internal/backup"
	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/restore"
	"firn/internal/snapshot"
	"firn/internal/source"
)

// freezer is a drive on which data packs are frozen. As their gate it thaws one
// at each Wait, in the order given.
type freezer struct {
	object.Store
	onWait func() // called before a pack is thawed; nil: nobody

	mu     sync.Mutex // guards all below
	queue  []format.PackName
	ready  map[format.PackName]bool
	read   map[string]bool // data packs that were read
	wrong  []string        // those read while frozen
	waited int
}

var errNoThaw = errors.New("nothing more is being thawed")

func (f *freezer) Ready(pack format.PackName) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ready[pack]
}

func (f *freezer) Wait(ctx context.Context) error {
	if f.onWait != nil {
		f.onWait()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.waited++
	if len(f.queue) == 0 {
		return errNoThaw
	}
	f.ready[f.queue[0]] = true
	f.queue = f.queue[1:]
	return ctx.Err()
}

// see notes that an object is read.
func (f *freezer) see(name string) error {
	if !strings.HasPrefix(name, format.PrefixData) {
		return nil
	}
	pack, err := format.ParsePackName(name)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.read[name] = true
	if !f.ready[pack] {
		f.wrong = append(f.wrong, name)
		return object.ErrFrozen
	}
	return nil
}

func (f *freezer) Get(ctx context.Context, name string, limit int64) ([]byte, object.Info, error) {
	if err := f.see(name); err != nil {
		return nil, object.Info{}, err
	}
	return f.Store.Get(ctx, name, limit)
}

func (f *freezer) GetRange(ctx context.Context, name string, p []byte, offset int64) error {
	if err := f.see(name); err != nil {
		return err
	}
	return f.Store.GetRange(ctx, name, p, offset)
}

func freeze(store object.Store, queue ...format.PackName) *freezer {
	return &freezer{Store: store, queue: queue, ready: map[format.PackName]bool{}, read: map[string]bool{}}
}

func namesOf(needs []repo.Need) (names []format.PackName) {
	for _, n := range needs {
		names = append(names, n.Pack)
	}
	return names
}

// wantRead sees that what was read is what was needed, and nothing was while frozen.
func (f *freezer) wantRead(t *testing.T, needs []repo.Need) {
	t.Helper()
	if len(f.wrong) > 0 {
		t.Errorf("read while frozen: %v", f.wrong)
	}
	if len(f.read) != len(needs) {
		t.Errorf("%d packs were needed, %d read", len(needs), len(f.read))
	}
	for _, n := range needs {
		if !f.read[n.Pack.Object()] {
			t.Errorf("%s was not needed", n.Pack.Object())
		}
		if n.Bytes == 0 || n.Bytes > n.Size {
			t.Errorf("%s: %d bytes of %d", n.Pack.Object(), n.Bytes, n.Size)
		}
	}
}

// needs returns the packs that a restore of the tree needs.
func (s *stock) needs(opts restore.Options) (needs []repo.Need) {
	s.Helper()
	s.reader(freeze(s.store), func(rd *repo.Reader) {
		var err error
		needs, err = restore.Packs(s.Context(), rd, s.root, opts)
		s.must(err)
	})
	return needs
}

// frozenTree is a tree with files in three packs and one in two of them.
func frozenTree(t *testing.T) *stock {
	both := []any{noise(10, 600<<10), 1 << 16, noise(11, 600<<10)}
	return stow(t,
		map[string]spec{"a/": folder(), "a/one": file(both[0]), "l": link("a/one"), "none": file(1 << 16)},
		map[string]spec{"a/two": file(both[2]), "empty": file()},
		map[string]spec{"a/three": file(noise(12, 2000), noise(13, 3000)), "both": file(both...)})
}

// TestThawed restores from packs that become readable one after the other.
func TestThawed(t *testing.T) {
	s := frozenTree(t)
	needs := s.needs(restore.Options{})
	if len(needs) != 3 {
		t.Fatalf("needs %v", needs)
	}
	order := namesOf(needs)
	for range 6 {
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		f := freeze(s.store, order...)
		dir := t.TempDir()
		f.onWait = func() {
			for key, pack := range map[string]string{
				"a/one": s.packOf(noise(10, 600<<10)), "a/two": s.packOf(noise(11, 600<<10)), "a/three": s.packOf(noise(12, 2000)),
			} {
				name, err := format.ParsePackName(pack)
				s.must(err)
				if _, err := os.Stat(filepath.Join(dir, key)); (err == nil) != f.Ready(name) {
					t.Errorf("%s, whose pack's readiness is %v: %v", key, f.Ready(name), err)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, "none")); err != nil {
				t.Error(err)
			}
		}
		told, p, err := s.toDisk(f, dir, restore.Options{Gate: f})
		if err != nil || len(told) > 0 || p.Waiting.Load() != 0 {
			t.Fatalf("%v, %v, %d wait", err, told, p.Waiting.Load())
		}
		s.compare(dir, s.all()...)
		f.wantRead(t, needs)
		if p.Files.Load() != 6 || f.waited != 3 {
			t.Errorf("%d files, waited %d times", p.Files.Load(), f.waited)
		}
	}
}

// TestThawEnds: when no more packs will be readable, what could be restored is
// there and the reason is told.
func TestThawEnds(t *testing.T) {
	s := frozenTree(t)
	one, err := format.ParsePackName(s.packOf(noise(10, 600<<10)))
	s.must(err)
	f := freeze(s.store, one)
	dir := t.TempDir()
	told, p, err := s.toDisk(f, dir, restore.Options{Gate: f})
	if !errors.Is(err, errNoThaw) || len(told) > 0 || p.Waiting.Load() != 3 {
		t.Errorf("%v, %v, %d wait", err, told, p.Waiting.Load())
	}
	s.compare(dir, "a/", "a/one", "l", "none", "empty")
	if len(f.wrong) > 0 {
		t.Errorf("read while frozen: %v", f.wrong)
	}
	// Run again with all thawed, it goes on.
	for _, n := range s.needs(restore.Options{}) {
		f.ready[n.Pack] = true
	}
	if _, p, err = s.toDisk(f, dir, restore.Options{Gate: f}); err != nil || p.Files.Load() != 3 {
		t.Errorf("again: %v, %d files", err, p.Files.Load())
	}
	s.compare(dir, s.all()...)
}

// TestThawedArchive: an archive waits for each chunk.
func TestThawedArchive(t *testing.T) {
	s := frozenTree(t)
	needs := s.needs(restore.Options{})
	f := freeze(s.store, namesOf(needs)...)
	got := memory{}
	s.reader(f, func(rd *repo.Reader) {
		s.must(restore.ToArchive(t.Context(), rd, s.root, got, restore.Options{Gate: f}))
	})
	for key, spec := range s.specs {
		if spec.entry.Type == format.TypeFile && !bytes.Equal(got[key], spec.content()) {
			t.Errorf("%s has another content", key)
		}
	}
	f.wantRead(t, needs)
}

// TestPacksOfParts names only what the part needs.
func TestPacksOfParts(t *testing.T) {
	s := frozenTree(t)
	for from, chunks := range map[string][][]byte{
		"a/one": {noise(10, 600<<10)}, "both": {noise(10, 600<<10), noise(11, 600<<10)}, "none": nil,
		"a": {noise(10, 600<<10), noise(11, 600<<10), noise(12, 2000)},
	} {
		var want []string
		for _, c := range chunks {
			want = append(want, s.packOf(c))
		}
		slices.Sort(want)
		var got []string
		for _, n := range s.needs(restore.Options{From: []byte(from)}) {
			got = append(got, n.Pack.Object())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v instead of %v", from, got, want)
		}
	}
}

// rows is the text of a table, larger than what is read in one piece.
var rows = sync.OnceValue(func() []byte {
	r := rand.New(rand.NewPCG(7, 7))
	var b bytes.Buffer
	for i := 0; b.Len() < 9<<19; i++ {
		fmt.Fprintf(&b, "%d\tcustomer %d\t%08x\tpaid\tOak Street %d\n", i, r.IntN(9999), r.Uint32(), r.IntN(99))
	}
	return b.Bytes()
})

// nights backs a table up on several nights, each time a little changed, so that
// deltas stand on deltas, and returns the last snapshot and its content.
func nights(t *testing.T, store object.Store, n int) (*repo.Repository, *snapshot.Snapshot, []byte) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	closing := func(c io.Closer) func() { return func() { must(c.Close()) } }
	r, err := repo.Create(t.Context(), store, repo.CreateOptions{Slots: []repo.NewSlot{{Secret: owner}}, Cache: t.TempDir()})
	must(err)
	t.Cleanup(closing(r))
	dir, content := t.TempDir(), rows()
	changes := rand.New(rand.NewPCG(3, 3))
	var last *snapshot.Snapshot
	for night := range n {
		if night > 0 {
			content = bytes.Clone(content)
			for range 8 {
				copy(content[changes.IntN(len(content)-100):], fmt.Sprintf("updated %016x%016x", changes.Uint64(), changes.Uint64()))
			}
		}
		must(os.WriteFile(filepath.Join(dir, "dump"), content, 0o600))
		src, err := source.NewFiles([]string{dir}, source.FilesOptions{})
		must(err)
		results, err := backup.Run(t.Context(), []backup.Drive{{Label: "test", Repo: r}}, src, backup.Options{
			Host: "host", Sources: [][]byte{[]byte(dir)}, Writer: repo.WriterOptions{PackSize: 768 << 10},
		})
		must(err)
		must(src.Close())
		last = results[0].Snapshot
	}
	return r, last, content
}

// TestThawedDeltas: the packs of bases are needed too, and waited for.
func TestThawedDeltas(t *testing.T) {
	store := object.NewMem()
	r, s, content := nights(t, store, 3)
	rd, _, err := r.NewReader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	needs, err := restore.Packs(t.Context(), rd, s.Tree(), restore.Options{})
	if err == nil {
		err = rd.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	st := &stock{T: t, store: store}
	order := namesOf(needs)
	for range 4 {
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		f := freeze(store, order...)
		dir := t.TempDir()
		st.root = s.Tree()
		told, _, err := st.toDisk(f, dir, restore.Options{Gate: f})
		if err != nil || len(told) > 0 {
			t.Fatalf("%v, %v", err, told)
		}
		got, err := os.ReadFile(filepath.Join(dir, string(s.Sources[0]), "dump"))
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("another content, %v", err)
		}
		f.wantRead(t, needs)
	}
}
