package repo

import (
	"context"
	"fmt"

	"firn/internal/format"
)

// PackSize returns the bytes of a full pack as new repositories write them.
func PackSize(kind format.Kind) uint64 {
	if kind == format.KindMeta {
		return metaPackSize
	}
	return defaultPackSize
}

// CopyBlocks copies blocks of a pack into the session's packs, sealed as they
// are: it takes no key to their content. The blocks' chunks are then stored
// twice; the old pack is the caller's to condemn.
func (s *Session) CopyBlocks(ctx context.Context, info *format.PackInfo, blocks []BlockAt) error {
	r := s.repo
	footer, err := r.ReadFooter(ctx, info.Name, int64(info.Size))
	if err != nil {
		return err
	}
	known := map[uint32]*format.Block{}
	for i := range footer.Blocks {
		known[footer.Blocks[i].Offset] = &footer.Blocks[i]
	}
	headers := map[uint32][]byte{}
	for len(blocks) > 0 {
		n := coalesce(blocks[0].Offset, blocks)
		last := blocks[n-1]
		raw := make([]byte, last.Offset+last.Length-blocks[0].Offset)
		if err := r.store.GetRange(ctx, info.Name.Object(), raw, int64(blocks[0].Offset)); err != nil {
			return fmt.Errorf("read %s: %w", info.Name.Object(), err)
		}
		w := window{raw, blocks[0].Offset}
		for _, at := range blocks[:n] {
			if err := s.copyBlock(ctx, info.Name, footer, known[at.Offset], at, w, headers); err != nil {
				return err
			}
		}
		blocks = blocks[n:]
	}
	return nil
}

func (s *Session) copyBlock(ctx context.Context, pack format.PackName, footer *format.Footer, block *format.Block, at BlockAt, w window, headers map[uint32][]byte) error {
	raw, ok := w.slice(at.Offset, at.Length)
	if !ok || block == nil || block.Length != at.Length || int(block.Section) >= len(footer.Sections) {
		return fmt.Errorf("%s: %w: footer and index speak of different blocks", pack.Object(), ErrDamaged)
	}
	section := footer.Sections[block.Section]
	header := headers[section.Offset]
	if header == nil {
		header = make([]byte, format.SectionHeaderSize)
		if err := s.repo.store.GetRange(ctx, pack.Object(), header, int64(section.Offset)); err != nil {
			return fmt.Errorf("read %s: %w", pack.Object(), err)
		}
		headers[section.Offset] = header
	}
	p := s.writer.data
	if pack.Kind == format.KindMeta {
		p = s.writer.meta
	}
	return p.copyBlock(ctx, sectionKey{pack, section.Offset}, section, header, *block, raw)
}
