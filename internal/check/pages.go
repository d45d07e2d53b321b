package check

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"firn/internal/format"
	"firn/internal/index"
	"firn/internal/repo"
)

// pageReader reads tree pages from the drive, block by block, and remembers
// the blocks read last: pages that were written together are read together. A
// pack in which a page cannot be read is blamed even if the page has another
// copy. A page that is lost on the drive is taken from the local cache if it is
// there, so that what is below it is seen and recorded too; it stays lost. It is a
// tree.Reader and a tree.Prefetcher, safe for concurrent use.
type pageReader struct {
	checker *checker
	cached  repo.CachedPages
	gate    chan struct{} // holds a token for each prefetch under way
	flying  sync.WaitGroup

	mu     sync.Mutex // guards all below
	blocks map[blockKey]*block
	queue  []blockKey // oldest first
	size   int        // bytes of contents
}

type blockKey struct {
	pack   format.PackName
	offset uint32
}

// block is a block's content, or will be once done is closed.
type block struct {
	done    chan struct{}
	content []byte
	err     error
}

const (
	blockMemory = 32 << 20 // bytes of contents remembered
	prefetches  = 8        // packs read ahead at once
)

func newPageReader(c *checker) *pageReader {
	return &pageReader{checker: c, cached: repo.CachedPages{Repository: c.origin}, gate: make(chan struct{}, prefetches), blocks: map[blockKey]*block{}}
}

// close waits for what is under way. The checker's context has ended, or
// nobody reads any more.
func (r *pageReader) close() { r.flying.Wait() }

// forget lets go of what is remembered: while data is read, pages are not.
func (r *pageReader) forget() {
	r.flying.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.blocks, r.queue, r.size = map[blockKey]*block{}, nil, 0
}

// ReadPage returns a page, verified against its ID, from the first copy that
// can be read.
func (r *pageReader) ReadPage(ctx context.Context, id format.ID, length uint32) ([]byte, error) {
	var tried map[format.PackName]bool
	var damage error
	for {
		at, ok, err := r.locate(id, tried)
		if err != nil {
			return nil, err
		}
		if !ok {
			if page, err := r.cached.ReadPage(ctx, id, length); err == nil {
				return page, nil
			}
			return nil, errors.Join(damage, fmt.Errorf("page %x: %w", id[:8], repo.ErrNoChunk))
		}
		page, err := r.pageAt(ctx, &at, id, length)
		if err == nil {
			r.checker.progress.Pages.Add(1)
			return page, nil
		}
		if !r.checker.isDamage(err) {
			return nil, err
		}
		if p := r.checker.packs.of(&at); p != nil {
			r.checker.blame(p, kindOf(err), err.Error())
		}
		damage = errors.Join(damage, err)
		if tried == nil {
			tried = map[format.PackName]bool{}
		}
		tried[at.Pack.Name] = true
	}
}

func (r *pageReader) locate(id format.ID, except map[format.PackName]bool) (index.Location, bool, error) {
	return r.checker.reader.View().Lookup(id, func(p *format.PackInfo) bool {
		known := r.checker.packs.byName[p.Name]
		return (known == nil || !known.dropped) && !except[p.Name]
	})
}

func (r *pageReader) pageAt(ctx context.Context, at *index.Location, id format.ID, length uint32) ([]byte, error) {
	content, err := r.content(ctx, at)
	if err != nil {
		return nil, err
	}
	if uint64(at.ChunkOffset)+uint64(length) > uint64(len(content)) {
		return nil, fmt.Errorf("read page %x in %s: %w: it reaches beyond its block", id[:8], at.Pack.Name.Object(), repo.ErrDamaged)
	}
	page := content[at.ChunkOffset : at.ChunkOffset+length : at.ChunkOffset+length]
	if !r.checker.reader.Verify(format.KindMeta, id, page) {
		return nil, fmt.Errorf("read page %x in %s: %w: another chunk is stored there", id[:8], at.Pack.Name.Object(), repo.ErrDamaged)
	}
	return page, nil
}

// content returns a block's content. One that was read ahead in vain, in a
// range with others, is read again by itself before it is called damaged.
func (r *pageReader) content(ctx context.Context, at *index.Location) ([]byte, error) {
	key := blockKey{at.Pack.Name, at.BlockOffset}
	b, mine := r.take(key)
	if !mine {
		select {
		case <-b.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if b.err == nil {
			return b.content, nil
		}
	}
	content, err := readBlock(ctx, r.checker.reader, at.Pack.Name, repo.BlockAt{Offset: at.BlockOffset, Length: at.BlockLength})
	if mine {
		r.fulfil(b, content, err)
	}
	return content, err
}

// take returns a block's entry; mine says that it is new and the caller's to fulfil.
func (r *pageReader) take(key blockKey) (b *block, mine bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.blocks[key]; b != nil {
		return b, false
	}
	b = &block{done: make(chan struct{})}
	r.blocks[key] = b
	r.queue = append(r.queue, key)
	return b, true
}

// fulfil gives a block its content and lets go of the oldest over the bound.
func (r *pageReader) fulfil(b *block, content []byte, err error) {
	b.content, b.err = content, err
	close(b.done)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.size += len(content)
	for r.size > blockMemory && len(r.queue) > 1 {
		oldest := r.blocks[r.queue[0]]
		select {
		case <-oldest.done:
			r.size -= len(oldest.content)
			delete(r.blocks, r.queue[0])
			r.queue = r.queue[1:]
		default:
			return // it is being read; the next one to be fulfilled tries again
		}
	}
}

// Prefetch begins to read the blocks that pages are in, as far as there are
// hands free.
func (r *pageReader) Prefetch(ids []format.ID) {
	plan := map[format.PackName][]repo.BlockAt{}
	for _, id := range ids {
		at, ok, err := r.locate(id, nil)
		if err != nil || !ok {
			continue // found out when the page is read
		}
		plan[at.Pack.Name] = append(plan[at.Pack.Name], repo.BlockAt{Offset: at.BlockOffset, Length: at.BlockLength})
	}
	for name, blocks := range plan {
		select {
		case r.gate <- struct{}{}:
		default:
			return
		}
		r.flying.Go(func() {
			defer func() { <-r.gate }()
			r.readAhead(name, blocks)
		})
	}
}

// readAhead reads blocks of a pack that nobody has read yet.
func (r *pageReader) readAhead(name format.PackName, blocks []repo.BlockAt) {
	mine := map[uint32]*block{}
	var wanted []repo.BlockAt
	for _, at := range blocks {
		if b, isMine := r.take(blockKey{name, at.Offset}); isMine {
			mine[at.Offset] = b
			wanted = append(wanted, at)
		}
	}
	err := r.checker.reader.Blocks(r.checker.ctx, name, wanted, func(at repo.BlockAt, content []byte, damage error) error {
		r.fulfil(mine[at.Offset], append([]byte(nil), content...), damage)
		delete(mine, at.Offset)
		return nil
	})
	for _, b := range mine {
		r.fulfil(b, nil, errors.Join(errNotRead, err))
	}
}

var errNotRead = errors.New("block was not read")

// readBlock reads one block by itself.
func readBlock(ctx context.Context, rd *repo.Reader, name format.PackName, at repo.BlockAt) ([]byte, error) {
	var content []byte
	err := rd.Blocks(ctx, name, []repo.BlockAt{at}, func(_ repo.BlockAt, got []byte, damage error) error {
		content = append([]byte(nil), got...)
		return damage
	})
	return content, err
}
