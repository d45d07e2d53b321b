package tree

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"firn/internal/format"

	"github.com/zeebo/blake3"
	"pgregory.net/rapid"
)

// testPieces returns n pieces, some of them holes.
func testPieces(n int) []format.Piece {
	pieces := make([]format.Piece, n)
	for i := range pieces {
		pieces[i] = format.Piece{Length: uint64(i%7 + 1), Hole: i%11 == 0}
		if !pieces[i].Hole {
			pieces[i].ID = blake3.Sum256(binary.LittleEndian.AppendUint64(nil, uint64(i)))
		}
	}
	return pieces
}

func totalOf(pieces []format.Piece) (total uint64) {
	for _, p := range pieces {
		total += p.Length
	}
	return total
}

// fileOf returns an entry with this content.
func fileOf(t testing.TB, w Writer, pieces []format.Piece) *format.Entry {
	t.Helper()
	inline, spill, err := WriteContent(ctx, w, pieces)
	if err != nil {
		t.Fatal(err)
	}
	return &format.Entry{Type: format.TypeFile, Size: totalOf(pieces), Content: inline, Spilled: spill}
}

func TestContent(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.OneOf(rapid.IntRange(0, 40), rapid.IntRange(0, 40_000)).Draw(rt, "pieces")
		pieces := testPieces(n)
		s := newStore()
		e := fileOf(t, s, pieces)
		if (e.Spilled != nil) != (n > format.InlinePieces) {
			rt.Fatal("wrong place for", n, "pieces")
		}
		i := 0
		for p, err := range Content(ctx, s, e) {
			if err != nil || p != pieces[i] {
				rt.Fatal(i, p, err)
			}
			i++
		}
		if i != n {
			rt.Fatal("pieces:", i, "of", n)
		}
		offset := rapid.Uint64Range(0, e.Size+3).Draw(rt, "offset")
		checkSeek(rt, s, e, pieces, offset)
	})
}

// checkSeek reads content from an offset and counts pages up to the first piece.
func checkSeek(rt *rapid.T, s *store, e *format.Entry, pieces []format.Piece, offset uint64) {
	i, at := 0, uint64(0)
	for i < len(pieces) && at+pieces[i].Length <= offset {
		at += pieces[i].Length
		i++
	}
	s.forget()
	first := true
	for x, err := range ContentFrom(ctx, s, e, offset) {
		if err != nil || x.Offset != at || x.Piece != pieces[i] {
			rt.Fatal(offset, x, err)
		}
		if first && s.total > 4 {
			rt.Fatal("seeking read", s.total, "pages")
		}
		first = false
		at += x.Length
		i++
	}
	if i != len(pieces) {
		rt.Fatal("pieces from", offset, "end at", i)
	}
}

// TestContentShared adds a piece in front of a long content: most pages stay.
func TestContentShared(t *testing.T) {
	s := newStore()
	pieces := testPieces(50_000)
	fileOf(t, s, pieces)
	before := len(s.pages)
	fileOf(t, s, append([]format.Piece{{Length: 9, ID: format.ID{9}}}, pieces...))
	if added := len(s.pages) - before; added > before/10 {
		t.Fatal("pages:", before, "and added for one piece:", added)
	}
}

// TestSequenceCuts looks at the sizes of leaf pages.
func TestSequenceCuts(t *testing.T) {
	low, high := format.ID{}, format.ID{7: 0x02} // 2^57 is above 2^64/192
	for _, c := range []struct {
		piece format.Piece
		want  int
	}{
		{format.Piece{Length: 1, ID: low}, sequenceMin},
		{format.Piece{Length: 1, ID: high}, format.SequenceItems},
		{format.Piece{Length: 1, Hole: true}, format.SequenceItems},
	} {
		pieces := make([]format.Piece, 2*format.SequenceItems)
		for i := range pieces {
			pieces[i] = c.piece
		}
		s := newStore()
		fileOf(t, s, pieces)
		for _, b := range s.pages {
			var p format.SequencePage
			if err := p.Decode(b); err != nil || p.Level == 0 && len(p.Items) != c.want {
				t.Errorf("a page has %d pieces, not %d, %v", len(p.Items), c.want, err)
			}
		}
	}
}

func TestContentWriterReset(t *testing.T) {
	s := newStore()
	c := NewContentWriter(s)
	for _, n := range []int{40, 3, 5000, 33, 0, 32} {
		c.Reset()
		for _, p := range testPieces(n) {
			if err := c.Add(ctx, p); err != nil {
				t.Fatal(err)
			}
		}
		inline, spill, err := c.Finish(ctx)
		want := fileOf(t, newStore(), testPieces(n))
		got := &format.Entry{Type: format.TypeFile, Size: c.Size(), Content: inline, Spilled: spill}
		if err != nil || !sameEntry(got, want) {
			t.Fatal(n, err)
		}
		if err := c.Add(ctx, testPieces(2)[1]); !errors.Is(err, ErrFinished) {
			t.Fatal(err)
		}
	}
	c.Reset()
	for _, p := range []format.Piece{{}, {Hole: true}, {Length: format.MaxChunk + 1}, {Length: 1 << 63, Hole: true}} {
		if err := c.Add(ctx, p); !errors.Is(err, ErrPiece) {
			t.Fatal(p, err)
		}
	}
}

