package main

import (
	"io"
	"iter"
	"math/rand/v2"
	"slices"

	"github.com/klauspost/compress/zstd"
)

const (
	changedDaily = 100 // one row of so many changes in a day
	addedDaily   = 500 // and one for so many is added
)

// patterns choose the row that changes next on a day: a position among so many rows.
var patterns = map[string]func(random *rand.Rand, day, rows int) int{
	"uniform": func(random *rand.Rand, _, rows int) int { return random.IntN(rows) },
	"hot":     hot,
}

// hot chooses four of five in a tenth of the rows, which moves on by a tenth of itself each day.
func hot(random *rand.Rand, day, rows int) int {
	if random.IntN(5) == 0 {
		return random.IntN(rows)
	}
	return (day*rows/100 + random.IntN(max(rows/10, 1))) % rows
}

// table is what the database holds.
type table struct {
	versions []uint8 // of the rows, by ID
	choose   func(random *rand.Rand, day, rows int) int
	random   *rand.Rand
	day      int
}

// newTable makes a table of rows that take so many bytes in a dump, about.
func newTable(size int64, choose func(*rand.Rand, int, int) int) *table {
	const sample = 1000
	var text []byte
	for id := range sample {
		text = order{id: id * sample}.appendValues(text)
	}
	rows := max(int(size*sample/int64(len(text))), addedDaily)
	return &table{versions: make([]uint8, rows), choose: choose, random: rand.New(rand.NewPCG(7, 30))}
}

// rows yields all rows in runs, which are used again.
func (t *table) rows(length int) iter.Seq[[]order] {
	return func(yield func([]order) bool) {
		var run []order
		for ids := range slices.Chunk(t.versions, length) {
			first := 0
			if len(run) > 0 {
				first = run[len(run)-1].id + 1
			}
			run = run[:0]
			for i, version := range ids {
				run = append(run, order{first + i, int(version)})
			}
			if !yield(run) {
				return
			}
		}
	}
}

// live lets a day pass and returns what it brought: rows added and rows changed, each once.
func (t *table) live() (added, changed []order) {
	t.day++
	rows := len(t.versions)
	chosen := make(map[int]bool)
	for len(chosen) < rows/changedDaily {
		chosen[t.choose(t.random, t.day, rows)] = true
	}
	for id := range chosen {
		t.versions[id]++
		changed = append(changed, order{id, int(t.versions[id])})
	}
	// In the same order each time the nights are run, and not in that of the rows.
	slices.SortFunc(changed, func(a, b order) int { return a.id - b.id })
	t.random.Shuffle(len(changed), func(i, j int) { changed[i], changed[j] = changed[j], changed[i] })
	for range rows / addedDaily {
		added = append(added, order{id: len(t.versions)})
		t.versions = append(t.versions, 0)
	}
	return added, changed
}

// compressed is what rows take by themselves, compressed together: about the
// least that a night can add.
func compressed(rows ...[]order) (int64, error) {
	var size counter
	z, err := zstd.NewWriter(&size, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return 0, err
	}
	var text []byte
	for _, o := range slices.Concat(rows...) {
		if _, err := z.Write(o.appendValues(text[:0])); err != nil {
			return 0, err
		}
	}
	return int64(size), z.Close()
}

// counter counts what is written to it.
type counter int64

var _ io.Writer = (*counter)(nil)

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
