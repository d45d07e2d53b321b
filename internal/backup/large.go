package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sync/errgroup"

	"firn/internal/chunk"
	"firn/internal/format"
	"firn/internal/repo"
	"firn/internal/source"
	"firn/internal/tree"
)

// windowSize is the length of the buffers big files are read through, bytes:
// room for the longest chunk and as much again.
const windowSize = 8 << 20

// readSize is how much of a big file is read before it is cut, bytes: little enough to be
// in the processor's cache still.
const readSize = 256 << 10

// windowsAtOnce bounds the buffers of all big files together. Each file has one that is
// read; the one that is left goes to whoever needs the next first.
const windowsAtOnce = largeAtOnce + 1

func freeWindows() chan []byte {
	free := make(chan []byte, windowsAtOnce)
	for range cap(free) {
		free <- nil
	}
	return free
}

// readLarge has a big file or a stream read beside the walk: cut here, hashed
// and compressed by the hands.
func (r *run) readLarge(ctx context.Context, readers *errgroup.Group, t task) error {
	if err := send(ctx, r.large, struct{}{}); err != nil {
		return err
	}
	j := newJob()
	j.tasks = append(j.tasks, t)
	if err := send(ctx, r.ordered, j); err != nil {
		return err
	}
	readers.Go(func() error {
		defer func() { <-r.large }()
		defer close(j.done)
		return r.largeFile(ctx, &j.tasks[0])
	})
	return nil
}

func (r *run) largeFile(ctx context.Context, t *task) error {
	r.opts.Progress.Current.Store(&t.item.Path)
	content, err := r.src.Open(t.item)
	if err != nil {
		r.judge(t, err, 0)
		return nil
	}
	f := &largeReader{run: r, ctx: ctx, content: content}
	for i, l := range r.lanes {
		if t.entries[i] != nil && !t.taken[i] && l.failed() == nil {
			f.cuts = append(f.cuts, newCutting(r, i, t.before[i]))
		}
	}
	err = finishContent(content, f.read())
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil && t.item.Entry.Type == format.TypeStream {
		return fmt.Errorf("%w: %w", ErrSource, err)
	}
	kept := r.judge(t, err, f.total)
	return f.finish(t, kept)
}

// finishContent closes a content that was read and says how that went:
// source.ErrChanged when it was written to meanwhile.
func finishContent(content source.Content, err error) error {
	if err == nil {
		var changed bool
		if changed, err = content.Changed(); changed && err == nil {
			err = source.ErrChanged
		}
	}
	if closeErr := content.Close(); err == nil {
		err = closeErr
	}
	return err
}

// largeReader reads one big file for all lanes that need it.
type largeReader struct {
	run     *run
	ctx     context.Context // of the run
	content source.Content
	cuts    []*cutting
	total   uint64 // bytes, holes included
}

// window is a stretch of the file in memory; it is free again when the chunks
// that lie in it are stored.
type window struct {
	buf  []byte
	used sync.WaitGroup
}

// cutting is a file's way onto one lane.
type cutting struct {
	lane    int
	l       *lane
	cutter  *chunk.Cutter
	pages   *repo.PageWriter
	content *tree.ContentWriter
	origin  *repo.Origin
	pos     int          // in the window: where the next chunk begins
	search  chunk.Search // for its end
	queue   []*pendingPiece
}

// pendingPiece is a piece whose ID is known when done is closed.
type pendingPiece struct {
	piece format.Piece
	err   error
	done  chan struct{}
}

func newCutting(r *run, lane int, changing bool) *cutting {
	l := r.lanes[lane]
	pages := l.session.NewPageWriter()
	return &cutting{
		lane: lane, l: l, cutter: l.cutter, pages: pages, content: tree.NewContentWriter(pages), origin: &repo.Origin{Changing: changing},
	}
}

// read reads the content run by run: data are cut, holes are noted.
func (f *largeReader) read() error {
	for {
		length, hole, err := f.content.NextRun()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if hole {
			f.total += length
			f.run.opts.Progress.Done.Add(length)
			for _, c := range f.cuts {
				c.queue = append(c.queue, readyHole(length))
			}
			continue
		}
		if err := f.readRun(); err != nil {
			return err
		}
	}
}

func readyHole(length uint64) *pendingPiece {
	done := make(chan struct{})
	close(done)
	return &pendingPiece{piece: format.Piece{Length: length, Hole: true}, done: done}
}

