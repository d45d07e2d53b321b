package tree

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"firn/internal/format"

	"github.com/zeebo/blake3"
	"pgregory.net/rapid"
)

// store keeps pages by the hash of their bytes and counts what is read.
type store struct {
	pages map[format.ID][]byte
	reads map[format.ID]int
	total int
}

func newStore() *store {
	return &store{pages: map[format.ID][]byte{}, reads: map[format.ID]int{}}
}

func (s *store) ReadPage(_ context.Context, id format.ID, _ uint32) ([]byte, error) {
	b, ok := s.pages[id]
	if !ok {
		return nil, fmt.Errorf("no page %x", id[:4])
	}
	s.reads[id]++
	s.total++
	return b, nil
}

func (s *store) WritePage(_ context.Context, plaintext []byte) (format.ID, error) {
	id := format.ID(blake3.Sum256(plaintext))
	if _, ok := s.pages[id]; !ok {
		s.pages[id] = bytes.Clone(plaintext)
	}
	return id, nil
}

// forget sets the counts back.
func (s *store) forget() { clear(s.reads); s.total = 0 }

var testKey = [32]byte{1, 2, 3}

// small makes trees of a few entries have several levels.
var small = Shape{Min: 2, Mean: 4, Max: 8, CutKey: &testKey}

// usual is the shape of a repository.
var usual = Shape{Min: 64, Mean: 256, Max: 1024, CutKey: &testKey}

// model is a tree as a map.
type model map[string]*format.Entry

func (m model) keys() []string { return slices.Sorted(maps.Keys(m)) }

func (m model) build(t testing.TB, w Writer, s Shape) Root {
	t.Helper()
	b := NewBuilder(w, s)
	var buf []byte
	for _, key := range m.keys() {
		// Key and entry are overwritten afterwards: a builder must not keep them.
		buf = append(buf[:0], key...)
		e := cloneEntry(m[key])
		if err := b.Add(ctx, buf, e); err != nil {
			t.Fatal(err)
		}
		clear(buf)
		clear(e.Content)
		*e = format.Entry{}
	}
	root, err := b.Finish(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// under returns the part of the model that Range means by a prefix.
func (m model) under(prefix string) model {
	part := model{}
	dir := prefix
	if dir != "" && dir[len(dir)-1] != '/' {
		dir += "/"
	}
	for key, e := range m {
		if prefix == "" || key == prefix || len(key) >= len(dir) && key[:len(dir)] == dir {
			part[key] = e
		}
	}
	return part
}

func (m model) sums() format.Sums {
	var total format.Sums
	for _, e := range m {
		total, _ = addSums(total, sumsOf(e))
	}
	return total
}

// testFile returns a file entry that differs with n.
func testFile(n int) *format.Entry {
	id := format.ID(blake3.Sum256([]byte(fmt.Sprint(n))))
	return &format.Entry{
		Type: format.TypeFile, Mode: 0o644, UID: 1000, GID: 1000, User: "user", Group: "users",
		MTime: 1_700_000_000 + int64(n), MTimeNS: 7, CTime: 1_700_000_000, Inode: uint64(n) + 1, Device: 3,
		Size: uint64(n%5000) + 1, Content: []format.Piece{{Length: uint64(n%5000) + 1, ID: id}},
	}
}

func testDirectory() *format.Entry {
	return &format.Entry{Type: format.TypeDirectory, Mode: 0o755}
}

// drawKey draws short keys that are often near one another.
func drawKey(t *rapid.T) string {
	key := ""
	for range rapid.IntRange(0, 2).Draw(t, "depth") {
		key += rapid.SampledFrom([]string{"a", "a-b", "b", "a0"}).Draw(t, "directory") + "/"
	}
	name := rapid.StringMatching(`[a-c!0\-]{0,3}`).Draw(t, "name")
	if name == "" && key == "" {
		return "top"
	}
	return key + name
}

func drawEntry(t *rapid.T, key string) *format.Entry {
	if key[len(key)-1] == '/' {
		return testDirectory()
	}
	return testFile(rapid.IntRange(0, 20).Draw(t, "entry"))
}

func drawModel(t *rapid.T, most int) model {
	m := model{}
	for range rapid.IntRange(0, most).Draw(t, "entries") {
		key := drawKey(t)
		m[key] = drawEntry(t, key)
	}
	return m
}

func sameEntry(a, b *format.Entry) bool {
	if a == nil || b == nil {
		return a == b
	}
	return bytes.Equal(a.Append(nil), b.Append(nil))
}

// fataler is what *testing.T and *rapid.T have in common here.
type fataler interface {
	Helper()
	Fatal(...any)
}

// collect reads a walk into a model and checks the order.
func collect(t fataler, walk func(func(Item, error) bool)) model {
	t.Helper()
	m := model{}
	last := ""
	for item, err := range walk {
		if err != nil {
			t.Fatal(err)
		}
		if string(item.Key) <= last {
			t.Fatal("keys do not ascend:", last, string(item.Key))
		}
		last = string(item.Key)
		m[last] = item.Clone().Entry
	}
	return m
}

func sameModel(a, b model) bool { return maps.EqualFunc(a, b, sameEntry) }
