package check

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"firn/internal/format"
	"firn/internal/repo"
)

const (
	// defaultReaders packs are read at once; each takes a window of memory.
	defaultReaders = 2
	// defaultWindow is how much of a pack is in memory, bytes: all of a usual one.
	defaultWindow = 34 << 20
)

// readPacks reads the packs that were asked for, and those that a record
// names, to see whether they are still damaged.
func (c *checker) readPacks() error {
	chosen := slices.DeleteFunc(c.chosen(), func(p *pack) bool {
		p.footer = c.whole[p.info.Name]
		return p.footer != nil
	})
	var total uint64
	for _, p := range chosen {
		total += p.info.Size
	}
	c.progress.TotalPacks.Store(c.progress.Packs.Load() + uint64(len(chosen)))
	c.progress.TotalBytes.Store(c.progress.Bytes.Load() + total)
	if err := c.readEach(chosen); err != nil {
		return err
	}
	for _, p := range chosen {
		if p.fault == nil {
			c.whole[p.info.Name] = p.footer
		}
	}
	c.report.PacksRead, c.report.BytesRead = c.progress.Packs.Load(), c.progress.Bytes.Load()
	c.report.BlocksOpened, c.report.ChunksVerified = c.progress.Blocks.Load(), c.progress.ChunksVerified.Load()
	return nil
}

// chosen returns the packs that are to be read, in order.
func (c *checker) chosen() []*pack {
	var there []*pack
	for _, p := range c.packs.order {
		if p.listed && !p.dropped && p.fault == nil {
			there = append(there, p)
		}
	}
	chosen := c.opts.ReadData.choose(there)
	for _, p := range there {
		if p.recorded && !slices.Contains(chosen, p) {
			chosen = append(chosen, p)
		}
	}
	return chosen
}

