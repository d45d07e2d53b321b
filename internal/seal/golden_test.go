package seal

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"testing"
	"testing/cryptotest"

	"github.com/zeebo/blake3"

	"firn/internal/format"
)

var update = flag.Bool("update", false, "make the golden objects anew: only while nobody has a repository")

const goldenFile = "testdata/golden.json"

// golden are objects as they were sealed once. They must open for ever.
type golden struct {
	Root, FileSlot, PassphraseSlot, WriterSlot []byte
	DataSection, DataBlock, DeltaBlock         []byte
	MetaSection, MetaBlock                     []byte
	Footer, FooterBody                         []byte
	Records                                    map[string][]byte // by kind
	SegmentPage, Directory                     []byte
}

// The derivations, from the golden bundle's dedup and index keys.
var goldenDerived = map[string]string{
	"repository":     "99bced7997314f15667684d6eb758835c901a18aa315d9f27880db5df4331406",
	"data id":        "b8f927d109a1cb0bb496c5222e86bed4d591e6a31600c9bdeccc4938d72ff2ed",
	"metadata id":    "8af4e502f9e73dd8a6284f5b85a227aafadae5e5d83e31929031f09b61b6ef88",
	"mirror id":      "b7c9721bf69e967825b5ee7a397a31c151d53a53b88b41abbfd910bd02693ea6",
	"gear table":     "733d458daf37f174b373c75e553e42ac5139b811bade630b21225a2183a1dba1",
	"page cut key":   "f84d27f0697a18666b2b2c88c5bc2dac9f9fc6b27925d7ffce8acdf80cb9d81d",
	"record key":     "8ca5d10f4b4d7794f75ac3e1299c091b2769118160901175646817c11559cf96",
	"footer key":     "32fef93254aefca7c8576868b7f1536ebab6c69f6c5ca1f54e71b6267e49ff70",
	"segment key":    "635c07602f6fd1b5f23e85746a50d2cf730a4d6167f922886c23e2d10cedf310",
	"content key":    "b5fdac1b28868f8f85bfdbc949cdf02adef7fe7b9daae927cbc093e21d81fca2",
	"content id":     "6bc15cc8235137f2211dc60aa0266aed70f9eaa9e54586ab0ea50aa2e68cdf33",
	"slot root":      "3f9678b67cae6e1f2ce4e184810d67d51e0b4ed30deb473215bf3fba4c90fb63",
	"sealed block":   "00100000070000003215e922729c7e79f4324b01c3c3e87ce92634ce08b6917bec091037706b610579a566f5cc5567e67826b5141bdd071435862f43c97d2d",
	"sealed page":    "da2bbb0cf37e1fd61811b9a3f958df5296dd9fd9e456519d023ee8",
	"member key":     "c7d5378d4ba1bedf09dbf59c89fbc3bdacb883820cca1b06595d2bfe2b951d8d",
	"second epoch":   "72b0ec8a26a5d5f81eda818753ebeba5e1dfde54e39edccdf044980a89028b24",
	"renewal key":    "9b70e1a4f66b8abf5f93b558514f54a6060f53d93020c269288e894fc864c562",
	"passphrase key": "1148747728d968109fe3816aa5783df48eb36b10e0c8f6bd517a29cf78ded61c",
}

var (
	goldenSegment  = format.ID{0x5e, 0x9}
	goldenMetaText = []byte{0, 4, 'p', 'a', 'g', 'e'}
	goldenPack     = format.PackName{Kind: format.KindData, Hash: format.ID{0x77}}
)

func goldenMetaBlock() *format.Block {
	return &format.Block{Codec: format.CodecStored, IDs: []format.ID{{4}}, Lengths: []uint32{4}}
}

// makeGolden seals one of everything.
func makeGolden(t *testing.T) *golden {
	cryptotest.SetGlobalRandom(t, 1)
	owner, writer, maintainer := rings(t)
	g := &golden{Root: owner.Root().Append(nil), Records: make(map[string][]byte)}
	slot := func(b *format.Bundle, secret Secret) []byte {
		s, err := SealSlot(b, secret, "golden", noon, cheap)
		if err != nil {
			t.Fatal(err)
		}
		return s.Append(nil)
	}
	g.FileSlot, g.PassphraseSlot = slot(owner.bundle, testFile), slot(owner.bundle, testPhrase)
	g.WriterSlot = slot(writer.bundle, testFile)

	data, header := newTestSection(t, writer, format.KindData)
	block, plaintext := testBlock(0)
	delta, deltaText := testDelta()
	g.DataSection = header
	g.DataBlock, g.DeltaBlock = data.SealBlock(nil, block, 16, plaintext), data.SealBlock(nil, delta, 16, deltaText)
	meta, header := newTestSection(t, writer, format.KindMeta)
	g.MetaSection, g.MetaBlock = header, meta.SealBlock(nil, goldenMetaBlock(), 16, goldenMetaText)

	f, sealed := mustSealFooter(t, writer, format.KindData)
	g.Footer, g.FooterBody = sealed, f.Append(nil)
	for _, r := range recordKinds {
		g.Records[string(rune(r.kind))] = mustSealRecord(t, maintainer, r.kind, r.name, []byte("golden "+r.name))
	}
	c := mustSegmentCipher(t, owner, goldenSegment)
	g.SegmentPage = c.Seal(nil, 3, []byte("golden page"))
	g.Directory = c.SealDirectory(nil, 4, []byte("golden directory"))
	return g
}

