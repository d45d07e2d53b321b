package repo

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"slices"
	"sync"
	"time"

	"firn/internal/format"
	"firn/internal/index"
	"firn/internal/object"
	"firn/internal/seal"
)

// packer turns blocks of one kind into packs and uploads them in the
// background.
type packer struct {
	writer  *writer
	kind    format.Kind
	buffers *packBuffers

	mu     sync.Mutex // guards the two below
	open   *openPack
	flying []chan struct{} // uploads under way, closed when they have ended
}

// openPack is a pack being filled.
type openPack struct {
	place    packBuffer
	buf      []byte // the pack so far
	sections []format.Section
	blocks   []format.Block
	chunks   int
	sealing  sync.WaitGroup // blocks being sealed into buf

	own    *seal.Section         // this session's section; nil before its first block
	ownAt  uint32                // position in sections
	copied map[sectionKey]uint32 // sections taken over from other packs: position in sections
	bases  []format.ID           // packs that the deltas in it stand on
	kept   []keptBlock           // to be cached as bases
	proofs proofs                // of the deltas in it
	author format.Host           // whose blocks were copied into it; zero: none were
}

func newPacker(w *writer, kind format.Kind, size int, steady bool) *packer {
	far := func() bool { return object.Far(w.session.repo.store) }
	return &packer{writer: w, kind: kind, buffers: newPackBuffers(size, steady, far, w.opts.Debug)}
}

// Bounds on what a footer takes, bytes.
const (
	footerFixed      = 2048
	footerPerSection = 32
	footerPerBlock   = 64
	footerPerChunk   = format.IDSize + 5
)

// packChunks bounds the chunks of a pack, and with them what is remembered of
// packs on their way, where chunks are tiny.
const packChunks = 1 << 16

// full reports whether a block of need bytes and n chunks does not fit any more.
func (o *openPack) full(need, n int) bool {
	footer := footerFixed + footerPerSection*len(o.sections) + footerPerBlock*(len(o.blocks)+1) + footerPerChunk*(o.chunks+n)
	return len(o.blocks) > 0 && (len(o.buf)+need+footer+format.PackAlignment > o.place.size || o.chunks+n > packChunks)
}

// add seals a block into the open pack. The place is taken under the lock;
// the sealing itself runs beside others.
func (p *packer) add(ctx context.Context, d *draft) error {
	block, plaintext := d.block, d.plaintext
	if err := p.writer.err(); err != nil {
		return err
	}
	begun := time.Now()
	p.mu.Lock()
	o, err := p.room(ctx, format.SectionHeaderSize+format.BlockHeaderSize+len(plaintext)+sealOverhead, len(block.IDs))
	p.writer.compressor.waited(time.Since(begun))
	if err == nil && o.own == nil {
		err = p.beginSection(o)
	}
	if err != nil {
		p.mu.Unlock()
		return err
	}
	block.Section, block.Number = o.ownAt, uint32(len(o.blocks))
	if d.standing != nil {
		o.standOn(d.standing.packs)
	}
	if d.base != nil {
		o.kept = append(o.kept, keptBlock{*d.base, len(o.blocks)})
	}
	place := o.take(&block, format.BlockHeaderSize+len(plaintext)+sealOverhead)
	o.sealing.Add(1)
	p.mu.Unlock()

	defer o.sealing.Done()
	o.own.SealBlock(place[:0], &block, o.sections[block.Section].Offset, plaintext)
	if d.standing == nil {
		return nil
	}
	err = p.proveDelta(o, &block, place, d.standing.base)
	if err != nil {
		p.writer.fail(err)
	}
	return err
}

// addInTime is add, and then a segment if it is time for one.
func (p *packer) addInTime(ctx context.Context, d *draft) error {
	if err := p.add(ctx, d); err != nil {
		return err
	}
	return p.writer.sealWhenDue(ctx)
}

// sealedBlock is a block of another pack, with its section and what its deltas
// may stand on.
type sealedBlock struct {
	from    sectionKey
	section format.Section
	header  []byte // of the section
	block   format.Block
	raw     []byte
	bases   []format.ID
}