// readEach reads packs: those first that can be read already.
func (c *checker) readEach(packs []*pack) error {
	for len(packs) > 0 {
		var ready, kept []*pack
		for _, p := range packs {
			if c.ready(p) {
				ready = append(ready, p)
			} else {
				kept = append(kept, p)
			}
		}
		if err := c.readLayers(ready); err != nil {
			return err
		}
		if packs = kept; len(packs) > 0 {
			if err := c.opts.Gate.Wait(c.ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// ready reports whether a pack can be read now, and all that it takes to open it.
func (c *checker) ready(p *pack) bool {
	if c.repo.Keys().ReadsData() {
		return repo.Ready(c.opts.Gate, p.info)
	}
	return c.opts.Gate == nil || p.info.Name.Kind != format.KindData || c.opts.Gate.Ready(p.info.Name)
}

// readLayers reads packs whose deltas stand on others before these, so that the deltas
// can be opened when their bases are read anyway, and then the bases that are not.
func (c *checker) readLayers(packs []*pack) error {
	infos := make([]*format.PackInfo, len(packs))
	for i, p := range packs {
		infos[i] = p.info
	}
	c.openings.under = map[openedAt][]*opening{}
	c.reading = c.reader.NewReading(c.opts.Readers, nil, c.opened)
	c.room = 0
	windows := make(chan []byte, c.opts.Readers)
	for range c.opts.Readers {
		windows <- nil
	}
	for _, p := range packs {
		c.room = max(c.room, min(c.opts.window, p.info.Size))
	}
	for _, layer := range repo.Layers(infos) {
		if err := c.readNow(layer, windows); err != nil {
			return err
		}
	}
	return c.reading.Run(c.ctx)
}

// readNow reads packs, each through one of the windows.
func (c *checker) readNow(packs []*format.PackInfo, windows chan []byte) error {
	g, ctx := errgroup.WithContext(c.ctx)
	for _, p := range packs {
		buf := <-windows
		if ctx.Err() != nil {
			windows <- buf
			break
		}
		g.Go(func() error {
			v := &packReader{checker: c, ctx: ctx, pack: c.packs.byName[p.Name], buf: buf}
			err := v.read()
			windows <- v.buf
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return c.ctx.Err()
}

// packReader reads one pack from end to end through a window and verifies it.
type packReader struct {
	checker *checker
	ctx     context.Context // of the call
	pack    *pack
	buf     []byte // the window
	start   uint32 // where it begins in the pack

	name   hash.Hash // over the whole pack
	footer *format.Footer
	end    uint32 // where the footer begins
	digest format.ID
	next   int // the first block not opened yet
	found  listing
}

// read verifies the pack: name, footer, digest, and, if the key may, every
// block and chunk. What is wrong with it is blamed on it; an error means that it
// could not be read.
func (v *packReader) read() error {
	err := v.verify()
	if errors.Is(err, errHash) {
		// Bytes may go wrong on their way too; what is recorded must be so on the drive.
		*v = packReader{checker: v.checker, ctx: v.ctx, pack: v.pack, buf: v.buf}
		err = v.verify()
	}
	v.checker.progress.Packs.Add(1)
	if err == nil {
		found := v.found // all else of the reader goes
		v.pack.footer = &found
		return nil
	}
	if v.checker.isDamage(err) {
		v.checker.blame(v.pack, kindOfPack(err), err.Error())
		return nil
	}
	return fmt.Errorf("read %s: %w", v.pack.info.Name.Object(), err)
}

// errHash means that the bytes are not those that gave the pack its name.
var errHash = fmt.Errorf("%w: the SHA-256 of the bytes is not the name", repo.ErrDamaged)

// errContent means that a pack was written with other content than it says.
var errContent = fmt.Errorf("%w: it was written so", repo.ErrDamaged)

func kindOfPack(err error) Kind {
	if errors.Is(err, errContent) {
		return Contradictory
	}
	return kindOf(err)
}

func (v *packReader) verify() error {
	size := v.pack.info.Size
	if size < format.HeaderSize+format.PackTrailerSize || size > format.MaxPack {
		return fmt.Errorf("%w: %d bytes are no pack", errContent, size)
	}
	v.name = sha256.New()
	var broken error // kept back until the hash has spoken: altered bytes can mean anything
	for hashed := uint64(0); hashed < size; {
		fresh, err := v.fill(hashed)
		if err != nil {
			return err
		}
		if hashed == 0 {
			v.footer, broken = v.readFooter()
		}
		var hashing sync.WaitGroup
		at := uint32(hashed)
		hashing.Go(func() { v.hash(at, fresh) })
		hashed += uint64(len(fresh))
		if broken == nil {
			broken = v.openBlocks(hashed)
		}
		hashing.Wait()
		v.checker.progress.Bytes.Add(uint64(len(fresh)))
		if broken != nil {
			v.footer = nil // no block is waited for any more
		}
	}
	switch {
	case format.ID(v.name.Sum(nil)) != v.pack.info.Name.Hash:
		return errHash
	case v.checker.isDamage(broken):
		return fmt.Errorf("%w: %w", errContent, broken)
	case broken != nil:
		return broken
	case v.digest != v.footer.Digest:
		return fmt.Errorf("%w: the footer was signed for other bytes", errContent)
	}
	return nil
}

// maxBlock bounds a sealed block: the largest content with what sealing and an
// unlucky compression add.
const maxBlock = format.MaxContent + 1<<20

// fill moves the window so that it begins with the first block not opened yet
// and reads on from offset at. It returns the bytes read.
func (v *packReader) fill(at uint64) ([]byte, error) {
	size := v.pack.info.Size
	need, from := v.checker.opts.window, uint32(at)
	if at > 0 && v.footer != nil && v.next < len(v.footer.Blocks) {
		b := &v.footer.Blocks[v.next]
		if b.Length > maxBlock {
			return nil, fmt.Errorf("%w: a block of %d bytes", errContent, b.Length)
		}
		from = min(from, max(v.start, b.Offset))
		need = max(need, uint64(b.Length))
	}
	kept := v.buf[:0]
	if at > 0 {
		kept = v.buf[from-v.start:]
	}
	if need = min(need, size-uint64(from)); uint64(cap(v.buf)) < need {
		v.buf = make([]byte, 0, max(need, v.checker.room))
	}
	n := copy(v.buf[:cap(v.buf)], kept)
	v.start = from
	v.buf = v.buf[:n+int(min(size-at, uint64(cap(v.buf)-n)))]
	return v.buf[n:], v.checker.repo.Store().GetRange(v.ctx, v.pack.info.Name.Object(), v.buf[n:], int64(at))
}

// footerGuess is read from a pack's end in the hope that the footer is in it.
const footerGuess = 64 << 10

// readFooter reads the footer, from the window where that holds the whole pack.
func (v *packReader) readFooter() (*format.Footer, error) {
	name, size := v.pack.info.Name, v.pack.info.Size
	v.end = uint32(size)
	head, _, err := format.ParseHeader(v.buf)
	if err != nil {
		return nil, err
	}
	if head.Kind != name.Kind {
		return nil, fmt.Errorf("%w: its header says kind %q", format.ErrCorrupt, byte(head.Kind))
	}
	tail, err := v.tail(footerGuess)
	if err != nil {
		return nil, err
	}
	t, err := format.ParsePackTrailer(tail[len(tail)-format.PackTrailerSize:])
	if err != nil {
		return nil, err
	}
	whole := uint64(t.FooterLength) + format.PackTrailerSize
	if t.FooterLength > maxFooter || whole+format.HeaderSize > size {
		return nil, fmt.Errorf("%w: a footer of %d bytes", format.ErrCorrupt, t.FooterLength)
	}
	v.end = uint32(size - whole)
	if whole > uint64(len(tail)) {
		if tail, err = v.tail(whole); err != nil {
			return nil, err
		}
	}
	sealed := tail[uint64(len(tail))-whole : len(tail)-format.PackTrailerSize]
	var footer *format.Footer
	err = v.checker.repo.WithKeys(v.ctx, func() error {
		footer, err = v.checker.repo.Keys().OpenFooter(name.Kind, head.Epoch, sealed)
		return err
	})
	return footer, err
}

// maxFooter bounds footers (docs/format.md §10).
const maxFooter = 64 << 20

// tail returns the end of the pack, length bytes of it at least where it has as many.
func (v *packReader) tail(length uint64) ([]byte, error) {
	size := v.pack.info.Size
	if uint64(v.start)+uint64(len(v.buf)) == size && (v.start == 0 || uint64(len(v.buf)) >= length) {
		return v.buf, nil
	}
	tail := make([]byte, min(length, size))
	return tail, v.checker.repo.Store().GetRange(v.ctx, v.pack.info.Name.Object(), tail, int64(size)-int64(len(tail)))
}

// hash takes bytes from offset at into the name's hash, and into the digest
// those before the footer.
func (v *packReader) hash(at uint32, fresh []byte) {
	if at < v.end && at+uint32(len(fresh)) >= v.end {
		v.name.Write(fresh[:v.end-at])
		v.name.Sum(v.digest[:0])
		fresh = fresh[v.end-at:]
	}
	v.name.Write(fresh)
}
