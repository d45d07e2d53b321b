package index

import (
	"bytes"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"firn/internal/format"
	"firn/internal/object"
)

// FuzzFar looks chunks up in segments with bytes changed behind the directory's back.
func FuzzFar(f *testing.F) {
	k := newOwner(f)
	c := randomContent(rand.New(rand.NewPCG(9, 2)), 2, 60)
	name, segment := c.sealSummed(f, k)
	want := modelOf(c)
	f.Add(uint32(0), []byte{})
	f.Add(uint32(format.HeaderSize), []byte{1, 2, 3})
	f.Add(uint32(len(segment)-40), []byte{0xff})
	f.Fuzz(func(t *testing.T, at uint32, patch []byte) {
		store := object.NewMem()
		if _, err := store.Put(t.Context(), name, patched(segment, at, patch, 0), object.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		s, tail, err := openFar(t.Context(), store, k, name, uint64(len(segment)))
		if err != nil {
			return
		}
		m := must(OpenMirror(""))(t)
		defer m.Close()
		if err := m.sketchSegment(t.Context(), s, tail); err != nil {
			return
		}
		defer s.source.close()
		for id, places := range want {
			_, _ = s.find(t.Context(), &id, new(packTable), func(number int) ([]byte, error) {
				return s.entryPage(t.Context(), number)
			}, func(found Location) bool {
				if !slices.Contains(places, placeOf(found)) {
					t.Fatalf("%x is said to be at %v", id, placeOf(found))
				}
				return false
			})
		}
	})
}

// FuzzSketch opens sketches whose checksums are right and whose content is not.
func FuzzSketch(f *testing.F) {
	k := newOwner(f)
	name, segment := randomContent(rand.New(rand.NewPCG(10, 2)), 2, 60).sealSummed(f, k)
	trailer := must(format.ParseSegmentTrailer(segment[len(segment)-format.SegmentTrailerSize:]))(f)
	tail := segment[trailer.DirectoryOffset:]
	f.Add(tail, uint16(0))
	f.Add(tail, uint16(4096))
	f.Add([]byte{}, uint16(1))
	f.Fuzz(func(t *testing.T, tail []byte, filterBytes uint16) {
		file := new(memoryFile)
		err := writeSketch(file, testLayerID, tail, func(w io.Writer) error {
			_, err := w.Write(make([]byte, filterBytes))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		kept, got, err := openSketch(file.source(), testLayerID)
		if err != nil || !bytes.Equal(got, tail) {
			t.Fatalf("%d bytes come back as %d: %v", len(tail), len(got), err)
		}
		s, err := parseFar(nil, k, name, uint64(len(segment)), got)
		if err == nil && kept.fits(s.geometry) {
			kept.load(1 << 20)
			_, _ = kept.mayHave(12345)
		}
	})
}
