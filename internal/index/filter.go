package index

import (
	"encoding/binary"

	"firn/internal/format"
)

// filterBlock is the size of one block of a filter in bytes.
const filterBlock = 32

// filterSalts are the eight odd constants of Apache Parquet's BloomFilter.md.
var filterSalts = [8]uint32{
	0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d,
	0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31,
}

// filter is a split-block Bloom filter as Apache Parquet specifies it: whole
// blocks of eight 32-bit words, one bit of each per member.
type filter []byte

// filterSize returns the bytes of a filter for so many entries: 10 bits each.
func filterSize(entries uint64) uint64 { return (entries*10 + 255) / 256 * filterBlock }

// segmentHash is the hash that filters of segments are made of.
func segmentHash(id *format.ShortID) uint64 { return binary.LittleEndian.Uint64(id[:8]) }

// layerHash is the hash that filters of layers are made of. Its upper half, which
// chooses the block, ascends with the ID, so that a filter can be written in one
// pass over sorted entries without being held in memory.
func layerHash(id *format.ShortID) uint64 {
	return uint64(binary.BigEndian.Uint32(id[:4]))<<32 | uint64(binary.LittleEndian.Uint32(id[4:8]))
}

// blockOf returns which of so many blocks a hash belongs to.
func blockOf(hash, blocks uint64) uint64 { return (hash >> 32) * blocks >> 32 }

// add puts a hash into the filter, which must not be empty.
func (f filter) add(hash uint64) {
	at := blockOf(hash, uint64(len(f)/filterBlock)) * filterBlock
	addToBlock(f[at:at+filterBlock], uint32(hash))
}

// has reports whether a hash may have been added.
func (f filter) has(hash uint64) bool {
	if len(f) == 0 {
		return false
	}
	at := blockOf(hash, uint64(len(f)/filterBlock)) * filterBlock
	return inBlock(f[at:at+filterBlock], uint32(hash))
}

func addToBlock(block []byte, key uint32) {
	_ = block[filterBlock-1]
	for i, salt := range filterSalts {
		word := block[4*i : 4*i+4]
		binary.LittleEndian.PutUint32(word, binary.LittleEndian.Uint32(word)|1<<(key*salt>>27))
	}
}

func inBlock(block []byte, key uint32) bool {
	_ = block[filterBlock-1]
	for i, salt := range filterSalts {
		if binary.LittleEndian.Uint32(block[4*i:])&(1<<(key*salt>>27)) == 0 {
			return false
		}
	}
	return true
}
