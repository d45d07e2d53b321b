package repo

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"firn/internal/format"
	"firn/internal/index"
)

// writer is the writing half of a session: it decides which chunks are new,
// has them packed and uploaded, and indexes what arrived.
type writer struct {
	session *Session
	opts    WriterOptions
	view    *index.View // set by LoadIndex, before any chunk
	data    *packer
	meta    *packer
	mirrors *BlockWriter
	deltas  *deltas // nil: none are written
	open    *opener // of blocks just sealed, over cached bases

	compressor *compressor
	uploads    *semaphore.Weighted
	stats      writerStats

	pending [64]pendingShard // by the last byte of the ID

	mu       sync.Mutex // guards the three below
	arrived  []*stored  // packs stored, not yet in a segment
	chunks   int        // in arrived
	lastSeal time.Time
	sealing  sync.Mutex // held while a segment is made and written

	failed atomic.Pointer[error] // the first failure; nothing is written after it
	flying sync.WaitGroup        // uploads under way
}

// pendingShard holds chunks this session took on that no segment has yet.
type pendingShard struct {
	mu  sync.Mutex
	ids map[format.ID]struct{}
}

// stored is a pack that is on the drive.
type stored struct {
	info    format.PackInfo
	entries []index.PackEntry
	ids     []format.ID

	mirror   []byte // encoded format.Mirror of a data pack
	mirrored bool   // guarded by writer.mu; the mirror was given to a metadata pack
}

type writerStats struct {
	chunksAdded, packsAdded, bytesAdded, bytesStored atomic.Uint64
}

func newWriter(s *Session, opts WriterOptions) *writer {
	steady := opts.PackSize != 0
	w := &writer{session: s, opts: opts.withDefaults(), lastSeal: s.started}
	for i := range w.pending {
		w.pending[i].ids = map[format.ID]struct{}{}
	}
	w.uploads = semaphore.NewWeighted(int64(w.opts.Uploads))
	w.compressor = newCompressor(w.opts.Compression, s.repo.cache.facts().DriveBehind, w.opts.Debug)
	w.data = newPacker(w, format.KindData, w.opts.PackSize, steady)
	w.meta = newPacker(w, format.KindMeta, w.opts.MetaPackSize, true)
	w.deltas = newDeltas(w)
	w.open = newOpener(s.repo, w.deltas.nested)
	w.mirrors = newBlockWriter(w, w.meta, format.PurposeMirrors)
	return w
}

func (w *writer) close() {
	w.flying.Wait()
	if w.deltas != nil {
		w.deltas.close()
	}
	if w.view != nil {
		_ = w.view.Close()
	}
}

// Stats returns what the session wrote so far.
func (s *Session) Stats() format.Stats {
	st := &s.writer.stats
	return format.Stats{
		ChunksAdded: st.chunksAdded.Load(), PacksAdded: st.packsAdded.Load(),
		BytesAdded: st.bytesAdded.Load(), BytesStored: st.bytesStored.Load(),
	}
}

// Has reports whether a chunk is stored where a snapshot may rely on it, or
// on its way there in this session.
func (s *Session) Has(id format.ID) (bool, error) {
	shard := s.writer.shard(id)
	shard.mu.Lock()
	_, ok := shard.ids[id]
	shard.mu.Unlock()
	if ok {
		return true, nil
	}
	return s.writer.indexed(id)
}

func (w *writer) shard(id format.ID) *pendingShard {
	return &w.pending[id[format.IDSize-1]%byte(len(w.pending))]
}

// indexed reports whether the index has the chunk in a pack that counts.
func (w *writer) indexed(id format.ID) (bool, error) {
	if w.session.damaged[id] {
		return false, nil
	}
	at, ok, err := w.view.Lookup(id, w.counts)
	if err != nil {
		return false, fmt.Errorf("look up chunk: %w", err)
	}
	return ok && !at.Doubted, nil
}

func (w *writer) counts(p *format.PackInfo) bool {
	if w.session.masked[p.Name] {
		return false
	}
	for _, base := range p.BasePacks {
		if w.session.masked[format.PackName{Kind: p.Name.Kind, Hash: base}] {
			return false
		}
	}
	return true
}

// take reports whether the chunk is new, and if so makes it this session's to
// store: later callers are told that it is there.
func (w *writer) take(id format.ID) (bool, error) {
	shard := w.shard(id)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if _, ok := shard.ids[id]; ok {
		return false, nil
	}
	there, err := w.indexed(id)
	if err != nil || there {
		return false, err
	}
	shard.ids[id] = struct{}{}
	return true, nil
}

// release drops chunks from the pending ones once a segment has them.
func (w *writer) release(packs []*stored) {
	for _, p := range packs {
		for _, id := range p.ids {
			shard := w.shard(id)
			shard.mu.Lock()
			delete(shard.ids, id)
			shard.mu.Unlock()
		}
	}
}

