package index

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/seal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var testTime = time.Unix(1_800_000_000, 0)

// must fails the test on an error and else passes the value on.
func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func newOwner(t testing.TB) *seal.Keyring {
	t.Helper()
	k, _, err := seal.Create(seal.RootParams{Created: testTime, Program: "test",
		ChunkMin: 1 << 10, ChunkMean: 1 << 12, ChunkMax: 1 << 14, PageMin: 16, PageMean: 64, PageMax: 256})
	return must(k, err)(t)
}

// place is a Location by value.
type place struct {
	pack                                  format.PackName
	blockOffset, blockLength, chunkOffset uint32
}

func placeOf(at Location) place {
	return place{at.Pack.Name, at.BlockOffset, at.BlockLength, at.ChunkOffset}
}

func comparePlaces(a, b place) int {
	return cmp.Or(a.pack.Compare(b.pack), cmp.Compare(a.blockOffset, b.blockOffset),
		cmp.Compare(a.blockLength, b.blockLength), cmp.Compare(a.chunkOffset, b.chunkOffset))
}

// content is what a segment lists: the model that tests compare with.
type content struct {
	packs   []format.PackInfo
	entries [][]PackEntry // of each pack
}

func (c *content) seal(t testing.TB, k *seal.Keyring, inputs ...string) (string, []byte) {
	t.Helper()
	b := NewBuilder()
	for i := range c.packs {
		b.AddPack(c.packs[i], c.entries[i])
	}
	name, body, err := b.Seal(k, inputs, testTime)
	if err != nil {
		t.Fatal(err)
	}
	return name, body
}

// model is where chunks are by several contents, sorted and without repetitions.
type model map[format.ShortID][]place

func modelOf(contents ...*content) model {
	m := make(model)
	for _, c := range contents {
		for i := range c.packs {
			for _, e := range c.entries[i] {
				m[e.ID] = append(m[e.ID], place{c.packs[i].Name, e.BlockOffset, e.BlockLength, e.ChunkOffset})
			}
		}
	}
	for id := range m {
		slices.SortFunc(m[id], comparePlaces)
		m[id] = slices.Compact(m[id])
	}
	return m
}

func (m model) packs(contents ...*content) []format.PackName {
	var names []format.PackName
	for _, c := range contents {
		for i := range c.packs {
			names = append(names, c.packs[i].Name)
		}
	}
	slices.SortFunc(names, format.PackName.Compare)
	return slices.Compact(names)
}

func randomID(r *rand.Rand) (id format.ShortID) {
	binary.LittleEndian.PutUint64(id[:], r.Uint64())
	binary.LittleEndian.PutUint64(id[8:], r.Uint64())
	return id
}

func wholeID(short format.ShortID) (id format.ID) {
	copy(id[:], short[:])
	return id
}

func randomPack(r *rand.Rand) format.PackInfo {
	p := format.PackInfo{Name: format.PackName{Kind: format.KindData}, Size: 32 << 20, Used: 31 << 20,
		Host: format.Host{1, 2}, Written: r.Int64N(1 << 40)}
	if r.IntN(4) == 0 {
		p.Name.Kind = format.KindMeta
	}
	for i := 0; i < 32; i += 8 {
		binary.LittleEndian.PutUint64(p.Name.Hash[i:], r.Uint64())
	}
	if r.IntN(5) == 0 {
		p.BasePacks = []format.ID{p.Name.Hash, {byte(r.Uint32())}}
	}
	return p
}

// randomContent has packs of up to most entries. now and then with IDs of earlier ones.
func randomContent(r *rand.Rand, packs, most int, earlier ...*content) *content {
	var ids []format.ShortID
	for _, c := range earlier {
		for _, list := range c.entries {
			for i := range list {
				ids = append(ids, list[i].ID)
			}
		}
	}
	c := new(content)
	for range packs {
		var list []PackEntry
		for range r.IntN(most + 1) {
			e := PackEntry{ID: randomID(r), BlockOffset: r.Uint32(), BlockLength: r.Uint32N(1 << 24), ChunkOffset: r.Uint32N(1 << 24)}
			switch {
			case len(ids) > 0 && r.IntN(8) == 0:
				e.ID = ids[r.IntN(len(ids))]
			case r.IntN(20) == 0:
				e.ID = format.ShortID{1, 2, 3, 4, 5, 6, 7, 8, byte(r.IntN(3))}
			}
			ids = append(ids, e.ID)
			list = append(list, e)
		}
		c.packs = append(c.packs, randomPack(r))
		c.entries = append(c.entries, list)
	}
	return c
}

// drive is a store with segments.
type drive struct {
	object.Store
	keys     *seal.Keyring
	contents map[string]*content
}

func newDrive(t testing.TB) *drive {
	return &drive{Store: object.NewMem(), keys: newOwner(t), contents: make(map[string]*content)}
}

