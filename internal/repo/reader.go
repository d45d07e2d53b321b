package repo

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"firn/internal/format"
	"firn/internal/index"
)

// Reader reads chunks of a repository as its index stood when the Reader was
// made. It is safe for concurrent use.
type Reader struct {
	repo    *Repository
	view    *index.View
	ownView bool
	dropped map[format.PackName]bool
	gate    Gate // nil: all packs can be read
	open    *opener
	ahead   *readAhead
	buffers rangeStock

	doubted *atomic.Uint64 // chunks located in copies of distrusted hosts; shared by readers of one index

	mu     sync.Mutex // guards blocks
	blocks *blockCache

	again *relisting // nil: the segments are not listed again
	bases struct {
		sync.Once
		packs map[format.PackName]*format.PackInfo // those that deltas stand on
	}
}

// blockCacheSize bounds the decoded blocks a Reader keeps, bytes.
const blockCacheSize = 24 << 20

// NewReader reads the records and the index. Segments that cannot be read are
// returned beside the Reader; their chunks count as absent.
func (r *Repository) NewReader(ctx context.Context) (*Reader, []*index.BadSegment, error) {
	records, err := r.ReadRecords(ctx)
	if err != nil {
		return nil, nil, err
	}
	return r.readerFor(ctx, records, TrustAll, walked)
}

// TrustingReader is NewReader for one who has read the records and trusts as policy
// says: doubted copies of chunks come last.
func (r *Repository) TrustingReader(ctx context.Context, records *Records, policy Trust) (*Reader, []*index.BadSegment, error) {
	return r.readerFor(ctx, records, policy, walked)
}

// ChunkReader is NewReader for one who looks chunks up and does not walk the index: where that
// is huge and not in the local cache, it begins before it is.
func (r *Repository) ChunkReader(ctx context.Context) (*Reader, []*index.BadSegment, error) {
	records, err := r.ReadRecords(ctx)
	if err != nil {
		return nil, nil, err
	}
	return r.readerFor(ctx, records, TrustAll, read)
}

func (r *Repository) readerFor(ctx context.Context, records *Records, policy Trust, use indexUse) (*Reader, []*index.BadSegment, error) {
	view, bad, err := r.loadView(ctx, records.Judge(r.keys.Host(), policy), use)
	if err != nil {
		return nil, nil, err
	}
	rd := r.newReader(view, records)
	rd.ownView, rd.again = true, new(relisting)
	return rd, bad, nil
}

// Reader returns a reader over the session's own view of the index, what it
// wrote itself included once indexed. It ends with the session.
func (s *Session) Reader() *Reader {
	return s.repo.newReader(s.writer.view, s.records)
}

func (r *Repository) newReader(view *index.View, records *Records) *Reader {
	return r.newReaderOf(view, records.Dropped())
}

func (r *Repository) newReaderOf(view *index.View, dropped map[format.PackName]bool) *Reader {
	rd := &Reader{repo: r, view: view, dropped: dropped, blocks: newBlockCache(blockCacheSize), doubted: new(atomic.Uint64)}
	rd.ahead = newReadAhead(r, rd.sizeOf)
	rd.open = newOpener(r, rd.baseContent)
	return rd
}

// Close releases the reader's view.
func (rd *Reader) Close() error {
	if rd.ownView {
		return rd.view.Close()
	}
	return nil
}

// Doubted returns how many times a chunk was found only where a host put it that is
// distrusted. Its bytes are verified like any others.
func (rd *Reader) Doubted() uint64 { return rd.doubted.Load() }

// View returns the index the reader reads by.
func (rd *Reader) View() *index.View { return rd.view }

// Locate says where a chunk is stored; ErrNoChunk when the index does not
// have it, ErrNotReady when the reader's gate keeps all its copies. Packs that
// prune decided to drop are passed over.
func (rd *Reader) Locate(id format.ID) (index.Location, error) {
	return rd.locate(id, nil)
}

func (rd *Reader) locate(id format.ID, except map[format.PackName]bool) (index.Location, error) {
	kept := false
	at, ok, err := rd.view.Lookup(id, func(p *format.PackInfo) bool {
		if rd.dropped[p.Name] || except[p.Name] {
			return false
		}
		ready := Ready(rd.gate, p)
		kept = kept || !ready
		return ready
	})
	if err != nil {
		return at, fmt.Errorf("look up chunk %x: %w", id[:8], err)
	}
	if !ok && kept {
		return at, fmt.Errorf("chunk %x: %w", id[:8], ErrNotReady)
	}
	if !ok {
		return at, fmt.Errorf("chunk %x: %w", id[:8], ErrNoChunk)
	}
	if at.Doubted {
		rd.doubted.Add(1)
	}
	return at, nil
}

// Chunk returns one chunk, verified against its ID. When a copy is damaged
// or gone the others are tried.
func (rd *Reader) Chunk(ctx context.Context, kind format.Kind, id format.ID, length uint32) ([]byte, error) {
	var tried map[format.PackName]bool
	var damage error
	for {
		at, err := rd.find(ctx, id, tried)
		if err != nil {
			return nil, errors.Join(damage, err)
		}
		chunk, err := rd.chunkAt(ctx, at, length)
		if err == nil && rd.repo.keys.ChunkID(kind, chunk) != id {
			err = fmt.Errorf("chunk %x in %s: %w: another chunk is stored there", id[:8], at.Pack.Name.Object(), ErrDamaged)
		}
		if err == nil {
			return chunk, nil
		}
		if !isDamage(err) {
			return nil, err
		}
		damage = errors.Join(damage, err)
		if tried == nil {
			tried = map[format.PackName]bool{}
		}
		tried[at.Pack.Name] = true
	}
}

