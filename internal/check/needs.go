package check

import (
	"bufio"
	"bytes"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"firn/internal/format"
)

// need is a chunk that snapshots need.
type need struct {
	id     format.ShortID
	length uint32
	first  uint32 // number of the first snapshot that needs it
}

const (
	needSize = len(format.ShortID{}) + 8
	// defaultRun is the number of needs sorted in memory before they go to a file.
	defaultRun = 1 << 20
)

func compareIDs(a, b format.ShortID) int { return bytes.Compare(a[:], b[:]) }

func compareNeeds(a, b need) int {
	return cmp.Or(compareIDs(a.id, b.id), cmp.Compare(a.first, b.first))
}

// needs gathers needed chunks in bounded memory and yields them sorted, each
// once, for the first snapshot that needs it.
type needs struct {
	run int // needs in memory at most

	mu     sync.Mutex // guards all below
	memory []need
	runs   []*os.File
	failed error // the first failure to write a run
}

func newNeeds() *needs { return &needs{run: defaultRun} }

// add takes a chunk in. A failure shows when the needs are walked.
func (n *needs) add(id format.ID, length, first uint32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.failed != nil {
		return
	}
	n.memory = append(n.memory, need{id.Short(), length, first})
	if len(n.memory) >= n.run {
		n.failed = n.spill()
	}
}

// sort sorts what is in memory and keeps the first of each chunk.
func (n *needs) sort() {
	slices.SortFunc(n.memory, compareNeeds)
	n.memory = slices.CompactFunc(n.memory, func(a, b need) bool { return a.id == b.id })
}

// spill writes the needs in memory to a temporary file, unless most of them
// were double.
func (n *needs) spill() error {
	n.sort()
	if len(n.memory) < n.run/2 {
		return nil
	}
	f, err := os.CreateTemp("", "firn-check-")
	if err != nil {
		return fmt.Errorf("make temporary file for chunks: %w", err)
	}
	n.runs = append(n.runs, f)
	w := bufio.NewWriterSize(f, 1<<20)
	var record [needSize]byte
	for i := range n.memory {
		record := binary.LittleEndian.AppendUint32(append(record[:0], n.memory[i].id[:]...), n.memory[i].length)
		record = binary.LittleEndian.AppendUint32(record, n.memory[i].first)
		if _, err := w.Write(record); err != nil {
			return fmt.Errorf("write temporary file for chunks: %w", err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write temporary file for chunks: %w", err)
	}
	n.memory = n.memory[:0]
	return nil
}

// close removes the temporary files.
func (n *needs) close() error {
	var all error
	for _, f := range n.runs {
		all = errors.Join(all, f.Close(), os.Remove(f.Name()))
	}
	n.runs, n.memory = nil, nil
	return all
}

// walk returns a cursor over all needs. Nothing may be added meanwhile, and
// only one cursor be in use.
func (n *needs) walk() (*needCursor, error) {
	if n.failed != nil {
		return nil, n.failed
	}
	n.sort()
	c := new(needCursor)
	runs := []*needRun{{memory: n.memory}}
	for _, f := range n.runs {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, fmt.Errorf("read temporary file of chunks: %w", err)
		}
		runs = append(runs, &needRun{file: bufio.NewReaderSize(f, 256<<10)})
	}
	for _, r := range runs {
		ok, err := r.next()
		if err != nil {
			return nil, err
		}
		if ok {
			c.runs = append(c.runs, r)
		}
	}
	heap.Init(&c.runs)
	c.advance()
	return c, nil
}

// needCursor stands on a need until there is none left.
type needCursor struct {
	runs  needRuns
	at    need
	live  bool   // at is valid
	count uint64 // of needs stood on so far
	err   error
}

// advance goes on to the next chunk.
func (c *needCursor) advance() {
	before, begun := c.at.id, c.live
	c.live = false
	for len(c.runs) > 0 {
		r := c.runs[0]
		head := r.head
		ok, err := r.next()
		if err != nil {
			c.err = err
			return
		}
		if ok {
			heap.Fix(&c.runs, 0)
		} else {
			heap.Pop(&c.runs)
		}
		if begun && head.id == before {
			continue
		}
		c.at, c.live = head, true
		c.count++
		return
	}
}

// needRun is one sorted sequence of needs.
type needRun struct {
	memory []need
	file   *bufio.Reader // nil: in memory
	head   need
}

func (r *needRun) next() (bool, error) {
	if r.file == nil {
		if len(r.memory) == 0 {
			return false, nil
		}
		r.head, r.memory = r.memory[0], r.memory[1:]
		return true, nil
	}
	var record [needSize]byte
	_, err := io.ReadFull(r.file, record[:])
	if errors.Is(err, io.EOF) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read temporary file of chunks: %w", err)
	}
	const idSize = len(format.ShortID{})
	r.head = need{
		id:     format.ShortID(record[:idSize]),
		length: binary.LittleEndian.Uint32(record[idSize:]),
		first:  binary.LittleEndian.Uint32(record[idSize+4:]),
	}
	return true, nil
}

// needRuns is a heap of runs by their heads.
type needRuns []*needRun

func (q needRuns) Len() int           { return len(q) }
func (q needRuns) Less(i, j int) bool { return compareNeeds(q[i].head, q[j].head) < 0 }
func (q needRuns) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *needRuns) Push(x any)        { *q = append(*q, x.(*needRun)) }
func (q *needRuns) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}
