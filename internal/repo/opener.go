package repo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"

	"firn/internal/format"
	"firn/internal/seal"
)

// opener turns blocks as stored into their content: it finds the section's
// key, opens, decompresses and applies deltas.
type opener struct {
	repo *Repository
	// base returns the content of a block that a delta stands on, itself depth deltas deep.
	base func(ctx context.Context, kind format.Kind, base format.BaseRef, depth int) ([]byte, error)

	mu       sync.Mutex // guards sections
	sections map[sectionKey]*seal.Section

	decoders sync.Pool // *zstd.Decoder
	plains   sync.Pool // *[]byte, for plaintexts
	contents sync.Pool // *[]byte, for contents of blocks
}

type sectionKey struct {
	pack   format.PackName
	offset uint32
}

// maxSections bounds the section keys kept.
const maxSections = 4096

// maxDeltaDepth is how many deltas in a row are followed (docs/format.md §6.3).
const maxDeltaDepth = 4

func newOpener(r *Repository, base func(context.Context, format.Kind, format.BaseRef, int) ([]byte, error)) *opener {
	o := &opener{repo: r, base: base, sections: map[sectionKey]*seal.Section{}}
	o.decoders.New = func() any {
		// It fails only for bad options.
		d, _ := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxContent), zstd.IgnoreChecksum(true))
		return d
	}
	o.plains.New = func() any { return new([]byte) }
	o.contents.New = o.plains.New
	return o
}

// maxContent bounds a block's content (docs/format.md §10).
const maxContent = format.MaxContent

// fetch reads one block from the drive. The section header is read along
// with it where it is near.
func (o *opener) fetch(ctx context.Context, pack format.PackName, offset, length uint32, depth int) ([]byte, error) {
	start := offset
	if !o.knows(pack) && offset <= rangeGap {
		start = format.HeaderSize
	}
	raw := make([]byte, int(offset-start)+int(length))
	if err := o.repo.store.GetRange(ctx, pack.Object(), raw, int64(start)); err != nil {
		return nil, err
	}
	return o.content(ctx, pack, window{raw, start}, BlockAt{offset, length}, nil, depth)
}

// window is a range of a pack in memory.
type window struct {
	bytes []byte
	start uint32 // where it begins in the pack
}

func (w window) slice(offset, length uint32) ([]byte, bool) {
	if offset < w.start || uint64(offset-w.start)+uint64(length) > uint64(len(w.bytes)) {
		return nil, false
	}
	return w.bytes[offset-w.start:][:length], true
}

// content opens a block, which lies in w, and appends its content
// to dst.
func (o *opener) content(ctx context.Context, pack format.PackName, w window, at BlockAt, dst []byte, depth int) ([]byte, error) {
	content, err := o.tryContent(ctx, pack, w, at, dst, depth)
	if err != nil {
		return nil, fmt.Errorf("read block at %d of %s: %w", at.Offset, pack.Object(), err)
	}
	return content, nil
}

func (o *opener) tryContent(ctx context.Context, pack format.PackName, w window, at BlockAt, dst []byte, depth int) ([]byte, error) {
	buf := o.plains.Get().(*[]byte)
	defer o.plains.Put(buf)
	plain, err := o.plaintext(ctx, pack, w, at, (*buf)[:0])
	if err != nil {
		return nil, err
	}
	*buf = plain[:0]
	return o.decode(ctx, pack.Kind, plain, dst, depth)
}

// plaintext opens a block, which lies in w, and appends its plaintext to dst.
func (o *opener) plaintext(ctx context.Context, pack format.PackName, w window, at BlockAt, dst []byte) ([]byte, error) {
	raw, ok := w.slice(at.Offset, at.Length)
	if !ok || len(raw) < format.BlockHeaderSize {
		return nil, fmt.Errorf("%w: the index has a wrong length for it", ErrDamaged)
	}
	head, err := format.ParseBlockHeader(raw)
	if err != nil {
		return nil, err
	}
	section, err := o.section(ctx, pack, head.SectionOffset, w)
	if err != nil {
		return nil, err
	}
	return section.OpenBlock(dst, raw)
}

// unseal opens a block of a section and appends its content to dst.
func (o *opener) unseal(ctx context.Context, kind format.Kind, section *seal.Section, raw, dst []byte, depth int) ([]byte, error) {
	buf := o.plains.Get().(*[]byte)
	defer o.plains.Put(buf)
	plain, err := section.OpenBlock((*buf)[:0], raw)
	if err != nil {
		return nil, err
	}
	*buf = plain[:0]
	return o.decode(ctx, kind, plain, dst, depth)
}

