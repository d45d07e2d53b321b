// Package check finds out whether a repository is whole: every object the
// repository stands on is there and authentic, every page of every snapshot can
// be read, every chunk that snapshots need is in a pack that exists; and, when
// asked, whether the packs hold what they should, by reading them. It also
// measures what snapshots take up (Measure).
//
// What is wrong is named: the object, the damage, the snapshots and paths that
// suffer. Damaged packs and what snapshots need of them are written to a damage
// record, by which the next backup stores again what its source still has.
//
// Invariants: all is read from the drive, past the local cache; a drive that
// fails is an error, never damage; a change that a backup or a prune makes
// meanwhile is no damage; nothing is written but that record; memory grows with
// the number of packs and tree pages, not with that of chunks.
//
// The command line and package job call it.
package check

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sync/atomic"

	"firn/internal/format"
	"firn/internal/repo"
)

// Options says how thorough a check is.
type Options struct {
	// ReadData chooses the packs that are read whole and verified.
	ReadData ReadData
	// Gate knows which data packs can be read; nil: all. Those that are ready are
	// read first; when it says that no more will be, the check breaks off.
	Gate repo.Gate
	// NoRecord writes no record of damage.
	NoRecord bool
	// Vet has what is read and right, chunk by chunk, vouched for by a vetting record.
	Vet bool
	// Readers is the number of packs read at once; 0 for the default.
	Readers int
	// Progress is told what happens; nil for nobody.
	Progress *Progress

	window uint64       // of each reader, bytes; 0 for the default
	seed   maphash.Seed // of this check; see listing
}

// Progress counts what a check does; it may be read at any time.
type Progress struct {
	Phase                  atomic.Pointer[string] // in words
	Pages                  atomic.Uint64          // tree pages read
	Packs, TotalPacks      atomic.Uint64          // packs to be read whole
	Bytes, TotalBytes      atomic.Uint64          // of these packs
	ChunksVerified, Blocks atomic.Uint64          // in these packs
}

func (p *Progress) phase(words string) { p.Phase.Store(&words) }

// Report is what a check found.
type Report struct {
	Findings []*Finding

	Snapshots int
	Suffering int // snapshots that suffer, unreadable ones among them
	Segments  int
	Pages     uint64 // of trees and long content lists, each counted once
	Chunks    uint64 // that snapshots need, pages among them
	Packs     int    // that the index names
	PackBytes uint64
	// Orphans are packs on the drive that the index does not name: of backups
	// that are running or broke off. They are no damage.
	Orphans     int
	OrphanBytes uint64

	PacksRead      uint64
	BytesRead      uint64 // of packs read whole
	BlocksOpened   uint64
	ChunksVerified uint64
	// Closed means that data packs were read and compared with their names and
	// footers but not opened, since this key may not read content.
	Closed bool

	// Vetted are the packs that this check vouched for and nobody had before.
	// Unvetted says why no record of that could be written.
	Vetted   int
	Unvetted error

	// Record is the damage record that was written, "" if none; Unrecorded says
	// why none was although there was something to write.
	Record     string
	Unrecorded error
}

// Damaged reports whether snapshots suffer or the repository stands on
// something damaged.
func (r *Report) Damaged() bool {
	return slices.ContainsFunc(r.Findings, func(f *Finding) bool { return f.Harm })
}

// attempts at a view of the repository that did not change meanwhile.
const attempts = 3

// Run checks a repository. An error means that the check could not be done;
// damage is in the report. A writer's key cannot check: repo.ErrRole.
func Run(ctx context.Context, r *repo.Repository, opts Options) (*Report, error) {
	if !r.Keys().ReadsMetadata() {
		return nil, fmt.Errorf("check: %w: it takes the owner's or a maintainer's key", repo.ErrRole)
	}
	if opts.Readers <= 0 {
		opts.Readers = defaultReaders
	}
	if opts.window == 0 {
		opts.window = defaultWindow
	}
	if opts.Progress == nil {
		opts.Progress = new(Progress)
	}
	opts.seed = maphash.MakeSeed()
	whole := map[format.PackName]*listing{}
	for attempt := 1; ; attempt++ {
		report, changed, err := runOnce(ctx, r, &opts, whole, attempt == attempts)
		if err != nil {
			return nil, fmt.Errorf("check: %w", err)
		}
		if !changed {
			return report, nil
		}
	}
}

// runOnce checks once. It reports changed when it found damage that may only
// be the trace of somebody else's work: snapshots, index or records are not
// what they were in the beginning, and this is not the last attempt.
func runOnce(ctx context.Context, r *repo.Repository, opts *Options, whole map[format.PackName]*listing, last bool) (_ *Report, changed bool, err error) {
	fresh, err := r.Fresh()
	if err != nil {
		return nil, false, err
	}
	defer func() { err = errors.Join(err, fresh.Close()) }()
	ctx, cancel := context.WithCancel(ctx)
	c := &checker{ctx: ctx, origin: r, repo: fresh, opts: opts, progress: opts.Progress, whole: whole, report: new(Report)}
	defer func() {
		cancel() // what is read ahead is not wanted any more
		err = errors.Join(err, c.close())
	}()
	if err := c.run(); err != nil {
		return nil, false, err
	}
	c.report.Findings, c.report.Suffering = c.ledger.list, len(c.ledger.suffers)
	if len(c.ledger.list) > 0 && !last {
		now, err := c.names()
		if err != nil || !slices.Equal(now, c.before) {
			return nil, err == nil, err
		}
	}
	c.record()
	if opts.Vet {
		c.report.Unvetted = c.vet()
	}
	return c.report, false, nil
}
