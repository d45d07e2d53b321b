package format

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the vectors in testdata anew")

// golden returns the bytes of a vector, which it sets to got first under -update.
func golden(t *testing.T, name string, got []byte) []byte {
	t.Helper()
	path := filepath.Join("testdata", name+".hex")
	if *update {
		var text strings.Builder
		for line := got; len(line) > 0; line = line[min(32, len(line)):] {
			text.WriteString(hex.EncodeToString(line[:min(32, len(line))]) + "\n")
		}
		if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want, err := hex.DecodeString(strings.Join(strings.Fields(string(text)), ""))
	if err != nil {
		t.Fatal(err)
	}
	return want
}

func TestRecordsMatchVectors(t *testing.T) {
	for _, s := range samples() {
		t.Run(s.name, func(t *testing.T) {
			got := s.value.Append(nil)
			want := golden(t, s.name, got)
			if !bytes.Equal(got, want) {
				t.Errorf("encoding differs from the vector:\n%x\n%x", got, want)
			}
			decoded := s.fresh()
			if err := decoded.Decode(want); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(decoded, s.value) {
				t.Errorf("vector decodes to\n%+v, want\n%+v", decoded, s.value)
			}
		})
	}
}

func TestVectorsHaveSamples(t *testing.T) {
	known := map[string]bool{}
	for _, s := range samples() {
		known[s.name] = true
	}
	for _, s := range layouts {
		known[s.name] = true
	}
	files, err := filepath.Glob("testdata/*.hex")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !known[strings.TrimSuffix(filepath.Base(f), ".hex")] {
			t.Errorf("%s belongs to no sample", f)
		}
	}
}

// layouts are the fixed layouts and other parts that are no records.
var layouts = []struct {
	name   string
	encode func() []byte
}{
	{"header", func() []byte { return AppendHeader(nil, Header{Kind: KindData, Epoch: 0x01020304}) }},
	{"section-header", func() []byte { return AppendSectionHeader(nil, 0x01020304, rep(5, EncapsulationSize)) }},
	{"block-header", func() []byte {
		return BlockHeader{SectionOffset: 16, Number: 0x01020304, Context: [16]byte(rep(5, 16))}.Append(nil)
	}},
	{"block-zstd", func() []byte { return AppendBlockContent(nil, CodecZstd, 1<<20, nil) }},
	{"block-delta", func() []byte {
		return AppendBlockContent(nil, CodecDelta, 1<<20, []BaseRef{{Pack: id(1), Offset: 1152, Length: 1 << 19}, {Pack: id(2), Offset: 16, Length: 1}})
	}},
	{"pack-trailer", func() []byte { return PackTrailer{FooterLength: 0x01020304}.Append(nil) }},
	{"index-entry", func() []byte {
		return AppendIndexEntry(nil, &IndexEntry{ID: ShortID(rep(1, 16)), Position: Position{Pack: 0x02030405, BlockOffset: 0x06070809, BlockLength: 0x0a0b0c, ChunkOffset: 0x0d0e0f}})
	}},
	{"segment-trailer", func() []byte {
		return SegmentTrailer{ContentID: id(1), DirectoryOffset: 0x0203040506, DirectoryLength: 0x01020304}.Append(nil)
	}},
	{"pieces", func() []byte {
		return AppendPieces(nil, []Piece{{Length: 300, ID: id(1)}, {Length: 1 << 30, Hole: true}})
	}},
	{"delta", func() []byte {
		return AppendDelta(nil, []Instruction{{Copy: true, Offset: 1000, Length: 500}, {Length: 3}, {Copy: true, Offset: 10, Length: 20}}, []byte("abc"))
	}},
}

func TestLayoutsMatchVectors(t *testing.T) {
	for _, l := range layouts {
		t.Run(l.name, func(t *testing.T) {
			got := l.encode()
			if want := golden(t, l.name, got); !bytes.Equal(got, want) {
				t.Errorf("encoding differs from the vector:\n%x\n%x", got, want)
			}
		})
	}
}