// decode turns a block's plaintext into its content.
func (o *opener) decode(ctx context.Context, kind format.Kind, plain, dst []byte, depth int) ([]byte, error) {
	b, err := format.ParseBlockContent(plain)
	if err != nil {
		return nil, err
	}
	start := len(dst)
	switch b.Codec {
	case format.CodecStored:
		dst = append(dst, b.Payload...)
	case format.CodecZstd:
		if dst, err = o.decompress(b.Payload, dst, int(b.Length)); err != nil {
			return nil, err
		}
	case format.CodecDelta:
		if dst, err = o.applyDelta(ctx, kind, b, dst, depth); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("%w: block codec %d", ErrFeature, b.Codec)
	}
	if len(dst)-start != int(b.Length) {
		return nil, fmt.Errorf("%w: content has %d bytes instead of %d", ErrDamaged, len(dst)-start, b.Length)
	}
	return dst, nil
}

func (o *opener) decompress(payload, dst []byte, length int) ([]byte, error) {
	if length > maxContent {
		return nil, fmt.Errorf("%w: content of %d bytes", ErrDamaged, length)
	}
	if need := len(dst) + length; cap(dst) < need {
		dst = append(make([]byte, 0, need), dst...)
	}
	d := o.decoders.Get().(*zstd.Decoder)
	defer o.decoders.Put(d)
	out, err := d.DecodeAll(payload, dst)
	if err != nil {
		return dst[:0], fmt.Errorf("%w: decompress: %w", ErrDamaged, err)
	}
	return out, nil
}

// bases appends the contents of the blocks a delta is against, one behind the
// other.
func (o *opener) bases(ctx context.Context, kind format.Kind, refs []format.BaseRef, dst []byte, depth int) ([]byte, error) {
	for _, ref := range refs {
		content, err := o.base(ctx, kind, ref, depth)
		if err != nil {
			return dst, err
		}
		dst = append(dst, content...)
	}
	if len(dst) > format.MaxDelta {
		return dst, fmt.Errorf("%w: bases of %d bytes", ErrDamaged, len(dst))
	}
	return dst, nil
}

func (o *opener) applyDelta(ctx context.Context, kind format.Kind, b format.BlockContent, dst []byte, depth int) ([]byte, error) {
	if depth >= maxDeltaDepth {
		return nil, fmt.Errorf("%w: deltas on deltas over %d deep", ErrDamaged, maxDeltaDepth)
	}
	base := o.plains.Get().(*[]byte)
	defer o.plains.Put(base)
	var err error
	if *base, err = o.bases(ctx, kind, b.Bases, (*base)[:0], depth+1); err != nil {
		return nil, fmt.Errorf("read base of a delta: %w", err)
	}
	return o.apply(b, *base, dst)
}

// apply appends to dst the content that a delta makes of its bases' contents, which
// lie one behind the other.
func (o *opener) apply(b format.BlockContent, base, dst []byte) ([]byte, error) {
	delta := o.plains.Get().(*[]byte)
	defer o.plains.Put(delta)
	var err error
	// Its length is said in its frame, and bounded by the decoder.
	if *delta, err = o.decompress(b.Payload, (*delta)[:0], 0); err != nil {
		return nil, err
	}
	start := len(dst)
	dst, err = format.ApplyDelta(slices.Grow(dst, b.Length), base, *delta, b.Length)
	if err != nil {
		return nil, fmt.Errorf("%w: apply delta: %w", ErrDamaged, err)
	}
	if len(dst)-start != b.Length {
		return nil, fmt.Errorf("%w: content has %d bytes instead of %d", ErrDamaged, len(dst)-start, b.Length)
	}
	return dst, nil
}

// knows reports whether a key of the pack's first section is at hand.
func (o *opener) knows(pack format.PackName) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.sections[sectionKey{pack, format.HeaderSize}] != nil
}

// section returns a section's key, reading its header from w or the drive.
func (o *opener) section(ctx context.Context, pack format.PackName, offset uint32, w window) (*seal.Section, error) {
	key := sectionKey{pack, offset}
	o.mu.Lock()
	s := o.sections[key]
	o.mu.Unlock()
	if s != nil {
		return s, nil
	}
	header, ok := w.slice(offset, format.SectionHeaderSize)
	if !ok {
		header = make([]byte, format.SectionHeaderSize)
		if err := o.repo.store.GetRange(ctx, pack.Object(), header, int64(offset)); err != nil {
			return nil, err
		}
	}
	err := o.repo.WithKeys(ctx, func() (err error) {
		s, err = o.repo.keys.OpenSection(pack.Kind, header)
		return err
	})
	if err != nil {
		if errors.Is(err, seal.ErrNoKey) {
			return nil, fmt.Errorf("%w: %w", ErrRole, err)
		}
		return nil, fmt.Errorf("open section at %d: %w", offset, err)
	}
	o.mu.Lock()
	if len(o.sections) >= maxSections {
		clear(o.sections)
	}
	o.sections[key] = s
	o.mu.Unlock()
	return s, nil
}
