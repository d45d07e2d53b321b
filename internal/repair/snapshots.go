package repair

import (
	"context"
	"errors"
	"fmt"

	"firn/internal/format"
	"firn/internal/repo"
	"firn/internal/snapshot"
	"firn/internal/tree"
)

// SnapshotReport says what a snapshot lost.
type SnapshotReport struct {
	Snapshot *snapshot.Snapshot
	Losses   []format.Problem // the first few
	Lost     uint64           // entries and attributes that are beyond saving, all of them
	// Replaced is the session of the snapshot that stands for what is left; "" if there is
	// none: nothing is lost, or this was a dry run.
	Replaced string
	New      bool // it was written by this run
}

// Snapshots reads the trees of the snapshots that words mean, of all if there are none, and
// finds what cannot be restored any more. Unless this is a dry run it writes, for each that
// lost something, a new snapshot without that. The old ones stay, for the caller to
// forget. What can still be read of packs that are on the way out is stored anew. It takes an owner's
// key: repo.ErrRole.
func Snapshots(ctx context.Context, r *repo.Repository, words []string, opts Options) ([]SnapshotReport, error) {
	if !r.Keys().ReadsData() {
		return nil, fmt.Errorf("repair snapshots: %w: it takes the owner's key", repo.ErrRole)
	}
	opts = opts.withDefaults()
	set, chosen, err := choose(ctx, r, words)
	if err != nil {
		return nil, fmt.Errorf("repair snapshots: %w", err)
	}
	reports, err := survey(ctx, r, chosen, opts)
	if err != nil {
		return nil, fmt.Errorf("repair snapshots: %w", err)
	}
	for i := range reports {
		report := &reports[i]
		if report.Lost == 0 {
			continue
		}
		report.Replaced = replacement(set, report.Snapshot)
		if opts.DryRun || report.Replaced != "" {
			continue
		}
		opts.Progress("writing what is left of snapshot " + report.Snapshot.Short())
		if report.Replaced, err = replace(ctx, r, set, report.Snapshot, opts); err != nil {
			return reports, fmt.Errorf("repair snapshot %s: %w", report.Snapshot.Short(), err)
		}
		report.New = true
	}
	return reports, nil
}

// choose lists the snapshots and finds those that words mean.
func choose(ctx context.Context, r *repo.Repository, words []string) (*snapshot.Set, []*snapshot.Snapshot, error) {
	records, err := r.ReadRecords(ctx)
	if err != nil {
		return nil, nil, err
	}
	set, err := snapshot.List(ctx, r, records)
	if err != nil {
		return nil, nil, err
	}
	if len(words) == 0 {
		return set, set.Snapshots, nil
	}
	var chosen []*snapshot.Snapshot
	for _, word := range words {
		s, err := set.Find(word)
		if err != nil {
			return nil, nil, err
		}
		chosen = append(chosen, s)
	}
	return set, chosen, nil
}

// replacement returns the session of the snapshot that was written in place of another.
func replacement(set *snapshot.Set, old *snapshot.Snapshot) string {
	for _, s := range set.Snapshots {
		if s.ReplicaOf == old.Session && s.SourceKey == old.SourceKey {
			return s.Session
		}
	}
	return ""
}

// survey finds what snapshots lost. Pages below which nothing is lost are read once.
func survey(ctx context.Context, r *repo.Repository, chosen []*snapshot.Snapshot, opts Options) ([]SnapshotReport, error) {
	rd, _, err := r.NewReader(ctx)
	if err != nil {
		return nil, err
	}
	defer rd.Close() //nolint:errcheck // nothing was written through it
	records, err := r.ReadRecords(ctx)
	if err != nil {
		return nil, err
	}
	trust, err := newTrust(ctx, r, records)
	if err != nil {
		return nil, err
	}
	var reports []SnapshotReport
	whole := map[format.ID]bool{}
	for _, s := range chosen {
		opts.Progress("reading snapshot " + s.Short())
		w := &salvage{reader: rd, trust: trust, whole: whole}
		if err := w.tree(ctx, s.Tree()); err != nil {
			return nil, err
		}
		reports = append(reports, SnapshotReport{Snapshot: s, Losses: w.losses, Lost: w.lost})
	}
	return reports, nil
}

// replace writes what is left of a snapshot as a new one. It inherits from the old one
// as a backup does from its parent, which keeps all it takes over until it is there.
func replace(ctx context.Context, r *repo.Repository, set *snapshot.Set, old *snapshot.Snapshot, opts Options) (_ string, err error) {
	s, err := r.Begin(ctx, opts.session())
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			err = errors.Join(s.Explain(ctx, err), s.Abandon(context.WithoutCancel(ctx), "repair failed"))
		}
	}()
	if err := s.Parent(ctx, old.Session); err != nil {
		return "", err
	}
	if _, err := s.LoadIndex(ctx); err != nil {
		return "", err
	}
	trust, err := newTrust(ctx, r, s.Records())
	if err != nil {
		return "", err
	}
	w := &salvage{reader: s.Reader(), trust: trust, into: newLeftover(r, s)}
	if err := w.tree(ctx, old.Tree()); err != nil {
		return "", err
	}
	root, err := w.into.finish(ctx)
	if err != nil {
		return "", err
	}
	m := succeed(set, old, w, root)
	if _, err := s.Commit(ctx, m); err != nil {
		return "", err
	}
	return s.Name(), nil
}

// succeed is the manifest of what is left of a snapshot.
func succeed(set *snapshot.Set, old *snapshot.Snapshot, w *salvage, root tree.Root) *format.Manifest {
	m := old.Manifest
	m.Root, m.RootLength, m.Sums = root.ID, root.Length, root.Sums
	m.Parent, m.ReplicaOf = old.Session, old.Session
	m.Previous = []format.Head{{Session: old.Session, Manifest: old.Hash}}
	m.Seen = set.HeadsOfOthers(old.SourceKey)
	m.Problems = append(append([]format.Problem(nil), w.losses...), old.Problems...)
	m.ProblemCount = old.ProblemCount + w.lost
	m.Options = append(append([]string(nil), old.Options...), fmt.Sprintf("repaired: without %d lost entries", w.lost))
	return &m
}
