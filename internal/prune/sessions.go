package prune

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/seal"
)

// OpenSession is a session without an outcome.
type OpenSession struct {
	Name  string
	Begun time.Time // by the drive's clock
	Seen  time.Time // its last sign of life, by the drive's clock
}

// awaitSessions is step 3 for a record: it waits for all sessions that were open
// when it was first asked, as long as the options say, and fences those that are
// stale. It returns those that are still running; the next run waits for no others,
// since all that begin from now on see the record.
func (p *pruner) awaitSessions(ctx context.Context, record string) ([]OpenSession, error) {
	// Until then a session that did not see the record might not be listed.
	if err := sleep(ctx, 2*p.opts.ListingDelay); err != nil {
		return nil, err
	}
	open, err := p.openSessions(ctx)
	if err != nil {
		return nil, err
	}
	if awaited, ok := p.repo.Cache().Awaited(record); ok {
		open = slices.DeleteFunc(open, func(s OpenSession) bool { return !slices.Contains(awaited, s.Name) })
	}
	deadline := time.Now().Add(p.opts.Wait)
	for {
		if open, err = p.fenceStale(ctx, open); err != nil || len(open) == 0 {
			return nil, err
		}
		if time.Now().After(deadline) {
			names := make([]string, len(open))
			for i, s := range open {
				names[i] = s.Name
			}
			p.repo.Cache().KeepAwaited(record, names)
			return open, nil
		}
		p.opts.Progress(fmt.Sprintf("waiting for %d running sessions", len(open)))
		if err := sleep(ctx, pollEvery); err != nil {
			return nil, err
		}
		if p.now, err = p.session.Beat(ctx); err != nil {
			return nil, err
		}
		now, err := p.openSessions(ctx)
		if err != nil {
			return nil, err
		}
		open = stillOpen(open, now)
	}
}

