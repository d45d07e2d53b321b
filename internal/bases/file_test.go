package bases

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"firn/internal/format"
	"firn/internal/seal"
)

// rewrite changes a file.
func rewrite(t testing.TB, path string, change func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestUselessFilesGo damages a file in each way: the next process drops it, or
// what it reads of it is right.
func TestUselessFilesGo(t *testing.T) {
	for _, c := range []struct {
		name   string
		loads  bool
		change func(b []byte) []byte
	}{
		{"empty", false, func([]byte) []byte { return nil }},
		{"three bytes", false, func(b []byte) []byte { return b[:3] }},
		{"cut by one", false, func(b []byte) []byte { return b[:len(b)-1] }},
		{"cut in half", false, func(b []byte) []byte { return b[:len(b)/2] }},
		{"zeros at the end", false, func(b []byte) []byte { return append(b, make([]byte, 100)...) }},
		{"a long table", false, func(b []byte) []byte { return binary.LittleEndian.AppendUint32(b[:len(b)-4], 1<<31) }},
		{"a table longer than the file", false, func(b []byte) []byte { return binary.LittleEndian.AppendUint32(b[:len(b)-4], uint32(len(b))) }},
		{"flip in the table", false, func(b []byte) []byte { b[len(b)-50] ^= 1; return b }},
		{"first bytes gone", false, func(b []byte) []byte { return b[10:] }},
		{"flip in the first block", true, func(b []byte) []byte { b[1000] ^= 1; return b }},
		{"flip in the salt", true, func(b []byte) []byte { b[0] ^= 1; return b }},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			cache := f.open()
			kept := blocks(cache, 1, 3, 20<<10, true)
			f.keep(cache, packName(1), kept)
			f.keep(cache, packName(2), blocks(cache, 2, 1, 20<<10, true))
			rewrite(t, f.path(packName(1)), c.change)
			cache = f.reopen(cache)
			if got := cached(cache, 2); slices.Contains(got, 1) != c.loads || !slices.Contains(got, 2) {
				t.Fatalf("cached are %v", got)
			}
			if b, err := cache.Plaintext(nil, kept[0].At); !errors.Is(err, ErrUnknown) || b != nil {
				t.Errorf("%d bytes, %v", len(b), err)
			}
			if got := f.files(); !slices.Equal(got, []string{packName(2).String()}) {
				t.Errorf("files: %v", got)
			}
		})
	}
}

