package format

import "google.golang.org/protobuf/encoding/protowire"

// BaseRef names a block that a delta is against.
type BaseRef struct {
	Pack   ID
	Offset uint32 // of the block in the pack
	Length uint32 // of the sealed block
}

// BlockContent is a block's plaintext taken apart.
type BlockContent struct {
	Codec   uint32
	Length  int       // of the content in bytes, at most MaxContent
	Bases   []BaseRef // 1 or 2 with CodecDelta, else none
	Payload []byte    // the content, or a zstd frame of it or of a delta
}

// AppendBlockContent appends what precedes the payload in a block's plaintext:
// the codec, the content's length in bytes and, for CodecDelta, the bases.
func AppendBlockContent(dst []byte, codec uint32, contentLength int, bases []BaseRef) []byte {
	dst = append(dst, byte(codec))
	dst = protowire.AppendVarint(dst, uint64(contentLength))
	if codec != CodecDelta {
		return dst
	}
	dst = protowire.AppendVarint(dst, uint64(len(bases)))
	for i := range bases {
		dst = append(dst, bases[i].Pack[:]...)
		dst = protowire.AppendVarint(dst, uint64(bases[i].Offset))
		dst = protowire.AppendVarint(dst, uint64(bases[i].Length))
	}
	return dst
}

// ParseBlockContent takes a block's plaintext apart. The payload aliases it.
func ParseBlockContent(plaintext []byte) (BlockContent, error) {
	in := cursor{input: plaintext}
	var codec [1]byte
	in.fill(codec[:])
	c := BlockContent{Codec: uint32(codec[0]), Length: int(in.bounded(MaxContent))}
	if c.Codec == CodecDelta {
		c.Bases = in.bases()
	}
	c.Payload = in.rest()
	switch {
	case in.bad:
		return BlockContent{}, corrupt("block", "it breaks off, or its content or bases are too large or too many")
	case c.Codec > CodecDelta:
		return BlockContent{}, corrupt("block", "unknown codec")
	case c.Length == 0:
		return BlockContent{}, corrupt("block", "it is empty")
	case c.Codec == CodecStored && len(c.Payload) != c.Length:
		return BlockContent{}, corrupt("block", "stored content has another length than it says")
	}
	return c, nil
}

// bases reads the bases of a delta.
func (c *cursor) bases() []BaseRef {
	n := c.bounded(MaxBases)
	if n == 0 {
		c.spoil()
		return nil
	}
	bases := make([]BaseRef, n)
	for i := range bases {
		c.fill(bases[i].Pack[:])
		bases[i].Offset = uint32(c.bounded(MaxPack))
		bases[i].Length = uint32(c.bounded(MaxPack))
	}
	return bases
}
