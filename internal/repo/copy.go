package repo

import (
	"context"
	"crypto/sha256"
	"fmt"

	"firn/internal/format"
	"firn/internal/seal"
)

const (
	// maxPack bounds packs, bytes (docs/format.md §10).
	maxPack = 1 << 30
	// wholePack is the size up to which a pack is copied from in one request, bytes: reading all
	// of it costs no more time, nor money, than asking for its footer and for ranges.
	wholePack = 256 << 10
)

// CopyCost returns how many bytes CopyBlocks reads for blocks of a pack, which it sorts, and with
// how many requests, at least.
func CopyCost(info *format.PackInfo, blocks []BlockAt) (bytes uint64, requests int) {
	if info.Size <= wholePack {
		return info.Size, 1
	}
	bytes, requests = Fetched(blocks)
	return bytes, requests + footerReads
}

// footerReads are the requests by which a pack's footer is read.
const footerReads = 2

// CopyBlocks copies blocks of a pack into the session's packs, sealed as they
// are: it takes no key to their content. The blocks' chunks are then stored
// twice; the old pack is the caller's to condemn. Blocks are verified first, by
// opening them where the key can, else by the pack's hash, since damage would
// look sound in the new pack.
func (s *Session) CopyBlocks(ctx context.Context, info *format.PackInfo, blocks []BlockAt) error {
	c := &copying{
		session: s, pack: info.Name, bases: info.BasePacks,
		blocks: map[uint32]*format.Block{}, sections: map[uint32]*copiedSection{},
	}
	if info.Size <= wholePack || !c.opens() {
		return c.copyVerified(ctx, blocks)
	}
	footer, err := s.repo.ReadFooter(ctx, info.Name, int64(info.Size))
	if err != nil {
		return err
	}
	c.know(footer)
	for len(blocks) > 0 {
		n := coalesce(blocks[0].Offset, len(blocks), func(i int) BlockAt { return blocks[i] })
		if err := c.copy(ctx, blocks[:n]); err != nil {
			return err
		}
		blocks = blocks[n:]
	}
	return nil
}

// copying is one run of CopyBlocks.
type copying struct {
	session  *Session
	pack     format.PackName
	bases    []format.ID // of the pack
	footer   *format.Footer
	blocks   map[uint32]*format.Block // by offset
	sections map[uint32]*copiedSection
	scratch  []byte // a block's plaintext
}

type copiedSection struct {
	header []byte
	opened *seal.Section // nil when the key does not open it
}

// know takes in what the pack's footer says.
func (c *copying) know(footer *format.Footer) {
	c.footer = footer
	for i := range footer.Blocks {
		c.blocks[footer.Blocks[i].Offset] = &footer.Blocks[i]
	}
}

// opens reports whether the key opens the pack's blocks.
func (c *copying) opens() bool {
	if c.pack.Kind == format.KindMeta {
		return c.session.repo.keys.ReadsMetadata()
	}
	return c.session.repo.keys.ReadsData()
}

// copyVerified copies blocks out of the whole pack, compared with its name.
func (c *copying) copyVerified(ctx context.Context, blocks []BlockAt) error {
	body, _, err := c.session.repo.store.Get(ctx, c.pack.Object(), maxPack)
	if err != nil {
		return fmt.Errorf("read %s: %w", c.pack.Object(), err)
	}
	if sha256.Sum256(body) != c.pack.Hash {
		return fmt.Errorf("read %s: %w: its bytes are not those of its name", c.pack.Object(), ErrDamaged)
	}
	footer, err := c.session.repo.readFooter(ctx, c.pack, int64(len(body)), func(p []byte, offset int64) error {
		copy(p, body[offset:]) // within the pack, as readFooter asks
		return nil
	})
	if err != nil {
		return fmt.Errorf("read footer of %s: %w", c.pack.Object(), err)
	}
	c.know(footer)
	return c.copyFrom(ctx, blocks, window{body, 0})
}

// copy copies blocks that are read with one request.
func (c *copying) copy(ctx context.Context, blocks []BlockAt) error {
	start, last := blocks[0].Offset, blocks[len(blocks)-1]
	raw := make([]byte, last.Offset+last.Length-start)
	if err := c.session.repo.store.GetRange(ctx, c.pack.Object(), raw, int64(start)); err != nil {
		return fmt.Errorf("read %s: %w", c.pack.Object(), err)
	}
	return c.copyFrom(ctx, blocks, window{raw, start})
}

func (c *copying) copyFrom(ctx context.Context, blocks []BlockAt, w window) error {
	for _, at := range blocks {
		if err := c.block(ctx, at, w); err != nil {
			return fmt.Errorf("copy block at %d of %s: %w", at.Offset, c.pack.Object(), err)
		}
	}
	return nil
}

func (c *copying) block(ctx context.Context, at BlockAt, w window) error {
	raw, ok := w.slice(at.Offset, at.Length)
	block := c.blocks[at.Offset]
	if !ok || block == nil || block.Length != at.Length || int(block.Section) >= len(c.footer.Sections) {
		return fmt.Errorf("%w: footer and index speak of different blocks", ErrDamaged)
	}
	section := c.footer.Sections[block.Section]
	section.Host = sectionAuthor(c.footer, block)
	from, err := c.section(ctx, section.Offset, w)
	if err != nil {
		return err
	}
	if from.opened != nil {
		if c.scratch, err = from.opened.OpenBlock(c.scratch[:0], raw); err != nil {
			return err
		}
	}
	p := c.session.writer.data
	if c.pack.Kind == format.KindMeta {
		p = c.session.writer.meta
	}
	return p.copyBlock(ctx, sealedBlock{
		from: sectionKey{c.pack, section.Offset}, section: section, header: from.header,
		block: *block, raw: raw, bases: c.bases,
	})
}

// section returns a section's header, from w or the drive, and opens it if the
// key does.
func (c *copying) section(ctx context.Context, offset uint32, w window) (*copiedSection, error) {
	if known := c.sections[offset]; known != nil {
		return known, nil
	}
	header, ok := w.slice(offset, format.SectionHeaderSize)
	if !ok {
		header = make([]byte, format.SectionHeaderSize)
		if err := c.session.repo.store.GetRange(ctx, c.pack.Object(), header, int64(offset)); err != nil {
			return nil, err
		}
	}
	s := &copiedSection{header: header}
	if c.opens() {
		r := c.session.repo
		err := r.WithKeys(ctx, func() (err error) {
			s.opened, err = r.keys.OpenSection(c.pack.Kind, header)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	c.sections[offset] = s
	return s, nil
}
