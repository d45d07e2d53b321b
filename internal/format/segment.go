package format

import (
	"encoding/binary"
	"fmt"
)

// Sizes of index segments in bytes, and entries.
const (
	IndexEntrySize     = 30
	EntriesPerPage     = 2048
	SegmentPageSize    = 64 << 10
	SegmentTrailerSize = 64
	PageSumSize        = 16

	segmentMagic = "FIRNSEGM"
)

// AppendIndexEntry appends the 30 bytes of an entry to dst. Of BlockLength and
// ChunkOffset the lower 24 bits count.
func AppendIndexEntry(dst []byte, e *IndexEntry) []byte {
	dst = append(dst, e.ID[:]...)
	dst = binary.LittleEndian.AppendUint32(dst, e.Pack)
	dst = binary.LittleEndian.AppendUint32(dst, e.BlockOffset)
	return append(dst,
		byte(e.BlockLength), byte(e.BlockLength>>8), byte(e.BlockLength>>16),
		byte(e.ChunkOffset), byte(e.ChunkOffset>>8), byte(e.ChunkOffset>>16))
}

// ParseIndexEntry returns the entry that the first 30 bytes of b are.
func ParseIndexEntry(b []byte) (IndexEntry, error) {
	if len(b) < IndexEntrySize {
		return IndexEntry{}, corrupt("index entry", "it breaks off")
	}
	_ = b[IndexEntrySize-1]
	return IndexEntry{ID: ShortID(b), Position: Position{
		Pack:        binary.LittleEndian.Uint32(b[16:]),
		BlockOffset: binary.LittleEndian.Uint32(b[20:]),
		BlockLength: uint32(b[24]) | uint32(b[25])<<8 | uint32(b[26])<<16,
		ChunkOffset: uint32(b[27]) | uint32(b[28])<<8 | uint32(b[29])<<16,
	}}, nil
}

func (p *PackInfo) fields(w *wire) {
	w.array(1, p.Name.Hash[:])
	kind := uint32(p.Name.Kind)
	w.uint32(2, &kind)
	w.check(kind == uint32(KindData) || kind == uint32(KindMeta), "a pack is of no known kind")
	p.Name.Kind = Kind(kind)
	w.uint64(3, &p.Size)
	w.uint64(4, &p.Used)
	w.array(5, p.Host[:])
	w.ids(6, &p.BasePacks, IDSize)
	w.int64(7, &p.Written)
	w.uint32(8, &p.Content)
}

// Append appends the encoding of the pack's record, without its length, to dst.
func (p *PackInfo) Append(dst []byte) []byte { return encode(dst, p, (*PackInfo).fields) }

// Decode sets the pack's record from its encoding without a length.
func (p *PackInfo) Decode(b []byte) error { return decode("pack record", b, p, (*PackInfo).fields) }

// AppendPackRecord appends a record of the pack table, preceded by its length.
func AppendPackRecord(dst []byte, p *PackInfo) []byte {
	w := wire{out: append(dst, 0)}
	start := len(w.out)
	w.out = p.Append(w.out)
	w.shut(start)
	return w.out
}

// NextPackRecord returns the encoding of the first record of a pack table, for
// PackInfo.Decode, and the rest of the table. Both alias table.
func NextPackRecord(table []byte) (record, rest []byte, err error) {
	in := cursor{input: table}
	record = in.take(in.uvarint())
	if in.bad {
		return nil, nil, corrupt("pack table", "it breaks off")
	}
	return record, in.rest(), nil
}

func (d *Directory) fields(w *wire) {
	w.uint64(1, &d.Entries)
	w.uint64(2, &d.Packs)
	w.uint64(3, &d.PackBytes)
	w.uint64(4, &d.FilterBytes)
	w.bigEndians(5, &d.FirstIDs)
	w.strings(6, &d.Inputs)
	message(w, 7, &d.Signer, (*Certificate).fields)
	w.int64(8, &d.Created)
	w.sized(9, &d.Signature, signatureSize)
	w.bytes(10, &d.PageSums)
	w.check(len(d.PageSums)%PageSumSize == 0, "the pages' sums break off")
	w.sized(11, &d.PageSignature, signatureSize)
	w.check(len(d.PageSums) > 0 == (len(d.PageSignature) > 0), "the pages' sums go with a signature over them")
}

// Append appends the directory's encoding to dst.
func (d *Directory) Append(dst []byte) []byte { return encode(dst, d, (*Directory).fields) }

// AppendSigned appends the encoding of the fields under the signature.
func (d *Directory) AppendSigned(dst []byte) []byte {
	signed := *d
	signed.Signature, signed.PageSums, signed.PageSignature = nil, nil, nil
	return signed.Append(dst)
}

// AppendPagesSigned appends what the signature of the pages covers: the encoding of
// the fields under the other signature, and the sums.
func (d *Directory) AppendPagesSigned(dst []byte) []byte {
	return append(d.AppendSigned(dst), d.PageSums...)
}

// Decode sets the directory from its encoding.
func (d *Directory) Decode(b []byte) error { return decode("directory", b, d, (*Directory).fields) }

// SegmentTrailer is the end of a segment: where its directory is.
type SegmentTrailer struct {
	ContentID       ID
	DirectoryOffset uint64 // bytes from the start of the object
	DirectoryLength uint32 // sealed bytes
}

// Append appends the 64 bytes of the trailer to dst.
func (t SegmentTrailer) Append(dst []byte) []byte {
	dst = append(dst, t.ContentID[:]...)
	dst = binary.LittleEndian.AppendUint64(dst, t.DirectoryOffset)
	dst = binary.LittleEndian.AppendUint32(dst, t.DirectoryLength)
	dst = append(dst, make([]byte, 12)...)
	return append(dst, segmentMagic...)
}

// ParseSegmentTrailer parses the last 64 bytes of a segment, which b is.
func ParseSegmentTrailer(b []byte) (SegmentTrailer, error) {
	if len(b) != SegmentTrailerSize {
		return SegmentTrailer{}, corrupt("segment trailer", "wrong length")
	}
	if string(b[56:]) != segmentMagic {
		return SegmentTrailer{}, fmt.Errorf("decode segment trailer: %w", ErrMagic)
	}
	if [12]byte(b[44:56]) != [12]byte{} {
		return SegmentTrailer{}, corrupt("segment trailer", "reserved bytes are set")
	}
	t := SegmentTrailer{
		ContentID:       ID(b),
		DirectoryOffset: binary.LittleEndian.Uint64(b[32:]),
		DirectoryLength: binary.LittleEndian.Uint32(b[40:]),
	}
	if t.DirectoryOffset > MaxSegment || t.DirectoryLength > MaxRecord {
		return SegmentTrailer{}, corrupt("segment trailer", "directory lies out of bounds")
	}
	return t, nil
}
