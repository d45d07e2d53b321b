package repo

import (
	"context"
	"errors"
	"fmt"

	"firn/internal/bases"
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
		content, err := p.writer.open.unseal(ctx, p.kind, o.own, o.buf[b.Offset:][:b.Length], (*buf)[:0], 0)
		switch {
		case errors.Is(err, bases.ErrUnknown):
			continue // the cache lost a base since; the delta was compared when it was made
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return fmt.Errorf("%w: block at %d: %w", errUnproved, b.Offset, err)
		}
		*buf = content[:0]
		if err := p.proveChunks(b, content); err != nil {
			return err
		}
	}
	return nil
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
