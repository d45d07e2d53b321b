// Package prune frees what no snapshot needs, beside running backups and
// without locks, as docs/protocol.md says: a record condemns packs, every
// session that might rely on them is waited for or fenced, a second look settles
// which packs go, and after a grace period they are deleted.
//
// Each run advances whatever earlier runs began, so a run that is stopped at
// any point needs no repair.
//
// Invariants: a pack is deleted only if a settled decision names it; a decision
// names no pack that a chunk of a kept manifest needs, seen after every session
// older than the record was closed; a listing or an object that cannot be
// read ends the run before anything is decided.
//
// The command line and package job call it.
package prune

import (
	"context"
	"errors"
	"fmt"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
)

// Defaults.
const (
	defaultGrace     = 24 * time.Hour
	defaultStale     = 30 * time.Minute
	defaultMaxUnused = 0.05
	fenceWait        = time.Hour
	retireAfter      = 30 * 24 * time.Hour
	tombstoneAge     = 30 * 24 * time.Hour
	pollEvery        = 5 * time.Second
)

// Options tunes a run. The zero value is the default.
type Options struct {
	// Grace is the time between decision and deletion, for readers that cannot
	// announce themselves. Negative means none.
	Grace time.Duration
	// Stale is how long a session may be silent before it is fenced.
	Stale time.Duration
	// Wait is how long to wait for sessions that are running.
	Wait time.Duration
	// MaxUnused is the share of unused bytes in packs that is left alone.
	MaxUnused float64
	// DryRun plans and changes nothing.
	DryRun bool
	// Command is what the session says of itself.
	Command string
	Host    string
	// FenceWait replaces the hour that drives without conditional writes need
	// between fence and decision; for simulations.
	FenceWait time.Duration
	// Trust says what makes up for a copy of a chunk that goes: see choose.
	Trust repo.Trust
	// Archive says which storage classes must be thawed: data packs in them are
	// deleted when nothing in them is needed any more, and never read. nil: none.
	Archive func(class string) bool
	// MinimumDays says for how long data packs in a class are charged at least.
	// They go, and are moved, when that is over. nil: not at all.
	MinimumDays func(class string) int
	// EarlyDelete has them go before.
	EarlyDelete bool
	// ListingDelay is how long the drive's listings may lag behind what was
	// written; 0 for drives that list what is there.
	ListingDelay time.Duration
	// Writer tunes how blocks that are moved are written.
	Writer repo.WriterOptions
	// Progress is told in words what happens; nil for nobody.
	Progress func(string)
}

