package repo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"firn/internal/format"
)

// errUnproved means that a pack would not give back what was put into it.
var errUnproved = errors.New("a pack does not give back what was put into it; nothing of it was uploaded. " +
	"The memory of this machine may be failing: test it before backing up again")

// prove opens every block that this session sealed into a pack, as a reader
// will, and compares what comes out with the IDs of its chunks. It stands
// between a failing memory, or a mistake in a library, and the drive; from
// here on the pack's hash does. Blocks taken over sealed are covered by the hash of the
// pack they come from.
func (p *packer) prove(ctx context.Context, o *openPack) error {
	buf := rangeBuffers.Get().(*[]byte)
	defer rangeBuffers.Put(buf)
	for i := range o.blocks {
		b := &o.blocks[i]
		if o.own == nil || b.Section != o.ownAt {
			continue
		}
		sealed := o.buf[b.Offset:][:b.Length]
		var err error
		if b.Codec == format.CodecDelta {
			err = o.proveSealed(b, sealed, buf)
		} else {
			err = p.proveBlock(ctx, o, b, sealed, buf)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// proofs are what deltas were seen to give back when they were sealed.
type proofs struct {
	mu sync.Mutex       // guards of; a lock of its own, since who holds the packer's may wait for uploads
	of map[uint32]proof // by block number
}

// proof is the one chunk of a delta.
type proof struct {
	id     format.ID
	length uint32
}

func proofOf(b *format.Block) proof { return proof{b.IDs[0], b.Lengths[0]} }

func (p *proofs) keep(b *format.Block) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.of == nil {
		p.of = map[uint32]proof{}
	}
	p.of[b.Number] = proofOf(b)
}

// proveDelta does for a delta what prove does for other blocks as soon as it is
// sealed, with the bases' contents, which are at hand and were verified; later they would have to be read again.
func (p *packer) proveDelta(o *openPack, b *format.Block, sealed, base []byte) error {
	content, delta := rangeBuffers.Get().(*[]byte), rangeBuffers.Get().(*[]byte)
	defer rangeBuffers.Put(content)
	defer rangeBuffers.Put(delta)
	plaintext, err := o.own.OpenBlock((*delta)[:0], sealed)
	if err != nil {
		return fmt.Errorf("%w: delta at %d: %w", errUnproved, b.Offset, err)
	}
	*delta = plaintext[:0]
	told, err := format.ParseBlockContent(plaintext)
	if err != nil || told.Codec != format.CodecDelta || !slices.Equal(told.Bases, b.Bases) {
		return fmt.Errorf("%w: delta at %d stands on other bases", errUnproved, b.Offset)
	}
	back, err := p.writer.open.apply(told, base, (*content)[:0])
	if err != nil {
		return fmt.Errorf("%w: delta at %d: %w", errUnproved, b.Offset, err)
	}
	*content = back[:0]
	if err := p.proveChunks(b, back); err != nil {
		return err
	}
	o.proofs.keep(b)
	return nil
}

// proveSealed makes sure that a delta, and what is told of it, is still as it was when
// it was proved.
func (o *openPack) proveSealed(b *format.Block, sealed []byte, buf *[]byte) error {
	plaintext, err := o.own.OpenBlock((*buf)[:0], sealed)
	if err != nil {
		return fmt.Errorf("%w: block at %d: %w", errUnproved, b.Offset, err)
	}
	*buf = plaintext[:0]
	if o.proofs.of[b.Number] != proofOf(b) {
		return fmt.Errorf("%w: delta at %d", errUnproved, b.Offset)
	}
	return nil
}

// proveBlock opens a sealed block and compares what is in it with the IDs of its chunks.
func (p *packer) proveBlock(ctx context.Context, o *openPack, b *format.Block, sealed []byte, buf *[]byte) error {
	content, err := p.writer.open.unseal(ctx, p.kind, o.own, sealed, (*buf)[:0], 0)
	switch {
	case err != nil && ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return fmt.Errorf("%w: block at %d: %w", errUnproved, b.Offset, err)
	}
	*buf = content[:0]
	return p.proveChunks(b, content)
}

// proveChunks compares a block's content with the IDs of its chunks.
func (p *packer) proveChunks(b *format.Block, content []byte) error {
	for i, id := range b.IDs {
		n := int(b.Lengths[i])
		if n > len(content) {
			return fmt.Errorf("%w: block at %d is too short", errUnproved, b.Offset)
		}
		// A mirror's ID is made of the name of its pack.
		if b.Purpose != format.PurposeMirrors && p.writer.session.repo.keys.ChunkID(p.kind, content[:n]) != id {
			return fmt.Errorf("%w: chunk %x", errUnproved, id[:8])
		}
		content = content[n:]
	}
	if len(content) > 0 {
		return fmt.Errorf("%w: block at %d is too long", errUnproved, b.Offset)
	}
	return nil
}
