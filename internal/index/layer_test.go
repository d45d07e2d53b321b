package index

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"firn/internal/format"
)

var testLayerID = layerID{9, 8, 7}

func loadLayer(file *memoryFile, id layerID) (*layer, error) {
	l, err := openLayer(file.source(), id)
	if err != nil {
		return nil, err
	}
	for i := range l.members {
		l.claim(i)
	}
	return l, l.load(new(packTable))
}

func findAll(l *layer, id format.ShortID) ([]place, error) {
	var places []place
	_, err := l.find(&id, func(at Location) bool {
		places = append(places, placeOf(at))
		return false
	})
	slices.SortFunc(places, comparePlaces)
	return places, err
}

// crowdedIDs draws IDs that are as unlike hashes as can be.
func crowdedIDs(t *rapid.T) []format.ShortID {
	raw := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) format.ShortID {
		var id format.ShortID
		switch rapid.IntRange(0, 3).Draw(t, "shape") {
		case 0: // even
			binary.BigEndian.PutUint64(id[:], rapid.Uint64().Draw(t, "high"))
		case 1: // all high
			binary.BigEndian.PutUint64(id[:], ^uint64(0)-uint64(rapid.IntRange(0, 5).Draw(t, "high")))
			id[15] = rapid.Byte().Draw(t, "low")
		case 2: // one fence
			id[15] = rapid.Byte().Draw(t, "low")
		case 3: // one ID
			id = format.ShortID{0x80}
		}
		return id
	}), 0, 40).Draw(t, "ids")
	repeat := rapid.SampledFrom([]int{1, 7, 60}).Draw(t, "repeat")
	return slices.Repeat(raw, repeat)
}

func TestLayerFindsWhatWasWritten(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		c := &content{packs: []format.PackInfo{randomPack(r), randomPack(r)}, entries: make([][]PackEntry, 2)}
		ids := crowdedIDs(rt)
		for i, id := range ids {
			c.entries[i%2] = append(c.entries[i%2], PackEntry{ID: id, BlockOffset: uint32(i), BlockLength: 77, ChunkOffset: uint32(i)})
		}
		file := new(memoryFile)
		writeTestLayer(t, file, testLayerID, c)
		l, err := loadLayer(file, testLayerID)
		if err != nil {
			rt.Fatal(err)
		}
		defer l.drop()
		if err := l.loadFilter(rapid.SampledFrom([]uint64{0, pagePayload, 1 << 20}).Draw(rt, "filter memory")); err != nil {
			rt.Fatal(err)
		}
		want := modelOf(c)
		for _, id := range append(ids, randomID(r), format.ShortID{}, format.ShortID(bytes.Repeat([]byte{255}, 16))) {
			got, err := findAll(l, id)
			if err != nil {
				rt.Fatal(err)
			}
			if !slices.Equal(got, want[id]) {
				rt.Fatalf("%x is at %v, want %v", id, got, want[id])
			}
		}
	})
}

func TestFirstPage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fences := rapid.SliceOfN(rapid.OneOf(rapid.Uint64(), rapid.Uint64Range(0, 5), rapid.Uint64Range(1<<63, 1<<63+5)), 1, 200).Draw(t, "fences")
		slices.Sort(fences)
		high := rapid.OneOf(rapid.Uint64(), rapid.SampledFrom(fences)).Draw(t, "high")
		want := max(0, slices.IndexFunc(append(slices.Clone(fences), ^uint64(0)), func(f uint64) bool { return f >= high })-1)
		if fences[len(fences)-1] < high {
			want = len(fences) - 1
		}
		if got := firstPage(fences, high); got != want {
			t.Fatalf("first page of %x in %x is %d, want %d", high, fences, got, want)
		}
	})
}

// examine does with a layer's bytes all that can be done and compares what it tells.
func examine(t *testing.T, file *memoryFile, want model) error {
	l, err := loadLayer(file, testLayerID)
	if err != nil {
		return err
	}
	defer l.drop()
	if err := l.loadFilter(1 << 30); err != nil {
		return err
	}
	for id, places := range want {
		got, err := findAll(l, id)
		if err != nil {
			return err
		}
		if want != nil && !slices.Equal(got, places) {
			t.Fatalf("damage went unnoticed: %x is at %v, want %v", id, got, places)
		}
	}
	j := newJoint([]*layer{l})
	return j.write(t.Context(), newLayerWriter(new(memoryFile), testLayerID))
}

