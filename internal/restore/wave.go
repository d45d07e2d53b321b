package restore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sync/errgroup"

	"firn/internal/format"
	"firn/internal/repo"
	"firn/internal/target"
	"firn/internal/tree"
)

// A wave ends when it has this much to fetch; it bounds memory.
const (
	wavePieces = 1 << 17
	waveFiles  = 1 << 16
)

// wave is what is fetched together: chunks sorted by pack and block.
type wave struct {
	files  []*file
	packs  map[format.PackName]*packPlan
	order  []*packPlan // as first met, which is about the order of the files
	pieces int
}

type packPlan struct {
	info   *format.PackInfo
	blocks map[uint32]*blockPlan // by offset
}

type blockPlan struct {
	at   repo.BlockAt
	uses []use
}

// use is a place where a chunk goes.
type use struct {
	file        *file
	id          format.ID
	offset      uint64 // in the file
	chunkOffset uint32 // in the block's content
	length      uint32
}

// file is a file being restored.
type file struct {
	key   []byte
	entry *format.Entry
	whole bool // one piece: written in one go

	mu    sync.Mutex // guards the three below
	file  *target.File
	left  int // pieces to come
	ended bool
}

func newWave() *wave {
	return &wave{packs: map[format.PackName]*packPlan{}}
}

// plan puts a file's chunks into the wave.
func (r *diskRestore) plan(key []byte, e *format.Entry, existing bool) error {
	if existing && r.matches(key, e) {
		r.opts.Progress.skip(key, "has the right content")
		return r.disk.Keep(key, e)
	}
	if err := r.ready(e); err != nil {
		return err
	}
	r.parked.remove(r.at)
	f := &file{key: bytes.Clone(key), entry: cloneEntry(e)}
	if e.Size == 0 {
		if err := r.disk.WriteFile(f.key, f.entry, nil); err != nil {
			return err
		}
		r.written(f)
		return nil
	}
	f.whole = e.Spilled == nil && len(e.Content) == 1 && !e.Content[0].Hole
	if !f.whole {
		opened, err := r.disk.Create(f.key, f.entry)
		if err != nil {
			return err
		}
		f.file = opened
	}
	if err := r.planContent(f, e); err != nil {
		if f.file != nil {
			err = errors.Join(err, f.file.Abort())
		}
		return err
	}
	r.wave.files = append(r.wave.files, f)
	if f.left == 0 {
		return r.complete(f)
	}
	return nil
}

// planContent plans the pieces of a file. Nothing of a file is planned when
// one of its chunks cannot be found.
func (r *diskRestore) planContent(f *file, e *format.Entry) error {
	var uses []use
	for x, err := range tree.ContentFrom(r.ctx, r.reader, e, 0) {
		if err != nil {
			return fmt.Errorf("read content list: %w", err)
		}
		if x.Hole {
			if err := f.file.Hole(int64(x.Offset), int64(x.Length)); err != nil {
				return err
			}
			continue
		}
		if f.file != nil && f.file.Resumed() && r.hasPiece(f.file, x) {
			r.opts.Progress.Bytes.Add(x.Length)
			continue
		}
		uses = append(uses, use{file: f, id: x.ID, offset: x.Offset, length: uint32(x.Length)})
	}
	places, err := r.locate(uses)
	if err != nil {
		return err
	}
	for i := range uses {
		r.wave.add(places[i], uses[i])
	}
	f.left = len(uses)
	r.wave.pieces += len(uses)
	return nil
}

// lookUps are made at once where each may be a request.
const lookUps = 16

// locate finds where the chunks of a file are, and enters where in the block.
func (r *diskRestore) locate(uses []use) ([]locatedUse, error) {
	places := make([]locatedUse, len(uses))
	find := func(ctx context.Context, i int) error {
		at, err := r.reader.Find(ctx, uses[i].id)
		if err != nil {
			return err
		}
		places[i] = locatedUse{at.Pack, repo.BlockAt{Offset: at.BlockOffset, Length: at.BlockLength}}
		uses[i].chunkOffset = at.ChunkOffset
		return nil
	}
	if r.reader.View().IsComplete() {
		for i := range uses {
			if err := find(r.ctx, i); err != nil {
				return nil, err
			}
		}
		return places, nil
	}
	g, ctx := errgroup.WithContext(r.ctx)
	g.SetLimit(lookUps)
	for i := range uses {
		g.Go(func() error { return find(ctx, i) })
	}
	return places, g.Wait()
}

type locatedUse struct {
	pack  *format.PackInfo
	block repo.BlockAt
}

func (w *wave) add(at locatedUse, u use) {
	p := w.packs[at.pack.Name]
	if p == nil {
		p = &packPlan{info: at.pack, blocks: map[uint32]*blockPlan{}}
		w.packs[at.pack.Name] = p
		w.order = append(w.order, p)
	}
	b := p.blocks[at.block.Offset]
	if b == nil {
		b = &blockPlan{at: at.block}
		p.blocks[at.block.Offset] = b
	}
	b.uses = append(b.uses, u)
}

// matches reports whether the file in place has the entry's content.
func (r *diskRestore) matches(key []byte, e *format.Entry) bool {
	f, err := r.disk.Open(key)
	if err != nil {
		return false
	}
	defer f.Close() //nolint:errcheck // opened for reading
	for x, err := range tree.ContentFrom(r.ctx, r.reader, e, 0) {
		if err != nil || !r.hasPiece(f, x) {
			return false
		}
	}
	return true
}

// hasPiece reports whether a piece's bytes are in a file already.
func (r *diskRestore) hasPiece(f io.ReaderAt, x tree.Extent) bool {
	if x.Hole {
		return isZero(f, int64(x.Offset), int64(x.Length))
	}
	if x.Length > format.MaxChunk {
		return false
	}
	buf := make([]byte, x.Length)
	if n, err := f.ReadAt(buf, int64(x.Offset)); n < len(buf) && err != nil {
		return false
	}
	return r.reader.Verify(format.KindData, x.ID, buf)
}

func isZero(f io.ReaderAt, offset, length int64) bool {
	buf := make([]byte, 64<<10)
	zero := make([]byte, len(buf))
	for length > 0 {
		part := buf[:min(length, int64(len(buf)))]
		if n, err := f.ReadAt(part, offset); n < len(part) && err != nil {
			return false
		}
		if !bytes.Equal(part, zero[:len(part)]) {
			return false
		}
		offset += int64(len(part))
		length -= int64(len(part))
	}
	return true
}