func (d *drive) add(t testing.TB, c *content) string {
	t.Helper()
	name, body := c.seal(t, d.keys)
	d.put(t, name, body)
	d.contents[name] = c
	return name
}

func (d *drive) put(t testing.TB, name string, body []byte) {
	t.Helper()
	if _, err := d.Put(context.Background(), name, body, object.PutOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (d *drive) body(t testing.TB, name string) []byte {
	t.Helper()
	body, _, err := d.Get(context.Background(), name, maxBody)
	return must(body, err)(t)
}

func (d *drive) names() []string {
	var names []string
	for name := range d.contents {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (d *drive) all(names ...string) []*content {
	var contents []*content
	for _, name := range names {
		contents = append(contents, d.contents[name])
	}
	return contents
}

func openMirror(t testing.TB, dir string) *Mirror {
	t.Helper()
	m := must(OpenMirror(dir))(t)
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func openView(t testing.TB, m *Mirror, d *drive, names []string, options ...Option) *View {
	t.Helper()
	v := must(m.View(context.Background(), d, d.keys, names, options...))(t)
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return v
}

// expect compares all a view tells with the contents it should have.
func expect(t testing.TB, v *View, contents ...*content) {
	t.Helper()
	want := modelOf(contents...)
	for id, places := range want {
		expectCopies(t, v, id, places)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		id := randomID(r)
		if _, found, err := v.Lookup(wholeID(id), nil); err != nil || found != (want[id] != nil) {
			t.Fatalf("look-up of absent %x: %v, %v", id, found, err)
		}
	}
	expectGroups(t, v, want)
	var packs []format.PackName
	for p := range v.Packs() {
		packs = append(packs, p.Name)
	}
	if names := want.packs(contents...); !slices.Equal(packs, names) {
		t.Fatalf("%d packs, want %d", len(packs), len(names))
	}
}

// expectCopies finds all copies of a chunk by refusing those seen.
func expectCopies(t testing.TB, v *View, id format.ShortID, want []place) {
	t.Helper()
	var seen []format.PackName
	for {
		at, found, err := v.Lookup(wholeID(id), func(p *format.PackInfo) bool { return !slices.Contains(seen, p.Name) })
		if err != nil {
			t.Fatal(err)
		}
		if !found {
			break
		}
		if !slices.Contains(want, placeOf(at)) {
			t.Fatalf("chunk %x found at %v, want %v", id, placeOf(at), want)
		}
		seen = append(seen, at.Pack.Name)
	}
	packs := make(map[format.PackName]bool)
	for _, p := range want {
		packs[p.pack] = true
	}
	if len(seen) != len(packs) {
		t.Fatalf("chunk %x found in %d packs, want %d", id, len(seen), len(packs))
	}
}

func expectGroups(t testing.TB, v *View, want model) {
	t.Helper()
	var last format.ShortID
	count := 0
	for g, err := range v.Merge(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		if count > 0 && bytes.Compare(g.ID[:], last[:]) <= 0 {
			t.Fatalf("group %x behind %x", g.ID, last)
		}
		last = g.ID
		count++
		var places []place
		for _, at := range g.At {
			places = append(places, placeOf(at))
		}
		slices.SortFunc(places, comparePlaces)
		if !slices.Equal(places, want[g.ID]) {
			t.Fatalf("group %x at %v, want %v", g.ID, places, want[g.ID])
		}
	}
	if count != len(want) {
		t.Fatalf("%d groups, want %d", count, len(want))
	}
}

// decode writes a segment as a layer in memory.
func decode(k *seal.Keyring, name string, segment []byte) (*memoryFile, error) {
	file := new(memoryFile)
	_, err := decodeSegment(k, name, wholeSegment(segment), newLayerWriter(file, layerOf([]string{name})))
	return file, err
}

// writeTestLayer writes a layer of one member by hand.
func writeTestLayer(t testing.TB, to io.WriterAt, id layerID, c *content) {
	t.Helper()
	b := NewBuilder()
	for i := range c.packs {
		b.AddPack(c.packs[i], c.entries[i])
	}
	if err := b.settle(); err != nil {
		t.Fatal(err)
	}
	w := newLayerWriter(to, id)
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(w.beginEntries(uint64(len(b.records))))
	for i := range b.records {
		var e [layerEntry]byte
		b.records[i].append(e[:0])
		check(w.entry(&e))
	}
	check(w.endEntries())
	check(w.begin(packSection))
	for i := range b.packs {
		check(w.pack(b.packs[i].Append(nil)))
	}
	m := member{name: "x/test", size: 1, directory: format.Directory{Entries: uint64(len(b.records)), Packs: uint64(len(b.packs)),
		Signer: format.Certificate{PublicKey: make([]byte, 32), Role: format.RoleWriter, Signature: make([]byte, 64)}, Signature: make([]byte, 64)}}
	check(w.finish([]member{m}))
}
