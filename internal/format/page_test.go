package format

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// leaf returns a page of level 0 with these items' bytes, and its own count.
func leaf(items ...[]byte) []byte {
	return append(protowire.AppendVarint([]byte{0}, uint64(len(items))), join(items...)...)
}

// item returns a leaf item: shared bytes, the rest of the key, an entry.
func item(shared int, rest string) []byte {
	e := Entry{Type: TypeFile}
	b := protowire.AppendVarint(nil, uint64(shared))
	b = protowire.AppendString(b, rest)
	return protowire.AppendBytes(b, e.Append(nil))
}

func TestPageDecodeRefuses(t *testing.T) {
	child := append(item(0, "a")[:3], rep(1, 32)...)
	for name, b := range map[string][]byte{
		"nothing":                        {},
		"level only":                     {0},
		"no items":                       leaf(),
		"too high a level":               append([]byte{MaxTreeDepth, 1}, append(child, 1, 1, 1, 1)...),
		"count too high":                 {0, 2, 0, 0},
		"count over the bound":           protowire.AppendVarint([]byte{0}, MaxPageItems+1),
		"first key shares":               leaf(item(1, "a")),
		"key shares too much":            leaf(item(0, "a"), item(2, "b")),
		"key shares too little":          leaf(item(0, "ab"), item(0, "ac")),
		"keys descend":                   leaf(item(0, "b"), item(0, "a")),
		"key repeats":                    leaf(item(0, "a"), item(1, "")),
		"key is a prefix of one before":  leaf(item(0, "ab"), item(1, "")),
		"long varint":                    leaf(append([]byte{0x80, 0x00}, item(0, "a")[1:]...)),
		"key breaks off":                 {0, 1, 0, 5, 'a'},
		"entry breaks off":               {0, 1, 0, 1, 'a', 9, 8},
		"entry absent":                   {0, 1, 0, 1, 'a', 0},
		"bytes behind":                   append(leaf(item(0, "a")), 0),
		"child breaks off":               append([]byte{1, 1}, child[:20]...),
		"child too large":                append([]byte{1, 1}, append(protowire.AppendVarint(child, MaxPage+1), 1, 1, 1)...),
		"key too long":                   leaf(item(0, string(rep('a', MaxKey+1)))),
		"key too long by what it shares": leaf(item(0, string(rep('a', MaxKey))), item(MaxKey, "b")),
	} {
		t.Run(name, func(t *testing.T) {
			if err := new(Page).Decode(b); !errors.Is(err, ErrCorrupt) {
				t.Errorf("Decode = %v, want ErrCorrupt", err)
			}
		})
	}
	if err := new(Page).Decode(make([]byte, MaxPage+1)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("page over the bound: %v, want ErrCorrupt", err)
	}
}

// TestPageKeysAreBounded makes few bytes stand for very many, by keys that
// share a megabyte each.
func TestPageKeysAreBounded(t *testing.T) {
	const long = MaxKey - 300
	items := [][]byte{item(0, string(rep('a', long)))}
	for i := range 200 {
		items = append(items, item(long+i, "b"))
	}
	if err := new(Page).Decode(leaf(items...)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("Decode = %v, want ErrCorrupt", err)
	}
}

func TestPageFirstKeyMayBeEmpty(t *testing.T) {
	p := Page{Items: []PageItem{{Key: []byte{}, Entry: &Entry{Type: TypeDirectory}}, {Key: []byte("a"), Entry: &sampleEntry}}}
	var got Page
	if err := got.Decode(p.Append(nil)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, p) {
		t.Errorf("got %+v", got)
	}
}

// TestPageKeysSurviveReuse decodes another page into the same memory.
func TestPageKeysSurviveReuse(t *testing.T) {
	var p Page
	if err := p.Decode(filePage(50).Append(nil)); err != nil {
		t.Fatal(err)
	}
	keys := make([][]byte, len(p.Items))
	for i := range p.Items {
		keys[i] = p.Items[i].Key
	}
	if err := p.Decode(leaf(item(0, "zzz"))); err != nil {
		t.Fatal(err)
	}
	for i, item := range filePage(50).Items {
		if !bytes.Equal(keys[i], item.Key) {
			t.Fatalf("key %d became %q", i, keys[i])
		}
	}
}

// filePage returns a leaf of n files in one directory.
func filePage(n int) *Page {
	p := new(Page)
	for i := range n {
		e := sampleEntry
		e.Inode += uint64(i)
		e.Content = []Piece{{Length: 5120, ID: id(byte(i))}}
		p.Items = append(p.Items, PageItem{Key: fmt.Appendf(nil, "usr/share/doc/package/file-%06d.html", i), Entry: &e})
	}
	return p
}

func TestSequencePageDecodeRefuses(t *testing.T) {
	child := rep(1, 32)
	for name, b := range map[string][]byte{
		"nothing":              {},
		"no items":             {0, 0},
		"too high a level":     append([]byte{MaxTreeDepth, 1}, append(child, 1, 1)...),
		"count too high":       {0, 2, 3},
		"count over the bound": append(protowire.AppendVarint([]byte{0}, SequenceItems+1), bytes.Repeat([]byte{3}, SequenceItems+1)...),
		"empty piece":          {0, 1, 1},
		"piece breaks off":     {0, 1, 2, 1},
		"bytes behind":         {0, 1, 3, 3},
		"child breaks off":     {1, 1, 1},
		"child too large":      append([]byte{1, 1}, append(protowire.AppendVarint(child, MaxPage+1), 1)...),
	} {
		t.Run(name, func(t *testing.T) {
			if err := new(SequencePage).Decode(b); !errors.Is(err, ErrCorrupt) {
				t.Errorf("Decode = %v, want ErrCorrupt", err)
			}
		})
	}
}

func TestDecodePieces(t *testing.T) {
	want := []Piece{{Length: 1, ID: id(1)}, {Length: 1<<63 - 1, Hole: true}, {Length: MaxChunk, ID: id(2)}}
	got, err := DecodePieces(nil, AppendPieces(nil, want))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := DecodePieces(nil, []byte{0}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("empty piece: %v, want ErrCorrupt", err)
	}
}