// readRun reads one run of data through windows.
func (f *largeReader) readRun() error {
	w, err := f.freeWindow()
	if err != nil {
		return err
	}
	for _, c := range f.cuts {
		c.pos, c.search = 0, chunk.Search{}
	}
	fill := 0
	for {
		n, err := io.ReadFull(f.content, w.buf[fill:min(fill+readSize, len(w.buf))])
		fill += n
		f.count(n)
		final := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !final {
			f.release(w)
			return err
		}
		if err := f.cutAll(w, fill, final); err != nil {
			f.release(w)
			return err
		}
		if final {
			f.release(w)
			return nil
		}
		if fill < len(w.buf) {
			continue
		}
		if w, fill, err = f.slide(w, fill); err != nil {
			return err
		}
	}
}

func (f *largeReader) count(n int) {
	f.total += uint64(n)
	f.run.opts.Progress.Read.Add(uint64(n))
	f.run.opts.Progress.Done.Add(uint64(n))
}

func (f *largeReader) freeWindow() (*window, error) {
	select {
	case buf := <-f.run.windows:
		if buf == nil {
			buf = make([]byte, windowSize)
		}
		return &window{buf: buf}, nil
	case <-f.ctx.Done():
		return nil, f.ctx.Err()
	}
}

// release gives the window back once its chunks are stored.
func (f *largeReader) release(w *window) {
	f.run.releasing.Go(func() {
		w.used.Wait()
		f.run.windows <- w.buf
	})
}

// slide takes a new window that begins where the slowest lane's next chunk does.
func (f *largeReader) slide(w *window, fill int) (*window, int, error) {
	from := fill
	for _, c := range f.cuts {
		from = min(from, c.pos)
	}
	next, err := f.freeWindow()
	if err != nil {
		f.release(w)
		return nil, 0, err
	}
	n := copy(next.buf, w.buf[from:fill])
	for _, c := range f.cuts {
		c.pos -= from
	}
	f.release(w)
	return next, n, nil
}

// cutAll cuts what is in the window on every lane and hands the chunks on.
func (f *largeReader) cutAll(w *window, fill int, final bool) error {
	for _, c := range f.cuts {
		for c.pos < fill && c.l.failed() == nil {
			n := c.cutter.Resume(&c.search, w.buf[c.pos:fill], final)
			if n == 0 {
				break
			}
			if err := f.submit(c, w, w.buf[c.pos:c.pos+n]); err != nil {
				return err
			}
			c.pos += n
		}
		if c.l.failed() != nil {
			c.pos = fill
		}
		if err := f.settle(c, queueAhead); err != nil {
			return err
		}
	}
	return nil
}

// queueAhead is the number of pieces of a file under way.
const queueAhead = 64

func (f *largeReader) submit(c *cutting, w *window, data []byte) error {
	p := &pendingPiece{piece: format.Piece{Length: uint64(len(data))}, done: make(chan struct{})}
	w.used.Add(1)
	err := send(f.ctx, f.run.work, chore{
		do: func(h *hand) {
			defer w.used.Done()
			defer close(p.done)
			p.piece.ID, _, p.err = h.blocks[c.lane].AddLarge(f.ctx, data, c.origin)
		},
		drop: w.used.Done,
	})
	if err != nil {
		w.used.Done()
		return err
	}
	c.queue = append(c.queue, p)
	return nil
}

// settle writes pieces into the content, in order, until at most ahead of them
// wait.
func (f *largeReader) settle(c *cutting, ahead int) error {
	for len(c.queue) > ahead {
		p := c.queue[0]
		select {
		case <-p.done:
		case <-f.ctx.Done():
			return f.ctx.Err()
		}
		c.queue = c.queue[1:]
		err := p.err
		if err == nil && c.l.failed() == nil {
			err = c.content.Add(f.ctx, p.piece)
		}
		if err != nil {
			if err := f.run.laneFailed(c.l, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// finish writes what is still under way and gives the content to the entries
// if they are kept. Pages are written in any case: another file may have been
// told that they are there.
func (f *largeReader) finish(t *task, kept bool) error {
	for _, c := range f.cuts {
		if err := f.settle(c, 0); err != nil {
			return err
		}
		if c.l.failed() != nil {
			continue
		}
		pieces, spill, err := c.content.Finish(f.ctx)
		if err == nil {
			err = c.pages.Flush(f.ctx)
		}
		if err != nil {
			if err := f.run.laneFailed(c.l, fmt.Errorf("write content: %w", err)); err != nil {
				return err
			}
			continue
		}
		if kept {
			t.entries[c.lane].Content, t.entries[c.lane].Spilled = pieces, spill
			c.l.count(t.before[c.lane])
		}
	}
	return nil
}
