package repo

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"firn/internal/bases"
	"firn/internal/delta"
	"firn/internal/format"
)

const (
	// deltaMin is the smallest chunk that is worth looking for a base, bytes.
	deltaMin = 64 << 10
	// defaultDeltaCache bounds the bases kept on disk, bytes.
	defaultDeltaCache = 4 << 30
	// baseMemory bounds the bases kept decoded in memory, bytes.
	baseMemory = 16 << 20
	// baseCandidates is how many blocks are looked at to find bases that count.
	baseCandidates = 6
)

// deltas is what a session knows of stored content that new content may stand on.
//
// Invariant: a base is a block that the index has, in a pack that counts for
// this session as a copy of its chunk would. So what protects a chunk that is
// referred to without being written protects a base.
type deltas struct {
	writer *writer
	dir    string
	budget int64

	opening    sync.Once
	cache      *bases.Cache // set by opening
	unlisted   []format.ID  // packs in it that are of no use; set by opening
	unwritable sync.Once    // it was told that the cache cannot be written

	contents *baseContents
}

// newDeltas returns nil if the session is to write no deltas, or has no
// lasting place to keep bases in.
func newDeltas(w *writer) *deltas {
	cache := w.session.repo.cache
	if w.opts.DeltaCache < 0 || w.opts.Compression == CompressOff || cache.remove {
		return nil
	}
	d := &deltas{
		writer: w, dir: filepath.Join(cache.dir, "bases"), budget: w.opts.DeltaCache,
		contents: newBaseContents(baseMemory),
	}
	return d
}

// load opens the cache of bases when it is first needed.
func (d *deltas) load() {
	r := d.writer.session.repo
	d.opening.Do(func() {
		d.cache = bases.Open(d.dir, r.keys, d.budget, r.now)
		d.findUnlisted()
	})
}

// findUnlisted finds the packs that prune took away. Nothing can stand on them any more, and
// every session reads the tables of all that is cached.
func (d *deltas) findUnlisted() {
	view, dropped := d.writer.view, d.writer.session.records.Dropped()
	if !view.IsComplete() {
		return // what is not at hand is not read for this
	}
	for _, b := range d.cache.Samples() {
		listed := false
		_, _, err := view.Lookup(b.Chunk, func(p *format.PackInfo) bool {
			listed = listed || p.Name.Hash == b.At.Pack && !dropped[p.Name]
			return listed
		})
		if err == nil && !listed {
			d.unlisted = append(d.unlisted, b.At.Pack)
		}
	}
}

// close ends the use of the cache. What fails costs the order in which bases
// are dropped, no more.
func (d *deltas) close() {
	d.opening.Do(func() {})
	if d.cache == nil {
		return
	}
	// Not before: until the cache is opened again, they are what leads to the versions
	// that they stand on.
	for _, pack := range d.unlisted {
		d.dropGone(pack)
	}
	_ = d.cache.Close()
}

// standing is new content as a delta.
type standing struct {
	bases   []format.BaseRef
	packs   []format.ID // all that it stands on, over other deltas too
	depth   int
	whole   int    // bytes that it would take stored whole, about
	payload []byte // a zstd frame of the delta
	base    []byte // the bases' contents, until the writer's next delta
}

// deltaWriter makes deltas for one worker.
type deltaWriter struct {
	*deltas
	zstd      *zstd.Encoder
	encoder   delta.Encoder
	sketch    []delta.Feature // of the chunk at hand
	resembles bool            // whether the chunk at hand resembles something cached
	base      []byte
	program   []byte
	payload   []byte
}

// line is a cached block, what it stands on, what that stands on, and so on,
// as far as all of it can be relied on.
type line []*bases.Block

// stand returns a chunk as a delta, or nil if it is better stored whole.
func (d *deltaWriter) stand(ctx context.Context, chunk []byte) (*standing, error) {
	d.load()
	d.sketch, d.resembles = d.sketch[:0], false
	if d.cache.Empty() {
		return nil, nil
	}
	d.sketch = d.cache.Sketch(d.sketch, chunk)
	lines, err := d.lines()
	if err != nil || len(lines) == 0 {
		return nil, err
	}
	d.resembles = true
	first := lines[0][0]
	whole := int(int64(first.Whole) * int64(len(chunk)) / int64(max(first.Size, 1)))
	s, err := d.standOn(ctx, lines, 0, chunk)
	if s == nil || err != nil {
		return nil, err
	}
	switch level := delta.Choose(lines[0].versions(), len(s.payload), whole); level {
	case -1:
		return nil, nil
	case 0:
	default:
		if s, err = d.standOn(ctx, lines, level, chunk); s == nil || err != nil {
			return nil, err
		}
	}
	if s.depth > format.MaxDeltaDepth {
		return nil, nil
	}
	s.whole = whole
	return s, nil
}

// lines returns the lines of the blocks that the chunk at hand resembles most.
func (d *deltaWriter) lines() ([]line, error) {
	var lines []line
	for _, b := range d.cache.Find(d.sketch, baseCandidates) {
		if len(lines) == format.MaxBases {
			break
		}
		l, err := d.line(b)
		if err != nil {
			return nil, err
		}
		if len(l) > 0 {
			lines = append(lines, l)
		}
	}
	return lines, nil
}

// line follows a block to what it stands on, first base by first base. It
// begins with the first that can be relied on: when the newest version cannot, the one before it will do.
func (d *deltaWriter) line(b *bases.Block) (line, error) {
	var l line
	for b != nil {
		pack, err := d.counts(b)
		if err != nil {
			return nil, err
		}
		if pack != nil {
			l = append(l, b)
		} else if len(l) > 0 {
			break
		}
		if len(b.Bases) == 0 {
			break
		}
		b = d.cache.Block(b.Bases[0])
	}
	return l, nil
}

