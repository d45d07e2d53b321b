package source

import (
	"bytes"
	"container/heap"
	"context"
	"sync"
	"sync/atomic"
)

// Reading ahead. A walk is made of jobs: listing a folder, and looking at a
// part of the names in it. Workers always do the job whose key comes first, and
// stop when enough is known ahead of the loop. The loop itself does what it
// needs and nobody has begun, so that it never waits for a job in a queue.
const (
	partSize   = 256     // names in a part
	partsAhead = 8       // parts of one folder looked at ahead
	itemsAhead = 4 << 10 // items known and not handed out at which workers stop
	namesAhead = 1 << 18 // names listed and not handed out at which they list no more
)

// A job is done once, by a worker or by the loop.
type job interface {
	key() []byte // nothing it yields comes before this
	lists() bool
	claim() bool // true for the first caller, who must run it
	claimed() bool
	run(w *walk)
	wait()
}

// once is the part all jobs share.
type once struct {
	taken atomic.Bool
	done  chan struct{} // closed when it has run
}

func (o *once) claim() bool   { return o.taken.CompareAndSwap(false, true) }
func (o *once) claimed() bool { return o.taken.Load() }
func (o *once) wait()         { <-o.done }

// A walk is one run over files.
type walk struct {
	ctx     context.Context
	files   *Files
	workers sync.WaitGroup

	mu      sync.Mutex
	ready   sync.Cond // there may be work; on mu
	queue   jobQueue  // guarded by mu
	items   int       // guarded by mu: known and not handed out
	names   int       // guarded by mu: listed and not handed out
	resting bool      // guarded by mu: enough is known; set at a limit, reset at half of it
	idle    int       // guarded by mu: workers that wait
	stopped bool      // guarded by mu
}

func newWalk(ctx context.Context, f *Files) *walk {
	w := &walk{ctx: ctx, files: f}
	w.ready.L = &w.mu
	for range f.opts.Parallel {
		w.workers.Go(w.work)
	}
	return w
}

// stop ends the workers and waits for them.
func (w *walk) stop() {
	w.mu.Lock()
	w.stopped = true
	w.mu.Unlock()
	w.ready.Broadcast()
	w.workers.Wait()
}

// work does jobs until the walk stops.
func (w *walk) work() {
	for {
		j := w.take()
		if j == nil {
			return
		}
		if j.claim() {
			j.run(w)
		}
	}
}

// take waits for a job worth doing now; nil says that the walk has stopped.
func (w *walk) take() job {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		for len(w.queue) > 0 && w.queue[0].claimed() {
			heap.Pop(&w.queue)
		}
		switch {
		case w.stopped:
			return nil
		case len(w.queue) > 0 && !w.resting && !(w.queue[0].lists() && w.names >= namesAhead):
			return heap.Pop(&w.queue).(job)
		}
		w.idle++
		w.ready.Wait()
		w.idle--
	}
}

// finish returns when j has run.
func (w *walk) finish(j job) {
	if j.claim() {
		j.run(w)
		return
	}
	j.wait()
}

// offer queues jobs and counts what became known by finding them.
func (w *walk) offer(jobs []job, items, names int) {
	w.mu.Lock()
	w.items += items
	w.names += names
	w.resting = w.resting || w.items >= itemsAhead
	for _, j := range jobs {
		heap.Push(&w.queue, j)
	}
	wake := min(len(jobs), w.idle)
	if w.resting {
		wake = 0
	}
	w.mu.Unlock()
	for range wake {
		w.ready.Signal()
	}
}

// begin notes that a folder's part in n.now is being handed out, and offers the one
// that comes into reach.
func (w *walk) begin(n *folder) {
	var reach []job
	if len(n.parts) >= partsAhead {
		reach = append(reach, n.parts[partsAhead-1])
	}
	w.mu.Lock()
	w.items -= len(n.now.items)
	w.names -= len(n.now.names)
	wake := w.resting && w.items <= itemsAhead/2
	w.resting = w.resting && !wake
	w.mu.Unlock()
	if wake {
		w.ready.Broadcast()
	}
	if len(reach) > 0 {
		w.offer(reach, 0, 0)
	}
}

// jobQueue is a heap of jobs, the first key first.
type jobQueue []job

func (q jobQueue) Len() int           { return len(q) }
func (q jobQueue) Less(i, j int) bool { return bytes.Compare(q[i].key(), q[j].key()) < 0 }
func (q jobQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *jobQueue) Push(j any)        { *q = append(*q, j.(job)) }
func (q *jobQueue) Pop() any {
	last := len(*q) - 1
	j := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return j
}
