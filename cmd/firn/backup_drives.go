package main

import (
	"context"
	"errors"
	"fmt"

	"firn/internal/backup"
	"firn/internal/config"
	"firn/internal/object"
)

// backupTo is where a backup goes.
type backupTo struct {
	drives []*drive
	// failed are drives that could not be opened while others could.
	failed []backup.Result
}

func (t *backupTo) close() error {
	var all error
	for _, d := range t.drives {
		all = errors.Join(all, d.repo.Close())
	}
	return all
}

// list is the drives as package backup takes them.
func (t *backupTo) list() []backup.Drive {
	list := make([]backup.Drive, len(t.drives))
	for i, d := range t.drives {
		list[i] = backup.Drive{Label: d.label, Repo: d.repo, Trust: d.trust(), PackSize: d.packSize()}
	}
	return list
}

// openForBackup opens all drives a backup goes to. Of several, one that cannot be
// opened is named and left behind; the others get their backup.
func (a *app) openForBackup(ctx context.Context, sources []string, ask bool) (_ *backupTo, err error) {
	sets, err := a.drivesForBackup(ctx, ask)
	if err != nil {
		return nil, err
	}
	to := &backupTo{}
	defer func() {
		if err != nil {
			err = errors.Join(err, to.close())
		}
	}()
	seen := map[string]bool{}
	for i := range sets {
		a.name(&sets[i])
		d, err := a.openToWrite(ctx, &sets[i])
		switch {
		case ctx.Err() != nil:
			return to, ctx.Err()
		case err != nil:
			to.failed = append(to.failed, backup.Result{Label: label(&sets[i]), Err: err})
			continue
		}
		to.drives = append(to.drives, d)
		if seen[d.store.Location()] {
			return to, usagef("drive %s is named twice", d.label)
		}
		seen[d.store.Location()] = true
		a.warnSameDisk(d, sources)
	}
	if len(to.drives) > 0 {
		return to, nil
	}
	if len(to.failed) == 1 {
		return to, to.failed[0].Err
	}
	return to, failures(to.failed)
}

// drivesForBackup resolves where a backup goes. If nothing says so, a person
// is asked; a program must say it.
func (a *app) drivesForBackup(ctx context.Context, ask bool) ([]config.Drive, error) {
	sets, err := a.chosen()
	if err != nil || len(sets) > 0 {
		return sets, err
	}
	if !ask || !a.interactive() {
		return nil, noDrive()
	}
	if d, there := existingLocal(); there {
		return []config.Drive{d}, nil
	}
	return a.askDrive(ctx)
}

// openToWrite opens a drive for a backup. The repository of --local is created
// when there is none.
func (a *app) openToWrite(ctx context.Context, set *config.Drive) (*drive, error) {
	if err := writable(set); err != nil {
		return nil, err
	}
	if a.flags.local {
		if err := a.ensureLocal(ctx, set); err != nil {
			return nil, err
		}
	}
	return a.openWritable(ctx, set)
}

// writable refuses drives that are not to be written to.
func writable(set *config.Drive) error {
	if set.ReadOnly {
		return fmt.Errorf("%w: its settings say read_only", object.ErrReadOnly)
	}
	return nil
}

// failures joins the errors of drives under their names.
func failures(results []backup.Result) error {
	var all error
	for _, r := range results {
		if r.Err != nil {
			all = errors.Join(all, fmt.Errorf("drive %s: %w", r.Label, r.Err))
		}
	}
	return all
}
