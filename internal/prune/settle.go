package prune

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/snapshot"
)

// condemn is steps 2 to 5 for what this run found: move what is worth moving,
// write the record, settle it.
func (p *pruner) condemn(ctx context.Context) error {
	pl, err := p.plan(ctx)
	if err != nil {
		return err
	}
	defer pl.close()
	if err := p.retireDamage(ctx, pl); err != nil {
		return err
	}
	record := &format.Record{
		Kind: format.RecordPrune, Time: p.repo.Now().UnixNano(), Session: p.session.Name(),
		CondemnedPacks: pl.condemned, Forgotten: sorted(pl.forgotten),
	}
	if len(pl.repack) > 0 && !p.cramped {
		moved, err := p.move(ctx, pl.repack)
		if err != nil {
			return err
		}
		for _, u := range moved {
			record.CondemnedPacks = append(record.CondemnedPacks, u.info.Name)
		}
		slices.SortFunc(record.CondemnedPacks, comparePacks)
	}
	if len(record.CondemnedPacks) == 0 && !newlyForgotten(pl.records, pl.forgotten) {
		return nil
	}
	name, err := p.repo.WriteRecord(ctx, record)
	if err != nil {
		return err
	}
	p.report.CondemnedNow = len(record.CondemnedPacks)
	for _, pack := range record.CondemnedPacks {
		p.report.CondemnedSize += uint64(p.sizes[pack].Size)
	}
	return p.settle(ctx, name)
}

// newlyForgotten reports whether some forgotten manifest is in no settled
// record yet, so that nothing would sweep it.
func newlyForgotten(records *repo.Records, forgotten []string) bool {
	settled := records.Settled()
	return slices.ContainsFunc(forgotten, func(s string) bool { return !settled[s] })
}

// settleOld settles records that earlier runs, or others, left unsettled.
func (p *pruner) settleOld(ctx context.Context) error {
	records := p.session.Records() // of a moment ago
	for i := range records.Prunes {
		r := &records.Prunes[i]
		if r.Decision != nil || !p.conditional() && len(r.Record.CondemnedPacks) > 0 {
			// Without conditional writes two might decide differently, and the
			// second would overwrite the first: only the session that wrote a
			// record decides what it drops. See dropRemains.
			continue
		}
		if err := p.settle(ctx, r.Name); err != nil {
			return err
		}
	}
	return nil
}

// settle is steps 3 to 5 for one record. While sessions older than it run, it
// stays unsettled and the report says who is waited for.
func (p *pruner) settle(ctx context.Context, name string) error {
	waiting, err := p.awaitSessions(ctx, name)
	if err != nil || len(waiting) > 0 {
		p.report.Waiting = waiting
		return err
	}
	if !p.conditional() {
		orphans, err := p.findOrphans(ctx)
		if err != nil {
			return err
		}
		if err := p.outwait(ctx, orphans); err != nil {
			return err
		}
	}
	// What closed the sessions is listed by now, so all they wrote must be.
	if err := sleep(ctx, p.opts.ListingDelay); err != nil {
		return err
	}
	dropped, err := p.decide(ctx, name)
	if err != nil {
		return err
	}
	return p.session.Settle(ctx, &format.Decision{Time: p.repo.Now().UnixNano(), DroppedPacks: dropped, Record: name})
}

// attempts at a view of the repository that did not change meanwhile.
const attempts = 10

// decide is step 4: the second mark.
func (p *pruner) decide(ctx context.Context, name string) ([]format.PackName, error) {
	for attempt := 1; ; attempt++ {
		dropped, err := p.decideOnce(ctx, name)
		if err == nil {
			return dropped, nil
		}
		again := errors.Is(err, errChanged) || errors.Is(err, object.ErrNotFound)
		if !again || attempt == attempts {
			return nil, fmt.Errorf("decide on %s: %w", name, err)
		}
		p.opts.Progress("the repository changed while it was read; reading it again")
	}
}

