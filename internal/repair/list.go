package repair

import (
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"slices"

	"firn/internal/format"
	"firn/internal/index"
	"firn/internal/repo"
)

// segmentChunks is how many chunks go into one new segment, about.
const segmentChunks = 1 << 20

// list writes segments of the packs that the index lacks, wholly or in part.
func (x *indexer) list(ctx context.Context) error {
	var lacking []*pack
	for _, kind := range []format.Kind{format.KindMeta, format.KindData} {
		for _, name := range x.names(kind) {
			if p := x.packs[name]; p.read && p.indexed != p.chunks {
				lacking = append(lacking, p)
				x.report.Chunks += p.chunks
			}
		}
	}
	x.report.Listed = len(lacking)
	if x.session == nil || len(lacking) == 0 {
		return nil
	}
	x.opts.Progress(fmt.Sprintf("listing %d packs", len(lacking)))
	slices.SortStableFunc(lacking, func(a, b *pack) int { return comparePlaces(a.mirror, b.mirror) })
	b := index.NewBuilder()
	for _, p := range lacking {
		blocks, err := x.blocks(ctx, p)
		if err != nil {
			return fmt.Errorf("read footer of %s again: %w", p.info.Name, err)
		}
		b.AddPack(p.info, repo.ListBlocks(blocks).Entries)
		if b.Entries() >= segmentChunks {
			if err := x.write(ctx, b); err != nil {
				return err
			}
			b = index.NewBuilder()
		}
	}
	if b.Packs() == 0 {
		return nil
	}
	return x.write(ctx, b)
}

// comparePlaces brings mirrors in one block together.
func comparePlaces(a, b *mirrorAt) int {
	if a == nil || b == nil {
		return cmp.Compare(there(a), there(b))
	}
	return cmp.Or(a.pack.Compare(b.pack), cmp.Compare(a.block.Offset, b.block.Offset), cmp.Compare(a.offset, b.offset))
}

func there(at *mirrorAt) int {
	if at == nil {
		return 0
	}
	return 1
}

func (x *indexer) write(ctx context.Context, b *index.Builder) error {
	name, body, err := b.Seal(x.repo.Keys(), nil, x.repo.Now())
	if err != nil {
		return fmt.Errorf("make index segment: %w", err)
	}
	if err := x.session.PutSegment(ctx, name, body); err != nil {
		return err
	}
	x.report.Written++
	return nil
}

// mirrorBlock is the content of a block of mirrors.
type mirrorBlock struct {
	pack    format.PackName
	at      repo.BlockAt
	content []byte
}

// blocks returns a pack's blocks, from the mirror if there is one, else from the footer.
func (x *indexer) blocks(ctx context.Context, p *pack) ([]format.Block, error) {
	if p.mirror == nil {
		footer, err := x.fresh.ReadFooter(ctx, p.info.Name, int64(p.info.Size))
		if err != nil {
			return nil, err
		}
		return footer.Blocks, nil
	}
	at := p.mirror
	if x.last.pack != at.pack || x.last.at != at.block {
		err := x.reader.Blocks(ctx, at.pack, []repo.BlockAt{at.block}, func(_ repo.BlockAt, content []byte, damage error) error {
			x.last = mirrorBlock{at.pack, at.block, slices.Clone(content)}
			return damage
		})
		if err != nil {
			return nil, err
		}
	}
	end := uint64(at.offset) + uint64(at.length)
	if end > uint64(len(x.last.content)) || sha256.Sum256(x.last.content[at.offset:end]) != at.sum {
		return nil, fmt.Errorf("mirror in %s: %w: it is another than before", at.pack, repo.ErrDamaged)
	}
	m := new(format.Mirror)
	if err := m.Decode(x.last.content[at.offset:end]); err != nil {
		return nil, err
	}
	return m.Blocks, nil
}

// prove opens all blocks of a pack and compares the chunks in them with their IDs: the
// footer is signed by a host that was revoked, which may have signed it since. Mirrors
// have IDs that do not follow from them; nothing is read by these.
func (x *indexer) prove(ctx context.Context, p *pack, blocks []format.Block) error {
	keys, name := x.fresh.Keys(), p.info.Name
	if name.Kind == format.KindData && !keys.ReadsData() {
		return fmt.Errorf("%w: a revoked host signed its footer, and only an owner's key can tell whether it is right", repo.ErrDamaged)
	}
	byOffset := map[uint32]*format.Block{}
	var at []repo.BlockAt
	for i := range blocks {
		if b := &blocks[i]; b.Purpose == format.PurposePages {
			byOffset[b.Offset] = b
			at = append(at, repo.BlockAt{Offset: b.Offset, Length: b.Length})
		}
	}
	return x.reader.Blocks(ctx, name, at, func(at repo.BlockAt, content []byte, damage error) error {
		if damage != nil {
			return damage
		}
		b := byOffset[at.Offset]
		for i, id := range b.IDs {
			n := uint64(b.Lengths[i])
			if n > uint64(len(content)) || keys.ChunkID(name.Kind, content[:n]) != id {
				return fmt.Errorf("%w: a revoked host signed its footer, and it names chunks that are not there", repo.ErrDamaged)
			}
			content = content[n:]
		}
		return nil
	})
}