func (rd *Reader) chunkAt(ctx context.Context, at index.Location, length uint32) ([]byte, error) {
	content, err := rd.block(ctx, at.Pack.Name, BlockAt{at.BlockOffset, at.BlockLength}, 0)
	if err != nil {
		return nil, err
	}
	return cutChunk(content, at.ChunkOffset, length, at.Pack.Name)
}

// cutChunk takes a chunk out of a block's content.
func cutChunk(content []byte, offset, length uint32, pack format.PackName) ([]byte, error) {
	if uint64(offset)+uint64(length) > uint64(len(content)) {
		return nil, fmt.Errorf("read %s: %w: a chunk reaches beyond its block", pack.Object(), ErrDamaged)
	}
	return content[offset : offset+length], nil
}

// block returns a block's content, from the cache or the drive.
func (rd *Reader) block(ctx context.Context, pack format.PackName, at BlockAt, depth int) ([]byte, error) {
	return rd.cached(pack, at, func() ([]byte, error) {
		return rd.open.fetch(ctx, pack, at.Offset, at.Length, depth)
	})
}

// cached returns a block's content, read if it was not lately.
func (rd *Reader) cached(pack format.PackName, at BlockAt, read func() ([]byte, error)) ([]byte, error) {
	key := blockKey{pack, at.Offset}
	rd.mu.Lock()
	content, ok := rd.blocks.get(key)
	rd.mu.Unlock()
	if ok {
		return content, nil
	}
	content, err := read()
	if err != nil {
		return nil, err
	}
	rd.mu.Lock()
	rd.blocks.put(key, content)
	rd.mu.Unlock()
	return content, nil
}

func (rd *Reader) baseContent(ctx context.Context, kind format.Kind, base format.BaseRef, depth int) ([]byte, error) {
	pack, at := format.PackName{Kind: kind, Hash: base.Pack}, BlockAt{base.Offset, base.Length}
	if err := rd.mayRead(pack); err != nil { // the index did not name it as a base
		return nil, err
	}
	return rd.cached(pack, at, func() ([]byte, error) {
		w, err := rd.ahead.read(ctx, pack, at)
		if err != nil {
			return nil, err
		}
		content, err := rd.open.content(ctx, pack, w, at, nil, depth)
		if err == nil || !isDamage(err) {
			return content, err
		}
		// What came wrong over the network once must not stand for all that is near.
		if w, err = rd.ahead.again(ctx, pack, at); err != nil {
			return nil, err
		}
		return rd.open.content(ctx, pack, w, at, nil, depth)
	})
}

// ReadPage returns a tree page, from the local cache when it is there. It
// makes a Reader a tree.Reader.
func (rd *Reader) ReadPage(ctx context.Context, id format.ID, length uint32) ([]byte, error) {
	cache := rd.repo.cache.pages
	if page, ok := cache.get(id); ok && len(page) == int(length) && rd.repo.keys.ChunkID(format.KindMeta, page) == id {
		return page, nil
	}
	page, err := rd.Chunk(ctx, format.KindMeta, id, length)
	if err != nil {
		return nil, fmt.Errorf("read tree page %x: %w", id[:8], err)
	}
	cache.put(id, page)
	return page, nil
}

// CachedPages reads tree pages from the local cache only: for writers, who
// may not read the drive's. A page that is not cached is ErrNoChunk.
type CachedPages struct{ Repository *Repository }

// ReadPage returns a cached page.
func (c CachedPages) ReadPage(_ context.Context, id format.ID, length uint32) ([]byte, error) {
	page, ok := c.Repository.cache.pages.get(id)
	if !ok || len(page) != int(length) || c.Repository.keys.ChunkID(format.KindMeta, page) != id {
		return nil, fmt.Errorf("tree page %x is not cached: %w", id[:8], ErrNoChunk)
	}
	return page, nil
}

// PageWriter writes tree pages through a session and keeps them in the local
// cache, where the next backup finds them. It is a tree.Writer for one goroutine.
type PageWriter struct {
	blocks *BlockWriter
	cache  *pageCache
}

// NewPageWriter returns a writer of tree pages. Flush it before the session.
func (s *Session) NewPageWriter() *PageWriter {
	return &PageWriter{blocks: s.NewBlockWriter(format.KindMeta), cache: s.repo.cache.pages}
}

// WritePage stores a page unless it is there already.
func (p *PageWriter) WritePage(ctx context.Context, page []byte) (format.ID, error) {
	id, _, err := p.blocks.Add(ctx, page)
	if err == nil {
		p.cache.put(id, page)
	}
	return id, err
}

// Flush seals what was gathered.
func (p *PageWriter) Flush(ctx context.Context) error { return p.blocks.Flush(ctx) }

// Verify reports whether a chunk's bytes belong to an ID.
func (rd *Reader) Verify(kind format.Kind, id format.ID, chunk []byte) bool {
	return rd.repo.keys.ChunkID(kind, chunk) == id
}
