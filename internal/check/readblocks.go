package check

import (
	"context"
	"fmt"

	"firn/internal/format"
	"firn/internal/repo"
)

// openBlocks opens the blocks that lie wholly before offset upTo and verifies
// their chunks. With a key that may not read them it only notes what they hold.
func (v *packReader) openBlocks(upTo uint64) error {
	keys := v.checker.repo.Keys()
	closed := v.pack.info.Name.Kind == format.KindData && !keys.ReadsData()
	if closed {
		v.checker.noteClosed()
	}
	first := v.next
	for ; v.next < len(v.footer.Blocks); v.next++ {
		b := &v.footer.Blocks[v.next]
		end := uint64(b.Offset) + uint64(b.Length)
		if end > uint64(v.end) {
			return fmt.Errorf("%w: a block lies behind the footer", format.ErrCorrupt)
		}
		if end > upTo {
			break
		}
		v.note(b)
	}
	if closed {
		return nil
	}
	ready := v.footer.Blocks[first:v.next]
	err := v.checker.reading.Each(v.ctx, len(ready), func(_ context.Context, i int) error { return v.openBlock(&ready[i]) })
	if err != nil {
		return err
	}
	return v.checker.reading.Relieve(v.ctx)
}

// tryBases finds out whether it is for a base that a delta cannot be opened;
// then the base's pack is to blame, or the one of what the base stands on in
// turn.
func (v *packReader) tryBases(refs []format.BaseRef, depth int) (sound bool, err error) {
	sound = true
	for _, ref := range refs {
		name := format.PackName{Kind: v.pack.info.Name.Kind, Hash: ref.Pack}
		_, damage := readBlock(v.ctx, v.checker.reader, name, repo.BlockAt{Offset: ref.Offset, Length: ref.Length})
		if damage == nil {
			continue
		}
		if !v.checker.isDamage(damage) {
			return false, damage
		}
		sound = false
		if base := v.checker.packs.byName[name]; base != nil {
			if err := v.blameBase(base, ref, damage, depth); err != nil {
				return false, err
			}
		}
	}
	return sound, nil
}

// blameBase blames a base that cannot be read, unless what it stands on is to blame.
func (v *packReader) blameBase(base *pack, ref format.BaseRef, damage error, depth int) error {
	if depth > format.MaxDeltaDepth {
		return nil // a delta that stands on so many is refused, whatever they are
	}
	below, err := v.basesOf(base, ref)
	if err != nil {
		return err
	}
	own, err := v.tryBases(below, depth+1)
	if err == nil && own {
		v.checker.blame(base, kindOf(damage), damage.Error())
	}
	return err
}

// basesOf returns what a block of a pack stands on; nothing if its footer
// cannot be read, or not yet.
func (v *packReader) basesOf(p *pack, ref format.BaseRef) ([]format.BaseRef, error) {
	if len(p.info.BasePacks) == 0 || !v.checker.ready(p) {
		return nil, nil
	}
	footer, err := v.checker.repo.ReadFooter(v.ctx, p.info.Name, int64(p.info.Size))
	if v.checker.isDamage(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for i := range footer.Blocks {
		if footer.Blocks[i].Offset == ref.Offset {
			return footer.Blocks[i].Bases, nil
		}
	}
	return nil, nil
}

// note enters a block's chunks, to be compared with the index.
func (v *packReader) note(b *format.Block) {
	offset := uint32(0)
	for i := range b.IDs {
		v.found.add(v.checker.opts.seed, placeOf{b.IDs[i].Short(), b.Offset, b.Length, offset})
		offset += b.Lengths[i]
	}
}

// verifyChunks computes the IDs of a block's chunks again.
func (v *packReader) verifyChunks(b *format.Block, content []byte) error {
	rest := content
	for i, id := range b.IDs {
		if int(b.Lengths[i]) > len(rest) {
			return fmt.Errorf("%w: block at %d is shorter than its chunks", repo.ErrDamaged, b.Offset)
		}
		chunk := rest[:b.Lengths[i]]
		rest = rest[b.Lengths[i]:]
		if !v.is(b, id, chunk) {
			return fmt.Errorf("%w: block at %d holds another chunk than %x", repo.ErrDamaged, b.Offset, id[:8])
		}
	}
	if len(rest) > 0 {
		return fmt.Errorf("%w: block at %d is longer than its chunks", repo.ErrDamaged, b.Offset)
	}
	v.checker.progress.ChunksVerified.Add(uint64(len(b.IDs)))
	v.checker.progress.Blocks.Add(1)
	return nil
}

// is reports whether a chunk has an ID. That of a mirrored footer follows from
// the name of the pack it is of.
func (v *packReader) is(b *format.Block, id format.ID, chunk []byte) bool {
	kind := v.pack.info.Name.Kind
	if kind == format.KindMeta && b.Purpose == format.PurposeMirrors {
		m := new(format.Mirror)
		return m.Decode(chunk) == nil &&
			v.checker.repo.Keys().MirrorID(format.PackName{Kind: format.KindData, Hash: m.Pack}) == id
	}
	return v.checker.reader.Verify(kind, id, chunk)
}

func (c *checker) noteClosed() {
	c.ledger.mu.Lock()
	defer c.ledger.mu.Unlock()
	c.report.Closed = true
}
