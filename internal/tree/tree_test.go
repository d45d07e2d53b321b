package tree

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math"
	"testing"

	"firn/internal/format"

	"github.com/zeebo/blake3"
	"pgregory.net/rapid"
)

var ctx = context.Background()

func TestWalkGetRangeSum(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := drawModel(rt, 300)
		s := newStore()
		root := m.build(t, s, small)
		if got := collect(rt, Walk(ctx, s, root, nil)); !sameModel(got, m) {
			rt.Fatal("a walk differs from what was built")
		}
		if root.Sums != m.sums() {
			rt.Fatal("root sums", root.Sums, m.sums())
		}
		from := drawKey(rt)
		rest := maps.Clone(m)
		maps.DeleteFunc(rest, func(key string, _ *format.Entry) bool { return key < from })
		if got := collect(rt, Walk(ctx, s, root, []byte(from))); !sameModel(got, rest) {
			rt.Fatal("a walk from", from, "differs")
		}
		e, err := Get(ctx, s, root, []byte(from))
		for _, key := range m.keys() {
			if other, err := Get(ctx, s, root, []byte(key)); err != nil || !sameEntry(other, m[key]) {
				rt.Fatal("get", key, err)
			}
		}
		if want := m[from]; want == nil && !errors.Is(err, ErrNotFound) || want != nil && !sameEntry(e, want) {
			rt.Fatal("get", from, err)
		}
		prefix := rapid.SampledFrom([]string{"", "a", "a/", "a-b", "b/a", "b/a/", from}).Draw(rt, "prefix")
		part := m.under(prefix)
		if got := collect(rt, Range(ctx, s, root, []byte(prefix))); !sameModel(got, part) {
			rt.Fatal("range", prefix, "differs")
		}
		s.forget()
		if got, err := Sum(ctx, s, root, []byte(prefix)); err != nil || got != part.sums() {
			rt.Fatal("sum", prefix, got, part.sums(), err)
		}
		checkBorders(rt, s, root, prefix)
	})
}

// checkBorders refuses that a page was read, other than the root, that does not
// stand on a border of the prefix; and pages of sizes they must not have.
func checkBorders(rt *rapid.T, s *store, root Root, prefix string) {
	if root.ID == nil {
		return
	}
	c := newCursor(ctx, s)
	read := maps.Clone(s.reads)
	for err := c.enter(promiseOfRoot(root)); c.open(); {
		f := c.top()
		n := len(f.page.Items)
		if isLast := f.end == nil; err != nil || n > small.Max || n < small.Min && !isLast {
			rt.Fatal("a page has", n, "items", err)
		}
		if c.level() == 0 {
			c.advance()
			continue
		}
		p := promiseOf(&f.page, f.at, f.end)
		border := false
		for _, sp := range spansOf([]byte(prefix)) {
			for _, key := range [][]byte{sp.low, sp.high} {
				border = border || bytes.Compare(p.first, key) < 0 && (p.end == nil || bytes.Compare(key, p.end) < 0)
			}
		}
		if read[p.id] > 0 && !border {
			rt.Fatal("a page was read for a sum it is not on the border of")
		}
		err = c.descend()
	}
}

// TestEditOrder builds one set of entries from several histories and stores.
func TestEditOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := drawModel(rt, 200)
		want := m.build(t, newStore(), small)
		other := model{}
		for _, key := range rapid.Permutation(m.keys()).Draw(rt, "order") {
			detour := drawKey(rt)
			other[detour] = drawEntry(rt, detour)
			if _, ok := m[detour]; !ok {
				delete(other, detour)
			}
			other[key] = m[key]
		}
		for key := range other {
			other[key] = m[key]
		}
		got := other.build(t, newStore(), small)
		if (got.ID == nil) != (want.ID == nil) || got.ID != nil && *got.ID != *want.ID || got.Sums != want.Sums {
			rt.Fatal("equal entries have different roots")
		}
	})
}

// TestGolden pins the format: cutting, pages, sums, spilled contents and attributes.
func TestGolden(t *testing.T) {
	m := model{}
	for i := range 5000 {
		m[fmt.Sprintf("d%02d/f%04d", i/100, i)] = testFile(i)
		m[fmt.Sprintf("d%02d/", i/100)] = testDirectory()
	}
	s := newStore()
	content, spill, err := WriteContent(ctx, s, testPieces(5000))
	if err != nil || content != nil {
		t.Fatal(err)
	}
	large := testFile(1)
	large.Content, large.Spilled, large.Size = nil, spill, totalOf(testPieces(5000))
	large.Attributes = []format.Attribute{{Name: []byte("user.note"), Value: bytes.Repeat([]byte("note "), 1000)}}
	m["large"] = large
	root := m.build(t, s, Shape{Min: 4, Mean: 16, Max: 64, CutKey: &testKey})
	const want = "5a53aef609263ffd679ced5bb1c8d8b37fea336a00c951e46f6f6c0738c062ac"
	if got := hex.EncodeToString(root.ID[:]); got != want {
		t.Errorf("root is %s, not %s", got, want)
	}
	if sums := (format.Sums{Entries: 5051, Files: 5001, Bytes: 12502500 + large.Size}); root.Sums != sums {
		t.Errorf("sums are %v, not %v", root.Sums, sums)
	}
}

