package backup_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
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

// server is a machine with a database and a disk image, which change each
// day and are backed up each night by a process of its own.
type server struct {
	t      *testing.T
	store  *object.Metered
	secret seal.Secret
	cache  string // root folder of caches
	writer repo.WriterOptions
	dir    string
	random *rand.Rand
	table  [][]byte // rows
	image  []byte
}

func newServer(t *testing.T) *server {
	s := &server{
		t: t, store: object.Meter(object.NewMem()), secret: seal.Secret{Key: &[32]byte{1}},
		cache: t.TempDir(), dir: t.TempDir(), random: rand.New(rand.NewPCG(1, 12)), image: make([]byte, 6<<20),
	}
	for at := 0; at < len(s.image); at += blockSize {
		s.overwrite(at)
	}
	for id := range 60_000 {
		s.table = append(s.table, s.row(id))
	}
	r, err := repo.Create(t.Context(), s.store, repo.CreateOptions{Slots: []repo.NewSlot{{Secret: s.secret}}, Cache: s.cache})
	if err != nil {
		t.Fatal(err)
	}
	s.close(r)
	return s
}

func (s *server) row(id int) []byte {
	return fmt.Appendf(nil, "%d\tcustomer %d\t%016x\t%d.%02d\tpaid\t%d Oak Street, Springfield\n",
		id, s.random.IntN(9999), s.random.Uint64(), s.random.IntN(9999), s.random.IntN(100), s.random.IntN(999))
}

// blockSize is a block of the image, bytes.
const blockSize = 4096

// overwrite fills a block of the image, as file systems do, up to some byte.
func (s *server) overwrite(at int) {
	end := at + blockSize - s.random.IntN(blockSize/4)
	for i := at; i < end; i++ {
		s.image[i] = byte(s.random.Uint32())
	}
	clear(s.image[end : at+blockSize])
}

// day changes one row in a hundred and three blocks of the image.
func (s *server) day() {
	for range len(s.table) / 100 {
		id := s.random.IntN(len(s.table))
		s.table[id] = s.row(id)
	}
	for range 3 {
		s.overwrite(s.random.IntN(len(s.image)/blockSize) * blockSize)
	}
}

func (s *server) close(r *repo.Repository) {
	s.t.Helper()
	if err := r.Close(); err != nil {
		s.t.Error(err)
	}
}