// unwritten counts chunks that were taken on and that no segment has.
func (w *writer) unwritten() int {
	n := 0
	for i := range w.pending {
		w.pending[i].mu.Lock()
		n += len(w.pending[i].ids)
		w.pending[i].mu.Unlock()
	}
	return n
}

// fail keeps the first failure; every later step returns it.
func (w *writer) fail(err error) {
	w.failed.CompareAndSwap(nil, &err)
}

func (w *writer) err() error {
	if err := w.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// arrive takes note of a pack that is stored.
func (w *writer) arrive(p *stored) {
	w.stats.packsAdded.Add(1)
	w.stats.bytesStored.Add(p.info.Size)
	w.mu.Lock()
	w.arrived = append(w.arrived, p)
	w.chunks += len(p.ids)
	w.mu.Unlock()
}

// due reports whether it is time for a segment.
func (w *writer) due() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.chunks >= segmentMaxChunks ||
		len(w.arrived) > 0 && w.session.repo.now().Sub(w.lastSeal) >= w.opts.SegmentEvery
}

// sealWhenDue writes a segment of what arrived so far if it is time, so that
// an interrupted session leaves what it uploaded to be found.
func (w *writer) sealWhenDue(ctx context.Context) error {
	if !w.due() || !w.sealing.TryLock() {
		return nil
	}
	defer w.sealing.Unlock()
	return w.sealSegment(ctx)
}

// Flush uploads everything written so far and indexes it. No chunk may be
// added meanwhile except through BlockWriters flushed before.
func (s *Session) Flush(ctx context.Context) error {
	w := s.writer
	begun := time.Now()
	if err := w.data.finish(ctx); err != nil {
		return err
	}
	w.compressor.waited(time.Since(begun) * time.Duration(runtime.GOMAXPROCS(0))) // all workers wait
	w.sealing.Lock()
	defer w.sealing.Unlock()
	return w.sealSegment(ctx)
}

// sealSegment mirrors the footers of the data packs that arrived, waits for
// the metadata packs, and writes one segment of them all. The caller holds sealing.
func (w *writer) sealSegment(ctx context.Context) error {
	if err := w.writeMirrors(ctx); err != nil {
		return err
	}
	if err := w.mirrors.Flush(ctx); err != nil {
		return err
	}
	if err := w.meta.finish(ctx); err != nil {
		return err
	}
	packs := w.takeMirrored()
	if len(packs) == 0 {
		return w.err()
	}
	if err := w.writeSegment(ctx, packs); err != nil {
		w.fail(err)
		return err
	}
	w.release(packs)
	return w.err()
}

// writeMirrors puts the footers of the data packs that wait for a segment into
// the metadata pack.
func (w *writer) writeMirrors(ctx context.Context) error {
	w.mu.Lock()
	var waiting []*stored
	for _, p := range w.arrived {
		if p.mirror != nil && !p.mirrored {
			waiting = append(waiting, p)
		}
	}
	w.mu.Unlock()
	for _, p := range waiting {
		if err := w.mirrors.addAs(ctx, w.session.repo.keys.MirrorID(p.info.Name), p.mirror); err != nil {
			return err
		}
		w.mu.Lock()
		p.mirrored = true
		w.mu.Unlock()
	}
	return nil
}

// mirrorAgain has all mirrors written that no segment stands for: the metadata
// pack they were in may have failed to arrive.
func (w *writer) mirrorAgain() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.arrived {
		p.mirrored = false
	}
}

// takeMirrored takes the packs that may go into a segment now: metadata packs
// and data packs whose footers are mirrored. Data packs that arrived in
// between wait for the next one.
func (w *writer) takeMirrored() []*stored {
	w.mu.Lock()
	defer w.mu.Unlock()
	var packs, later []*stored
	w.chunks = 0
	for _, p := range w.arrived {
		if p.mirror == nil || p.mirrored {
			packs = append(packs, p)
			continue
		}
		later = append(later, p)
		w.chunks += len(p.ids)
	}
	w.arrived, w.lastSeal = later, w.session.repo.now()
	return packs
}

func (w *writer) writeSegment(ctx context.Context, packs []*stored) error {
	b := index.NewBuilder()
	for _, p := range packs {
		b.AddPack(p.info, p.entries)
	}
	r := w.session.repo
	name, body, err := b.Seal(r.keys, nil, r.now())
	if err != nil {
		return fmt.Errorf("make index segment: %w", err)
	}
	if err := w.session.PutSegment(ctx, name, body); err != nil {
		return err
	}
	w.stats.bytesStored.Add(uint64(len(body)))
	if err := w.view.AddSealed(name, body); err != nil {
		return fmt.Errorf("add own segment to the index: %w", err)
	}
	return nil
}