// indexedWithin is the time after its arrival in which a pack gets into the
// index for sure, whatever process wrote it.
const indexedWithin = time.Hour

// counts returns the pack of a block if the block may be relied on.
func (d *deltas) counts(b *bases.Block) (*format.PackInfo, error) {
	if d.writer.session.damaged[b.Chunk] {
		return nil, nil
	}
	listed := false
	at, ok, err := d.writer.view.Lookup(b.Chunk, func(p *format.PackInfo) bool {
		if p.Name.Hash != b.At.Pack {
			return false
		}
		listed = true
		return d.writer.counts(p)
	})
	if err != nil {
		return nil, fmt.Errorf("look up base: %w", err)
	}
	if !listed {
		d.dropGone(b.At.Pack)
	}
	if !ok || at.Doubted || at.BlockOffset != b.At.Offset || at.BlockLength != b.At.Length {
		return nil, nil
	}
	return at.Pack, nil
}

// dropGone drops a pack from the cache that is not in the index, unless it has only
// just arrived there from this process or another.
func (d *deltas) dropGone(pack format.ID) {
	if kept, ok := d.cache.Kept(pack); ok && d.writer.session.started.Sub(kept) > indexedWithin {
		d.cache.Drop(pack)
	}
}

// versions are the blocks of a line as delta.Choose weighs them.
func (l line) versions() []delta.Version {
	versions := make([]delta.Version, len(l))
	for i, b := range l {
		versions[i] = delta.Version{Depth: b.Depth, Size: int(b.At.Length)}
	}
	return versions
}

// standOn makes the delta of a chunk on the blocks at one level of the lines;
// nil if it takes too much, or a base cannot be had any more.
func (d *deltaWriter) standOn(ctx context.Context, lines []line, level int, chunk []byte) (*standing, error) {
	s := &standing{}
	d.base = d.base[:0]
	for i, l := range lines {
		b := l[min(level, len(l)-1)]
		if i > 0 && (b.Depth >= format.MaxDeltaDepth || slices.Contains(s.bases, b.At) || len(d.base)+b.Size > format.MaxContent) {
			continue
		}
		var err error
		if d.base, err = d.content(ctx, d.base, format.KindData, b.At, 0); err != nil {
			if ctx.Err() != nil {
				return nil, err
			}
			return nil, nil // the cache lost it: the chunk is stored whole
		}
		if counts, err := s.add(d, b); err != nil || !counts {
			return nil, err
		}
	}
	var fits bool
	if d.program, fits = d.encoder.Append(d.program[:0], d.base, chunk, len(chunk)/2); !fits {
		return nil, nil
	}
	d.payload = d.zstd.EncodeAll(d.program, d.payload[:0])
	s.payload, s.base = d.payload, d.base
	return s, nil
}

// add makes a block a base, if it still counts.
func (s *standing) add(d *deltaWriter, b *bases.Block) (counts bool, err error) {
	pack, err := d.counts(b)
	if err != nil || pack == nil {
		return false, err
	}
	s.bases = append(s.bases, b.At)
	s.depth = max(s.depth, b.Depth+1)
	for _, hash := range append([]format.ID{pack.Name.Hash}, pack.BasePacks...) {
		if !slices.Contains(s.packs, hash) {
			s.packs = append(s.packs, hash)
		}
	}
	return true, nil
}

// asBase says how a chunk that was just composed is to be cached; nil for
// content that says nothing twice and was not seen to change either, like films.
func (d *deltaWriter) asBase(draft *draft, chunk []byte, changing bool) *bases.Kept {
	s := draft.standing
	if s == nil && !changing && draft.block.Codec == format.CodecStored {
		return nil
	}
	if len(d.sketch) == 0 {
		d.sketch = d.cache.Sketch(d.sketch, chunk)
	}
	b := bases.Block{
		Chunk: draft.block.IDs[0], Size: len(chunk), Whole: len(draft.plaintext), Sketch: slices.Clone(d.sketch),
	}
	if s != nil {
		b.Depth, b.Whole, b.Bases = s.depth, s.whole, s.bases
	}
	rank := bases.New
	switch {
	case d.resembles:
		rank = bases.Later
	case changing:
		rank = bases.Changed
	}
	return &bases.Kept{Block: b, Rank: rank}
}

// keep caches the blocks of a pack that arrived. A cache that cannot be written
// costs bytes on the drive the next time, no more.
func (d *deltas) keep(o *openPack, name format.PackName) {
	if d == nil || len(o.kept) == 0 {
		return
	}
	d.load()
	blocks := make([]bases.Kept, len(o.kept))
	for i, k := range o.kept {
		at := &o.blocks[k.block]
		k.Kept.At = format.BaseRef{Pack: name.Hash, Offset: at.Offset, Length: at.Length}
		k.Kept.Plaintext = func(dst []byte) ([]byte, error) {
			return o.own.OpenBlock(dst, o.buf[at.Offset:at.Offset+at.Length])
		}
		blocks[i] = k.Kept
	}
	if err := d.cache.Keep(name.Hash, blocks); err != nil {
		d.unwritable.Do(func() {
			d.writer.opts.Debug(fmt.Sprintf("stored content cannot be cached, so later backups cannot build deltas on it: %v", err))
		})
	}
}

// keptBlock is a block of an open pack that is to be cached as a base.
type keptBlock struct {
	bases.Kept
	block int // its number among the pack's blocks
}
