package repair

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
)

// maxPack bounds packs, bytes (docs/format.md §10).
const maxPack = 1 << 30

// readFooters finds out what each pack holds: metadata packs by their footers, data packs
// by the mirrors in these, and those without one by their own footers.
func (x *indexer) readFooters(ctx context.Context) error {
	x.opts.Progress("reading footers of metadata packs")
	for _, name := range x.names(format.KindMeta) {
		p := x.packs[name]
		footer, err := x.footer(ctx, p)
		if err == nil && footer != nil && !p.doubted && x.distrusted[p.info.Host] == nil {
			err = x.readMirrors(ctx, p, footer)
		}
		if err != nil {
			return err
		}
	}
	x.opts.Progress("reading footers of data packs without a mirror")
	for _, name := range x.names(format.KindData) {
		if p := x.packs[name]; !p.read {
			if _, err := x.footer(ctx, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// footer reads a pack's footer and takes note of what it says; nil if it cannot be read.
func (x *indexer) footer(ctx context.Context, p *pack) (*format.Footer, error) {
	footer, err := x.fresh.ReadFooter(ctx, p.info.Name, int64(p.info.Size))
	if err != nil {
		return nil, x.unread(p, err)
	}
	x.learn(p, footer.Blocks, repo.AuthorOf(footer))
	if p.doubted = p.indexed == 0 && x.fresh.Keys().IsRevoked(&footer.Signer); p.doubted {
		if err := x.prove(ctx, p, footer.Blocks); err != nil {
			p.read = false
			return nil, x.unread(p, err)
		}
	}
	return footer, nil
}

// unread enters a pack that cannot be read, or not before it is thawed. A failure of
// the drive is an error.
func (x *indexer) unread(p *pack, err error) error {
	if errors.Is(err, object.ErrNotFound) {
		delete(x.packs, p.info.Name) // dropped meanwhile
		return nil
	}
	if !repo.IsDamage(err) && !errors.Is(err, object.ErrFrozen) {
		return err
	}
	x.report.Unread = append(x.report.Unread, Fault{p.info.Name.Object(), err})
	return nil
}

// learn takes note of what a footer or its mirror says.
func (x *indexer) learn(p *pack, blocks []format.Block, host format.Host) {
	l := repo.ListBlocks(blocks)
	p.read, p.chunks, p.bases = true, uint64(len(l.Entries)), l.Bases
	p.info.Used, p.info.Host = l.Used, host
}

// readMirrors reads the mirrors in a metadata pack. They are as good as the whole pack
// is: anybody could have sealed them, but the footer's signer signed for its bytes.
func (x *indexer) readMirrors(ctx context.Context, p *pack, footer *format.Footer) error {
	var blocks []repo.BlockAt
	for i := range footer.Blocks {
		if b := &footer.Blocks[i]; b.Purpose == format.PurposeMirrors {
			blocks = append(blocks, repo.BlockAt{Offset: b.Offset, Length: b.Length})
		}
	}
	if len(blocks) == 0 {
		return nil
	}
	err := x.eachMirror(ctx, p, footer, blocks, func(m *format.Mirror, author format.Host, at mirrorAt) {
		of := x.packs[format.PackName{Kind: format.KindData, Hash: m.Pack}]
		if of == nil || of.read || of.info.Size != m.Size {
			return
		}
		x.learn(of, m.Blocks, author)
		of.mirror = &at
	})
	if repo.IsDamage(err) {
		return x.unread(p, err)
	}
	return err
}

// eachMirror visits the mirrors in blocks of a metadata pack.
func (x *indexer) eachMirror(ctx context.Context, p *pack, footer *format.Footer, blocks []repo.BlockAt, visit func(*format.Mirror, format.Host, mirrorAt)) error {
	raw, err := x.wholePack(ctx, p.info.Name, footer)
	if err != nil {
		return err
	}
	byOffset := map[uint32]*format.Block{}
	for i := range footer.Blocks {
		byOffset[footer.Blocks[i].Offset] = &footer.Blocks[i]
	}
	return x.reader.OpenBlocks(ctx, p.info.Name, raw, 0, blocks, func(at repo.BlockAt, content []byte, damage error) error {
		if damage != nil {
			return damage
		}
		offset := uint32(0)
		for _, n := range byOffset[at.Offset].Lengths {
			if uint64(offset)+uint64(n) > uint64(len(content)) {
				return fmt.Errorf("read %s: %w: a mirror reaches beyond its block", p.info.Name, repo.ErrDamaged)
			}
			encoded := content[offset : offset+n]
			m := new(format.Mirror)
			if err := m.Decode(encoded); err != nil {
				return fmt.Errorf("read mirror in %s: %w", p.info.Name, err)
			}
			visit(m, repo.AuthorOfMirror(footer, byOffset[at.Offset], m), mirrorAt{pack: p.info.Name, block: at, offset: offset, length: n, sum: sha256.Sum256(encoded)})
			offset += n
		}
		return nil
	})
}

// wholePack reads a pack and compares it with its name and footer.
func (x *indexer) wholePack(ctx context.Context, name format.PackName, footer *format.Footer) ([]byte, error) {
	raw, _, err := x.fresh.Store().Get(ctx, name.Object(), maxPack)
	if err != nil {
		return nil, err
	}
	if len(raw) < format.PackTrailerSize || sha256.Sum256(raw) != name.Hash {
		return nil, fmt.Errorf("read %s: %w: its bytes are not those of its name", name, repo.ErrDamaged)
	}
	end := len(raw) - format.PackTrailerSize
	trailer, err := format.ParsePackTrailer(raw[end:])
	if err != nil {
		return nil, err
	}
	if uint64(trailer.FooterLength) > uint64(end) || sha256.Sum256(raw[:end-int(trailer.FooterLength)]) != footer.Digest {
		return nil, fmt.Errorf("read %s: %w: its bytes are not those that were signed", name, repo.ErrDamaged)
	}
	return raw, nil
}
