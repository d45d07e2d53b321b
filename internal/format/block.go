package format

import "google.golang.org/protobuf/encoding/protowire"

// BaseRef names the block that a delta is against.
type BaseRef struct {
	Pack   ID
	Offset uint32 // of the block in the pack
	Length uint32 // of the sealed block
}

// BlockContent is a block's plaintext taken apart.
type BlockContent struct {
	Codec   uint32
	Length  int      // of the content in bytes, at most MaxContent
	Base    *BaseRef // nil unless Codec is CodecDelta
	Payload []byte   // the content, or a zstd frame of it or of a delta
}

// AppendBlockContent appends what precedes the payload in a block's plaintext:
// the codec, the content's length in bytes and, for CodecDelta, the base.
func AppendBlockContent(dst []byte, codec uint32, contentLength int, base *BaseRef) []byte {
	dst = append(dst, byte(codec))
	dst = protowire.AppendVarint(dst, uint64(contentLength))
	if base != nil {
		dst = append(dst, base.Pack[:]...)
		dst = protowire.AppendVarint(dst, uint64(base.Offset))
		dst = protowire.AppendVarint(dst, uint64(base.Length))
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
		c.Base = new(BaseRef)
		in.fill(c.Base.Pack[:])
		c.Base.Offset = uint32(in.bounded(MaxPack))
		c.Base.Length = uint32(in.bounded(MaxPack))
	}
	c.Payload = in.rest()
	switch {
	case in.bad:
		return BlockContent{}, corrupt("block", "it breaks off or its content is too large")
	case c.Codec > CodecDelta:
		return BlockContent{}, corrupt("block", "unknown codec")
	case c.Length == 0:
		return BlockContent{}, corrupt("block", "it is empty")
	case c.Codec == CodecStored && len(c.Payload) != c.Length:
		return BlockContent{}, corrupt("block", "stored content has another length than it says")
	}
	return c, nil
}
