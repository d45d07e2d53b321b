// Package backup reads sources once and writes them, as one snapshot each, to
// any number of drives.
//
// A walk gives entries in key order. Entries that the parent snapshot knows
// unchanged are taken over; the others' content is read, cut, hashed, packed
// and uploaded by a few hands in parallel. A collector puts the results, in
// the walk's order, into one tree per drive.
//
// Invariants: a file is read at most once whatever the number of drives; a
// drive that fails is left behind and named, the others go on; an entry that
// could not be kept whole is named in the manifest; a snapshot is committed
// only when everything else was stored.
//
// The command line and package job call it.
package backup

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"

	"firn/internal/format"
	"firn/internal/repo"
	"firn/internal/snapshot"
	"firn/internal/source"
	"firn/internal/tree"
)

// Source is what is backed up: source.Files and source.Stream are ones.
type Source interface {
	// Walk yields all items in ascending order of their keys.
	Walk(ctx context.Context) iter.Seq2[*source.Item, error]
	// Open opens the content of an item that has some.
	Open(item *source.Item) (source.Content, error)
	// ReadSmall reads a whole content into buf and returns its length;
	// source.ErrChanged when it is not as the walk saw it.
	ReadSmall(item *source.Item, buf []byte) (int, error)
}

// Drive is a repository to back up to.
type Drive struct {
	Label string
	Repo  *repo.Repository
	// PackSize is that of data packs on this drive, bytes; 0 for the default.
	PackSize int
	// Trust says what the backup builds on of what others stored there.
	Trust repo.Trust
}

// Options says what is backed up and how.
type Options struct {
	Host        string
	User        string
	Sources     [][]byte // as a person named them
	Tags        []string
	Description string
	Command     string
	// Notes say what was left out and why, for the manifest.
	Notes []string
	// Parent is the snapshot to compare with, as words for snapshot.Find;
	// empty for the newest of the same host and sources.
	Parent string
	// Force reads all content, as if there were no parent.
	Force bool
	// Workers is the number of hands; 0 for one per processor.
	Workers int
	Writer  repo.WriterOptions
	// Progress is told what happens; nil for nobody.
	Progress *Progress
}

// Result is what became of the backup on one drive.
type Result struct {
	Label    string
	Snapshot *snapshot.Snapshot // nil when Err is not
	Parent   string             // session inherited from, "" for none
	Warnings []string
	Err      error
}

// maxProblems bounds the problems a manifest lists; it counts them all.
const maxProblems = 1000

// ErrSource means that the source itself failed, so that no drive got a snapshot.
var ErrSource = errors.New("source failed")

// Run backs a source up to the drives, one result each. An error means that
// no drive got a snapshot; partial failure shows in the results.
func Run(ctx context.Context, drives []Drive, src Source, opts Options) ([]Result, error) {
	if opts.Workers <= 0 {
		opts.Workers = runtime.GOMAXPROCS(0)
	}
	if opts.Progress == nil {
		opts.Progress = new(Progress)
	}
	results := make([]Result, len(drives))
	var lanes []*lane
	for i, d := range drives {
		results[i].Label = d.Label
		l, err := openLane(ctx, d, &opts)
		if err != nil {
			results[i].Err = err
			continue
		}
		l.result = &results[i]
		lanes = append(lanes, l)
	}
	if len(lanes) == 0 {
		return results, joinErrors(results)
	}
	r := newRun(src, lanes, &opts)
	err := r.run(ctx)
	for _, l := range lanes {
		l.finish(ctx, err, r)
	}
	if err != nil {
		return results, err
	}
	return results, allFailed(results)
}

func joinErrors(results []Result) error {
	var all error
	for _, r := range results {
		if r.Err != nil {
			all = errors.Join(all, fmt.Errorf("drive %s: %w", r.Label, r.Err))
		}
	}
	return all
}

func allFailed(results []Result) error {
	for _, r := range results {
		if r.Err == nil {
			return nil
		}
	}
	return joinErrors(results)
}

// shapeOf returns how the repository cuts its trees.
func shapeOf(k *repo.Repository) tree.Shape {
	root := k.Keys().Root()
	return tree.Shape{Min: int(root.PageMin), Mean: int(root.PageMean), Max: int(root.PageMax), CutKey: k.Keys().PageCutKey()}
}

// needsContent reports whether an entry's content is to be read.
func needsContent(e *format.Entry) bool {
	return (e.Type == format.TypeFile && e.Size > 0) || e.Type == format.TypeStream
}
