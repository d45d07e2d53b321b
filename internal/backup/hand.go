package backup

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"firn/internal/format"
	"firn/internal/repo"
	"firn/internal/source"
)

// wholeFile is the size up to which a file is read in one piece by one hand,
// bytes.
const wholeFile = 4 << 20

// hand does the work that takes processor time: reading small files, hashing,
// compressing, sealing. It has a block writer for every lane.
type hand struct {
	run    *run
	blocks []*repo.BlockWriter // by lane
	buf    []byte              // a whole small file, as large as was needed
	err    error
}

func newHand(r *run) *hand {
	h := &hand{run: r}
	for _, l := range r.lanes {
		h.blocks = append(h.blocks, l.session.NewBlockWriter(format.KindData))
	}
	return h
}

// work takes jobs until there are none, then seals what it gathered.
func (h *hand) work(ctx context.Context) error {
	for c := range h.run.work {
		if ctx.Err() != nil {
			c.drop()
			return ctx.Err()
		}
		c.do(h)
		if h.err != nil {
			return h.err
		}
	}
	for i, l := range h.run.lanes {
		if l.failed() != nil {
			continue
		}
		if err := h.blocks[i].Flush(ctx); err != nil {
			if err := h.run.laneFailed(l, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// small deals with a job of small files.
func (h *hand) small(ctx context.Context, j *job) {
	defer close(j.done)
	for i := range j.tasks {
		t := &j.tasks[i]
		if !t.reads() {
			continue
		}
		if h.err = h.file(ctx, t); h.err != nil {
			return
		}
	}
}

// file reads a small file and stores it.
func (h *hand) file(ctx context.Context, t *task) error {
	p := h.run.opts.Progress
	p.Current.Store(&t.item.Path)
	if size := t.item.Entry.Size; uint64(len(h.buf)) < size {
		h.buf = make([]byte, min(wholeFile, max(64<<10, 2*size)))
	}
	p.Done.Add(t.item.Entry.Size)
	n, err := h.run.src.ReadSmall(t.item, h.buf)
	if errors.Is(err, source.ErrChanged) {
		return h.restless(ctx, t)
	}
	p.Read.Add(uint64(n))
	if !h.run.judge(t, err, uint64(n)) {
		return nil
	}
	return h.storeAll(ctx, t, h.buf[:n])
}

// restless reads a file that was written to since the walk saw it, as far as
// it goes now.
func (h *hand) restless(ctx context.Context, t *task) error {
	content, err := h.run.src.Open(t.item)
	if err != nil {
		h.run.judge(t, err, 0)
		return nil
	}
	var all []byte
	for err == nil {
		var length uint64
		var hole bool
		if length, hole, err = content.NextRun(); err != nil {
			break
		}
		if uint64(len(all))+length > maxRestless {
			err = errGrown
			break
		}
		start := len(all)
		all = append(all, make([]byte, length)...)
		if !hole {
			var n int
			n, err = io.ReadFull(content, all[start:])
			all = all[:start+n]
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	err = finishContent(content, err)
	h.run.opts.Progress.Read.Add(uint64(len(all)))
	if !h.run.judge(t, err, uint64(len(all))) {
		return nil
	}
	return h.storeAll(ctx, t, all)
}

// maxRestless bounds a file that was small when the walk saw it.
const maxRestless = 64 << 20

var errGrown = errors.New("grew from a small file to a big one while the backup ran; the next backup will have it")

// storeAll stores content on every lane that needs it.
func (h *hand) storeAll(ctx context.Context, t *task, content []byte) error {
	for i, l := range h.run.lanes {
		if t.entries[i] == nil || t.taken[i] || l.failed() != nil {
			continue
		}
		if err := h.store(ctx, i, t.entries[i], content); err != nil {
			if err := h.run.laneFailed(l, err); err != nil {
				return err
			}
			continue
		}
		l.count(t.before[i])
	}
	return nil
}

// count tells new files from changed ones.
func (l *lane) count(before bool) {
	if before {
		l.changed.Add(1)
	} else {
		l.fresh.Add(1)
	}
}

// judge decides what becomes of an entry after its content was read: kept,
// kept and marked, or left out. It reports whether there is content to store.
func (r *run) judge(t *task, err error, read uint64) bool {
	switch {
	case err == nil:
		r.mark(t, 0, read)
		return true
	case errors.Is(err, fs.ErrNotExist):
		r.problem(t.item.Path, errors.New("vanished before it could be read"))
		clear(t.entries)
		return false
	case errors.Is(err, source.ErrChanged):
		r.problem(t.item.Path, errors.New("changed while it was read; its content may be mixed"))
		r.mark(t, format.FlagChanged, read)
		return true
	default:
		r.problem(t.item.Path, err)
		r.mark(t, format.FlagUnreadable, t.item.Entry.Size)
		return false
	}
}

// mark sets flags and the size that was read where content was not taken over.
func (r *run) mark(t *task, flags uint32, size uint64) {
	for i, e := range t.entries {
		if e != nil && !t.taken[i] {
			e.Flags |= flags
			e.Size = size
		}
	}
}

// store cuts and stores content on one lane and gives it to the entry.
func (h *hand) store(ctx context.Context, lane int, e *format.Entry, content []byte) error {
	cutter := h.run.lanes[lane].cutter
	for len(content) > 0 {
		n := cutter.Cut(content, true)
		id, _, err := h.blocks[lane].Add(ctx, content[:n])
		if err != nil {
			return err
		}
		e.Content = append(e.Content, format.Piece{Length: uint64(n), ID: id})
		content = content[n:]
	}
	return nil
}
