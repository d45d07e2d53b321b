package repo

import (
	"context"
	"fmt"

	"firn/internal/bases"
	"firn/internal/format"
)

// BlockWriter gathers the new chunks of one worker into blocks, so that small
// neighbours are compressed together. It is for one goroutine; a session may
// have any number of them. Flush before the session's Flush.
type BlockWriter struct {
	writer  *writer
	packer  *packer
	purpose uint32
	size    int          // content that a block of small chunks aims at, bytes
	deltas  *deltaWriter // nil: none are written

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
	b := newBlockWriter(s.writer, s.writer.data, 0)
	b.size = max(pageBlockSize, min(blockSize, s.writer.opts.PackSize/8))
	if s.writer.deltas != nil {
		b.deltas = &deltaWriter{deltas: s.writer.deltas, zstd: s.writer.compressor.usual}
	}
	return b
}

func newBlockWriter(w *writer, p *packer, purpose uint32) *BlockWriter {
	return &BlockWriter{writer: w, packer: p, purpose: purpose, size: pageBlockSize}
}

// Add stores a chunk unless the repository has it already, and returns its
// ID. The chunk may be overwritten once Add has returned.
func (b *BlockWriter) Add(ctx context.Context, chunk []byte) (format.ID, bool, error) {
	return b.addWhole(ctx, chunk, nil)
}

// addWhole is Add for a chunk that may come from a big file.
func (b *BlockWriter) addWhole(ctx context.Context, chunk []byte, from *Origin) (format.ID, bool, error) {
	id, fresh, err := b.admit(chunk)
	if err != nil || !fresh {
		return id, false, err
	}
	return id, true, b.gather(ctx, id, chunk, from)
}

// admit names a chunk and, if the repository does not have it, takes it on.
func (b *BlockWriter) admit(chunk []byte) (id format.ID, fresh bool, err error) {
	id = b.writer.session.repo.keys.ChunkID(b.packer.kind, chunk)
	if fresh, err = b.writer.take(id); err != nil || !fresh {
		return id, false, err
	}
	b.writer.stats.chunksAdded.Add(1)
	b.writer.stats.bytesAdded.Add(uint64(len(chunk)))
	return id, true, nil
}

// AddLarge is Add for a chunk of a big file, which gets a block of its own. It may become a delta on stored
// content that it resembles, and a base for what comes later, above all if the file is changing.
func (b *BlockWriter) AddLarge(ctx context.Context, chunk []byte, from *Origin) (format.ID, bool, error) {
	if b.deltas == nil || len(chunk) < deltaMin {
		return b.addWhole(ctx, chunk, from)
	}
	id, fresh, err := b.admit(chunk)
	if err != nil || !fresh {
		return id, false, err
	}
	s, err := b.deltas.stand(ctx, chunk)
	if err != nil {
		return id, false, fmt.Errorf("make delta: %w", err)
	}
	d := draft{block: format.Block{IDs: []format.ID{id}, Lengths: []uint32{uint32(len(chunk))}}, standing: s, origin: from}
	b.compose(&d, chunk)
	d.base = b.deltas.asBase(&d, chunk, from.Changing)
	return id, true, b.add(ctx, &d)
}

// addAs stores a chunk under an ID that is not its hash.
func (b *BlockWriter) addAs(ctx context.Context, id format.ID, chunk []byte) error {
	return b.gather(ctx, id, chunk, nil)
}

func (b *BlockWriter) gather(ctx context.Context, id format.ID, chunk []byte, from *Origin) error {
	if len(chunk) >= b.size/2 || from != nil && len(chunk) >= ownBlock {
		return b.seal(ctx, chunk, []format.ID{id}, []uint32{uint32(len(chunk))}, from)
	}
	if len(b.content)+len(chunk) > b.size {
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
	err := b.seal(ctx, b.content, ids, lengths, nil)
	b.content, b.ids, b.lengths = b.content[:0], b.ids[:0], b.lengths[:0]
	return err
}

func (b *BlockWriter) seal(ctx context.Context, content []byte, ids []format.ID, lengths []uint32, from *Origin) error {
	d := draft{block: format.Block{IDs: ids, Lengths: lengths, Purpose: b.purpose}, origin: from}
	b.compose(&d, content)
	return b.add(ctx, &d)
}

// draft is a block on its way into a pack.
type draft struct {
	block     format.Block // without its place
	plaintext []byte
	standing  *standing   // nil: the block holds its content whole
	origin    *Origin     // nil: it comes from no big file, or from several files
	base      *bases.Kept // nil: it is not cached as a base
}

// compose makes the plaintext of a block: as a delta, compressed or as it is.
func (b *BlockWriter) compose(d *draft, content []byte) {
	if d.standing != nil {
		d.block.Codec, d.block.Bases = format.CodecDelta, d.standing.bases
		b.plain = format.AppendBlockContent(b.plain[:0], format.CodecDelta, len(content), d.standing.bases)
		b.plain = append(b.plain, d.standing.payload...)
		d.plaintext = b.plain
		return
	}
	d.block.Codec = format.CodecStored
	if c := b.writer.compressor; c.usual != nil {
		b.plain = format.AppendBlockContent(b.plain[:0], format.CodecZstd, len(content), nil)
		head := len(b.plain)
		b.plain = c.append(b.plain, content, d.origin)
		if len(b.plain)-head < len(content)-len(content)/32 {
			d.block.Codec = format.CodecZstd
		}
	}
	if d.block.Codec == format.CodecStored {
		b.plain = format.AppendBlockContent(b.plain[:0], format.CodecStored, len(content), nil)
		b.plain = append(b.plain, content...)
	}
	d.plaintext = b.plain
}

func (b *BlockWriter) add(ctx context.Context, d *draft) error {
	if err := b.packer.addInTime(ctx, d); err != nil {
		return fmt.Errorf("pack block: %w", err)
	}
	return nil
}