// TestCutRule cuts keys as docs/format.md §8 says it and compares the pages.
func TestCutRule(t *testing.T) {
	m := model{}
	for i := range 5000 {
		m[fmt.Sprintf("f%04d", i)] = testFile(i)
	}
	shape := Shape{Min: 4, Mean: 11, Max: 16, CutKey: &testKey}
	s := newStore()
	want := map[string]bool{} // level and first key of each page
	keys := m.keys()
	levels := 0
	for ; len(keys) > 1 || levels == 0; levels++ {
		var firsts []string
		n := 0
		for _, key := range keys {
			if n == 0 {
				firsts = append(firsts, key)
				want[fmt.Sprint(levels, key)] = true
			}
			h, err := blake3.NewKeyed(testKey[:])
			if err != nil {
				t.Fatal(err)
			}
			h.WriteString(string(rune(levels)) + key)
			n++
			if n >= 4 && binary.LittleEndian.Uint64(h.Sum(nil)) <= math.MaxUint64/7 || n == 16 {
				n = 0
			}
		}
		keys = firsts
	}
	m.build(t, s, shape)
	if levels < 3 || len(want) != len(s.pages) {
		t.Fatal("levels:", levels, "pages:", len(s.pages), "of", len(want))
	}
	for _, b := range s.pages {
		var p format.Page
		if err := p.Decode(b); err != nil || !want[fmt.Sprint(p.Level, string(p.Items[0].Key))] {
			t.Fatal("a page of level", p.Level, "begins with", string(p.Items[0].Key), err)
		}
	}
}

func TestEmptyTree(t *testing.T) {
	s := newStore()
	root := model{}.build(t, s, usual)
	full := model{"a": testFile(1)}.build(t, s, usual)
	if root.ID != nil || len(collect(t, Walk(ctx, s, root, nil))) != 0 || len(collect(t, Range(ctx, s, root, []byte("a")))) != 0 {
		t.Fatal("the empty tree is not empty")
	}
	if sums, err := Sum(ctx, s, root, []byte("a")); err != nil || sums != (format.Sums{}) {
		t.Fatal(sums, err)
	}
	if _, err := Get(ctx, s, root, []byte("a")); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	changes := 0
	for _, pair := range [][2]Root{{root, root}, {root, full}, {full, root}} {
		for _, err := range Diff(ctx, s, pair[0], pair[1]) {
			if err != nil {
				t.Fatal(err)
			}
			changes++
		}
	}
	if changes != 2 {
		t.Fatal("changes:", changes)
	}
}

func TestBuilderRefuses(t *testing.T) {
	s := newStore()
	b := NewBuilder(s, small)
	spilled := testFile(1)
	spilled.Spilled = &format.Spill{Length: 1, Root: format.ID{1}}
	long := testFile(1)
	long.Content = testPieces(33)
	if err := b.Add(ctx, []byte("m"), testFile(1)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		key   string
		entry *format.Entry
		want  error
	}{
		{"m", testFile(1), ErrOrder},
		{"a", testFile(1), ErrOrder},
		{"", testFile(1), ErrKey},
		{"/n", testFile(1), ErrKey},
		{"n/../m", testFile(1), ErrKey},
		{"n/", testFile(1), ErrEntry},
		{"n", testDirectory(), ErrEntry},
		{"n", &format.Entry{}, ErrEntry},
		{"n", spilled, ErrEntry},
		{"n", long, ErrEntry},
		{"n", &format.Entry{Type: format.TypeFile, Size: 1}, ErrPiece},
		{"n", &format.Entry{Type: format.TypeFile, Spilled: &format.Spill{Length: 1, Level: 16}}, ErrEntry},
		{"n", &format.Entry{Type: format.TypeFile, Content: []format.Piece{{Hole: true}}}, ErrPiece},
		{"n/", &format.Entry{Type: format.TypeDirectory, Size: 4096}, ErrPiece},
		{"n", &format.Entry{Type: format.TypePipe, Attributes: []format.Attribute{{Value: []byte("x"), Spilled: &format.Spill{Length: 1}}}}, ErrEntry},
	} {
		if err := b.Add(ctx, []byte(c.key), c.entry); !errors.Is(err, c.want) {
			t.Errorf("%q: %v, not %v", c.key, err, c.want)
		}
	}
	huge := testFile(1)
	huge.Size, huge.Content, huge.Flags = 1<<64-1, nil, format.FlagUnreadable
	if root, err := b.Finish(ctx); err != nil || root.Sums.Entries != 1 {
		t.Fatal(root, err)
	}
	if err := b.Add(ctx, []byte("z"), huge); !errors.Is(err, ErrFinished) {
		t.Fatal(err)
	}
	b = NewBuilder(s, small)
	if err := errors.Join(b.Add(ctx, []byte("a"), testFile(1)), b.Add(ctx, []byte("b"), huge)); !errors.Is(err, ErrEntry) {
		t.Fatal(err)
	}
	for _, shape := range []Shape{{}, {1, 4, 8, &testKey}, {4, 4, 8, &testKey}, {4, 8, 7, &testKey}, {4, 8, 1 << 30, &testKey}, {2, 4, 8, nil}} {
		if _, err := NewBuilder(s, shape).Finish(ctx); !errors.Is(err, ErrShape) {
			t.Error(shape, err)
		}
	}
}

