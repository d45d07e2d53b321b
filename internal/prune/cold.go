package prune

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
)

// Move is a pack whose live blocks a run moves into new packs, or with DryRun would.
type Move struct {
	Pack     format.PackName
	Size     uint64
	Bytes    uint64 // that are read for it
	Requests int    // that read them, at least
}

// Left is what a run left where it is, and why.
type Left struct {
	// Cold packs are in a class that must be thawed, and used in part: they are
	// neither read nor moved, and go when nothing in them is needed any more.
	Cold       int
	ColdUnused uint64 // bytes in them that no snapshot needs
	// Early packs are not needed, or hardly used, and were written too short a time
	// ago: they are charged for until it is over, whether they are there or not.
	Early       int
	EarlyUnused uint64    // bytes in them that no snapshot needs
	From, Until time.Time // when the first and the last of them can go for nothing
}

// frozen says that a pack must be thawed before it can be read.
func (p *pruner) frozen(name format.PackName) bool {
	return p.opts.Archive != nil && name.Kind == format.KindData && p.opts.Archive(p.sizes[name].Class)
}

// early says that a data pack is charged for longer than it would be there, so that
// nothing is saved if it goes now, and until when. While it stays, backups can make
// use of what is in it.
func (p *pruner) early(name format.PackName) (until time.Time, early bool) {
	info, there := p.sizes[name]
	if p.opts.MinimumDays == nil || p.opts.EarlyDelete || !there || name.Kind != format.KindData {
		return time.Time{}, false
	}
	days := p.opts.MinimumDays(info.Class)
	if days == 0 {
		return time.Time{}, false
	}
	until = info.Modified.AddDate(0, 0, days)
	return until, p.now.Add(p.opts.Grace).Before(until)
}

// leave notes that a pack stays although some of it, or all, is not needed, and
// reports whether it does.
func (p *pruner) leave(name format.PackName, unused uint64) bool {
	l := &p.report.Left
	if until, early := p.early(name); early {
		if unused == 0 {
			return true
		}
		l.Early++
		l.EarlyUnused += unused
		if l.From.IsZero() || until.Before(l.From) {
			l.From = until
		}
		if until.After(l.Until) {
			l.Until = until
		}
		return true
	}
	return false
}

// leaveCold does so for a pack that is used in part and must be thawed.
func (p *pruner) leaveCold(name format.PackName, unused uint64) bool {
	if !p.frozen(name) {
		return false
	}
	if unused > 0 {
		p.report.Left.Cold++
		p.report.Left.ColdUnused += unused
	}
	return true
}

// tiering is the class whose objects sink into archive tiers by themselves where the
// bucket has them switched on. No listing tells.
const tiering = "INTELLIGENT_TIERING"

// asleep says that a data pack cannot be read although its class can: it is asked for
// by itself, without reading it.
func (p *pruner) asleep(ctx context.Context, name format.PackName) (bool, error) {
	thawer, ok := object.ThawerOf(p.repo.Store())
	if !ok || name.Kind != format.KindData || p.sizes[name].Class != tiering {
		return false, nil
	}
	f, err := thawer.Frost(ctx, name.Object())
	if errors.Is(err, object.ErrUnsupported) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("see how %s stands: %w", name.Object(), err)
	}
	return !f.Readable(p.now), nil
}

// leaveFrozen notes that a pack was found to be frozen when it was to be moved.
func (p *pruner) leaveFrozen(u *packUse) {
	p.opts.Progress(u.info.Name.Object() + " must be thawed before it can be read, and stays as it is")
	p.report.Left.Cold++
	p.report.Left.ColdUnused += u.unused()
}

// unused is how many bytes of a pack's blocks no snapshot needs.
func (u *packUse) unused() uint64 { return u.info.Used - min(u.info.Used, u.liveBytes) }

// tellPlan reports what a plan would do pack by pack.
func (p *pruner) tellPlan(pl *plan) {
	p.report.Goes = slices.Clone(pl.condemned)
	for _, u := range pl.repack {
		p.report.Goes = append(p.report.Goes, u.info.Name)
		bytes, requests := repo.CopyCost(u.info, u.blocks())
		p.report.Moves = append(p.report.Moves, Move{Pack: u.info.Name, Size: u.info.Size, Bytes: bytes, Requests: requests})
	}
	slices.SortFunc(p.report.Goes, comparePacks)
}