// stillOpen returns those of the sessions that are among those open now, with
// their last signs of life.
func stillOpen(open, now []OpenSession) []OpenSession {
	var still []OpenSession
	for _, s := range now {
		if slices.ContainsFunc(open, func(before OpenSession) bool { return before.Name == s.Name }) {
			still = append(still, s)
		}
	}
	return still
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// openSessions lists the sessions without an outcome, this one left out.
func (p *pruner) openSessions(ctx context.Context) ([]OpenSession, error) {
	open := map[string]OpenSession{}
	for info, err := range p.repo.Store().List(ctx, format.PrefixSessions) {
		if err != nil {
			return nil, fmt.Errorf("list sessions: %w", err)
		}
		if name, err := format.ParseSessionObject(info.Name); err == nil {
			open[name] = OpenSession{Name: name, Begun: info.Modified, Seen: info.Modified}
		}
	}
	if p.session != nil {
		delete(open, p.session.Name())
	}
	for info, err := range p.repo.Store().List(ctx, format.PrefixHeartbeats) {
		if err != nil {
			return nil, fmt.Errorf("list heartbeats: %w", err)
		}
		name := strings.TrimPrefix(info.Name, format.PrefixHeartbeats)
		if s, ok := open[name]; ok && info.Modified.After(s.Seen) {
			s.Seen = info.Modified
			open[name] = s
		}
	}
	closed, err := p.repo.OutcomeNames(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range closed {
		delete(open, name)
	}
	list := make([]OpenSession, 0, len(open))
	for _, s := range open {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b OpenSession) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// fenceStale closes the stale ones of the sessions and returns the others.
func (p *pruner) fenceStale(ctx context.Context, open []OpenSession) ([]OpenSession, error) {
	var running []OpenSession
	for _, s := range open {
		if p.now.Sub(s.Seen) < p.opts.Stale {
			running = append(running, s)
			continue
		}
		since := "silent since " + s.Seen.Format(time.RFC3339)
		p.opts.Progress(fmt.Sprintf("closing session %s, %s", s.Name, since))
		if p.conditional() {
			if _, err := p.repo.Fence(ctx, s.Name, since); err != nil {
				return nil, err
			}
			continue
		}
		if err := p.repo.Store().Delete(ctx, format.SessionObject(s.Name)); err != nil {
			return nil, fmt.Errorf("fence session %s: %w", s.Name, err)
		}
	}
	return running, nil
}

// orphaned reports whether nobody will settle a record any more: without
// conditional writes only its author might, and that session is over.
func (p *pruner) orphaned(r *repo.PruneRecord, open []OpenSession) bool {
	mine := p.session != nil && r.Record.Session == p.session.Name()
	return !p.conditional() && r.Decision == nil && !mine &&
		!slices.ContainsFunc(open, func(s OpenSession) bool { return s.Name == r.Record.Session })
}

// findOrphans returns the names of all orphaned records that condemn something.
func (p *pruner) findOrphans(ctx context.Context) (map[string]bool, error) {
	open, err := p.openSessions(ctx)
	if err != nil {
		return nil, err
	}
	records, err := p.repo.ReadRecords(ctx)
	if err != nil {
		return nil, err
	}
	orphans := map[string]bool{}
	for i := range records.Prunes {
		if r := &records.Prunes[i]; len(r.Record.CondemnedPacks) > 0 && p.orphaned(r, open) {
			orphans[r.Name] = true
		}
	}
	return orphans, nil
}

// outwait waits until all that closed sessions had under way has arrived, on a drive
// without conditional writes. Then nobody will settle the orphans any more.
func (p *pruner) outwait(ctx context.Context, orphans map[string]bool) error {
	p.opts.Progress(fmt.Sprintf("waiting %s: this drive has no conditional writes", p.opts.FenceWait))
	if err := sleep(ctx, p.opts.FenceWait); err != nil {
		return err
	}
	p.orphans = orphans
	return nil
}

// outwaitOrphans does so for orphans that a run meets which had nothing to settle
// itself: else they would stay for good.
func (p *pruner) outwaitOrphans(ctx context.Context) error {
	if p.conditional() || p.orphans != nil {
		return nil
	}
	orphans, err := p.findOrphans(ctx)
	if err != nil || len(orphans) == 0 {
		return err
	}
	return p.outwait(ctx, orphans)
}

// closeSessions is the sessions' part of step 8: the objects of sessions that
// have an outcome go; tombstones follow after a month, and with them what a revoked
// host left there that the owner does not vouch for.
func (p *pruner) closeSessions(ctx context.Context) error {
	closed := map[string]time.Time{}
	for info, err := range p.repo.Store().List(ctx, format.PrefixManifests) {
		if err != nil {
			return fmt.Errorf("list outcomes: %w", err)
		}
		if session, err := format.ParseManifestObject(info.Name); err == nil {
			closed[session] = info.Modified
		}
	}
	there := map[string]bool{}
	var gone []string
	for info, err := range p.repo.Store().List(ctx, format.PrefixSessions) {
		if err != nil {
			return fmt.Errorf("list sessions: %w", err)
		}
		name := strings.TrimPrefix(info.Name, format.PrefixSessions)
		there[name] = true
		// Without conditional writes the session looks once more whether its
		// object is there before it believes in its outcome.
		if at, ok := closed[name]; ok && (p.conditional() || p.now.Sub(at) > p.opts.FenceWait) {
			gone = append(gone, info.Name)
		}
	}
	for info, err := range p.repo.Store().List(ctx, format.PrefixHeartbeats) {
		if err != nil {
			return fmt.Errorf("list heartbeats: %w", err)
		}
		name := strings.TrimPrefix(info.Name, format.PrefixHeartbeats)
		if _, over := closed[name]; over || !there[name] && p.now.Sub(info.Modified) > p.opts.Stale {
			gone = append(gone, info.Name)
		}
	}
	if err := p.delete(ctx, gone); err != nil {
		return err
	}
	p.report.Sessions = len(gone)
	var old []string
	for session, at := range closed {
		if !there[session] && p.now.Sub(at) >= tombstoneAge {
			old = append(old, session)
		}
	}
	return p.dropTombstones(ctx, sorted(old))
}

func (p *pruner) dropTombstones(ctx context.Context, sessions []string) error {
	var old []string
	for _, session := range sessions {
		kind, err := p.repo.CachedOutcome(ctx, session)
		if errors.Is(err, object.ErrNotFound) {
			continue
		}
		revoked := errors.Is(err, seal.ErrRevoked)
		if err != nil && !revoked {
			return err
		}
		if kind == format.KindTombstone || revoked {
			old = append(old, format.ManifestObject(session))
		}
	}
	return p.delete(ctx, old)
}
