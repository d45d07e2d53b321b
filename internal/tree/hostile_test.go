package tree

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"firn/internal/format"

	"github.com/zeebo/blake3"
)

// forge changes a page of a tree and keeps it under the ID {9}; the pages above
// it, up to the root, are kept under new IDs.
type forge struct {
	*store
	root Root
}

func newForge(t *testing.T) *forge {
	m := model{}
	for i := range 60 {
		m[fmt.Sprintf("d/f%02d", i)] = testFile(i)
	}
	m["d/"] = testDirectory()
	s := newStore()
	return &forge{s, m.build(t, s, small)}
}

func (f *forge) decode(t *testing.T, id format.ID) *format.Page {
	t.Helper()
	p := new(format.Page)
	if err := p.Decode(f.pages[id]); err != nil {
		t.Fatal(err)
	}
	return p
}

// damageRoot lets harm change the root page.
func (f *forge) damageRoot(t *testing.T, harm func(p *format.Page)) Root {
	p := f.decode(t, *f.root.ID)
	harm(p)
	id := format.ID{9}
	f.pages[id] = p.Append(nil)
	return Root{ID: &id, Length: uint32(len(f.pages[id])), Sums: f.root.Sums}
}

// damageChild lets harm change the first child of the root, and keeps the root's
// promises of it but for ID and length.
func (f *forge) damageChild(t *testing.T, harm func(p *format.Page)) Root {
	return f.damageRoot(t, func(p *format.Page) {
		child := f.decode(t, p.Items[0].Child)
		harm(child)
		id := format.ID{8}
		f.pages[id] = child.Append(nil)
		p.Items[0].Child, p.Items[0].ChildLength = id, uint32(len(f.pages[id]))
	})
}

func TestHostilePages(t *testing.T) {
	last := func(p *format.Page) *format.PageItem { return &p.Items[len(p.Items)-1] }
	childID := format.ID{8}
	sound := newForge(t)
	border := sound.decode(t, *sound.root.ID).Items[1].Key
	for _, c := range []struct {
		name  string
		child bool // whether the root's child or the root is changed
		named *format.ID
		harm  func(p *format.Page)
	}{
		{"first key", true, &childID, func(p *format.Page) { p.Items[0].Key = append(p.Items[0].Key, '0') }},
		{"fewer", true, &childID, func(p *format.Page) { p.Items = p.Items[:len(p.Items)-1] }},
		{"border", true, &childID, func(p *format.Page) { last(p).Key = border }},
		{"range", true, &childID, func(p *format.Page) { last(p).Key = []byte("d/z") }},
		{"level", true, &childID, func(p *format.Page) { p.Level++ }},
		{"entries", true, &childID, func(p *format.Page) { p.Items[0].Sums.Entries++ }},
		{"files", true, &childID, func(p *format.Page) { p.Items[0].Sums.Files-- }},
		{"bytes", true, &childID, func(p *format.Page) { p.Items[0].Sums.Bytes++ }},
		{"overflow", true, &childID, func(p *format.Page) { p.Items[0].Sums.Bytes = 1<<64 - 1 }},
		{"dots", true, &childID, func(p *format.Page) { last(p).Key = append(last(p).Key, "/../x"...) }},
		{"order", true, &childID, func(p *format.Page) { p.Items[1], p.Items[0] = p.Items[0], p.Items[1] }},
		{"twice", true, &childID, func(p *format.Page) { p.Items[1].Key = p.Items[0].Key }},
		{"cycle", true, &childID, func(p *format.Page) { p.Items[0].Child, p.Items[0].ChildLength = childID, 0 }},
		{"depth", false, nil, func(p *format.Page) { p.Level = 16 }},
		{"leaf", false, nil, func(p *format.Page) { p.Level = 9 }},
		{"root sums", false, nil, func(p *format.Page) { last(p).Sums.Bytes++ }},
		{"length", false, nil, func(p *format.Page) { p.Items[0].ChildLength++ }},
		{"huge", false, nil, func(p *format.Page) { p.Items[0].ChildLength = format.MaxPage }},
		{"swapped", false, nil, func(p *format.Page) {
			p.Items[0].Child, p.Items[1].Child = p.Items[1].Child, p.Items[0].Child
			p.Items[0].ChildLength, p.Items[1].ChildLength = p.Items[1].ChildLength, p.Items[0].ChildLength
		}},
	} {
		f := newForge(t)
		damage := f.damageRoot
		if c.child {
			damage = f.damageChild
		}
		root := damage(t, c.harm)
		var failure error
		for _, failure = range Walk(ctx, f, root, nil) {
		}
		var page *PageError
		if !errors.Is(failure, ErrDamaged) || !errors.As(failure, &page) {
			t.Errorf("%s: %v", c.name, failure)
			continue
		}
		// A child that is said to be its own child shows as a page of another length.
		if c.named != nil && c.name != "cycle" && page.ID != *c.named {
			t.Errorf("%s: names page %x", c.name, page.ID[:4])
		}
	}
}