func (p *pruner) decideOnce(ctx context.Context, name string) ([]format.PackName, error) {
	records, err := p.repo.ReadRecords(ctx)
	if err != nil {
		return nil, err
	}
	own, err := ownRecord(records, name)
	if err != nil {
		return nil, err
	}
	before, err := p.names(ctx)
	if err != nil {
		return nil, err
	}
	kept, err := p.keptBy(ctx, records, own)
	if err != nil {
		return nil, err
	}
	rd, err := p.openIndex(ctx, records)
	if err != nil {
		return nil, err
	}
	defer rd.Close() //nolint:errcheck // nothing was written through it
	live, err := mark(ctx, rd, kept)
	if err != nil {
		return nil, err
	}
	defer live.Close() //nolint:errcheck // temporary files; nothing depends on them
	if err := p.listPacks(ctx); err != nil {
		return nil, err
	}
	c, err := count(ctx, p.repo, rd.View(), live, p.ranker(records, name), p.opts.Trust)
	if err != nil {
		return nil, err
	}
	after, err := p.names(ctx)
	if err != nil {
		return nil, err
	}
	if vanished(before, after) {
		return nil, errChanged
	}
	if err := c.complete(); err != nil {
		if !slices.Equal(before, after) {
			return nil, errChanged
		}
		return nil, err
	}
	return c.droppable(own.Record.CondemnedPacks), nil
}

func ownRecord(records *repo.Records, name string) (*repo.PruneRecord, error) {
	for i := range records.Prunes {
		if records.Prunes[i].Name == name {
			return &records.Prunes[i], nil
		}
	}
	return nil, fmt.Errorf("prune record %s has vanished", name)
}

// keptBy returns the snapshots the record must not harm: all but those that it
// forgets itself or that a settled record forgets. A session may have inherited
// from one that an unsettled record forgets, and be known to the drive by its heirs
// only; whoever settled a record has waited for all of these.
func (p *pruner) keptBy(ctx context.Context, records *repo.Records, own *repo.PruneRecord) ([]*snapshot.Snapshot, error) {
	set, err := p.snapshots(ctx, records)
	if err != nil {
		return nil, err
	}
	settled := records.Settled()
	kept := set.Snapshots
	for _, s := range set.Forgotten {
		if !settled[s.Session] && !slices.Contains(own.Record.Forgotten, s.Session) {
			kept = append(kept, s)
		}
	}
	return kept, nil
}

// vanished reports whether a name of before, which is sorted, is not in after,
// which is sorted too. What went may have been missed by the listing in between
// though what replaced it was too: a merge. What came cannot harm: it belongs
// to sessions that began after the record, and those do not rely on what it
// condemns. So a repository in which backups end all the time can be pruned.
func vanished(before, after []string) bool {
	return slices.ContainsFunc(before, func(name string) bool {
		_, stays := slices.BinarySearch(after, name)
		return !stays
	})
}

// names lists manifests and segments, to see whether they changed.
func (p *pruner) names(ctx context.Context) ([]string, error) {
	sessions, err := p.repo.OutcomeNames(ctx)
	if err != nil {
		return nil, err
	}
	segments, err := p.repo.SegmentNames(ctx)
	if err != nil {
		return nil, err
	}
	return sorted(append(sessions, segments...)), nil
}

// droppable returns the condemned packs that nothing needs: no live chunk has
// its best copy there, no pack that stays has deltas against them, and no data
// pack that stays has its footer mirrored there only.
func (c *census) droppable(condemned []format.PackName) []format.PackName {
	candidate := map[format.PackName]bool{}
	for _, name := range condemned {
		u := c.uses[name]
		candidate[name] = u == nil || len(u.live) == 0
	}
	stays := func(name format.PackName) bool { return !candidate[name] }
	for base := range c.useBases(stays) {
		candidate[base] = false
	}
	c.useMirrors(stays)
	var dropped []format.PackName
	for _, name := range condemned {
		u := c.uses[name]
		if candidate[name] && (u == nil || len(u.live) == 0) {
			dropped = append(dropped, name)
		}
	}
	return dropped
}
