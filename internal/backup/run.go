package backup

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"firn/internal/format"
	"firn/internal/source"
)

// run is one backup under way.
type run struct {
	src   Source
	lanes []*lane
	opts  *Options

	work    chan chore    // taken by any hand
	ordered chan *job     // in the walk's order, to the collector
	large   chan struct{} // one token for each big file being read
	windows chan []byte   // free buffers of big files

	releasing sync.WaitGroup // windows that wait for their last chunk

	problemMu    sync.Mutex // guards the two below
	problems     []format.Problem
	problemCount uint64
}

// Bounds of what is under way at once.
const (
	jobEntries  = 256     // entries of one job
	jobBytes    = 4 << 20 // bytes of files in one job, about a block
	jobsAhead   = 16      // jobs between walk and collector
	largeAtOnce = 2       // big files read at once
)

func newRun(src Source, lanes []*lane, opts *Options) *run {
	return &run{
		src: src, lanes: lanes, opts: opts,
		work:    make(chan chore, opts.Workers),
		ordered: make(chan *job, jobsAhead),
		large:   make(chan struct{}, largeAtOnce),
		windows: freeWindows(),
	}
}

// chore is something for a hand to do.
type chore struct {
	do   func(*hand)
	drop func() // instead, when the run is over
}

// job is a run of entries that are dealt with together.
type job struct {
	tasks []task
	bytes uint64 // of content to be read
	done  chan struct{}
}

// task is one entry on its way into the trees.
type task struct {
	item *source.Item
	// before and taken are by lane: whether the parent has the entry, and
	// whether its content was taken over from there.
	before []bool
	taken  []bool
	// entries are the results by lane; nil leaves the entry out.
	entries []*format.Entry
}

// run walks, reads and collects; it returns when all is in the trees.
func (r *run) run(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	for range r.opts.Workers {
		h := newHand(r)
		g.Go(func() error { return h.work(gctx) })
	}
	g.Go(func() error { return r.collect(gctx) })
	g.Go(func() error {
		defer close(r.ordered)
		return r.walk(gctx)
	})
	err := g.Wait()
	for c := range r.work {
		c.drop()
	}
	r.releasing.Wait()
	if err == nil || ctx.Err() == nil {
		return err
	}
	return ctx.Err()
}

// walk gathers the source's items into jobs.
func (r *run) walk(ctx context.Context) error {
	defer close(r.work)
	var readers errgroup.Group
	j := newJob()
	for item, err := range r.src.Walk(ctx) {
		if err != nil {
			return errors.Join(fmt.Errorf("%w: %w", ErrSource, err), readers.Wait())
		}
		t, ok := r.take(ctx, item)
		if !ok {
			continue
		}
		if t.reads() && (item.Entry.Size > wholeFile || item.Entry.Type == format.TypeStream) {
			if err := r.dispatch(ctx, &j); err != nil {
				return errors.Join(err, readers.Wait())
			}
			if err := r.readLarge(ctx, &readers, t); err != nil {
				return errors.Join(err, readers.Wait())
			}
			continue
		}
		j.tasks = append(j.tasks, t)
		if t.reads() {
			j.bytes += item.Entry.Size
		}
		if len(j.tasks) >= jobEntries || j.bytes >= jobBytes {
			if err := r.dispatch(ctx, &j); err != nil {
				return errors.Join(err, readers.Wait())
			}
		}
	}
	err := r.dispatch(ctx, &j)
	r.opts.Progress.Walked.Store(true)
	return errors.Join(err, readers.Wait())
}

func newJob() *job { return &job{done: make(chan struct{})} }

// take looks an item up in the parents and counts it. Items without an entry
// are problems only.
func (r *run) take(ctx context.Context, item *source.Item) (task, bool) {
	if item.Err != nil {
		r.problem(item.Path, item.Err)
	}
	if item.Entry == nil {
		return task{}, false
	}
	p := r.opts.Progress
	p.Entries.Add(1)
	if item.Entry.Type == format.TypeFile {
		p.Files.Add(1)
		p.Bytes.Add(item.Entry.Size)
	}
	n := len(r.lanes)
	flags := make([]bool, 2*n)
	t := task{item: item, before: flags[:n], taken: flags[n:], entries: make([]*format.Entry, n)}
	for i, l := range r.lanes {
		if l.failed() != nil {
			continue
		}
		e := item.Entry
		if n > 1 {
			own := *item.Entry
			e = &own
		}
		t.entries[i] = e
		before := l.parent.entry(item.Key)
		t.before[i] = before != nil
		if needsContent(e) && l.parent.unchanged(ctx, before, e) {
			takeOver(e, before)
			t.taken[i] = true
			l.unmodified.Add(1)
		}
	}
	if item.Entry.Type == format.TypeFile && !t.reads() {
		p.Unmodified.Add(1)
		p.Done.Add(item.Entry.Size)
	}
	return t, true
}

// reads reports whether some lane needs the entry's content.
func (t *task) reads() bool {
	if !needsContent(t.item.Entry) || t.item.Entry.Flags&format.FlagUnreadable != 0 {
		return false
	}
	for i, taken := range t.taken {
		if !taken && t.entries[i] != nil {
			return true
		}
	}
	return false
}

// dispatch hands a job to the hands and, in order, to the collector.
func (r *run) dispatch(ctx context.Context, j **job) error {
	full := *j
	*j = newJob()
	if len(full.tasks) == 0 {
		return nil
	}
	if err := send(ctx, r.ordered, full); err != nil {
		return err
	}
	if full.bytes == 0 {
		close(full.done)
		return nil
	}
	return send(ctx, r.work, chore{do: func(h *hand) { h.small(ctx, full) }, drop: func() {}})
}

func send[T any](ctx context.Context, to chan<- T, v T) error {
	select {
	case to <- v:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// collect adds finished jobs to the trees, in the walk's order.
func (r *run) collect(ctx context.Context) error {
	for j := range r.ordered {
		select {
		case <-j.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		for i := range j.tasks {
			if err := r.add(ctx, &j.tasks[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *run) add(ctx context.Context, t *task) error {
	for i, l := range r.lanes {
		if t.entries[i] == nil || l.failed() != nil {
			continue
		}
		if err := l.builder.Add(ctx, t.item.Key, t.entries[i]); err != nil {
			if err := r.laneFailed(l, fmt.Errorf("add %s to the tree: %w", t.item.Path, err)); err != nil {
				return err
			}
		}
	}
	return nil
}

// laneFailed leaves a lane behind; it is an error when it was the last one.
func (r *run) laneFailed(l *lane, err error) error {
	l.fail(err)
	for _, other := range r.lanes {
		if other.failed() == nil {
			return nil
		}
	}
	return err
}

// problem notes an entry that could not be kept whole.
func (r *run) problem(path string, err error) {
	r.opts.Progress.Problems.Add(1)
	r.problemMu.Lock()
	defer r.problemMu.Unlock()
	r.problemCount++
	if len(r.problems) < maxProblems {
		r.problems = append(r.problems, format.Problem{Path: []byte(path), Reason: err.Error()})
	}
	if r.opts.Progress.OnProblem != nil {
		r.opts.Progress.OnProblem(path, err.Error())
	}
}
