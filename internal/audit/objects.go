package audit

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"firn/internal/format"
	"firn/internal/index"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/seal"
)

// roots compares the roots on the drive with the one in force, which is the newest that
// this machine ever saw.
func (a *auditor) roots(ctx context.Context) error {
	root := a.repo.Keys().Root()
	a.report.Root, a.report.RevokedKeys = root.Number, len(root.Revoked)
	faults, err := a.repo.InspectRoots(ctx)
	if err != nil {
		return err
	}
	for i := range faults {
		f := &faults[i]
		switch {
		case errors.Is(f.Err, object.ErrNotFound) && f.Name == format.RootName(root.Number):
			a.find(Rollback, f.Name, "the root in force is gone; without it keys that were revoked would count again")
		case errors.Is(f.Err, object.ErrNotFound) && f.Name == format.RootCopyName(root.Number):
			// The copy is written after the root: one that broke off lacks it.
		default:
			a.find(kindOf(f.Err), f.Name, "%v", f.Err)
		}
	}
	return nil
}

// kindOf says what an error of reading an object means.
func kindOf(err error) Kind {
	switch {
	case errors.Is(err, object.ErrNotFound):
		return Missing
	case errors.Is(err, seal.ErrRevoked):
		return Revoked
	case errors.Is(err, seal.ErrUntrusted):
		return Untrusted
	}
	return Altered
}

// readers bounds the objects read at once.
const readers = 16

// signatures verifies who signed each outcome and each record.
func (a *auditor) signatures(ctx context.Context) error {
	var err error
	if a.names, err = a.list(ctx); err != nil {
		return err
	}
	var mu sync.Mutex // guards wrong
	wrong := map[string]error{}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(readers)
	for _, name := range a.names {
		g.Go(func() error {
			_, err := a.fresh.Signature(gctx, name)
			if err == nil || errors.Is(err, object.ErrNotFound) { // gone meanwhile: its absence is looked into
				return nil
			}
			if !repo.IsDamage(err) {
				return fmt.Errorf("read %s: %w", name, err)
			}
			mu.Lock()
			defer mu.Unlock()
			wrong[name] = err
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, name := range a.names { // in order
		if err := wrong[name]; err != nil {
			a.find(kindOf(err), name, "%v", err)
		}
	}
	return nil
}

// index verifies who signed the segments, and counts what was vetted.
func (a *auditor) index(ctx context.Context) error {
	rd, bad, err := a.fresh.ReaderWith(ctx, a.records)
	if err != nil {
		return err
	}
	defer rd.Close() //nolint:errcheck // nothing was written through it
	for _, b := range bad {
		switch {
		case errors.Is(b.Err, object.ErrNotFound): // merged meanwhile
		case repo.IsDamage(b.Err):
			a.find(kindOf(b.Err), b.Name, "%v", b.Err)
		default:
			return b
		}
	}
	names, err := a.fresh.SegmentNames(ctx)
	if err != nil {
		return err
	}
	counts := map[string]bool{}
	for _, s := range rd.View().Segments() {
		counts[s.Name] = true
	}
	for _, b := range bad {
		counts[b.Name] = true
	}
	for _, name := range names {
		if counts[name] {
			continue
		}
		if _, err := index.Verify(ctx, a.fresh.Store(), a.fresh.Keys(), name); errors.Is(err, seal.ErrRevoked) {
			a.find(Revoked, name, "%v", err)
		}
	}
	a.report.Segments = len(names)
	return a.countVetted(rd.View())
}

// countVetted counts packs, and those of which all that the index says was vetted.
func (a *auditor) countVetted(view *index.View) error {
	known := a.records.Vetted()
	vetted := map[format.PackName]bool{}
	err := view.Listings(func(l index.Listing) {
		before, seen := vetted[l.Pack.Name]
		vetted[l.Pack.Name] = known.Has(l.Origin.Segment, l.Pack.Name) && (before || !seen)
	})
	a.report.Packs = len(vetted)
	for _, is := range vetted {
		if is {
			a.report.Vetted++
		}
	}
	return err
}