func loadGolden(t testing.TB) *golden {
	t.Helper()
	encoded, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	g := new(golden)
	if err := json.Unmarshal(encoded, g); err != nil {
		t.Fatal(err)
	}
	return g
}

// open opens the golden slot of an owner or writer.
func (g *golden) open(t testing.TB, slot []byte, secret Secret) *Keyring {
	t.Helper()
	s, root := new(format.Slot), new(format.Root)
	if err := s.Decode(slot); err != nil {
		t.Fatal(err)
	}
	if err := root.Decode(g.Root); err != nil {
		t.Fatal(err)
	}
	b, err := OpenSlot(s, secret)
	if err != nil {
		t.Fatal(err)
	}
	k, err := Open(b, root, nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestGoldenObjectsOpen(t *testing.T) {
	if *update {
		encoded, err := json.MarshalIndent(makeGolden(t), "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(goldenFile, append(encoded, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	g := loadGolden(t)
	owner := g.open(t, g.FileSlot, testFile)
	same := g.open(t, g.PassphraseSlot, testPhrase)
	writer := g.open(t, g.WriterSlot, testFile)
	if !bytes.Equal(owner.bundle.Append(nil), same.bundle.Append(nil)) || writer.Role() != format.RoleWriter {
		t.Error("slots hold other bundles")
	}

	block, plaintext := testBlock(0)
	delta, deltaText := testDelta()
	for _, b := range []struct {
		kind          format.Kind
		header, block []byte
		record        *format.Block
		want          []byte
	}{
		{format.KindData, g.DataSection, g.DataBlock, block, plaintext},
		{format.KindData, g.DataSection, g.DeltaBlock, delta, deltaText},
		{format.KindMeta, g.MetaSection, g.MetaBlock, goldenMetaBlock(), goldenMetaText},
	} {
		section, err := owner.OpenSection(b.kind, b.header)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := section.OpenBlock(nil, b.block); err != nil || !bytes.Equal(got, b.want) {
			t.Errorf("block opened as %q, %v", got, err)
		}
		if !bytes.Equal(section.SealBlock(nil, b.record, 16, b.want), b.block) {
			t.Error("a block is sealed otherwise")
		}
	}

	want := new(format.Footer)
	if err := want.Decode(g.FooterBody); err != nil {
		t.Fatal(err)
	}
	if f, err := owner.OpenFooter(format.KindData, 1, g.Footer); err != nil || !reflect.DeepEqual(f, want) {
		t.Errorf("footer opened as %+v, %v", f, err)
	}
	for _, r := range recordKinds {
		opened, err := owner.OpenRecord(r.name, g.Records[string(rune(r.kind))])
		if err != nil || string(opened.Body) != "golden "+r.name {
			t.Errorf("record %c: %v", r.kind, err)
		}
	}
	c := mustSegmentCipher(t, writer, goldenSegment)
	if page, err := c.Open(nil, 3, g.SegmentPage); err != nil || string(page) != "golden page" {
		t.Errorf("page opened as %q, %v", page, err)
	}
	if directory, err := c.OpenDirectory(nil, 4, g.Directory); err != nil || string(directory) != "golden directory" {
		t.Errorf("directory opened as %q, %v", directory, err)
	}
}

func TestGoldenDerivations(t *testing.T) {
	g := loadGolden(t)
	k := g.open(t, g.FileSlot, testFile)
	keys := k.standing.Load().epochs[1].index
	content, err := k.SegmentContent(1)
	if err != nil {
		t.Fatal(err)
	}
	content.Write([]byte("golden entries"))
	gear := blake3.New()
	for _, x := range k.GearTable() {
		gear.Write([]byte{byte(x), byte(x >> 8), byte(x >> 16), byte(x >> 24), byte(x >> 32), byte(x >> 40), byte(x >> 48), byte(x >> 56)})
	}
	fileSlot, passphraseSlot := new(format.Slot), new(format.Slot)
	if err := fileSlot.Decode(g.FileSlot); err != nil {
		t.Fatal(err)
	}
	if err := passphraseSlot.Decode(g.PassphraseSlot); err != nil {
		t.Fatal(err)
	}
	slotRoot, err := slotRootKey(fileSlot, testFile)
	if err != nil {
		t.Fatal(err)
	}
	passphraseRoot, err := slotRootKey(passphraseSlot, testPhrase)
	if err != nil {
		t.Fatal(err)
	}
	block, plaintext := testBlock(7)
	member, err := k.MemberKey(Member{Slot: [16]byte{1, 2}, Role: format.RoleMaintainer})
	if err != nil {
		t.Fatal(err)
	}
	secret, public, err := deriveEpoch(k.bundle.OwnerSeed, 2)
	if err != nil {
		t.Fatal(err)
	}
	epoch := blake3.New()
	for _, key := range [][]byte{secret.Dedup, secret.Index, secret.DataSecret, secret.MetadataSecret, public.DataKey, public.MetadataKey} {
		epoch.Write(key)
	}
	renewal := renewalKey(ed25519.NewKeyFromSeed(make([]byte, 32)), &format.Renewal{Salt: []byte("golden")})
	id := func(id format.ID) []byte { return id[:] }
	for name, got := range map[string][]byte{
		"repository":     id(k.Repository()),
		"data id":        id(k.ChunkID(format.KindData, []byte("golden"))),
		"metadata id":    id(k.ChunkID(format.KindMeta, []byte("golden"))),
		"mirror id":      id(k.MirrorID(goldenPack)),
		"gear table":     gear.Sum(nil),
		"page cut key":   k.PageCutKey()[:],
		"record key":     keys.record[:],
		"footer key":     keys.footer[:],
		"segment key":    keys.segment[:],
		"content key":    keys.segmentContent[:],
		"content id":     content.Sum(nil),
		"slot root":      slotRoot[:],
		"passphrase key": passphraseRoot[:],
		"member key":     member,
		"second epoch":   epoch.Sum(nil),
		"renewal key":    renewal[:],
		"sealed block":   newSection(format.ID{1}, format.KindMeta, [32]byte{2}).SealBlock(nil, block, 4096, plaintext),
		"sealed page":    mustSegmentCipher(t, k, goldenSegment).Seal(nil, 9, []byte("golden page")),
	} {
		if want := goldenDerived[name]; hex.EncodeToString(got) != want {
			t.Errorf("%q: %q,", name, hex.EncodeToString(got))
		}
	}
}

// TestDerivationsFollowTheDefinition derives as docs/format.md §3 says it.
func TestDerivationsFollowTheDefinition(t *testing.T) {
	k := newOwner(t)
	d := func(context string) []byte {
		key := make([]byte, 32)
		blake3.DeriveKey(context, k.bundle.Epochs[0].Dedup, key)
		return key
	}
	keyedSum := func(key []byte, data string) format.ID {
		h, err := blake3.NewKeyed(key)
		if err != nil {
			t.Fatal(err)
		}
		h.Write([]byte(data))
		return format.ID(h.Sum(nil))
	}
	long := string(bytes.Repeat([]byte("0123456789abcdef"), 10000))
	for _, data := range []string{"", "x", long} {
		if k.ChunkID(format.KindData, []byte(data)) != keyedSum(d("firn v1 data chunk id"), data) {
			t.Errorf("data chunk of %d bytes has another ID", len(data))
		}
		if k.ChunkID(format.KindMeta, []byte(data)) != keyedSum(d("firn v1 metadata chunk id"), data) {
			t.Errorf("metadata chunk of %d bytes has another ID", len(data))
		}
	}
	if k.MirrorID(goldenPack) != keyedSum(d("firn v1 metadata chunk id"), "mirror"+string(goldenPack.Hash[:])) {
		t.Error("mirrors have other IDs")
	}
	if !bytes.Equal(k.PageCutKey()[:], d("firn v1 tree page cut")) {
		t.Error("another page cut key")
	}
	table := make([]byte, 2048)
	blake3.DeriveKey("firn v1 gear table", k.bundle.Epochs[0].Dedup, table)
	if x := k.GearTable()[255]; !bytes.Equal(table[2040:], []byte{byte(x), byte(x >> 8), byte(x >> 16), byte(x >> 24), byte(x >> 32), byte(x >> 40), byte(x >> 48), byte(x >> 56)}) {
		t.Error("another gear table")
	}
}