// TestDeepest builds a tree of more levels than there may be.
func TestDeepest(t *testing.T) {
	b := NewBuilder(newStore(), Shape{Min: 2, Mean: 3, Max: 3, CutKey: &testKey})
	var err error
	for i := 0; err == nil && i <= 1<<17; i++ {
		err = b.Add(ctx, fmt.Appendf(nil, "%06d", i), &format.Entry{Type: format.TypePipe})
	}
	if !errors.Is(err, ErrDepth) {
		t.Fatal(err)
	}
}

// TestLarge builds and walks a million entries, fewer under the race detector.
func TestLarge(t *testing.T) {
	const n = largeTree
	s := newStore()
	b := NewBuilder(s, usual)
	e := &format.Entry{Type: format.TypeFile, Size: 3, Content: []format.Piece{{Length: 3, Hole: true}}}
	key := make([]byte, 0, 32)
	for i := range n {
		key = fmt.Appendf(key[:0], "d%03d/f%06d", i/1000, i)
		if err := b.Add(ctx, key, e); err != nil {
			t.Fatal(err)
		}
	}
	root, err := b.Finish(ctx)
	if err != nil || root.Sums != (format.Sums{Entries: n, Files: n, Bytes: 3 * n}) {
		t.Fatal(root.Sums, err)
	}
	i := 0
	for item, err := range Walk(ctx, s, root, nil) {
		key = fmt.Appendf(key[:0], "d%03d/f%06d", i/1000, i)
		if err != nil || !bytes.Equal(item.Key, key) || item.Entry.Size != 3 {
			t.Fatal(string(item.Key), err)
		}
		i++
	}
	if i != n {
		t.Fatal("entries:", i)
	}
}

// TestCancel ends a walk between two pages.
func TestCancel(t *testing.T) {
	m := model{}
	for i := range 100 {
		m[fmt.Sprintf("f%02d", i)] = testFile(i)
	}
	s := newStore()
	root := m.build(t, s, small)
	canceled, cancel := context.WithCancel(ctx)
	defer cancel()
	var last error
	for _, err := range Walk(canceled, s, root, nil) {
		cancel()
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Fatal(last)
	}
	if err := Pages(canceled, s, root, func(format.ID, uint32, int) bool { return true },
		Found{Damage: func(error) error { return nil }}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// announcer is a store that notes what it is told to expect.
type announcer struct {
	*store
	ids []format.ID
}

func (a *announcer) Prefetch(ids []format.ID) { a.ids = append(a.ids, ids...) }

func TestPrefetch(t *testing.T) {
	m := model{}
	for i := range 3000 {
		m[fmt.Sprintf("d%d/f%04d", i/1000, i)] = testFile(i)
	}
	s := newStore()
	root := m.build(t, s, small)
	a := &announcer{store: s}
	s.forget()
	collect(t, Walk(ctx, a, root, nil))
	seen := map[format.ID]bool{}
	for _, id := range a.ids {
		if seen[id] || s.reads[id] != 1 {
			t.Fatal("a page was announced twice or not read")
		}
		seen[id] = true
	}
	if len(a.ids) < s.total/2 {
		t.Fatal("announced", len(a.ids), "of", s.total, "pages")
	}
	a.ids = nil
	s.forget()
	collect(t, Range(ctx, a, root, []byte("d1/")))
	for _, id := range a.ids {
		if s.reads[id] == 0 {
			t.Fatal("a page beyond the range was announced")
		}
	}
	for id := range s.reads {
		var p format.Page
		if err := p.Decode(s.pages[id]); err != nil || string(p.Items[0].Key) >= "d10" {
			t.Fatal("a page beyond the range was read", err)
		}
	}
}
