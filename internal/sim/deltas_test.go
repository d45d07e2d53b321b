package sim

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/klauspost/compress/zstd"

	"firn/internal/delta"
	"firn/internal/format"
	"firn/internal/index"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/seal"
)

// deepest is how many deltas in a row readers accept (docs/format.md §6.3).
const deepest = 4

// keepDelta stores content as a delta on the last of the versions before it that is
// stored, by a session that goes no further: the next backup finds it in the index.
func (c *client) keepDelta(ctx context.Context, r *repo.Repository, before [][]byte, target []byte) (err error) {
	if len(before) == 0 {
		return nil
	}
	s, err := r.Begin(ctx, repo.SessionOptions{Command: "deltas", Writer: smallWriter})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Abandon(context.WithoutCancel(ctx), "deltas are kept")) }()
	if _, err := s.LoadIndex(ctx); err != nil {
		return err
	}
	if there, err := s.Has(r.Keys().ChunkID(format.KindData, target)); err != nil || there {
		return err
	}
	for _, base := range slices.Backward(before) {
		under, found, err := findBase(ctx, r, s, base)
		if err != nil {
			return err
		}
		if found && under.depth < deepest {
			return c.store(ctx, r, s, under, target)
		}
	}
	return nil
}

// underneath is a block that a delta can stand on.
type underneath struct {
	pack    *format.PackInfo
	at      repo.BlockAt
	content []byte
	depth   int // deltas between it and a whole block
}

// findBase looks for content where a session may rely on it.
func findBase(ctx context.Context, r *repo.Repository, s *repo.Session, content []byte) (u underneath, found bool, err error) {
	rd, masked := s.Reader(), s.Records().Masked()
	at, found, err := rd.View().Lookup(r.Keys().ChunkID(format.KindData, content), func(p *format.PackInfo) bool {
		return !masked[p.Name] && !slices.ContainsFunc(p.BasePacks, func(hash format.ID) bool {
			return masked[format.PackName{Kind: format.KindData, Hash: hash}]
		})
	})
	if err != nil || !found {
		return u, found, err
	}
	u.pack, u.at = at.Pack, repo.BlockAt{Offset: at.BlockOffset, Length: at.BlockLength}
	err = rd.Blocks(ctx, at.Pack.Name, []repo.BlockAt{u.at}, func(_ repo.BlockAt, content []byte, damage error) error {
		u.content = bytes.Clone(content)
		return damage
	})
	if err != nil {
		return u, false, err
	}
	sizes := map[format.PackName]uint64{}
	for info := range rd.View().Packs() {
		sizes[info.Name] = info.Size
	}
	u.depth, err = depth(ctx, r, sizes, format.BaseRef{Pack: at.Pack.Name.Hash, Offset: u.at.Offset})
	return u, true, err
}

// depth counts the deltas between a block of data and a whole one.
func depth(ctx context.Context, r *repo.Repository, sizes map[format.PackName]uint64, at format.BaseRef) (int, error) {
	name := format.PackName{Kind: format.KindData, Hash: at.Pack}
	size, listed := sizes[name]
	if !listed {
		return deepest, nil // its segment is not listed yet
	}
	footer, err := r.ReadFooter(ctx, name, int64(size))
	if err != nil {
		return 0, err
	}
	deep := 0
	for _, block := range footer.Blocks {
		if block.Offset != at.Offset {
			continue
		}
		for _, base := range block.Bases {
			d, err := depth(ctx, r, sizes, base)
			if err != nil {
				return 0, err
			}
			deep = max(deep, d+1)
		}
	}
	return deep, nil
}

