package format

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Sizes of the parts of a pack in bytes.
const (
	EncapsulationSize = 1120
	SectionHeaderSize = 16 + EncapsulationSize
	BlockHeaderSize   = 24
	PackTrailerSize   = 16

	sectionMagic = "SECT"
	packMagic    = "FIRNPACK"

	// PackAlignment is what the size of a full pack is a multiple of, bytes.
	PackAlignment = 4 << 10
	packFloor     = 4 << 10 // no pack is smaller
)

// AppendSectionHeader appends a section's header to dst; enc has
// EncapsulationSize bytes.
func AppendSectionHeader(dst []byte, epoch uint32, enc []byte) []byte {
	dst = append(dst, sectionMagic...)
	dst = binary.LittleEndian.AppendUint32(dst, epoch)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(enc)))
	dst = append(dst, make([]byte, 6)...)
	return append(dst, enc...)
}

// ParseSectionHeader parses the section header that b begins with. The
// encapsulation aliases b.
func ParseSectionHeader(b []byte) (epoch uint32, enc []byte, err error) {
	switch {
	case len(b) < SectionHeaderSize:
		return 0, nil, corrupt("section header", "it breaks off")
	case string(b[:4]) != sectionMagic:
		return 0, nil, corrupt("section header", "there is none")
	case binary.LittleEndian.Uint16(b[8:]) != EncapsulationSize:
		return 0, nil, corrupt("section header", "wrong length of encapsulation")
	case [6]byte(b[10:16]) != [6]byte{}:
		return 0, nil, corrupt("section header", "reserved bytes are set")
	}
	return binary.LittleEndian.Uint32(b[4:]), b[16:SectionHeaderSize:SectionHeaderSize], nil
}

// BlockHeader is the part of a block that is not sealed.
type BlockHeader struct {
	SectionOffset uint32 // of the section's header, bytes from the pack's start
	Number        uint32 // within the section as first written
	Context       [16]byte
}

// Append appends the 24 bytes of the header to dst.
func (h BlockHeader) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, h.SectionOffset)
	dst = binary.LittleEndian.AppendUint32(dst, h.Number)
	return append(dst, h.Context[:]...)
}

// ParseBlockHeader parses the header that b begins with.
func ParseBlockHeader(b []byte) (BlockHeader, error) {
	if len(b) < BlockHeaderSize {
		return BlockHeader{}, corrupt("block header", "it breaks off")
	}
	return BlockHeader{
		SectionOffset: binary.LittleEndian.Uint32(b),
		Number:        binary.LittleEndian.Uint32(b[4:]),
		Context:       [16]byte(b[8:BlockHeaderSize]),
	}, nil
}

// PackTrailer is the end of a pack.
type PackTrailer struct {
	FooterLength uint32 // sealed bytes before the trailer
}

// Append appends the 16 bytes of the trailer to dst.
func (t PackTrailer) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, t.FooterLength)
	dst = append(dst, 0, 0, 0, 0)
	return append(dst, packMagic...)
}

// ParsePackTrailer parses the last 16 bytes of a pack, which b is.
func ParsePackTrailer(b []byte) (PackTrailer, error) {
	if len(b) != PackTrailerSize {
		return PackTrailer{}, corrupt("pack trailer", "wrong length")
	}
	if string(b[8:]) != packMagic {
		return PackTrailer{}, fmt.Errorf("decode pack trailer: %w", ErrMagic)
	}
	t := PackTrailer{FooterLength: binary.LittleEndian.Uint32(b)}
	if binary.LittleEndian.Uint32(b[4:]) != 0 || t.FooterLength > MaxFooter {
		return PackTrailer{}, corrupt("pack trailer", "footer lies out of bounds or reserved bytes are set")
	}
	return t, nil
}

// PaddedSize returns how large a pack of size bytes is to be made: a full one
// a multiple of PackAlignment, another by Padmé (Nikitin et al., "Reducing Metadata
// Leakage from Encrypted Files and Communication with PURBs", PETS 2019),
// which adds at most 12 %, and no less than 4 KiB.
func PaddedSize(size int64, full bool) int64 {
	if full {
		return roundUp(size, PackAlignment)
	}
	if size <= packFloor {
		return packFloor
	}
	exponent := bits.Len64(uint64(size)) - 1
	kept := bits.Len(uint(exponent)) // leading bits of the size that stay
	return roundUp(size, 1<<(exponent-kept))
}

// roundUp rounds size up to a multiple of unit, a power of two.
func roundUp(size, unit int64) int64 { return (size + unit - 1) &^ (unit - 1) }