func TestLayerNoticesDamage(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	c := randomContent(r, 3, 300)
	file := new(memoryFile)
	writeTestLayer(t, file, testLayerID, c)
	want := modelOf(c)
	if err := examine(t, file, want); err != nil {
		t.Fatal(err)
	}
	if err := examine(t, &memoryFile{nil}, nil); !errors.Is(err, errDamaged) {
		t.Errorf("empty file: %v", err)
	}
	for at := 0; at < len(file.bytes); at += 37 {
		damaged := bytes.Clone(file.bytes)
		damaged[at] ^= 1 << (at % 8)
		if err := examine(t, &memoryFile{damaged}, want); !errors.Is(err, errDamaged) {
			t.Errorf("byte %d changed: %v", at, err)
		}
		if err := examine(t, &memoryFile{file.bytes[:at]}, want); !errors.Is(err, errDamaged) {
			t.Errorf("cut at byte %d: %v", at, err)
		}
	}
	pages := len(file.bytes) / pageSize
	for i := range pages {
		swapped := bytes.Clone(file.bytes)
		k := (i + 1) % pages
		copy(swapped[i*pageSize:(i+1)*pageSize], file.bytes[k*pageSize:])
		if err := examine(t, &memoryFile{swapped}, want); !errors.Is(err, errDamaged) {
			t.Errorf("page %d replaced by %d: %v", i, k, err)
		}
	}
	if _, err := openLayer(file.source(), layerID{1}); !errors.Is(err, errDamaged) {
		t.Errorf("layer under another's name: %v", err)
	}
}

// reseal makes the pages of a layer whole, whatever is in them.
func reseal(b []byte) {
	for i := 0; (i+1)*pageSize <= len(b); i++ {
		(*page)(b[i*pageSize:]).seal(testLayerID, uint64(i))
	}
}

// patched returns base with patch laid over it, cut bytes shorter.
func patched(base []byte, at uint32, patch []byte, cut uint32) []byte {
	b := bytes.Clone(base[:len(base)-int(cut)%len(base)])
	copy(b[int(at)%len(b):], patch)
	return b
}

// FuzzLayer reads layers whose checksums are right and whose content is not.
func FuzzLayer(f *testing.F) {
	r := rand.New(rand.NewPCG(7, 8))
	parts := []*layer{}
	for range 3 {
		file := new(memoryFile)
		writeTestLayer(f, file, testLayerID, randomContent(r, 2, 100))
		parts = append(parts, must(loadLayer(file, testLayerID))(f))
	}
	base := new(memoryFile)
	if err := newJoint(parts).write(f.Context(), newLayerWriter(base, testLayerID)); err != nil {
		f.Fatal(err)
	}
	last := uint32(len(base.bytes) - pageSize)
	f.Add(uint32(0), []byte{}, uint32(0), true)
	f.Add(last+16, []byte{255, 255, 255}, uint32(0), false)
	for page := uint32(0); page < last; page += pageSize {
		f.Add(page+5, []byte{255, 1, 0, 255}, uint32(0), page%2 == 0)
	}
	f.Add(uint32(0), base.bytes[last:last+footerSize], last, true)
	f.Fuzz(func(t *testing.T, at uint32, patch []byte, cut uint32, whole bool) {
		b := patched(base.bytes, at, patch, cut/pageSize*pageSize)
		reseal(b)
		l, err := openLayer((&memoryFile{b}).source(), testLayerID)
		if err == nil {
			for i := range l.members {
				if whole || i != 1 {
					l.claim(i)
				}
			}
			err = l.load(new(packTable))
		}
		if err != nil {
			if !errors.Is(err, errDamaged) {
				t.Fatal(err)
			}
			return
		}
		defer l.drop()
		_ = l.loadFilter(1 << 20)
		for i := range 8 {
			id := format.ShortID{byte(i * 32)}
			if i > 0 && len(b) > 16*i {
				id = format.ShortID(b[16*(i-1):])
			}
			if _, err := findAll(l, id); err != nil && !errors.Is(err, errDamaged) {
				t.Fatal(err)
			}
		}
		var d *damage
		if err := newJoint([]*layer{l}).write(t.Context(), newLayerWriter(nowhere{}, layerID{})); err != nil && !errors.As(err, &d) {
			t.Fatal(err)
		}
	})
}
