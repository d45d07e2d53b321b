// Package repair brings back what a repository stands on and what can be made again
// from the rest of it: root objects from their copies, index segments from the footers
// of packs, mirrored footers from packs; and, when told to, writes snapshots anew
// without what is beyond saving.
//
// Invariants: nothing is overwritten or deleted but what is no root, or no segment, any more, and
// only once what replaces it is stored; a manifest is never altered nor deleted; a footer counts
// as far as its signature does; a run that stops anywhere leaves all as good as
// before or better, and running again goes on.
//
// It is a session like any writer, so prune may run beside it. The command line calls it.
package repair

import (
	"context"
	"errors"
	"fmt"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/seal"
)

// Options says how to repair.
type Options struct {
	DryRun  bool   // look and change nothing
	Host    string // what the session says of itself
	Command string
	// Progress is told in words what happens; nil for nobody.
	Progress func(string)
	// Writer tunes how packs are written.
	Writer repo.WriterOptions
}

func (o Options) withDefaults() Options {
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	return o
}

func (o Options) session() repo.SessionOptions {
	return repo.SessionOptions{Host: o.Host, Command: o.Command, Writer: o.Writer}
}

// RootReport says what was wrong with root objects.
type RootReport struct {
	Faults []RootFault
}

// RootFault is a root object, or its copy, that was not as it should be.
type RootFault struct {
	Name   string
	Reason error
	Mended bool // or would be
}

// Roots restores root objects and their copies from each other, and those of the root
// in force from what this machine has of it. The errors are those of the drive.
func Roots(ctx context.Context, r *repo.Repository, opts Options) (*RootReport, error) {
	faults, err := r.InspectRoots(ctx)
	if err != nil {
		return nil, fmt.Errorf("repair root: %w", err)
	}
	report := new(RootReport)
	for i := range faults {
		f := &faults[i]
		if f.Mends() && !opts.DryRun {
			if err := r.MendRoot(ctx, f); err != nil {
				return report, fmt.Errorf("repair root: %w", err)
			}
		}
		report.Faults = append(report.Faults, RootFault{f.Name, f.Err, f.Mends()})
	}
	return report, nil
}

// beyondReading reports whether an error means that stored bytes are not what they were,
// once and for all, and not that this program or key cannot read them.
func beyondReading(err error) bool {
	return repo.IsDamage(err) && !errors.Is(err, format.ErrVersion) && !errors.Is(err, seal.ErrNoKey)
}

// listPacks lists the packs on the drive.
func listPacks(ctx context.Context, r *repo.Repository) (map[format.PackName]object.Info, error) {
	packs := map[format.PackName]object.Info{}
	for _, prefix := range []string{format.PrefixData, format.PrefixMeta} {
		for info, err := range r.Store().List(ctx, prefix) {
			if err != nil {
				return nil, fmt.Errorf("list packs: %w", err)
			}
			if name, err := format.ParsePackName(info.Name); err == nil {
				packs[name] = info
			}
		}
	}
	return packs, nil
}
