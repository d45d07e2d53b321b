package prune

import (
	"bufio"
	"bytes"
	"container/heap"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"firn/internal/format"
)

// runLength is the number of IDs sorted in memory before they go to a file.
const runLength = 1 << 21

// liveSet gathers chunk IDs in bounded memory and yields them sorted, each
// once.
type liveSet struct {
	buf  []format.ShortID
	runs []*os.File
}

func (l *liveSet) add(id format.ID) error {
	if l.buf == nil {
		l.buf = make([]format.ShortID, 0, 1024)
	}
	l.buf = append(l.buf, format.ShortID(id[:len(format.ShortID{})]))
	if len(l.buf) < runLength {
		return nil
	}
	return l.spill()
}

func compareShort(a, b format.ShortID) int { return bytes.Compare(a[:], b[:]) }

func (l *liveSet) sort() {
	slices.SortFunc(l.buf, compareShort)
	l.buf = slices.Compact(l.buf)
}

// spill writes the IDs in memory to a temporary file, sorted.
func (l *liveSet) spill() error {
	l.sort()
	f, err := os.CreateTemp("", "firn-live-")
	if err != nil {
		return fmt.Errorf("make temporary file for live chunks: %w", err)
	}
	l.runs = append(l.runs, f)
	w := bufio.NewWriterSize(f, 1<<20)
	for i := range l.buf {
		if _, err := w.Write(l.buf[i][:]); err != nil {
			return fmt.Errorf("write temporary file for live chunks: %w", err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write temporary file for live chunks: %w", err)
	}
	l.buf = l.buf[:0]
	return nil
}

// close removes the temporary files.
func (l *liveSet) close() error {
	var all error
	for _, f := range l.runs {
		all = errors.Join(all, f.Close(), os.Remove(f.Name()))
	}
	l.runs, l.buf = nil, nil
	return all
}

// cursor walks the sorted IDs.
type cursor struct {
	queue runQueue
	last  format.ShortID
	begun bool
	err   error
}

// run is one sorted sequence of IDs.
type run struct {
	memory []format.ShortID
	file   *bufio.Reader
	head   format.ShortID
}

func (r *run) next() (bool, error) {
	if r.file == nil {
		if len(r.memory) == 0 {
			return false, nil
		}
		r.head, r.memory = r.memory[0], r.memory[1:]
		return true, nil
	}
	_, err := io.ReadFull(r.file, r.head[:])
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read temporary file of live chunks: %w", err)
	}
	return true, nil
}

type runQueue []*run

func (q runQueue) Len() int           { return len(q) }
func (q runQueue) Less(i, j int) bool { return compareShort(q[i].head, q[j].head) < 0 }
func (q runQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *runQueue) Push(x any)        { *q = append(*q, x.(*run)) }
func (q *runQueue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}

// walk returns a cursor over all IDs. Nothing may be added meanwhile.
func (l *liveSet) walk() (*cursor, error) {
	l.sort()
	c := &cursor{}
	all := []*run{{memory: l.buf}}
	for _, f := range l.runs {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, fmt.Errorf("read temporary file of live chunks: %w", err)
		}
		all = append(all, &run{file: bufio.NewReaderSize(f, 1<<20)})
	}
	for _, r := range all {
		ok, err := r.next()
		if err != nil {
			return nil, err
		}
		if ok {
			c.queue = append(c.queue, r)
		}
	}
	heap.Init(&c.queue)
	return c, nil
}

// next returns the next ID; false at the end or after an error.
func (c *cursor) next() (format.ShortID, bool) {
	for len(c.queue) > 0 && c.err == nil {
		r := c.queue[0]
		id := r.head
		ok, err := r.next()
		if err != nil {
			c.err = err
			return id, false
		}
		if ok {
			heap.Fix(&c.queue, 0)
		} else {
			heap.Pop(&c.queue)
		}
		if c.begun && id == c.last {
			continue
		}
		c.last, c.begun = id, true
		return id, true
	}
	return format.ShortID{}, false
}
