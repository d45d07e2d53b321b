package format

import (
	"errors"
	"reflect"
	"testing"
)

func TestParseHeader(t *testing.T) {
	good := AppendHeader(nil, Header{Kind: KindManifest, Epoch: 7})
	h, rest, err := ParseHeader(append(good, "body"...))
	if err != nil || h != (Header{Kind: KindManifest, Epoch: 7}) || string(rest) != "body" {
		t.Errorf("got %+v, %q, %v", h, rest, err)
	}
	for _, c := range []struct {
		name string
		at   int
		set  byte
		want error
	}{
		{"magic", 0, 'X', ErrMagic},
		{"version", 5, 2, ErrVersion},
		{"version zero", 5, 0, ErrVersion},
		{"kind", 4, 'z', ErrCorrupt},
		{"reserved", 6, 1, ErrCorrupt},
		{"reserved", 7, 1, ErrCorrupt},
		{"reserved", 12, 1, ErrCorrupt},
		{"reserved", 15, 1, ErrCorrupt},
		{"root with epoch", 4, 'r', ErrCorrupt},
	} {
		bad := append([]byte(nil), good...)
		bad[c.at] = c.set
		if _, _, err := ParseHeader(bad); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if _, _, err := ParseHeader(good[:15]); !errors.Is(err, ErrCorrupt) {
		t.Errorf("truncated: %v", err)
	}
}

// TestFixedLayoutsRefuseReserved flips each byte that can have one value only.
func TestFixedLayoutsRefuseReserved(t *testing.T) {
	for _, c := range []struct {
		name  string
		good  []byte
		fixed [][2]int // ranges of bytes
		parse func([]byte) error
	}{
		{"section header", AppendSectionHeader(nil, 1, rep(1, EncapsulationSize)), [][2]int{{0, 4}, {8, 16}},
			func(b []byte) error { _, _, err := ParseSectionHeader(b); return err }},
		{"pack trailer", PackTrailer{FooterLength: 1}.Append(nil), [][2]int{{3, 16}},
			func(b []byte) error { _, err := ParsePackTrailer(b); return err }},
		{"segment trailer", SegmentTrailer{DirectoryLength: 1}.Append(nil), [][2]int{{38, 40}, {43, 64}},
			func(b []byte) error { _, err := ParseSegmentTrailer(b); return err }},
	} {
		if err := c.parse(c.good); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if err := c.parse(c.good[:len(c.good)-1]); err == nil {
			t.Errorf("%s: truncated is accepted", c.name)
		}
		for _, r := range c.fixed {
			for i := r[0]; i < r[1]; i++ {
				bad := append([]byte(nil), c.good...)
				bad[i] ^= 0x40
				if err := c.parse(bad); !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrMagic) {
					t.Errorf("%s: byte %d changed: %v", c.name, i, err)
				}
			}
		}
	}
}

func TestFixedLayoutsComeBack(t *testing.T) {
	epoch, enc, err := ParseSectionHeader(AppendSectionHeader(nil, 9, rep(8, EncapsulationSize)))
	if err != nil || epoch != 9 || !reflect.DeepEqual(enc, rep(8, EncapsulationSize)) {
		t.Errorf("section header: %d, %x, %v", epoch, enc, err)
	}
	block := BlockHeader{SectionOffset: 1 << 30, Number: 1<<32 - 1, Context: [16]byte{1}}
	if got, err := ParseBlockHeader(block.Append(nil)); err != nil || got != block {
		t.Errorf("block header: %+v, %v", got, err)
	}
	if _, err := ParseBlockHeader(make([]byte, BlockHeaderSize-1)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("block header truncated: %v", err)
	}
	trailer := PackTrailer{FooterLength: MaxFooter}
	if got, err := ParsePackTrailer(trailer.Append(nil)); err != nil || got != trailer {
		t.Errorf("pack trailer: %+v, %v", got, err)
	}
	segment := SegmentTrailer{ContentID: id(1), DirectoryOffset: MaxSegment, DirectoryLength: MaxRecord}
	if got, err := ParseSegmentTrailer(segment.Append(nil)); err != nil || got != segment {
		t.Errorf("segment trailer: %+v, %v", got, err)
	}
	entry := IndexEntry{ID: ShortID(rep(9, 16)), Position: Position{Pack: 1<<32 - 1, BlockOffset: 1 << 29, BlockLength: 1<<24 - 1, ChunkOffset: 1<<24 - 2}}
	if got, err := ParseIndexEntry(AppendIndexEntry(nil, &entry)); err != nil || got != entry {
		t.Errorf("index entry: %+v, %v", got, err)
	}
	if _, err := ParseIndexEntry(make([]byte, IndexEntrySize-1)); !errors.Is(err, ErrCorrupt) {
		t.Errorf("index entry truncated: %v", err)
	}
}

