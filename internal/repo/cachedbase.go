package repo

import (
	"context"
	"fmt"

	"firn/internal/bases"
	"firn/internal/format"
)

// content appends to dst the content of a cached block, verified by its chunk's ID.
func (d *deltas) content(ctx context.Context, dst []byte, kind format.Kind, at format.BaseRef, depth int) ([]byte, error) {
	b := d.cache.Block(at)
	if b == nil {
		return dst, bases.ErrUnknown
	}
	return d.contents.append(dst, at, b.Size, func(dst []byte) ([]byte, error) { return d.decode(ctx, dst, kind, b, depth) })
}

// nested returns the content of a cached block that another cached block stands on.
func (d *deltas) nested(ctx context.Context, kind format.Kind, at format.BaseRef, depth int) ([]byte, error) {
	if d == nil {
		return nil, bases.ErrUnknown
	}
	return d.content(ctx, nil, kind, at, depth)
}

// decode appends to dst the content of a cached block.
func (d *deltas) decode(ctx context.Context, dst []byte, kind format.Kind, b *bases.Block, depth int) ([]byte, error) {
	content, err := d.compose(ctx, dst, kind, b, depth)
	if err != nil {
		return dst, err
	}
	if d.writer.session.repo.keys.ChunkID(kind, content[len(dst):]) != b.Chunk {
		d.cache.Drop(b.At.Pack)
		return dst, bases.ErrUnknown
	}
	return content, nil
}

// compose appends to dst what a cached block says that its content is.
func (d *deltas) compose(ctx context.Context, dst []byte, kind format.Kind, b *bases.Block, depth int) ([]byte, error) {
	if b.Depth > 0 {
		var held []*baseContent
		defer func() { d.contents.releaseAll(held) }()
		r, err := d.recipe(ctx, kind, b, depth, &held)
		if err != nil {
			return dst, err
		}
		return r.content(dst)
	}
	open := d.writer.open
	buf := open.plains.Get().(*[]byte)
	defer open.plains.Put(buf)
	plaintext, err := d.cache.Plaintext((*buf)[:0], b.At)
	if err != nil {
		return dst, err
	}
	*buf = plaintext[:0]
	return open.decode(ctx, kind, plaintext, dst, depth)
}

// recipe returns how the content of a cached delta is made. What it is made of is appended
// to held, even where it fails.
func (d *deltas) recipe(ctx context.Context, kind format.Kind, b *bases.Block, depth int, held *[]*baseContent) (*recipe, error) {
	if depth >= maxDeltaDepth {
		return nil, fmt.Errorf("%w: deltas on deltas over %d deep", ErrDamaged, maxDeltaDepth)
	}
	plaintext, err := d.cache.Plaintext(nil, b.At)
	if err != nil {
		return nil, err
	}
	block, err := format.ParseBlockContent(plaintext)
	if err != nil {
		return nil, err
	}
	r := &recipe{length: block.Length}
	if r.program, err = d.writer.open.program(block.Payload, block.Length); err != nil {
		return nil, err
	}
	for _, ref := range block.Bases {
		below, err := d.base(ctx, kind, ref, depth+1, held)
		if err != nil {
			return nil, err
		}
		r.bases = append(r.bases, below)
	}
	return r, nil
}

// base returns what a cached delta stands on: content if that is stored whole, and
// if not, how it is made, as when deltas are read back.
func (d *deltas) base(ctx context.Context, kind format.Kind, at format.BaseRef, depth int, held *[]*baseContent) (*base, error) {
	b := d.cache.Block(at)
	if b == nil {
		return nil, bases.ErrUnknown
	}
	if b.Depth > 0 {
		r, err := d.recipe(ctx, kind, b, depth, held)
		if err != nil || r.program.sparse() {
			return &base{recipe: r}, err
		}
	}
	content, err := d.contents.hold(at, b.Size, func(dst []byte) ([]byte, error) { return d.decode(ctx, dst, kind, b, depth) })
	if err != nil {
		return nil, err
	}
	*held = append(*held, content)
	return &base{content: content.bytes}, nil
}
