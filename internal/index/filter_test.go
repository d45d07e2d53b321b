package index

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// referenceBlock is the block of BloomFilter.md, as its pseudocode has it.
type referenceBlock [8]uint32

func referenceMask(x uint32) (mask referenceBlock) {
	salt := [8]uint32{0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31}
	for i := range 8 {
		y := x * salt[i]
		mask[i] |= 1 << (y >> 27)
	}
	return mask
}

func TestFilterIsThatOfParquet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hashes := rapid.SliceOfN(rapid.Uint64(), 1, 300).Draw(t, "hashes")
		reference := make([]referenceBlock, filterSize(uint64(len(hashes)))/filterBlock)
		f := make(filter, filterSize(uint64(len(hashes))))
		for _, h := range hashes {
			f.add(h)
			i := ((h >> 32) * uint64(len(reference))) >> 32
			for k, bit := range referenceMask(uint32(h)) {
				reference[i][k] |= bit
			}
		}
		for i, block := range reference {
			for k, word := range block {
				if got := binary.LittleEndian.Uint32(f[i*32+k*4:]); got != word {
					t.Fatalf("word %d of block %d is %08x, want %08x", k, i, got, word)
				}
			}
		}
		for _, h := range hashes {
			if !f.has(h) {
				t.Fatalf("hash %x was added and is denied", h)
			}
		}
	})
}

func TestFilterVector(t *testing.T) {
	f := make(filter, 2*filterBlock)
	f.add(0x0123456789abcdef)
	f.add(0xfedcba9876543210)
	const want = "0000040000000800000000400000800010000000000001000010000000000001" +
		"1000000010000000000001000000100000200000000400000000008000000008"
	if got := hex.EncodeToString(f); got != want {
		t.Fatalf("filter is\n%s, want\n%s", got, want)
	}
}

func TestFilterDeniesMostOthers(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const members, others = 20_000, 20_000
	for name, hash := range map[string]func() uint64{
		"segment": func() uint64 { id := randomID(r); return segmentHash(&id) },
		"layer":   func() uint64 { id := randomID(r); return layerHash(&id) },
	} {
		f := make(filter, filterSize(members))
		for range members {
			f.add(hash())
		}
		wrong := 0
		for range others {
			if f.has(hash()) {
				wrong++
			}
		}
		if wrong > others/50 {
			t.Errorf("%s: %d of %d absent hashes pass", name, wrong, others)
		}
	}
	if filter(nil).has(1) {
		t.Error("an empty filter admits something")
	}
}
