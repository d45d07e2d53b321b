package bases

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"firn/internal/delta"
	"firn/internal/format"
	"firn/internal/seal"
)

func newKeys(t testing.TB) *seal.Keyring {
	t.Helper()
	keys, _, err := seal.Create(seal.RootParams{
		Created: time.Unix(1, 0), ChunkMin: 256 << 10, ChunkMean: 1 << 20, ChunkMax: 4 << 20, PageMin: 32, PageMean: 160, PageMax: 512,
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// clock goes on by a second each time it is asked.
type clock struct{ time time.Time }

func newClock() *clock { return &clock{time.Now().Add(-24 * time.Hour)} }

func (c *clock) now() time.Time {
	c.time = c.time.Add(time.Second)
	return c.time
}

// fixture is a folder that caches are opened in.
type fixture struct {
	t      testing.TB
	dir    string
	keys   *seal.Keyring
	budget int64
	now    func() time.Time
	disk   func(string) (space, bool)
}

func newFixture(t testing.TB) *fixture {
	return &fixture{
		t: t, dir: filepath.Join(t.TempDir(), "bases"), keys: newKeys(t), budget: 1 << 40, now: newClock().now,
		disk: func(string) (space, bool) { return space{}, false },
	}
}

func (f *fixture) open() *Cache {
	f.t.Helper()
	return open(f.dir, f.keys, f.budget, f.now, f.disk)
}

// reopen ends the use of a cache and opens it as the next process does.
func (f *fixture) reopen(c *Cache) *Cache {
	f.t.Helper()
	if err := c.Close(); err != nil {
		f.t.Fatal(err)
	}
	return f.open()
}

func (f *fixture) keep(c *Cache, name format.ID, blocks []Kept) {
	f.t.Helper()
	if err := c.Keep(name, blocks); err != nil {
		f.t.Fatal(err)
	}
}

// onDisk is the bytes of all files in the folder.
func (f *fixture) onDisk() (size int64) {
	f.t.Helper()
	for _, name := range f.files() {
		info, err := os.Stat(filepath.Join(f.dir, name))
		if err != nil {
			f.t.Fatal(err)
		}
		size += info.Size()
	}
	return size
}

func (f *fixture) files() (names []string) {
	f.t.Helper()
	entries, err := os.ReadDir(f.dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		f.t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func (f *fixture) path(name format.ID) string { return filepath.Join(f.dir, name.String()) }

func packName(n int) format.ID { return format.ID{byte(n >> 8), byte(n), 7} }

func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.New(rand.NewPCG(seed, seed))
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// block makes a block to be kept of content.
func block(c *Cache, pack, number int, changing bool, content []byte) Kept {
	rank := New
	if changing {
		rank = Later
	}
	at := format.BaseRef{Pack: packName(pack), Offset: uint32(1000 + number), Length: uint32(len(content) + 40)}
	return Kept{
		Block: Block{
			At: at, Chunk: format.ID{9, byte(pack), byte(number)}, Size: len(content), Whole: len(content),
			Sketch: c.Sketch(nil, content),
		},
		Rank:      rank,
		Plaintext: func(dst []byte) ([]byte, error) { return append(dst, content...), nil },
	}
}

// blocks makes n blocks of noise of size bytes, of pack's own.
func blocks(c *Cache, pack, n, size int, changing bool) (all []Kept) {
	for i := range n {
		all = append(all, block(c, pack, i, changing, noise(uint64(pack*1000+i), size)))
	}
	return all
}

func wantPlaintext(t *testing.T, c *Cache, at format.BaseRef, want []byte) {
	t.Helper()
	got, err := c.Plaintext(nil, at)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("plaintext of %v: %d bytes, %v", at, len(got), err)
	}
}

// found is the places of what Find returns.
func found(c *Cache, sketch []delta.Feature) (at []format.BaseRef) {
	for _, b := range c.Find(sketch, 6) {
		at = append(at, b.At)
	}
	return at
}