func (o Options) withDefaults() Options {
	switch {
	case o.Grace == 0:
		o.Grace = defaultGrace
	case o.Grace < 0:
		o.Grace = 0
	}
	if o.Stale == 0 {
		o.Stale = defaultStale
	}
	if o.MaxUnused == 0 {
		o.MaxUnused = defaultMaxUnused
	}
	if o.FenceWait == 0 {
		o.FenceWait = fenceWait
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	return o
}

// Report says what a run found and did. Bytes are of objects on the drive.
type Report struct {
	Packs         int    // known before
	Bytes         uint64 // in them
	UsedBytes     uint64 // of blocks that snapshots need
	CondemnedNow  int    // packs condemned by this run
	CondemnedSize uint64
	Repacked      int // packs whose live blocks were moved
	RepackedBytes uint64
	Deleted       int // packs deleted
	DeletedBytes  uint64
	Manifests     int // forgotten manifests deleted
	Sessions      int // session objects of closed sessions deleted
	Merged        int // index segments merged into fewer
	// Waiting names sessions that an unsettled record still waits for.
	Waiting []OpenSession
	// Later is what settled decisions will free once their grace is over.
	Later      int
	LaterBytes uint64
	LaterAt    time.Time // when the first of it may go
	Left       Left      // by this run's plan
	// Goes are the packs that a DryRun would condemn, moved ones too, and Moves
	// what it would read of those to move.
	Goes  []format.PackName
	Moves []Move
}

// ErrLost means that a chunk some snapshot needs is nowhere to be found, so
// that nothing was decided.
var ErrLost = errors.New("chunks that snapshots need are missing; run check, nothing was changed")

// pruner is one run.
type pruner struct {
	repo    *repo.Repository
	opts    Options
	session *repo.Session
	now     time.Time // by the drive's clock
	report  Report
	sizes   map[format.PackName]object.Info // packs on the drive
	orphans map[string]bool                 // records that nobody will settle any more
	cramped bool                            // the drive is full
}

// Run advances what earlier runs began and prunes what became unused.
func Run(ctx context.Context, r *repo.Repository, opts Options) (*Report, error) {
	if r.Keys().Role() == format.RoleWriter {
		return nil, fmt.Errorf("prune: %w: it takes the owner's or a maintainer's key", repo.ErrRole)
	}
	p := &pruner{repo: r, opts: opts.withDefaults()}
	if opts.DryRun {
		return p.dryRun(ctx)
	}
	var s *repo.Session
	full, err := object.InReserve(ctx, r.Store(), func() (err error) {
		if err = r.Confirm(ctx); err == nil {
			s, err = r.Begin(ctx, repo.SessionOptions{Host: opts.Host, Command: opts.Command, Writer: opts.Writer})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("prune: %w", err)
	}
	p.session = s
	if !full {
		err = p.run(ctx)
	}
	if full || errors.Is(err, object.ErrFull) {
		err = p.runCramped(ctx)
	}
	err = s.Explain(ctx, err)
	closeErr := s.Abandon(context.WithoutCancel(ctx), "prune ended")
	if err = errors.Join(err, closeErr); err != nil {
		return &p.report, fmt.Errorf("prune: %w", err)
	}
	return &p.report, nil
}

// run is steps 1 to 8 of the pruner in docs/protocol.md.
func (p *pruner) run(ctx context.Context) error {
	if err := p.look(ctx); err != nil {
		return err
	}
	if err := p.settleOld(ctx); err != nil {
		return err
	}
	if err := p.sweep(ctx); err != nil {
		return err
	}
	if err := p.condemn(ctx); err != nil {
		return err
	}
	if err := p.outwaitOrphans(ctx); err != nil {
		return err
	}
	if err := p.sweep(ctx); err != nil {
		return err
	}
	if err := p.mergeSegments(ctx); err != nil {
		return err
	}
	if err := p.closeSessions(ctx); err != nil {
		return err
	}
	if err := p.sweepProbes(ctx); err != nil {
		return err
	}
	return p.tellLater(ctx)
}

// dryRun plans with today's listing.
func (p *pruner) dryRun(ctx context.Context) (*Report, error) {
	p.now = p.repo.Now()
	if err := p.listPacks(ctx); err != nil {
		return nil, fmt.Errorf("prune: %w", err)
	}
	plan, err := p.plan(ctx)
	if err != nil {
		return nil, fmt.Errorf("prune: %w", err)
	}
	defer plan.close()
	for _, name := range plan.condemned {
		p.report.CondemnedNow++
		p.report.CondemnedSize += uint64(p.sizes[name].Size)
	}
	for _, use := range plan.repack {
		p.report.Repacked++
		p.report.RepackedBytes += use.liveBytes
	}
	p.tellPlan(plan)
	return &p.report, p.tellLater(ctx)
}

// look learns the drive's time and what packs there are.
func (p *pruner) look(ctx context.Context) error {
	var err error
	if p.now, err = p.session.Beat(ctx); err != nil {
		return err
	}
	return p.listPacks(ctx)
}

// conditional reports whether the drive has conditional writes.
func (p *pruner) conditional() bool { return p.repo.Store().Capabilities().IfAbsent }

func (p *pruner) listPacks(ctx context.Context) error {
	p.sizes = map[format.PackName]object.Info{}
	for _, prefix := range []string{"p/", "q/"} {
		for info, err := range p.repo.Store().List(ctx, prefix) {
			if err != nil {
				return fmt.Errorf("list packs: %w", err)
			}
			if name, err := format.ParsePackName(info.Name); err == nil {
				p.sizes[name] = info
			}
		}
	}
	return nil
}

// Forget writes a record that forgets snapshots: from then on they are not
// listed and no backup inherits from them; a later prune frees their data.
func Forget(ctx context.Context, r *repo.Repository, sessions []string, reason string) error {
	if r.Keys().Role() == format.RoleWriter {
		return fmt.Errorf("forget: %w: it takes the owner's or a maintainer's key", repo.ErrRole)
	}
	if len(sessions) == 0 {
		return nil
	}
	record := &format.Record{
		Kind: format.RecordPrune, Time: r.Now().UnixNano(), Forgotten: sorted(sessions), Reasons: []string{reason},
	}
	_, err := object.InReserve(ctx, r.Store(), func() error {
		_, err := r.WriteRecord(ctx, record)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget: %w", err)
	}
	return nil
}
