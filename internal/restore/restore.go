// Package restore brings a snapshot, or a part of it, back: to a folder on
// disk or into an archive.
//
// To disk it plans in waves: the tree is walked in order, directories are made,
// the chunks of the files are sorted by the packs they lie in, and each pack is
// read once, in few large ranges, its chunks written wherever they belong.
//
// Invariants: every chunk is verified against its ID before it is written; a
// file appears under its name only when all of it is there; what could not be
// restored is named and counted, and the rest goes on; memory is bounded by the
// wave, whatever the size of the snapshot.
//
// The command line calls it.
package restore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"firn/internal/format"
	"firn/internal/repo"
	"firn/internal/target"
	"firn/internal/tree"
)

// Options says what is restored.
type Options struct {
	// From is the key to restore, with everything below; nil for all. What is
	// in a directory goes right into the target; a file goes there by its name.
	From []byte
	// Select chooses entries; directories above chosen entries are made all the
	// same. nil chooses all.
	Select func(key []byte, e *format.Entry) bool
	// DryRun decides and counts only. The Disk must be made with DryRun too.
	DryRun bool
	// Readers is the number of ranges of packs that are in memory at once; 0 for the default.
	Readers int
	// Gate knows which packs can be read; nil: all. Files that can be read at
	// once are restored first; those whose packs will never be ready are named, and
	// any other error of the gate breaks the restore off.
	Gate repo.Gate
	// Progress is told what happens; nil for nobody.
	Progress *Progress
}

// Progress counts what a restore does; it may be read at any time. Skipped are
// entries that exist and are kept as they are.
type Progress struct {
	Files, Bytes, Other, Skipped, Problems atomic.Uint64
	TotalFiles, TotalBytes                 atomic.Uint64 // of the snapshot's part, as far as known
	Fetched                                atomic.Uint64 // bytes read from the drive's blocks
	Waiting                                atomic.Uint64 // files whose packs cannot be read yet

	// OnProblem is called for each entry that could not be restored, OnSkip for
	// each that was left as it is; nil for nobody. One goroutine at a time.
	OnProblem func(path string, err error)
	OnSkip    func(path, reason string)
	// OnEntry, when set, is called for each entry that is (or with DryRun would be) written.
	OnEntry func(path string, e *format.Entry)

	mu sync.Mutex // held while one of the functions runs
}

func (p *Progress) problem(key []byte, err error) {
	p.Problems.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.OnProblem != nil {
		p.OnProblem(string(key), err)
	}
}

func (p *Progress) skip(key []byte, reason string) {
	p.Skipped.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.OnSkip != nil {
		p.OnSkip(string(key), reason)
	}
}

func (p *Progress) entry(key []byte, e *format.Entry) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.OnEntry != nil {
		p.OnEntry(string(key), e)
	}
}

// ErrPath means that the snapshot has nothing under the path asked for.
var ErrPath = errors.New("no such path in the snapshot")

// defaultReaders ranges of packs, of up to some 17 MB, are read at once.
const defaultReaders = 3

// part is a selection of a tree with keys relative to the target.
type part struct {
	reader tree.Reader
	root   tree.Root
	from   []byte // key as in the tree, "" for all
	strip  int    // bytes taken off each key
	opts   *Options
}

// newPart finds what From means: a directory, a file, or nothing.
func newPart(ctx context.Context, rd tree.Reader, root tree.Root, opts *Options) (*part, error) {
	p := &part{reader: rd, root: root, opts: opts}
	from := bytes.TrimRight(opts.From, "/")
	if len(from) == 0 {
		return p, nil
	}
	folder := append(bytes.Clone(from), '/')
	for _, key := range [][]byte{folder, from} {
		switch _, err := tree.Get(ctx, rd, root, key); {
		case err == nil:
			p.from, p.strip = key, len(folder)
			if len(key) == len(from) {
				p.strip = bytes.LastIndexByte(from, '/') + 1
			}
			return p, nil
		case !errors.Is(err, tree.ErrNotFound):
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: %q", ErrPath, from)
}

// each calls visit with every chosen entry, in order, under its key in the
// target. Key and entry are good until visit returns.
func (p *part) each(ctx context.Context, visit func(key []byte, e *format.Entry) error) error {
	for item, err := range tree.Range(ctx, p.reader, p.root, p.from) {
		if err != nil {
			return fmt.Errorf("read tree: %w", err)
		}
		if len(item.Key) <= p.strip {
			continue // the directory whose content is restored
		}
		key := item.Key[p.strip:]
		if p.opts.Select != nil && !p.opts.Select(key, item.Entry) {
			continue
		}
		if err := visit(key, item.Entry); err != nil {
			return err
		}
	}
	return nil
}

// sums returns what the part amounts to, as far as it is known beforehand.
func (p *part) sums(ctx context.Context) format.Sums {
	if len(p.from) == 0 {
		return p.root.Sums
	}
	s, err := tree.Sum(ctx, p.reader, p.root, p.from)
	if err != nil {
		return format.Sums{} // found out, and told, when the part is walked
	}
	return s
}

// ToDisk restores into a folder. An error means that the restore broke off;
// entries that failed are told to Progress and counted there.
func ToDisk(ctx context.Context, rd *repo.Reader, root tree.Root, disk *target.Disk, opts Options) error {
	if opts.Progress == nil {
		opts.Progress = new(Progress)
	}
	if opts.Readers <= 0 {
		opts.Readers = defaultReaders
	}
	p, err := newPart(ctx, rd, root, &opts)
	if err != nil {
		return err
	}
	sums := p.sums(ctx)
	opts.Progress.TotalFiles.Store(sums.Files)
	opts.Progress.TotalBytes.Store(sums.Bytes)
	r := &diskRestore{ctx: ctx, reader: rd.Behind(opts.Gate), disk: disk, opts: &opts, wave: newWave()}
	if err := r.restore(p); err != nil {
		return errors.Join(err, r.suspend())
	}
	r.makeLinks()
	if err := disk.Finish(ctx); err != nil {
		return fmt.Errorf("finish restore: %w", err)
	}
	return nil
}
