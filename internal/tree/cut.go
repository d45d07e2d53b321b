package tree

import (
	"encoding/binary"
	"math/bits"

	"github.com/zeebo/blake3"

	"firn/internal/format"
)

// cutter says behind which items tree pages end.
type cutter struct {
	shape  Shape
	hasher *blake3.Hasher
	sum    [32]byte
}

func newCutter(s Shape) (*cutter, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	hasher, err := blake3.NewKeyed(s.CutKey[:])
	if err != nil {
		return nil, err
	}
	return &cutter{shape: s, hasher: hasher}, nil
}

// pageWeight is the weight of items that ends a page, so that pages of large
// items stay far below what a chunk may be.
const pageWeight = 1 << 20

// pieceWeight is the weight of one inline piece of content.
const pieceWeight = 41

// weigh returns the weight of an item (docs/format.md §8): what may be large in it, in bytes.
func weigh(key []byte, e *format.Entry) int {
	weight := len(key)
	if e == nil {
		return weight
	}
	weight += len(e.Target) + pieceWeight*len(e.Content)
	for _, list := range [][]format.Attribute{e.Attributes, e.Properties} {
		for i := range list {
			weight += len(list[i].Name) + len(list[i].Value)
		}
	}
	return weight
}

// ends reports whether a page of this level ends behind the item with this key,
// which is its items-th and brings it to weight.
func (c *cutter) ends(level int, key []byte, items, weight int) bool {
	if items >= 2 && weight >= pageWeight {
		return true
	}
	if items < c.shape.Min || items >= c.shape.Max {
		return items >= c.shape.Max
	}
	c.sum[0] = byte(level)
	c.hasher.Reset()
	c.hasher.Write(c.sum[:1])
	c.hasher.Write(key)
	return oneIn(uint64(c.shape.Mean-c.shape.Min), c.hasher.Sum(c.sum[:0]))
}

// oneIn reports whether the integer that hash begins with is below 2^64/n, without rounding.
func oneIn(n uint64, hash []byte) bool {
	high, _ := bits.Mul64(binary.LittleEndian.Uint64(hash), n)
	return high == 0
}