// TestHostileKeys walks leaves that no builder writes.
func TestHostileKeys(t *testing.T) {
	for _, c := range []struct {
		key   string
		entry *format.Entry
	}{
		{"../a", testFile(1)}, {"/a", testFile(1)}, {"a//b", testFile(1)}, {"a/./b", testFile(1)},
		{"a\x00", testFile(1)}, {"", testFile(1)}, {"a/", testFile(1)}, {"a", testDirectory()},
	} {
		s := newStore()
		p := format.Page{Items: []format.PageItem{{Key: []byte(c.key), Entry: c.entry}}}
		id, err := s.WritePage(ctx, p.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		root := Root{ID: &id, Length: uint32(len(s.pages[id])), Sums: sumsOf(c.entry)}
		for item, err := range Walk(ctx, s, root, nil) {
			if !errors.Is(err, ErrDamaged) || !errors.Is(err, ErrKey) && !errors.Is(err, ErrOrder) && !errors.Is(err, ErrEntry) {
				t.Errorf("%q: %q, %v", c.key, item.Key, err)
			}
		}
	}
}

// TestPagesDamage goes on behind a damaged and a missing page.
func TestPagesDamage(t *testing.T) {
	f := newForge(t)
	root := f.damageChild(t, func(p *format.Page) { p.Items[0].Sums.Files++ })
	delete(f.pages, f.decode(t, *root.ID).Items[1].Child)
	chunks := 0
	count := func(format.ID, uint32) { chunks++ }
	all := func(format.ID, uint32, int) bool { return true }
	var damaged []format.ID
	note := func(err error) error {
		var page *PageError
		if !errors.As(err, &page) {
			t.Fatal(err)
		}
		damaged = append(damaged, page.ID)
		return nil
	}
	if err := Pages(ctx, f, root, all, Found{Chunk: count, Damage: note}); err != nil {
		t.Fatal(err)
	}
	if len(damaged) != 2 || damaged[0] != (format.ID{8}) {
		t.Fatalf("damaged: %x", damaged)
	}
	if err := Pages(ctx, f, root, all, Found{}); err == nil {
		t.Fatal("a missing page was passed over in silence")
	}
}

func TestKeys(t *testing.T) {
	for _, c := range []struct {
		path      string
		directory bool
		key       string // "": refused
		parent    string
	}{
		{"/etc/passwd", false, "etc/passwd", "etc/"},
		{"/etc/", true, "etc/", ""},
		{"etc", true, "etc/", ""},
		{"etc/ssl", true, "etc/ssl/", "etc/"},
		{"a", false, "a", ""},
		{"...", false, "...", ""},
		{".a/..b", false, ".a/..b", ".a/"},
		{"", false, "", ""}, {"/", true, "", ""}, {"a/", false, "", ""}, {"//a", false, "", ""},
		{"a//b", false, "", ""}, {"a//", true, "", ""}, {"..", true, "", ""}, {"a/../b", false, "", ""},
		{"./a", false, "", ""}, {"a\x00b", false, "", ""}, {string(make([]byte, format.MaxKey+1)), false, "", ""},
	} {
		key, err := KeyOf(c.path, c.directory)
		if string(key) != c.key || errors.Is(err, ErrKey) != (c.key == "") {
			t.Errorf("key of %.20q is %q, %v", c.path, key, err)
		}
		if err != nil {
			continue
		}
		path, directory := PathOf(key)
		back, err := KeyOf(path, directory)
		if err != nil || directory != c.directory || string(back) != c.key || string(Parent(key)) != c.parent {
			t.Errorf("%q: path %q, parent %q, %v", key, path, Parent(key), err)
		}
	}
}

// FuzzWalk walks a tree of two arbitrary pages: a root, and one page that all
// other IDs mean.
func FuzzWalk(f *testing.F) {
	s := newStore()
	root := model{"a/": testDirectory(), "a/b": testFile(1), "a/c": testFile(2), "d": testFile(3)}.build(f, s, small)
	f.Add(s.pages[*root.ID], s.pages[*root.ID])
	for _, page := range s.pages {
		f.Add(s.pages[*root.ID], page)
	}
	f.Fuzz(func(t *testing.T, top, other []byte) {
		id := format.ID(blake3.Sum256(top))
		r := &twoPages{id: id, top: top, other: other}
		root := Root{ID: &id, Length: uint32(len(top)), Sums: claimed(top)}
		before, n := "", uint64(0)
		var failure error
		for item, err := range Walk(ctx, r, root, nil) {
			if failure = err; err != nil {
				break
			}
			if key := string(item.Key); key <= before || CheckKey(item.Key) != nil {
				t.Fatal("keys", before, key)
			}
			before = string(item.Key)
			n++
		}
		if failure == nil && n != root.Sums.Entries {
			t.Fatal("entries", n, root.Sums.Entries)
		}
		found := Found{Damage: func(err error) error { return nil }}
		seen := map[format.ID]bool{}
		visit := func(id format.ID, _ uint32, _ int) bool { defer func() { seen[id] = true }(); return !seen[id] }
		if err := Pages(ctx, r, root, visit, found); err != nil {
			t.Fatal(err)
		}
	})
}

// claimed returns the sums of a page as it states them.
func claimed(page []byte) (total format.Sums) {
	var p format.Page
	if p.Decode(page) != nil {
		return total
	}
	for i := range p.Items {
		sums := p.Items[i].Sums
		if p.Level == 0 {
			sums = sumsOf(p.Items[i].Entry)
		}
		total, _ = addSums(total, sums)
	}
	return total
}

type twoPages struct {
	id         format.ID
	top, other []byte
}

func (r *twoPages) ReadPage(_ context.Context, id format.ID, length uint32) ([]byte, error) {
	page := r.other
	if id == r.id {
		page = r.top
	}
	return page[:min(len(page), int(length))], nil
}

// FuzzContent reads content from two arbitrary sequence pages.
func FuzzContent(f *testing.F) {
	s := newStore()
	e := fileOf(f, s, testPieces(2000))
	for _, page := range s.pages {
		f.Add(s.pages[e.Spilled.Root], page, uint32(1), e.Size, uint64(100))
	}
	f.Fuzz(func(t *testing.T, top, other []byte, level uint32, size, from uint64) {
		id := format.ID(blake3.Sum256(top))
		e := &format.Entry{Size: size, Spilled: &format.Spill{Root: id, Length: uint32(len(top)), Level: level}}
		at, n := uint64(0), 0
		for x, err := range ContentFrom(ctx, &twoPages{id, top, other}, e, from) {
			if err != nil {
				return
			}
			if n > 0 && x.Offset != at || x.Offset+x.Length <= from || x.Offset+x.Length > size {
				t.Fatal("piece", x, "at", at)
			}
			at = x.Offset + x.Length
			if n++; n == 10_000 {
				return
			}
		}
		if n > 0 && at != size {
			t.Fatal("content ends at", at, "of", size)
		}
	})
}
