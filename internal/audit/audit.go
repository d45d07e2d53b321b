// Package audit finds out whether a repository was tampered with: whether snapshots
// were removed, replaced or brought back behind the owner's back, whether objects
// stand there that nobody may have signed, whether the whole of it was set back.
//
// It reads roots, records, outcomes and index segments, past the local cache, and no
// tree and no data pack, so that it works where these are frozen. Each snapshot names
// those before it and the newest of other machines; records of what was forgotten are kept; and
// each machine remembers the ends of the chains it saw. So what is missing shows.
//
// Invariants: nothing is written to the drive; what a forget, a prune, a rotation of
// keys or backups that ran at the same time explain is no finding; a drive that fails is an
// error, never a finding.
//
// The command line calls it.
package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"firn/internal/format"
	"firn/internal/repo"
	"firn/internal/snapshot"
)

// Kind says what a finding is about.
type Kind string

// The kinds of findings. All but the last two mean that somebody tampered with the
// repository, or that a drive lost or altered what it was given.
const (
	Missing   Kind = "missing"   // a snapshot that others name is gone, and no record forgets it
	Rollback  Kind = "rollback"  // this machine saw what is gone now
	Replaced  Kind = "replaced"  // another snapshot stands where others, or this machine, saw one
	Returned  Kind = "returned"  // a snapshot that was forgotten and deleted is back
	Withheld  Kind = "withheld"  // a record of distrust is gone
	Altered   Kind = "altered"   // an object's bytes are not what its signer signed
	Untrusted Kind = "untrusted" // an object that nobody who may signed
	Revoked   Kind = "revoked"   // signed with a key that was revoked before
	Fork      Kind = "fork"      // two snapshots follow one, and their backups did not overlap
	Restart   Kind = "restart"   // a chain begins anew, though there was one
)

// Finding is one thing that is not as it should be.
type Finding struct {
	Kind   Kind
	Object string // name on the drive
	Detail string
	// SeenBy are the sessions that name what is missing or replaced: the first few.
	SeenBy []string
}

// Tampered reports whether the finding is evidence against the drive or somebody with
// access to it; otherwise it is worth a look.
func (f *Finding) Tampered() bool { return f.Kind != Fork && f.Kind != Restart }

// Report is what an audit found.
type Report struct {
	Findings []*Finding

	Root        uint32 // number of the root in force
	Snapshots   int    // that are there, forgotten ones among them
	Sources     int    // chains
	Heads       int    // ends of chains
	Pinned      int    // ends of chains that this machine remembered
	Explained   int    // missing snapshots that a record forgets
	Concurrent  int    // forks that backups at the same time explain
	Records     int
	Segments    int
	Packs       int // that the index names
	Vetted      int // of these, what verifiers read and found right
	Distrusted  []format.Host
	RevokedKeys int
}

// Tampered reports whether some finding is evidence of tampering.
func (r *Report) Tampered() bool { return slices.ContainsFunc(r.Findings, (*Finding).Tampered) }

// attempts at a view of the repository that did not change meanwhile.
const attempts = 3

// Run audits a repository. An error means that the audit could not be done. It takes a key
// that reads snapshots: repo.ErrRole for a writer's.
func Run(ctx context.Context, r *repo.Repository) (*Report, error) {
	if !r.Keys().ReadsMetadata() {
		return nil, fmt.Errorf("audit: %w: it takes the owner's or a maintainer's key", repo.ErrRole)
	}
	for attempt := 1; ; attempt++ {
		report, changed, err := runOnce(ctx, r)
		if err != nil {
			return nil, fmt.Errorf("audit: %w", err)
		}
		if len(report.Findings) == 0 || !changed || attempt == attempts {
			return report, nil
		}
	}
}

// auditor is one attempt at an audit.
type auditor struct {
	repo   *repo.Repository // as it was given
	fresh  *repo.Repository // the same, past the cache
	report *Report

	pins    repo.Pins
	records *repo.Records
	set     *snapshot.Set
	names   []string // of outcomes and records
	told    map[string]*Finding
}

// runOnce audits once. It reports whether snapshots or records came or went meanwhile.
func runOnce(ctx context.Context, r *repo.Repository) (_ *Report, changed bool, err error) {
	fresh, err := r.Fresh()
	if err != nil {
		return nil, false, err
	}
	defer func() { err = errors.Join(err, fresh.Close()) }()
	a := &auditor{repo: r, fresh: fresh, report: new(Report), told: map[string]*Finding{}, pins: r.Cache().Pins()}
	for _, step := range []func(context.Context) error{a.roots, a.signatures, a.history, a.index} {
		if err := step(ctx); err != nil {
			return nil, false, err
		}
	}
	now, err := a.list(ctx)
	return a.report, !slices.Equal(now, a.names), err
}

// find enters a finding about an object, unless there is one already that says as much.
func (a *auditor) find(kind Kind, object, detail string, args ...any) *Finding {
	if known := a.told[object]; known != nil {
		return known
	}
	f := &Finding{Kind: kind, Object: object, Detail: fmt.Sprintf(detail, args...)}
	a.told[object] = f
	a.report.Findings = append(a.report.Findings, f)
	return f
}

// list lists outcomes and records.
func (a *auditor) list(ctx context.Context) ([]string, error) {
	var names []string
	for _, prefix := range []string{format.PrefixManifests, format.PrefixRecords} {
		for info, err := range a.fresh.Store().List(ctx, prefix) {
			if err != nil {
				return nil, fmt.Errorf("list %s: %w", prefix, err)
			}
			names = append(names, info.Name)
		}
	}
	slices.Sort(names)
	return names, nil
}
