// Package extsort sorts more records than memory is to hold.
//
// Records are gathered in bounded memory; full runs of them are sorted and go to
// temporary files, from which a Walk merges them. Of records that are the same only the
// first in order remains.
//
// Invariant: a Walk that ends without an error has yielded every record that was added,
// in order, each once. Packages check and prune use it for the chunks that snapshots need.
package extsort

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// Records says how records are ordered and how they stand in files.
type Records[T any] struct {
	// What they are, for error messages: "live chunks".
	What string
	// Compare orders records; Same, of records that follow each other in
	// order, says which count once.
	Compare func(a, b T) int
	Same    func(a, b T) bool
	// Append and Parse are the encoding, of Size bytes for each record.
	Size   int
	Append func(dst []byte, record T) []byte
	Parse  func(b []byte) T
}

const (
	// mergeMemory is about how many bytes all buffers of a Walk have together.
	mergeMemory = 8 << 20
	// leastBuffer and mostBuffer bound the buffer of one run, bytes.
	leastBuffer, mostBuffer = 4 << 10, 256 << 10
)

// Sorter gathers records. It is not safe for concurrent use.
type Sorter[T any] struct {
	records Records[T]
	run     int // records in memory at most
	memory  []T
	runs    []stored
}

// stored is a run in a temporary file.
type stored struct {
	*os.File
	count int // records
}

// New returns a Sorter that keeps run records in memory.
func New[T any](records Records[T], run int) *Sorter[T] {
	return &Sorter[T]{records: records, run: run}
}

// Add takes a record in.
func (s *Sorter[T]) Add(record T) error {
	s.memory = append(s.memory, record)
	if len(s.memory) < s.run {
		return nil
	}
	return s.spill()
}

// sort sorts what is in memory and keeps the first of records that are the same.
func (s *Sorter[T]) sort() {
	slices.SortFunc(s.memory, s.records.Compare)
	s.memory = slices.CompactFunc(s.memory, s.records.Same)
}

// spill writes the records in memory to a temporary file, unless most of them
// were there twice.
func (s *Sorter[T]) spill() error {
	s.sort()
	if len(s.memory) > s.run/2 {
		if err := s.write(); err != nil {
			return fmt.Errorf("write temporary file of %s: %w", s.records.What, err)
		}
	}
	return nil
}

func (s *Sorter[T]) write() error {
	f, err := os.CreateTemp("", "firn-sort-")
	if err != nil {
		return err
	}
	s.runs = append(s.runs, stored{f, len(s.memory)})
	buffer := make([]byte, 0, mostBuffer)
	for _, record := range s.memory {
		if buffer = s.records.Append(buffer, record); len(buffer) > mostBuffer-s.records.Size {
			if _, err := f.Write(buffer); err != nil {
				return err
			}
			buffer = buffer[:0]
		}
	}
	s.memory = s.memory[:0]
	_, err = f.Write(buffer)
	return err
}

// Close removes the temporary files.
func (s *Sorter[T]) Close() error {
	var all error
	for _, f := range s.runs {
		all = errors.Join(all, f.Close(), os.Remove(f.Name()))
	}
	s.runs, s.memory = nil, nil
	if all != nil {
		return fmt.Errorf("remove temporary file of %s: %w", s.records.What, all)
	}
	return nil
}

// Walk yields the records in order. It is for one goroutine, and only the newest Walk of a Sorter may be used.
type Walk[T any] struct {
	records Records[T]
	queue   []*run[T] // a heap: the run with the first record in front
	last    T
	begun   bool
	err     error
}

// Walk begins a walk over all records. Nothing may be added until it ends.
func (s *Sorter[T]) Walk() (*Walk[T], error) {
	s.sort()
	w := &Walk[T]{records: s.records}
	size := max(leastBuffer, min(mostBuffer, mergeMemory/(len(s.runs)+1)))
	runs := []*run[T]{{memory: s.memory}}
	for _, f := range s.runs {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return nil, fmt.Errorf("read temporary file of %s: %w", s.records.What, err)
		}
		runs = append(runs, &run[T]{file: bufio.NewReaderSize(f, size), left: f.count, record: make([]byte, s.records.Size)})
	}
	for _, r := range runs {
		more, err := w.advance(r)
		if err != nil {
			return nil, err
		}
		if more {
			w.queue = append(w.queue, r)
		}
	}
	for i := len(w.queue)/2 - 1; i >= 0; i-- {
		w.sink(i)
	}
	return w, nil
}

// Next returns the next record, and false at the end or after an error.
func (w *Walk[T]) Next() (T, bool) {
	for len(w.queue) > 0 && w.err == nil {
		r := w.queue[0]
		record := r.head
		more, err := w.advance(r)
		if err != nil {
			w.err = err
			break
		}
		if !more {
			last := len(w.queue) - 1
			w.queue[0] = w.queue[last]
			w.queue = w.queue[:last]
		}
		w.sink(0)
		if w.begun && w.records.Same(w.last, record) {
			continue
		}
		w.last, w.begun = record, true
		return record, true
	}
	var none T
	return none, false
}

// Err returns why the walk ended early, or nil.
func (w *Walk[T]) Err() error { return w.err }

// sink restores the heap below position i.
func (w *Walk[T]) sink(i int) {
	for {
		child := 2*i + 1
		if child >= len(w.queue) {
			return
		}
		if child+1 < len(w.queue) && w.records.Compare(w.queue[child+1].head, w.queue[child].head) < 0 {
			child++
		}
		if w.records.Compare(w.queue[child].head, w.queue[i].head) >= 0 {
			return
		}
		w.queue[i], w.queue[child] = w.queue[child], w.queue[i]
		i = child
	}
}

// run is one sorted sequence of records, in memory or in a file.
type run[T any] struct {
	memory []T
	file   *bufio.Reader
	left   int // records in the file
	record []byte
	head   T
}

// advance makes the next record of a run its head; false at its end.
func (w *Walk[T]) advance(r *run[T]) (bool, error) {
	if r.file == nil {
		if len(r.memory) == 0 {
			return false, nil
		}
		r.head, r.memory = r.memory[0], r.memory[1:]
		return true, nil
	}
	if r.left == 0 {
		return false, nil
	}
	r.left--
	if _, err := io.ReadFull(r.file, r.record); err != nil {
		return false, fmt.Errorf("read temporary file of %s: %w", w.records.What, err)
	}
	r.head = w.records.Parse(r.record)
	return true, nil
}