func (s *server) open(cache string) *repo.Repository {
	s.t.Helper()
	r, err := repo.Open(s.t.Context(), s.store, repo.OpenOptions{Secret: s.secret, Cache: cache})
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// night is a backup and what it is to bring back.
type night struct {
	backup.Result
	files  map[string][sha256.Size]byte
	stored int64 // bytes of data packs
}

// night backs the files up as they are now.
func (s *server) night() night {
	s.t.Helper()
	n := night{files: map[string][sha256.Size]byte{}}
	for name, content := range map[string][]byte{"table.sql": bytes.Join(s.table, nil), "disk.img": s.image} {
		if err := os.WriteFile(filepath.Join(s.dir, name), content, 0o640); err != nil {
			s.t.Fatal(err)
		}
		n.files[name] = sha256.Sum256(content)
	}
	r := s.open(s.cache)
	defer s.close(r)
	before := s.inPacks()
	files, err := source.NewFiles([]string{s.dir}, source.FilesOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	defer files.Close()
	results, err := backup.Run(s.t.Context(), []backup.Drive{{Label: "test", Repo: r}}, files, backup.Options{
		Host: "host", Sources: [][]byte{[]byte(s.dir)}, Writer: s.writer,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	n.Result, n.stored = results[0], s.inPacks()-before
	return n
}

// inPacks is the bytes of all data packs.
func (s *server) inPacks() (bytes int64) {
	s.t.Helper()
	for info, err := range s.store.List(s.t.Context(), "p/") {
		if err != nil {
			s.t.Fatal(err)
		}
		bytes += info.Size
	}
	return bytes
}

// restore brings a night back on another machine, compares it, and returns
// the reads of packs that it took, and the bytes.
func (s *server) restore(n night) (reads, bytes int64) {
	s.t.Helper()
	r := s.open(s.t.TempDir())
	defer s.close(r)
	rd, bad, err := r.NewReader(s.t.Context())
	if err != nil || len(bad) > 0 {
		s.t.Fatal(err, bad)
	}
	defer func() {
		if err := rd.Close(); err != nil {
			s.t.Error(err)
		}
	}()
	to := s.t.TempDir()
	disk, err := target.NewDisk(to, target.DiskOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() {
		if err := disk.Close(); err != nil {
			s.t.Error(err)
		}
	}()
	before := s.store.Counts()
	p := &restore.Progress{OnProblem: func(path string, err error) { s.t.Errorf("%s: %v", path, err) }}
	opts := restore.Options{Progress: p, From: []byte(s.dir[1:])}
	if err := restore.ToDisk(context.Background(), rd, n.Snapshot.Tree(), disk, opts); err != nil {
		s.t.Fatal(err)
	}
	for name, want := range n.files {
		got, err := os.ReadFile(filepath.Join(to, name))
		if err != nil || sha256.Sum256(got) != want {
			s.t.Errorf("%s of snapshot %s: %d bytes of something else, %v", name, n.Snapshot.Short(), len(got), err)
		}
	}
	after := s.store.Counts()
	return after.GetRange + after.Head - before.GetRange - before.Head, after.BytesIn - before.BytesIn
}

// TestTwelveNights: what changes is what is stored, and the last night comes
// back about as easily as the first.
func TestTwelveNights(t *testing.T) {
	s := newServer(t)
	nights := []night{s.night()}
	var later int64
	for range 11 {
		s.day()
		n := s.night()
		nights = append(nights, n)
		later += n.stored
	}
	first := nights[0].stored
	t.Logf("the first night takes %d bytes, the eleven after it %d, %.2f %% each", first, later, 100*float64(later)/11/float64(first))
	// A night brings 55 KB of rows, half of which compresses away, and 11 KB of blocks: about
	// 0.6 % of the first. Since few deltas may stand on one another, some nights bring what others brought.
	if share := float64(later) / 11 / float64(first); share > 0.018 {
		t.Errorf("a night takes %.4f of the first", share)
	}
	var reads, fetched []int64
	for _, n := range nights {
		count, bytes := s.restore(n)
		reads, fetched = append(reads, count), append(fetched, bytes)
	}
	t.Logf("reads to restore each: %v, bytes %v", reads, fetched)
	// It lies in a pack of each night, which deltas and what stands on them are read from.
	if last := reads[len(reads)-1]; last > reads[0]+4*int64(len(nights)) {
		t.Errorf("the last night takes %d reads, the first %d", last, reads[0])
	}
	if last := fetched[len(fetched)-1]; last > fetched[0]*13/10 {
		t.Errorf("the last night takes %d bytes, the first %d", last, fetched[0])
	}
}

// onlyTable makes a server of a table only, of which every chunk changes each day.
func onlyTable(t *testing.T, rows int) *server {
	s := newServer(t)
	s.image = s.image[:blockSize]
	for id := len(s.table); id < rows; id++ {
		s.table = append(s.table, s.row(id))
	}
	return s
}

// TestEmptiedCache: whoever has lost the cache stores what changed whole once more, and deltas from
// then on.
func TestEmptiedCache(t *testing.T) {
	s := onlyTable(t, 60_000)
	first := s.night()
	s.day()
	s.cache = t.TempDir()
	second := s.night()
	s.day()
	third := s.night()
	if second.stored < first.stored*9/10 || third.stored > first.stored/20 {
		t.Errorf("nights take %d, %d and %d bytes", first.stored, second.stored, third.stored)
	}
	s.restore(third)
}

// TestCacheTooSmall: where more changes each night than the cache holds, what it holds goes
// on to serve, and is not washed out by the rest.
func TestCacheTooSmall(t *testing.T) {
	s := onlyTable(t, 200_000)
	s.writer.PackSize = 1 << 20
	first := s.night()
	s.cache = t.TempDir()
	s.writer.DeltaCache = first.stored * 6 / 10
	s.day()
	s.night()
	const nights = 5
	var later int64
	for range nights {
		s.day()
		later += s.night().stored
	}
	if later > nights*first.stored*3/4 {
		t.Errorf("more than half of what changes is cached, and %d nights take %d bytes, the first %d", nights, later, first.stored)
	}
}
