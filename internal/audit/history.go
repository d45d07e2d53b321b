package audit

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"firn/internal/format"
	"firn/internal/repo"
	"firn/internal/snapshot"
)

// history compares what snapshots, and this machine, saw with what is there.
func (a *auditor) history(ctx context.Context) error {
	var err error
	unreadable := func(name string, err error) { a.find(kindOf(err), name, "%v", err) }
	if a.records, err = a.fresh.InspectRecords(ctx, unreadable); err != nil {
		return err
	}
	if a.set, err = snapshot.List(ctx, a.fresh, a.records); err != nil {
		return err
	}
	// What was swept between the two is forgotten by a record that came before that.
	if a.records, err = a.fresh.InspectRecords(ctx, unreadable); err != nil {
		return err
	}
	a.report.Records = len(a.records.Prunes) + len(a.records.Damages) + len(a.records.Vettings) + len(a.records.Distrusts) + len(a.records.Ledgers)
	a.report.Distrusted = slices.SortedFunc(maps.Keys(a.records.Distrusted()), format.Host.Compare)

	all := slices.Concat(a.set.Snapshots, a.set.Forgotten)
	a.report.Snapshots = len(all)
	there := map[string]*snapshot.Snapshot{}
	for _, s := range all {
		there[s.Session] = s
	}
	a.gaps(all, there)
	a.pinned(there)
	a.returned(all)
	a.chains(all)
	a.set.Pin(a.repo.Cache(), a.records.Forgotten())
	return a.withheld(ctx)
}

// gaps looks for what snapshots name and what is not there, or is another.
func (a *auditor) gaps(all []*snapshot.Snapshot, there map[string]*snapshot.Snapshot) {
	forgotten := a.records.Forgotten()
	explained := map[string]bool{}
	for _, s := range all {
		for _, h := range slices.Concat(s.Previous, s.Seen) {
			kind, detail := Missing, "snapshots name it, and no record forgets it: it was removed, or the drive lost it"
			switch now := there[h.Session]; {
			case now != nil && now.Hash == h.Manifest:
				continue
			case now != nil:
				kind, detail = Replaced, "snapshots name another manifest that stood there"
			case forgotten[h.Session]:
				explained[h.Session] = true
				continue
			}
			a.find(kind, format.ManifestObject(h.Session), "%s", detail).seenBy(s)
		}
	}
	a.report.Explained = len(explained)
}

// maxSeenBy bounds the snapshots that are listed with a finding.
const maxSeenBy = 10

func (f *Finding) seenBy(s *snapshot.Snapshot) {
	if len(f.SeenBy) < maxSeenBy && !slices.Contains(f.SeenBy, s.Session) {
		f.SeenBy = append(f.SeenBy, s.Session)
	}
}

// pinned compares with what this machine saw.
func (a *auditor) pinned(there map[string]*snapshot.Snapshot) {
	a.report.Pinned = len(a.pins)
	forgotten := a.records.Forgotten()
	for _, session := range slices.Sorted(maps.Keys(a.pins)) {
		object := format.ManifestObject(session)
		switch now := there[session]; {
		case forgotten[session] || slices.Contains(a.set.Revoked, session):
		case now == nil:
			a.find(Rollback, object, "this machine saw it as the newest of its chain, and it is gone without a record that forgets it")
		case now.Hash != a.pins[session]:
			a.find(Replaced, object, "this machine saw another manifest there")
		}
	}
}

// returned looks for snapshots that were deleted for good.
func (a *auditor) returned(all []*snapshot.Snapshot) {
	gone := map[string]bool{}
	for i := range a.records.Ledgers {
		for _, session := range a.records.Ledgers[i].Record.Forgotten {
			gone[session] = true
		}
	}
	for _, s := range all {
		if gone[s.Session] {
			a.find(Returned, format.ManifestObject(s.Session), "it was forgotten and deleted, and somebody put it back; it counts for nothing")
		}
	}
}

// chains counts chains, and explains forks and new beginnings.
func (a *auditor) chains(all []*snapshot.Snapshot) {
	bySource := map[[16]byte][]*snapshot.Snapshot{}
	for _, s := range all {
		bySource[s.SourceKey] = append(bySource[s.SourceKey], s)
	}
	a.report.Sources = len(bySource)
	for _, key := range slices.SortedFunc(maps.Keys(bySource), compareKeys) {
		a.report.Heads += len(a.set.Heads(key))
		list := bySource[key]
		slices.SortFunc(list, byStart)
		a.forks(list)
		a.restarts(list)
	}
}

func compareKeys(a, b [16]byte) int { return slices.Compare(a[:], b[:]) }

func byStart(a, b *snapshot.Snapshot) int { return a.Time().Compare(b.Time()) }

// forks looks at snapshots that follow the same one: either their backups overlapped, or the
// first was forgotten when the second began, or the second did not get to see the first.
func (a *auditor) forks(list []*snapshot.Snapshot) {
	forgotten := a.records.Forgotten()
	follows := map[string]*snapshot.Snapshot{}
	for _, s := range list {
		if s.ReplicaOf != "" {
			continue // it stands beside what it was made of
		}
		for _, h := range s.Previous {
			first := follows[h.Session]
			follows[h.Session] = s
			switch {
			case first == nil || forgotten[first.Session]:
			case overlap(first, s):
				a.report.Concurrent++
			default:
				a.find(Fork, format.ManifestObject(s.Session),
					"it follows %s, as does %s, which was finished before it began: its machine was shown an older state, or clocks differ",
					snapshot.ID(h.Session)[:8], first.Short()).seenBy(first)
			}
		}
	}
}

// slack is how much clocks may differ for backups to have overlapped.
const slack = 5 * time.Minute

// overlap reports whether the second backup began before the first was finished.
func overlap(first, second *snapshot.Snapshot) bool {
	return second.Started < first.Finished+int64(slack)
}

// restarts looks at snapshots that follow none, though their source had one.
func (a *auditor) restarts(list []*snapshot.Snapshot) {
	forgotten := a.records.Forgotten()
	for i, s := range list {
		if i == 0 || len(s.Previous) > 0 || s.ReplicaOf != "" {
			continue
		}
		earlier := func(e *snapshot.Snapshot) bool { return !forgotten[e.Session] && !overlap(e, s) }
		if slices.ContainsFunc(list[:i], earlier) {
			a.find(Restart, format.ManifestObject(s.Session),
				"its machine knew of no earlier one: a writer's key that lost its cache does not, nor does a machine that was shown an empty repository")
		}
	}
}

// withheld looks for records of distrust that this machine saw and that are gone.
func (a *auditor) withheld(ctx context.Context) error {
	records, err := a.repo.ReadRecords(ctx)
	switch {
	case repo.IsDamage(err) || errors.Is(err, repo.ErrFeature): // which was told
		return nil
	case err != nil:
		return err
	}
	for _, name := range records.Withheld {
		a.find(Withheld, name, "this machine saw it, and such records are never deleted; here it counts all the same")
	}
	return nil
}
