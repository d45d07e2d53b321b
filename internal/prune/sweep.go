package prune

import (
	"context"
	"fmt"
	"slices"

	"firn/internal/format"
	"firn/internal/repo"
)

// deleteBatch objects are deleted with one call.
const deleteBatch = 1000

// sweep is step 6 and the record's part of step 8: it deletes what settled
// decisions drop, once their grace is over, and retires records that have
// nothing left to say.
func (p *pruner) sweep(ctx context.Context) error {
	records, err := p.repo.ReadRecords(ctx)
	if err != nil {
		return err
	}
	var due []*repo.PruneRecord
	for i := range records.Prunes {
		if r := &records.Prunes[i]; r.Decision != nil && (p.opts.Grace == 0 || !p.now.Before(r.Settled.Add(p.opts.Grace))) {
			due = append(due, r)
		}
	}
	if len(due) > 0 {
		there, err := p.outcomes(ctx)
		if err != nil {
			return err
		}
		for _, r := range due {
			if err := p.sweepRecord(ctx, r, there); err != nil {
				return err
			}
		}
	}
	if err := p.retire(ctx, due); err != nil {
		return err
	}
	return p.dropRemains(ctx, records)
}

// sweepRecord deletes what one decision lets go, of the outcomes those that are there.
func (p *pruner) sweepRecord(ctx context.Context, r *repo.PruneRecord, there map[string]bool) error {
	var sessions, manifests []string
	for _, session := range r.Record.Forgotten {
		if there[session] {
			delete(there, session) // other records may forget it too
			sessions = append(sessions, format.SessionObject(session), format.HeartbeatObject(session))
			manifests = append(manifests, format.ManifestObject(session))
		}
	}
	// Without its outcome a session would look open again.
	if err := p.delete(ctx, sessions); err != nil {
		return err
	}
	if err := p.delete(ctx, manifests); err != nil {
		return err
	}
	p.report.Manifests += len(manifests)
	var packs []string
	for _, name := range r.Decision.DroppedPacks {
		if info, ok := p.sizes[name]; ok {
			packs = append(packs, name.Object())
			p.report.DeletedBytes += uint64(info.Size)
			delete(p.sizes, name)
		}
	}
	if err := p.delete(ctx, packs); err != nil {
		return err
	}
	p.report.Deleted += len(packs)
	return nil
}

func (p *pruner) outcomes(ctx context.Context) (map[string]bool, error) {
	names, err := p.repo.OutcomeNames(ctx)
	if err != nil {
		return nil, err
	}
	there := make(map[string]bool, len(names))
	for _, name := range names {
		there[name] = true
	}
	return there, nil
}

func (p *pruner) delete(ctx context.Context, names []string) error {
	for len(names) > 0 {
		n := min(len(names), deleteBatch)
		if err := p.repo.Store().Delete(ctx, names[:n]...); err != nil {
			return fmt.Errorf("delete: %w", err)
		}
		names = names[n:]
	}
	return nil
}

// retire removes records when nobody can be misled without them: a record is old,
// what it drops is gone, no segment names that, and all sessions begun before
// the drop are closed.
func (p *pruner) retire(ctx context.Context, swept []*repo.PruneRecord) error {
	old := slices.DeleteFunc(slices.Clone(swept), func(r *repo.PruneRecord) bool { return p.now.Before(r.Settled.Add(retireAfter)) })
	if len(old) == 0 {
		return nil
	}
	open, err := p.openSessions(ctx)
	if err != nil {
		return err
	}
	rd, bad, err := p.repo.NewReader(ctx)
	if err != nil {
		return err
	}
	defer rd.Close() //nolint:errcheck // nothing was written through it
	if len(bad) > 0 {
		return nil
	}
	named := map[format.PackName]bool{}
	for info := range rd.View().Packs() {
		named[info.Name] = true
	}
	var over, decisions []string
	var forgotten []string
	for _, r := range old {
		began := func(s OpenSession) bool { return s.Begun.Before(r.Settled.Add(p.opts.Grace)) }
		if slices.ContainsFunc(open, began) || slices.ContainsFunc(r.Decision.DroppedPacks, func(name format.PackName) bool { return named[name] }) {
			continue
		}
		over, decisions = append(over, r.Name), append(decisions, format.DecisionName(r.Name))
		forgotten = append(forgotten, r.Record.Forgotten...)
	}
	if err := p.keepForgotten(ctx, forgotten); err != nil {
		return err
	}
	// The decisions go last, by themselves: a record without one would condemn again.
	if err := p.delete(ctx, over); err != nil {
		return err
	}
	return p.delete(ctx, decisions)
}

// dropRemains deletes decisions whose records were retired, and withdraws records
// that nobody will ever settle: what they condemn, later records condemn again.
func (p *pruner) dropRemains(ctx context.Context, records *repo.Records) error {
	if err := p.mergeLedgers(ctx, records); err != nil {
		return err
	}
	remains, err := p.staleVettings(ctx, records)
	if err != nil {
		return err
	}
	remains = append(remains, records.Retired...)
	if len(p.orphans) > 0 {
		there, err := p.outcomes(ctx)
		if err != nil {
			return err
		}
		settled := records.Settled()
		for i := range records.Prunes {
			r := &records.Prunes[i]
			needed := slices.ContainsFunc(r.Record.Forgotten, func(s string) bool { return there[s] && !settled[s] })
			if p.orphans[r.Name] && r.Decision == nil && !needed {
				remains = append(remains, r.Name)
			}
		}
	}
	return p.delete(ctx, remains)
}

// tellLater reports what settled decisions will free.
func (p *pruner) tellLater(ctx context.Context) error {
	records, err := p.repo.ReadRecords(ctx)
	if err != nil {
		return err
	}
	for i := range records.Prunes {
		r := &records.Prunes[i]
		if r.Decision == nil {
			continue
		}
		for _, name := range r.Decision.DroppedPacks {
			info, ok := p.sizes[name]
			if !ok {
				continue
			}
			p.report.Later++
			p.report.LaterBytes += uint64(info.Size)
			if at := r.Settled.Add(p.opts.Grace); p.report.LaterAt.IsZero() || at.Before(p.report.LaterAt) {
				p.report.LaterAt = at
			}
		}
	}
	return nil
}