func TestPackTable(t *testing.T) {
	want := []PackInfo{{Name: pack(KindData, 1), Size: 5}, {Name: pack(KindMeta, 2), BasePacks: []ID{id(1), id(2), id(3), id(4)}}}
	var table []byte
	for i := range want {
		table = AppendPackRecord(table, &want[i])
	}
	for i := range want {
		record, rest, err := NextPackRecord(table)
		if err != nil {
			t.Fatal(err)
		}
		var got PackInfo
		if err := got.Decode(record); err != nil || !reflect.DeepEqual(got, want[i]) {
			t.Errorf("record %d: %+v, %v", i, got, err)
		}
		table = rest
	}
	if len(table) > 0 {
		t.Errorf("%d bytes left", len(table))
	}
	if _, _, err := NextPackRecord([]byte{2, 1}); !errors.Is(err, ErrCorrupt) {
		t.Errorf("truncated: %v", err)
	}
}

func TestBlockContent(t *testing.T) {
	bases := []BaseRef{{Pack: id(1), Offset: 1152, Length: 1 << 24}, {Pack: id(2), Offset: 1, Length: 2}}
	for _, want := range []BlockContent{
		{Codec: CodecStored, Length: 4, Payload: []byte("data")},
		{Codec: CodecZstd, Length: MaxContent, Payload: []byte("zstd")},
		{Codec: CodecDelta, Length: 300, Bases: bases, Payload: []byte("zstd")},
	} {
		got, err := ParseBlockContent(append(AppendBlockContent(nil, want.Codec, want.Length, want.Bases), want.Payload...))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
	}
	for name, b := range map[string][]byte{
		"nothing":         {},
		"no length":       {1},
		"unknown codec":   {3, 1, 0},
		"empty":           {1, 0},
		"too large":       AppendBlockContent(nil, CodecZstd, MaxContent+1, nil),
		"stored short":    {0, 2, 1},
		"stored long":     {0, 1, 1, 1},
		"base breaks off": AppendBlockContent(nil, CodecDelta, 300, bases)[:20],
		"no base":         AppendBlockContent(nil, CodecDelta, 300, nil),
		"three bases":     AppendBlockContent(nil, CodecDelta, 300, append(bases, bases[0])),
		"base far away":   AppendBlockContent(nil, CodecDelta, 300, []BaseRef{{Offset: MaxPack + 1, Length: 1}}),
	} {
		if got, err := ParseBlockContent(b); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %+v, %v, want ErrCorrupt", name, got, err)
		}
	}
}

func TestPaddedSize(t *testing.T) {
	for _, c := range []struct {
		size int64
		full bool
		want int64
	}{
		{0, false, 4096}, {4096, false, 4096}, {4097, false, 4352}, {1 << 20, false, 1 << 20},
		{1<<20 + 1, false, 1<<20 + 1<<15}, {1_000_000_000, false, 1_006_632_960},
		{1, true, 4096}, {4096, true, 4096}, {4097, true, 8192},
	} {
		if got := PaddedSize(c.size, c.full); got != c.want {
			t.Errorf("PaddedSize(%d, %v) = %d, want %d", c.size, c.full, got, c.want)
		}
	}
	for size := int64(4097); size < 1<<30; size += size/97 + 1 {
		got := PaddedSize(size, false)
		if got < size || got*100 > size*112 || PaddedSize(got, false) != got {
			t.Fatalf("PaddedSize(%d) = %d", size, got)
		}
	}
}