func TestContentDamage(t *testing.T) {
	s := newStore()
	pieces := testPieces(3000)
	long, short := fileOf(t, s, pieces), fileOf(t, s, pieces[:3])
	long.Size++
	short.Size++
	empty := &format.Entry{Type: format.TypeFile, Spilled: long.Spilled}
	deep := &format.Entry{Type: format.TypeFile, Size: 1, Spilled: &format.Spill{Length: 5, Level: 99}}
	for name, e := range map[string]*format.Entry{"long": long, "short": short, "empty": empty, "deep": deep, "absent": {Size: 4}} {
		var last error
		for _, last = range Content(ctx, s, e) {
		}
		if !errors.Is(last, ErrDamaged) {
			t.Error(name, last)
		}
	}
	for _, err := range Content(ctx, s, &format.Entry{Size: 4, Flags: format.FlagUnreadable}) {
		t.Error("an unreadable file has content", err)
	}
}

// TestContentPromises damages what inner sequence pages say of their children.
func TestContentPromises(t *testing.T) {
	for name, harm := range map[string]func(p *format.SequencePage){
		"bytes":  func(p *format.SequencePage) { p.Items[0].Bytes++; p.Items[1].Bytes-- },
		"length": func(p *format.SequencePage) { p.Items[0].ChildLength++ },
		"zero": func(p *format.SequencePage) {
			p.Items = append([]format.SequenceItem{{Child: format.ID{5}, ChildLength: 5}}, p.Items...)
		},
		"huge":  func(p *format.SequencePage) { p.Items[0].Bytes = 1<<64 - 1 },
		"cycle": func(p *format.SequencePage) { p.Items[0].Child = format.ID{7} },
	} {
		s := newStore()
		e := fileOf(t, s, testPieces(3000))
		var p format.SequencePage
		if err := p.Decode(s.pages[e.Spilled.Root]); err != nil || p.Level == 0 {
			t.Fatal(err)
		}
		harm(&p)
		e.Spilled.Root = format.ID{7}
		s.pages[e.Spilled.Root] = p.Append(nil)
		e.Spilled.Length = uint32(len(s.pages[e.Spilled.Root]))
		var last error
		for _, last = range Content(ctx, s, e) {
		}
		var page *PageError
		if !errors.Is(last, ErrDamaged) || !errors.As(last, &page) {
			t.Error(name, last)
		}
	}
}

func TestAttributes(t *testing.T) {
	s := newStore()
	note := func(n int) []byte { return bytes.Repeat([]byte{'n'}, n) }
	e := testFile(1)
	e.Attributes = []format.Attribute{
		{Name: []byte("a"), Value: note(100)},
		{Name: []byte("b"), Value: note(5000)},
		{Name: []byte("c"), Value: note(3 << 20)},
		{Name: []byte("d"), Value: note(3996)},
		{Name: []byte("e"), Value: note(1)},
	}
	e.Properties = []format.Attribute{{Name: []byte("p"), Value: note(4097)}}
	before := cloneEntry(e)
	root := model{"a": e}.build(t, s, usual)
	if !sameEntry(e, before) {
		t.Fatal("adding an entry has changed it")
	}
	got, err := Get(ctx, s, root, []byte("a"))
	if err != nil {
		t.Fatal(err)
	}
	for i, spilled := range []bool{false, true, true, false, true} {
		a := &got.Attributes[i]
		value, err := AttributeValue(ctx, s, a)
		if err != nil || !bytes.Equal(value, e.Attributes[i].Value) || (a.Spilled != nil) != spilled {
			t.Fatal(string(a.Name), len(value), err)
		}
	}
	if value, err := AttributeValue(ctx, s, &got.Properties[0]); err != nil || len(value) != 4097 {
		t.Fatal(len(value), err)
	}
	again := model{"a": got}.build(t, s, usual)
	if *again.ID != *root.ID {
		t.Fatal("adding what was read gives another root")
	}
	foreign := fileOf(t, s, testPieces(40))
	if _, err := AttributeValue(ctx, s, &format.Attribute{Spilled: foreign.Spilled}); !errors.Is(err, ErrDamaged) {
		t.Fatal(err)
	}
}

// TestPages compares what is enumerated with what was written and referred to.
func TestPages(t *testing.T) {
	s := newStore()
	m := model{"long": fileOf(t, s, testPieces(5000)), "twin": fileOf(t, s, testPieces(5000))}
	want := map[format.ID]bool{}
	for _, p := range testPieces(5000) {
		if !p.Hole {
			want[p.ID] = true
		}
	}
	for i := range 500 {
		e := testFile(i)
		m[fmt.Sprintf("f%03d", i)] = e
		want[e.Content[0].ID] = true
	}
	m["noted"] = testFile(1)
	m["noted"].Attributes = []format.Attribute{{Name: []byte("n"), Value: make([]byte, 3<<20)}}
	root := m.build(t, s, small)

	asked, got := map[format.ID]bool{}, map[format.ID]bool{}
	visit := func(id format.ID, length uint32, _ int) bool {
		if len(s.pages[id]) != int(length) {
			t.Fatal("a page has another length")
		}
		if asked[id] {
			return false
		}
		asked[id] = true
		return true
	}
	if err := Pages(ctx, s, root, visit, Found{Chunk: func(id format.ID, _ uint32) { got[id] = true }}); err != nil {
		t.Fatal(err)
	}
	for id := range s.pages {
		if !asked[id] && !got[id] {
			t.Fatal("a page or attribute was not found")
		}
	}
	for id, n := range s.reads {
		if n != 1 || !asked[id] {
			t.Fatal("a page was read", n, "times")
		}
	}
	for id := range got {
		if !want[id] && s.pages[id] == nil {
			t.Fatal("a chunk was found that nobody refers to")
		}
		delete(want, id)
	}
	if len(want) > 0 {
		t.Fatal("chunks were not found:", len(want))
	}
}
