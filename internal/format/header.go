package format

import (
	"encoding/binary"
	"fmt"
)

const (
	// HeaderSize is the size of an object's header in bytes.
	HeaderSize = 16
	// Version is the version of the format that this package implements.
	Version = 1

	magic = "FIRN"
)

// AppendHeader appends the header that an object of kind h.Kind begins with.
func AppendHeader(dst []byte, h Header) []byte {
	dst = append(dst, magic...)
	dst = append(dst, byte(h.Kind), Version, 0, 0)
	dst = binary.LittleEndian.AppendUint32(dst, h.Epoch)
	return append(dst, 0, 0, 0, 0)
}

// ParseHeader returns the header of an object and the bytes behind it, which
// alias b. The error matches ErrMagic when the object is not one of Firn's,
// ErrVersion when it is of a version yet unknown, ErrCorrupt when it is damaged.
func ParseHeader(b []byte) (Header, []byte, error) {
	if len(b) < HeaderSize {
		return Header{}, nil, corrupt("header", "it breaks off")
	}
	if string(b[:4]) != magic {
		return Header{}, nil, fmt.Errorf("decode header: %w", ErrMagic)
	}
	if b[5] != Version {
		return Header{}, nil, fmt.Errorf("decode header: %w %d", ErrVersion, b[5])
	}
	h := Header{Kind: Kind(b[4]), Epoch: binary.LittleEndian.Uint32(b[8:])}
	switch {
	case binary.LittleEndian.Uint16(b[6:]) != 0 || binary.LittleEndian.Uint32(b[12:]) != 0:
		return Header{}, nil, corrupt("header", "reserved bytes are set")
	case !h.Kind.isKnown():
		return Header{}, nil, corrupt("header", "unknown kind of object")
	case h.Epoch != 0 && (h.Kind == KindRoot || h.Kind == KindSlot):
		return Header{}, nil, corrupt("header", "root or slot with a key epoch")
	}
	return h, b[HeaderSize:], nil
}

func (k Kind) isKnown() bool {
	switch k {
	case KindRoot, KindSlot, KindData, KindMeta, KindSegment, KindSession,
		KindHeartbeat, KindManifest, KindTombstone, KindRecord, KindDecision:
		return true
	}
	return false
}

func (k Kind) isPack() bool { return k == KindData || k == KindMeta }
