package repo

import (
	"context"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"firn/internal/format"
)

// BlockWriter gathers the new chunks of one worker into blocks, so that small
// neighbours are compressed together. It is for one goroutine; a session may
// have any number of them. Flush before the session's Flush.
type BlockWriter struct {
	writer  *writer
	packer  *packer
	purpose uint32
	encoder *zstd.Encoder // nil: stored as it is

	content []byte // of the block being gathered
	ids     []format.ID
	lengths []uint32
	plain   []byte // the block's plaintext, reused
}

// NewBlockWriter returns a writer of file content (format.KindData) or of
// tree pages (format.KindMeta).
func (s *Session) NewBlockWriter(kind format.Kind) *BlockWriter {
	if kind == format.KindMeta {
		return newBlockWriter(s.writer, s.writer.meta, format.PurposePages)
	}
	return newBlockWriter(s.writer, s.writer.data, 0)
}

func newBlockWriter(w *writer, p *packer, purpose uint32) *BlockWriter {
	return &BlockWriter{writer: w, packer: p, purpose: purpose, encoder: newEncoder(w.opts.Compression)}
}

// newEncoder makes an encoder for whole blocks; nil for no compression.
func newEncoder(c Compression) *zstd.Encoder {
	level := map[Compression]zstd.EncoderLevel{
		CompressDefault: zstd.SpeedDefault,
		CompressFastest: zstd.SpeedFastest,
		CompressBetter:  zstd.SpeedBetterCompression,
		CompressMax:     zstd.SpeedBestCompression,
	}[c]
	if c == CompressOff {
		return nil
	}
	// It fails only for bad options. A window of 4 MiB holds a whole block.
	e, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(4<<20), zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	return e
}

// Add stores a chunk unless the repository has it already, and returns its
// ID. The chunk may be overwritten once Add has returned.
func (b *BlockWriter) Add(ctx context.Context, chunk []byte) (format.ID, bool, error) {
	id := b.writer.session.repo.keys.ChunkID(b.packer.kind, chunk)
	fresh, err := b.writer.take(id)
	if err != nil || !fresh {
		return id, false, err
	}
	b.writer.stats.chunksAdded.Add(1)
	b.writer.stats.bytesAdded.Add(uint64(len(chunk)))
	return id, true, b.gather(ctx, id, chunk)
}

// addAs stores a chunk under an ID that is not its hash.
func (b *BlockWriter) addAs(ctx context.Context, id format.ID, chunk []byte) error {
	return b.gather(ctx, id, chunk)
}

func (b *BlockWriter) gather(ctx context.Context, id format.ID, chunk []byte) error {
	if len(chunk) >= blockSize/2 {
		return b.seal(ctx, chunk, []format.ID{id}, []uint32{uint32(len(chunk))})
	}
	if len(b.content)+len(chunk) > blockSize {
		if err := b.Flush(ctx); err != nil {
			return err
		}
	}
	b.content = append(b.content, chunk...)
	b.ids = append(b.ids, id)
	b.lengths = append(b.lengths, uint32(len(chunk)))
	return nil
}

// Flush seals the chunks gathered so far as a block.
func (b *BlockWriter) Flush(ctx context.Context) error {
	if len(b.ids) == 0 {
		return nil
	}
	// The pack keeps these slices until it is uploaded.
	ids := append([]format.ID(nil), b.ids...)
	lengths := append([]uint32(nil), b.lengths...)
	err := b.seal(ctx, b.content, ids, lengths)
	b.content, b.ids, b.lengths = b.content[:0], b.ids[:0], b.lengths[:0]
	return err
}

func (b *BlockWriter) seal(ctx context.Context, content []byte, ids []format.ID, lengths []uint32) error {
	block := format.Block{IDs: ids, Lengths: lengths, Purpose: b.purpose, Codec: format.CodecStored}
	if b.encoder != nil {
		b.plain = format.AppendBlockContent(b.plain[:0], format.CodecZstd, len(content), nil)
		head := len(b.plain)
		b.plain = b.encoder.EncodeAll(content, b.plain)
		if len(b.plain)-head < len(content)-len(content)/32 {
			block.Codec = format.CodecZstd
		}
	}
	if block.Codec == format.CodecStored {
		b.plain = format.AppendBlockContent(b.plain[:0], format.CodecStored, len(content), nil)
		b.plain = append(b.plain, content...)
	}
	if err := b.packer.add(ctx, block, b.plain); err != nil {
		return fmt.Errorf("pack block: %w", err)
	}
	return nil
}