// store writes a pack with a delta, the mirror of its footer and a segment.
func (c *client) store(ctx context.Context, r *repo.Repository, s *repo.Session, under underneath, target []byte) error {
	program, ok := new(delta.Encoder).Append(nil, under.content, target, len(target))
	if !ok {
		return nil // nothing is in common
	}
	bases := []format.BaseRef{{Pack: under.pack.Name.Hash, Offset: under.at.Offset, Length: under.at.Length}}
	plain := format.AppendBlockContent(nil, format.CodecDelta, len(target), bases)
	data, err := sealPack(r.Keys(), format.KindData, format.Block{
		Codec: format.CodecDelta, Bases: bases, Lengths: []uint32{uint32(len(target))},
		IDs: []format.ID{r.Keys().ChunkID(format.KindData, target)},
	}, compress(plain, program))
	if err != nil {
		return err
	}
	if !c.world.closureForgotten {
		data.info.BasePacks = append([]format.ID{under.pack.Name.Hash}, under.pack.BasePacks...)
	}
	mirror := (&format.Mirror{Pack: data.info.Name.Hash, Size: data.info.Size, Sections: data.footer.Sections, Blocks: data.footer.Blocks}).Append(nil)
	meta, err := sealPack(r.Keys(), format.KindMeta, format.Block{
		Codec: format.CodecStored, Purpose: format.PurposeMirrors, Lengths: []uint32{uint32(len(mirror))},
		IDs: []format.ID{r.Keys().MirrorID(data.info.Name)},
	}, append(format.AppendBlockContent(nil, format.CodecStored, len(mirror), nil), mirror...))
	if err != nil {
		return err
	}
	segment := index.NewBuilder()
	for _, p := range []*pack{data, meta} {
		sum := [sha256.Size]byte(p.info.Name.Hash)
		_, err := r.Store().Put(ctx, p.info.Name.Object(), p.body, object.PutOptions{
			IfAbsent: r.Store().Capabilities().IfAbsent, SHA256: &sum,
		})
		if err != nil {
			return err
		}
		p.info.Written = r.Now().Unix()
		segment.AddPack(p.info, p.entries())
	}
	name, body, err := segment.Seal(r.Keys(), nil, r.Now())
	if err != nil {
		return err
	}
	c.world.model.count("deltas kept")
	return s.PutSegment(ctx, name, body)
}

func compress(dst, content []byte) []byte {
	// It fails only for bad options.
	e, _ := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true))
	return e.EncodeAll(content, dst)
}

// pack is a pack of one block.
type pack struct {
	info   format.PackInfo
	footer format.Footer
	body   []byte
}

// sealPack makes a pack as docs/format.md says.
func sealPack(keys *seal.Keyring, kind format.Kind, block format.Block, plain []byte) (*pack, error) {
	const tag = 16
	section, header, err := keys.NewSection(kind)
	if err != nil {
		return nil, err
	}
	p := &pack{body: format.AppendHeader(nil, format.Header{Kind: kind, Epoch: keys.Epoch()})}
	at := uint32(len(p.body))
	p.body = append(p.body, header...)
	block.Offset = uint32(len(p.body))
	p.body = section.SealBlock(p.body, &block, at, plain)
	block.Length = uint32(len(p.body)) - block.Offset
	p.footer = format.Footer{
		Sections: []format.Section{{Offset: at, Epoch: keys.Epoch(), Host: keys.Host()}}, Blocks: []format.Block{block},
		Signer: keys.Certificate(), Signature: make([]byte, 64),
	}
	tail := sha256.Size + len(p.footer.Append(nil)) + tag + format.PackTrailerSize
	p.body = append(p.body, make([]byte, int(format.PaddedSize(int64(len(p.body)+tail), false))-tail-len(p.body))...)
	p.footer.Digest = sha256.Sum256(p.body)
	sealed, err := keys.SealFooter(kind, &p.footer)
	if err != nil {
		return nil, fmt.Errorf("seal footer: %w", err)
	}
	p.body = format.PackTrailer{FooterLength: uint32(len(sealed))}.Append(append(p.body, sealed...))
	p.info = format.PackInfo{
		Name: format.PackName{Kind: kind, Hash: sha256.Sum256(p.body)}, Size: uint64(len(p.body)),
		Used: uint64(block.Length), Host: keys.Host(),
	}
	return p, nil
}

// entries lists the block's chunk as the index wants it.
func (p *pack) entries() []index.PackEntry {
	block := &p.footer.Blocks[0]
	return []index.PackEntry{{
		ID: format.ShortID(block.IDs[0][:len(format.ShortID{})]), BlockOffset: block.Offset, BlockLength: block.Length,
	}}
}
