package cost_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firn/internal/backup"
	"firn/internal/cost"
	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/object/objecttest"
	"firn/internal/price"
	"firn/internal/repo"
	"firn/internal/seal"
	"firn/internal/snapshot"
	"firn/internal/source"
	"firn/internal/storageconfig"
)

var owner = seal.Secret{Key: &[32]byte{1}}

// place is a repository on a drive with archive classes.
type place struct {
	t     *testing.T
	cold  *objecttest.Cold
	clock *objecttest.Clock
	repo  *repo.Repository
	home  string // what is backed up

	deltas int64 // bytes of the cache of bases
}

// newPlace makes a repository.
func newPlace(t *testing.T) *place {
	t.Helper()
	clock := objecttest.NewClock(time.Now())
	cold := objecttest.NewCold(object.NewMem(), clock)
	r, err := repo.Create(t.Context(), cold, repo.CreateOptions{Slots: []repo.NewSlot{{Secret: owner}}, Cache: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	p := &place{t: t, cold: cold, clock: clock, repo: r, home: filepath.Join(t.TempDir(), "home"), deltas: -1}
	t.Cleanup(func() { p.must(p.repo.Close()) })
	return p
}

func (p *place) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// write makes a file that does not compress, or one of lines.
func (p *place) write(name string, bytes int, seed byte) {
	p.t.Helper()
	body := make([]byte, bytes)
	random := rand.NewChaCha8([32]byte{seed})
	_, _ = random.Read(body) // never fails
	if strings.HasSuffix(name, ".sql") {
		for at := 0; at+64 <= len(body); at += 64 {
			copy(body[at:], fmt.Sprintf("insert into t values (%d, '%032x');", at, random.Uint64()))
			body[at+63] = '\n'
		}
	}
	path := filepath.Join(p.home, name)
	p.must(os.MkdirAll(filepath.Dir(path), 0o700))
	p.must(os.WriteFile(path, body, 0o600))
}

// backup backs up what was written and returns the snapshot.
func (p *place) backup() *snapshot.Snapshot {
	p.t.Helper()
	files, err := source.NewFiles([]string{p.home}, source.FilesOptions{})
	p.must(err)
	results, err := backup.Run(p.t.Context(), []backup.Drive{{Label: "test", Repo: p.repo}}, files, backup.Options{
		Host: "host", Sources: [][]byte{[]byte(p.home)}, Writer: repo.WriterOptions{PackSize: 4 << 20, DeltaCache: p.deltas},
	})
	p.must(err)
	p.must(files.Close())
	p.must(results[0].Err)
	return results[0].Snapshot
}

// terms are those of AWS in Virginia.
func (p *place) terms() cost.Terms {
	p.t.Helper()
	table, err := price.Load("")
	p.must(err)
	return cost.Terms{Sheet: table.Sheet("aws", "us-east-1"), Archive: storageconfig.Archive, Now: time.Now()}
}

func (p *place) inventory() *cost.Inventory {
	p.t.Helper()
	inv, err := cost.Take(p.t.Context(), p.cold)
	p.must(err)
	return inv
}

// objects lists the drive: the number of objects and their bytes, data packs apart.
func (p *place) objects(data bool) (n, bytes int64) {
	p.t.Helper()
	for info, err := range p.cold.List(p.t.Context(), "") {
		p.must(err)
		name, err := format.ParsePackName(info.Name)
		if (err == nil && name.Kind == format.KindData) == data {
			n++
			bytes += info.Size
		}
	}
	return n, bytes
}

// count counts the objects under a prefix.
func (p *place) count(prefix string) (n int) {
	p.t.Helper()
	for _, err := range p.cold.List(p.t.Context(), prefix) {
		p.must(err)
		n++
	}
	return n
}

// line finds the one item of a kind and class.
func line(t *testing.T, e *cost.Estimate, kind cost.Kind, class, what string) cost.Item {
	t.Helper()
	for _, i := range e.Items {
		if i.Kind == kind && i.Class == class && (what == "" || i.What == what) {
			return i
		}
	}
	t.Errorf("there is no %s of %s, %s in %+v", kind, class, what, e.Items)
	return cost.Item{}
}

// near compares amounts of money.
func near(t *testing.T, what string, got, byHand float64) {
	t.Helper()
	if math.Abs(got-byHand) > 1e-9+1e-6*math.Abs(byHand) {
		t.Errorf("%s: %.12f, by hand %.12f", what, got, byHand)
	}
}