// copyBlock takes over a sealed block of another pack, with its section.
func (p *packer) copyBlock(ctx context.Context, b sealedBlock) error {
	if err := p.writer.err(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if o := p.open; o != nil && o.author != (format.Host{}) && o.author != b.section.Host {
		p.send(o, false) // a pack has one author, so that whoever is distrusted later takes nobody along
		p.open = nil
	}
	o, err := p.room(ctx, format.SectionHeaderSize+len(b.raw), len(b.block.IDs))
	if err != nil {
		return err
	}
	o.author = b.section.Host
	at, ok := o.copied[b.from]
	if !ok {
		at = uint32(len(o.sections))
		o.copied[b.from] = at
		b.section.Offset = uint32(len(o.buf))
		o.sections = append(o.sections, b.section)
		o.buf = append(o.buf, b.header...)
	}
	if len(b.block.Bases) > 0 {
		o.standOn(b.bases)
	}
	b.block.Section = at
	place := o.take(&b.block, len(b.raw))
	copy(place, b.raw)
	return relocate(place, o.sections[at].Offset)
}

// standOn notes packs that a delta in the pack stands on.
func (o *openPack) standOn(bases []format.ID) {
	for _, base := range bases {
		if !slices.Contains(o.bases, base) {
			o.bases = append(o.bases, base)
		}
	}
}

// relocate tells a copied block where its section's header is now.
func relocate(block []byte, sectionOffset uint32) error {
	head, err := format.ParseBlockHeader(block)
	if err != nil {
		return err
	}
	head.SectionOffset = sectionOffset
	head.Append(block[:0])
	return nil
}

// take makes a place for a block in the pack. Buffers have room for a whole
// pack, so that bytes being sealed elsewhere in it are never moved.
func (o *openPack) take(block *format.Block, n int) []byte {
	block.Offset, block.Length = uint32(len(o.buf)), uint32(n)
	o.blocks = append(o.blocks, *block)
	o.chunks += len(block.IDs)
	o.buf = o.buf[:len(o.buf)+n]
	return o.buf[block.Offset:len(o.buf):len(o.buf)]
}

// sealOverhead is what AES-GCM adds to a block.
const sealOverhead = 16

// room returns an open pack with room for need bytes and n chunks, sending
// the one before on its way if it is full and waiting for a free buffer. The
// caller holds mu.
func (p *packer) room(ctx context.Context, need, n int) (*openPack, error) {
	if p.open != nil && p.open.full(need, n) {
		p.send(p.open, true)
		p.open = nil
	}
	if p.open != nil {
		return p.open, nil
	}
	place, err := p.buffers.take(ctx)
	if err != nil {
		return nil, err
	}
	buf := place.bytes
	if room := need + footerFixed + format.PackAlignment; cap(buf) < room {
		buf = make([]byte, 0, room) // for a block that is larger than packs shall be
	}
	header := format.Header{Kind: p.kind, Epoch: p.writer.session.repo.keys.Epoch()}
	p.open = &openPack{place: place, buf: format.AppendHeader(buf[:0], header), copied: map[sectionKey]uint32{}}
	return p.open, nil
}

// beginSection begins this session's own section in a pack.
func (p *packer) beginSection(o *openPack) error {
	keys := p.writer.session.repo.keys
	section, header, err := keys.NewSection(p.kind)
	if err != nil {
		return fmt.Errorf("begin section: %w", err)
	}
	o.own, o.ownAt = section, uint32(len(o.sections))
	o.sections = append(o.sections, format.Section{Offset: uint32(len(o.buf)), Epoch: keys.Epoch(), Host: keys.Host()})
	o.buf = append(o.buf, header...)
	return nil
}

// finish uploads the open pack and waits for all packs on their way. Others may
// be sent meanwhile; they are not waited for.
func (p *packer) finish(ctx context.Context) error {
	p.mu.Lock()
	if p.open != nil {
		p.send(p.open, false)
		p.open = nil
	}
	flying := slices.Clone(p.flying)
	p.mu.Unlock()
	for _, landed := range flying {
		select {
		case <-landed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return p.writer.err()
}

// send uploads a pack in the background, for as long as the session lives. The
// caller holds mu.
func (p *packer) send(o *openPack, full bool) {
	landed := make(chan struct{})
	p.flying = append(p.flying, landed)
	p.writer.flying.Go(func() {
		o.sealing.Wait()
		err := p.writer.err()
		if err == nil {
			err = p.upload(p.writer.session.life, o, full)
		}
		if err != nil {
			p.writer.fail(err)
		}
		p.buffers.giveBack(o.place) // first: whoever holds mu may wait for it
		p.mu.Lock()
		p.flying = slices.DeleteFunc(p.flying, func(other chan struct{}) bool { return other == landed })
		p.mu.Unlock()
		close(landed)
	})
}

// upload completes a pack, puts it on the drive and reports it stored.
func (p *packer) upload(ctx context.Context, o *openPack, full bool) error {
	r := p.writer.session.repo
	name, body, err := p.complete(o, full)
	if err != nil {
		return err
	}
	if err := p.prove(ctx, o); err != nil {
		return err
	}
	if err := p.writer.uploads.Acquire(ctx, 1); err != nil {
		return err
	}
	defer p.writer.uploads.Release(1)
	sum := [sha256.Size]byte(name.Hash)
	_, err = r.store.Put(ctx, name.Object(), body, object.PutOptions{
		IfAbsent: r.store.Capabilities().IfAbsent, SHA256: &sum,
	})
	if err != nil && !errors.Is(err, object.ErrExists) {
		return fmt.Errorf("upload pack: %w", err)
	}
	p.buffers.landed(len(body), r.now())
	p.writer.compressor.arrived()
	p.writer.deltas.keep(o, name)
	p.writer.arrive(p.describe(o, name, len(body)))
	return nil
}

// complete adds padding, footer and trailer and hashes the pack, once.
func (p *packer) complete(o *openPack, full bool) (format.PackName, []byte, error) {
	keys := p.writer.session.repo.keys
	name := format.PackName{Kind: p.kind}
	footer := &format.Footer{
		Sections: o.sections, Blocks: o.blocks, Signer: keys.Certificate(), Signature: make([]byte, 64),
	}
	tail := saltSize + len(footer.Append(nil)) + sealOverhead + format.PackTrailerSize
	total := format.PaddedSize(int64(len(o.buf)+tail), full)
	body := pad(o.buf, int(total)-tail)
	sum := sha256.New()
	sum.Write(body)
	footer.Digest = digest(sum)
	sealed, err := keys.SealFooter(p.kind, footer)
	if err != nil {
		return name, nil, fmt.Errorf("seal footer: %w", err)
	}
	end := len(body)
	body = append(body, sealed...)
	body = format.PackTrailer{FooterLength: uint32(len(sealed))}.Append(body)
	sum.Write(body[end:])
	name.Hash = digest(sum)
	o.buf = body
	return name, body, nil
}

// saltSize is what stands before a sealed footer.
const saltSize = 32

func digest(h hash.Hash) (id format.ID) {
	h.Sum(id[:0])
	return id
}

// pad lengthens b to size with random bytes.
func pad(b []byte, size int) []byte {
	n := len(b)
	if size > cap(b) {
		b = append(b, make([]byte, size-n)...)
	} else {
		b = b[:size]
	}
	_, _ = rand.Read(b[n:])
	return b
}

// describe says what a stored pack holds.
func (p *packer) describe(o *openPack, name format.PackName, size int) *stored {
	r := p.writer.session.repo
	s := &stored{
		info: format.PackInfo{
			Name: name, Size: uint64(size), Host: movedFrom(o.sections, r.keys.Host()), Written: r.now().Unix(), BasePacks: o.bases,
		},
		entries: make([]index.PackEntry, 0, o.chunks),
		ids:     make([]format.ID, 0, o.chunks),
	}
	for i := range o.blocks {
		b := &o.blocks[i]
		s.info.Used += uint64(b.Length)
		s.entries = appendEntries(s.entries, b)
		s.ids = append(s.ids, b.IDs...)
	}
	if p.kind == format.KindData {
		mirror := format.Mirror{
			Pack: name.Hash, Size: uint64(size), Sections: o.sections, Blocks: o.blocks,
		}
		s.mirror = mirror.Append(nil)
	}
	return s
}

// appendEntries lists a block's chunks as the index wants them.
func appendEntries(dst []index.PackEntry, b *format.Block) []index.PackEntry {
	offset := uint32(0)
	for i, id := range b.IDs {
		dst = append(dst, index.PackEntry{
			ID: format.ShortID(id[:16]), BlockOffset: b.Offset, BlockLength: b.Length, ChunkOffset: offset,
		})
		offset += b.Lengths[i]
	}
	return dst
}
