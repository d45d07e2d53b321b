package index

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/seal"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldenFile reads a file of testdata that holds hex digits in lines.
func goldenFile(t *testing.T, name string) []byte {
	t.Helper()
	text := must(os.ReadFile(filepath.Join("testdata", name)))(t)
	return must(hex.DecodeString(strings.Join(strings.Fields(string(text)), "")))(t)
}

func writeGolden(t *testing.T, name string, b []byte) {
	t.Helper()
	var text strings.Builder
	for line := range slices.Chunk(b, 48) {
		text.WriteString(hex.EncodeToString(line) + "\n")
	}
	if err := os.WriteFile(filepath.Join("testdata", name), []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// goldenContent has two packs, a chunk that is in both, and a chunk twice in one.
func goldenContent() *content {
	id := func(b byte) format.ShortID { return format.ShortID(bytes.Repeat([]byte{b}, 16)) }
	return &content{
		packs: []format.PackInfo{
			{Name: format.PackName{Kind: format.KindMeta, Hash: format.ID{1}}, Size: 65536, Used: 60000, Host: format.Host{7}, Written: 1_700_000_000},
			{Name: format.PackName{Kind: format.KindData, Hash: format.ID{2}}, Size: 131072, Used: 100000, Host: format.Host{7},
				BasePacks: []format.ID{{3}, {4}}, Written: 1_700_000_001, Content: 5},
		},
		entries: [][]PackEntry{
			{{id(0x10), 1152, 5000, 0}, {id(0xfe), 1152, 5000, 300}, {id(0x20), 6152, 700, 0}},
			{{id(0x20), 1152, 90000, 1 << 20}, {id(0x20), 256, 90000, 0}, {id(0x33), 70000, 1<<24 - 1, 1<<24 - 1}},
		},
	}
}

// goldenKeys opens the bundle and root of testdata, whose secrets protect nothing.
func goldenKeys(t *testing.T) *seal.Keyring {
	t.Helper()
	var bundle format.Bundle
	var root format.Root
	if err := bundle.Decode(goldenFile(t, "bundle.hex")); err != nil {
		t.Fatal(err)
	}
	if err := root.Decode(goldenFile(t, "root.hex")); err != nil {
		t.Fatal(err)
	}
	return must(seal.Open(&bundle, &root, nil))(t)
}

// TestGoldenSegment reads a segment that was written once and for all, and
// expects to write the same bytes up to the directory.
func TestGoldenSegment(t *testing.T) {
	const name = "segment-v1.hex"
	if *update {
		owner := newOwner(t)
		bundle := must(owner.Bundle(format.RoleWriter))(t)
		writeGolden(t, "bundle.hex", bundle.Append(nil))
		writeGolden(t, "root.hex", owner.Root().Append(nil))
		_, segment := goldenContent().seal(t, goldenKeys(t), "x/0102030405060708-"+strings.Repeat("ab", 32))
		writeGolden(t, name, segment)
	}
	k := goldenKeys(t)
	segment := goldenFile(t, name)
	sealedAs, again := goldenContent().seal(t, k, "x/0102030405060708-"+strings.Repeat("ab", 32))
	trailer := must(format.ParseSegmentTrailer(segment[len(segment)-format.SegmentTrailerSize:]))(t)
	if !bytes.Equal(segment[:trailer.DirectoryOffset], again[:trailer.DirectoryOffset]) || len(segment) != len(again) {
		t.Error("the segment is written in another way")
	}
	d := &drive{Store: object.NewMem(), keys: k, contents: make(map[string]*content)}
	d.put(t, nameOf(k, segment), segment)
	d.put(t, sealedAs, again)
	v := openView(t, openMirror(t, ""), d, []string{nameOf(k, segment)})
	expect(t, v, goldenContent())
	infos := v.Segments()
	if len(infos) != 1 || infos[0].Entries != 6 || infos[0].Packs != 2 || infos[0].Created != testTime.Unix() || len(infos[0].Inputs) != 1 {
		t.Errorf("described as %+v", infos)
	}
}
