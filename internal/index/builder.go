package index

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"

	"firn/internal/format"
)

// PackEntry is one chunk of a pack: in the block of BlockLength bytes at
// BlockOffset of the pack, at ChunkOffset of the block's content. The latter
// two must be below 2^24.
type PackEntry struct {
	ID                                    format.ShortID
	BlockOffset, BlockLength, ChunkOffset uint32
}

// Builder collects packs for a new segment. It keeps 32 bytes for each entry.
// It is not safe for concurrent use.
type Builder struct {
	packs      []format.PackInfo
	positions  map[format.PackName]uint32 // in packs
	records    []record
	outOfRange bool // an entry that the format has no room for was added
	sumsFrom   int  // see there
}

// record is an entry in a form that sorts fast.
type record struct {
	high, low                                   uint64 // ID
	pack, blockOffset, blockLength, chunkOffset uint32
}

// NewBuilder returns an empty builder.
func NewBuilder() *Builder {
	return &Builder{positions: make(map[format.PackName]uint32), sumsFrom: sumsFrom}
}

// AddPack adds a pack and its chunks. A pack may come more than once; equal
// entries count once.
func (b *Builder) AddPack(info format.PackInfo, entries []PackEntry) {
	pack := b.addPack(&info)
	b.records = slices.Grow(b.records, len(entries))
	for i := range entries {
		e := &entries[i]
		b.addEntry(e.ID, pack, e.BlockOffset, e.BlockLength, e.ChunkOffset)
	}
}

// addPack adds a pack and returns its position for addEntry.
func (b *Builder) addPack(info *format.PackInfo) uint32 {
	if at, ok := b.positions[info.Name]; ok {
		if !equalPacks(&b.packs[at], info) {
			b.packs[at] = *unite(&b.packs[at], info)
		}
		return at
	}
	at := uint32(len(b.packs))
	own := *info
	own.BasePacks = slices.Clone(info.BasePacks)
	b.packs = append(b.packs, own)
	b.positions[info.Name] = at
	return at
}

func (b *Builder) addEntry(id format.ShortID, pack, blockOffset, blockLength, chunkOffset uint32) {
	b.outOfRange = b.outOfRange || blockLength >= 1<<24 || chunkOffset >= 1<<24
	high, low := words(id[:])
	b.records = append(b.records, record{high, low, pack, blockOffset, blockLength, chunkOffset})
}

// Entries returns how many entries were added, equal ones counted each time.
func (b *Builder) Entries() int { return len(b.records) }

// Packs returns how many packs were added.
func (b *Builder) Packs() int { return len(b.packs) }

// packRecordSize returns about how many bytes a pack's record has in the table.
func packRecordSize(info *format.PackInfo) int { return 80 + format.IDSize*len(info.BasePacks) }

// settle brings packs and records into the segment's order.
func (b *Builder) settle() error {
	if b.outOfRange {
		return fmt.Errorf("build segment: block of 16 MiB or more: %w", format.ErrCorrupt)
	}
	order := make([]uint32, len(b.packs))
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortFunc(order, func(i, k uint32) int { return b.packs[i].Name.Compare(b.packs[k].Name) })
	packs := make([]format.PackInfo, len(order))
	moved := make([]uint32, len(order))
	for to, from := range order {
		packs[to], moved[from] = b.packs[from], uint32(to)
		b.positions[packs[to].Name] = uint32(to)
	}
	b.packs = packs
	for i := range b.records {
		b.records[i].pack = moved[b.records[i].pack]
	}
	slices.SortFunc(b.records, compareRecords)
	b.records = slices.Compact(b.records)
	return nil
}

// compareRecords orders entries by their 30 bytes, in which integers are little-endian.
func compareRecords(a, b record) int {
	switch {
	case a.high != b.high:
		return cmp.Compare(a.high, b.high)
	case a.low != b.low:
		return cmp.Compare(a.low, b.low)
	case a.pack != b.pack:
		return cmp.Compare(bits.ReverseBytes32(a.pack), bits.ReverseBytes32(b.pack))
	case a.blockOffset != b.blockOffset:
		return cmp.Compare(bits.ReverseBytes32(a.blockOffset), bits.ReverseBytes32(b.blockOffset))
	case a.blockLength != b.blockLength:
		return cmp.Compare(bits.ReverseBytes32(a.blockLength), bits.ReverseBytes32(b.blockLength))
	}
	return cmp.Compare(bits.ReverseBytes32(a.chunkOffset), bits.ReverseBytes32(b.chunkOffset))
}

func (r *record) append(dst []byte) []byte {
	e := format.IndexEntry{Position: format.Position{
		Pack: r.pack, BlockOffset: r.blockOffset, BlockLength: r.blockLength, ChunkOffset: r.chunkOffset,
	}}
	binary.BigEndian.PutUint64(e.ID[:], r.high)
	binary.BigEndian.PutUint64(e.ID[8:], r.low)
	return format.AppendIndexEntry(dst, &e)
}