// TestForeignFilesGo: those of another name, of another repository, and folders are not taken for bases.
func TestForeignFilesGo(t *testing.T) {
	f := newFixture(t)
	c := f.open()
	kept := blocks(c, 1, 1, 20<<10, true)
	f.keep(c, packName(1), kept)
	whole, err := os.ReadFile(f.path(packName(1)))
	if err != nil {
		t.Fatal(err)
	}
	other := newFixture(t)
	theirs := other.open()
	other.keep(theirs, packName(3), blocks(theirs, 3, 1, 20<<10, true))
	foreign, err := os.ReadFile(other.path(packName(3)))
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{
		packName(2).String(): whole, // another pack's file under this name
		packName(3).String(): foreign,
		"README":             []byte("what is this?"),
		"new":                whole,
	} {
		if err := os.WriteFile(filepath.Join(f.dir, name), body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(f.path(packName(4)), 0o700); err != nil {
		t.Fatal(err)
	}
	c = f.reopen(c)
	if got := cached(c, 9); !slices.Equal(got, []int{1}) {
		t.Errorf("cached are %v", got)
	}
	if got := f.files(); !slices.Equal(got, []string{packName(1).String()}) {
		t.Errorf("files: %v", got)
	}
	wantPlaintext(t, c, kept[0].At, noise(1000, 20<<10))
}

// TestTemporaryFiles: one that another process may be writing stays, one that
// nobody has written to for long goes.
func TestTemporaryFiles(t *testing.T) {
	f := newFixture(t)
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, age := range map[string]time.Duration{"new-1": 0, "new-2": 30 * time.Minute, "new-3": 2 * time.Hour} {
		path := filepath.Join(f.dir, name)
		if err := os.WriteFile(path, []byte("half a block"), 0o600); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-age)
		if err := os.Chtimes(path, then, then); err != nil {
			t.Fatal(err)
		}
	}
	if c := f.open(); !c.Empty() {
		t.Error("a temporary file was taken for bases")
	}
	if got := f.files(); !slices.Equal(got, []string{"new-1", "new-2"}) {
		t.Errorf("files: %v", got)
	}
}

// TestTwoProcesses: one opens the folder while the other writes; both go on.
func TestTwoProcesses(t *testing.T) {
	f := newFixture(t)
	first := f.open()
	kept := blocks(first, 1, 2, 20<<10, true)
	plaintext := kept[1].Plaintext
	var second *Cache
	kept[1].Plaintext = func(dst []byte) ([]byte, error) {
		second = f.open() // half of the file is written
		f.keep(second, packName(2), blocks(second, 2, 1, 20<<10, true))
		return plaintext(dst)
	}
	f.keep(first, packName(1), kept)
	if got := cached(first, 2); !slices.Equal(got, []int{1}) {
		t.Errorf("the first has %v", got)
	}
	wantPlaintext(t, first, kept[1].At, noise(1001, 20<<10))
	second.Drop(packName(2))
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	if got := cached(f.reopen(first), 2); !slices.Equal(got, []int{1}) {
		t.Errorf("the next has %v", got)
	}
}

// TestManyBlocks: of a pack with more blocks than a table holds the first are kept, and found again.
func TestManyBlocks(t *testing.T) {
	f := newFixture(t)
	c := f.open()
	sketch := c.Sketch(nil, noise(1, 8<<20))
	var kept []Kept
	for i := range 4000 {
		b := block(c, 1, i, true, []byte("a small delta"))
		b.Sketch = sketch
		kept = append(kept, b)
	}
	f.keep(c, packName(1), kept)
	n := len(c.packs[packName(1)].blocks)
	c = f.reopen(c)
	if got := c.packs[packName(1)]; got == nil || len(got.blocks) != n || n < 1000 || n == len(kept) {
		t.Errorf("%d of %d were kept", n, len(kept))
	}
}

// FuzzLoad reads files of any bytes, and tables of any text that are sealed well.
func FuzzLoad(f *testing.F) {
	keys := newKeys(f)
	name := packName(1)
	dir := f.TempDir()
	c := Open(dir, keys, 1<<30, time.Now)
	if err := c.Keep(name, blocks(c, 1, 2, 300, true)); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, name.String()))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole, false)
	f.Add(whole[:len(whole)-1], false)
	f.Add([]byte{}, false)
	for _, text := range []string{
		`{}`, `null`, `[]`, `{"Blocks":[{}]}`, `{"Blocks":[{"Length":-1}]}`,
		`{"Kept":"2026-01-02T03:04:05Z","Blocks":[{"At":{"Pack":[0,1,7],"Offset":1,"Length":2},"Offset":0,"Length":9223372036854775807}]}`,
		`{"Blocks":[{"At":{"Pack":[0,1,7]},"Offset":-5,"Length":3,"Size":-1,"Depth":-1}]}`,
		`{"Blocks":[{"At":{"Pack":[0,1,7]},"Offset":0,"Length":40}]}`,
	} {
		f.Add([]byte(text), true)
	}
	f.Fuzz(func(t *testing.T, body []byte, sealed bool) {
		if sealed {
			body = sealedTable(keys, name, body)
		}
		p, err := c.describe(name, bytes.NewReader(body), int64(len(body)))
		if (p == nil) != (err != nil) {
			t.Fatalf("%v, %v", p, err)
		}
		if p == nil {
			return
		}
		for at, h := range p.blocks {
			if at.Pack != name || h.Offset < 0 || h.Length < 0 || h.Offset > int64(len(body)) || int64(h.Length) > int64(len(body))-h.Offset {
				t.Errorf("%v is at %d, with %d bytes", at, h.Offset, h.Length)
			}
		}
	})
}

// sealedTable is a file with 40 bytes and a table that says what text says.
func sealedTable(keys *seal.Keyring, name format.ID, text []byte) []byte {
	sealed := keys.SealLocal(make([]byte, 40), tableName(name), text)
	return binary.LittleEndian.AppendUint32(sealed, uint32(len(sealed)-40))
}
