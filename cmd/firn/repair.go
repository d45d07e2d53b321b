package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"firn/internal/repair"
	"firn/internal/snapshot"
)

func newRepairCommand(a *app) *cobra.Command {
	dryRun := false
	c := &cobra.Command{
		Use:   "repair",
		Short: "Make again what can be made again: root, index, and, if told to, snapshots",
		Long: `Repair a repository: 'repair root' and 'repair index', which lose nothing, and a look at
what 'repair snapshots' would do. With --dry-run nothing is changed.

A repair is seldom needed: interrupted commands leave nothing to be repaired, and content
that is damaged is stored anew by the next backup, if its source still has it. Run 'firn
check' first, which says what is wrong, and records it; then back up; then repair.

Backups and prunes may run meanwhile. A repair that is interrupted leaves things no worse
than before; run it again.`,
		Example: `  firn repair --dry-run
  firn repair`,
		Annotations: map[string]string{oneLine: "root, index, snapshots: make again what can be made again"},
		Args:        cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.eachWritable(cmd.Context(), dryRun, func(ctx context.Context, d *drive) error {
				opts := a.repairOptions(dryRun)
				err := errors.Join(a.repairRoot(ctx, d, opts), a.repairIndex(ctx, d, opts))
				if err != nil || !d.repo.Keys().ReadsData() {
					return err
				}
				opts.DryRun = true
				return a.repairSnapshots(ctx, d, nil, opts)
			})
		},
	}
	c.Flags().BoolVarP(&dryRun, "dry-run", "n", false, "show what would be done")
	c.AddCommand(newRepairRootCommand(a), newRepairIndexCommand(a), newRepairSnapshotsCommand(a))
	return c
}

func newRepairRootCommand(a *app) *cobra.Command {
	dryRun := false
	c := &cobra.Command{
		Use:   "root",
		Short: "Restore a lost or broken root object, or its copy, from the other one",
		Long: `Restore root objects and their copies from each other, and those of the newest root from
what this machine has of it in its cache.`,
		Example: `  firn repair root`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.eachWritable(cmd.Context(), dryRun, func(ctx context.Context, d *drive) error {
				return a.repairRoot(ctx, d, a.repairOptions(dryRun))
			})
		},
	}
	c.Flags().BoolVarP(&dryRun, "dry-run", "n", false, "show what would be done")
	return c
}

func newRepairIndexCommand(a *app) *cobra.Command {
	dryRun := false
	c := &cobra.Command{
		Use:   "index",
		Short: "Make lost or broken index segments again from what packs say of themselves",
		Long: `Compare the index with the packs on the drive and list anew what it lacks. Metadata packs
are read, data packs only where nothing there tells what is in them; that is stored there again,
too. Index segments that cannot be read are deleted once that is done. It takes an owner's
or a maintainer's key.`,
		Example: `  firn repair index --dry-run
  firn repair index`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.eachWritable(cmd.Context(), dryRun, func(ctx context.Context, d *drive) error {
				return a.repairIndex(ctx, d, a.repairOptions(dryRun))
			})
		},
	}
	c.Flags().BoolVarP(&dryRun, "dry-run", "n", false, "show what would be done")
	return c
}

func newRepairSnapshotsCommand(a *app) *cobra.Command {
	yes, dryRun := false, false
	c := &cobra.Command{
		Use:   "snapshots [SNAPSHOT…]",
		Short: "Write snapshots anew, without what is beyond saving",
		Long: `Write a new snapshot for each one that lost something, without the files and folders that
cannot be restored any more. The old snapshots stay as they are: what can be restored of
them, still can. When the new ones are what you want, forget the old ones.

Name the snapshots, or say --yes for all that lost something. It takes an owner's key.`,
		Example: `  firn repair snapshots --dry-run
  firn repair snapshots latest
  firn repair snapshots --yes`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && !yes && !dryRun {
				return advise(usagef("say which snapshots to write anew"), "name them, or say --yes for all that lost something; --dry-run shows them")
			}
			return a.eachWritable(cmd.Context(), dryRun, func(ctx context.Context, d *drive) error {
				return a.repairSnapshots(ctx, d, args, a.repairOptions(dryRun))
			})
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "all snapshots that lost something")
	c.Flags().BoolVarP(&dryRun, "dry-run", "n", false, "show what would be done")
	return c
}

func (a *app) repairOptions(dryRun bool) repair.Options {
	return repair.Options{DryRun: dryRun, Host: a.host(), Command: "repair", Progress: func(text string) { a.out.detail("%s", text) }}
}

// repairJSON is one object that was repaired, or would be.
type repairJSON struct {
	Drive  string `json:"drive"`
	Object string `json:"object"`
	Reason string `json:"reason"`
	Action string `json:"action"`
	DryRun bool   `json:"dry_run,omitempty"`
}

func (a *app) tellRepair(d *drive, name string, reason error, action string, dryRun bool) {
	a.out.emit("repair", repairJSON{d.label, name, reason.Error(), action, dryRun})
	would := ""
	if dryRun && action != actionNone {
		would = "would be "
	}
	a.out.say("%s: %s%s (%v)", name, would, action, reason)
}

// What is done with an object.
const (
	actionRestored = "restored"
	actionDeleted  = "deleted"
	actionNone     = "left as it is"
)

func (a *app) repairRoot(ctx context.Context, d *drive, opts repair.Options) error {
	report, err := repair.Roots(ctx, d.repo, opts)
	if err != nil {
		return err
	}
	var lost error
	for _, f := range report.Faults {
		action := actionRestored
		if !f.Mended {
			action = actionNone
			lost = fmt.Errorf("%w: %s and its copy cannot be read", errDamage, f.Name)
		}
		a.tellRepair(d, f.Name, f.Reason, action, opts.DryRun)
	}
	if len(report.Faults) == 0 {
		a.out.say("root objects: nothing to repair")
	}
	return lost
}

// indexRepairJSON is the summary of a repair of the index.
type indexRepairJSON struct {
	Drive    string `json:"drive"`
	DryRun   bool   `json:"dry_run,omitempty"`
	Packs    int    `json:"packs"`
	Listed   int    `json:"packs_listed"`
	Chunks   uint64 `json:"chunks_listed"`
	Mirrored int    `json:"packs_mirrored"`
	Unread   int    `json:"packs_unreadable"`
	Bad      int    `json:"segments_bad"`
	Written  int    `json:"segments_written"`
}

func (a *app) repairIndex(ctx context.Context, d *drive, opts repair.Options) error {
	report, err := repair.Index(ctx, d.repo, opts)
	if err != nil {
		return err
	}
	for _, f := range report.Bad {
		a.tellRepair(d, f.Name, f.Reason, actionDeleted, opts.DryRun)
	}
	for _, f := range append(report.Kept, report.Unread...) {
		a.tellRepair(d, f.Name, f.Reason, actionNone, opts.DryRun)
	}
	a.out.emit("index", indexRepairJSON{
		d.label, opts.DryRun, report.Packs, report.Listed, report.Chunks, report.Mirrored, len(report.Unread), len(report.Bad), report.Written,
	})
	would := ""
	if opts.DryRun {
		would = "would be "
	}
	if report.Listed+report.Mirrored+len(report.Bad) == 0 {
		a.out.say("index: nothing to repair in %s", count(uint64(report.Packs), "pack", "packs"))
	} else {
		a.out.say("index: of %s, %slisted anew: %d, with %s; footers %smirrored anew: %d", count(uint64(report.Packs), "pack", "packs"),
			would, report.Listed, count(report.Chunks, "chunk", "chunks"), would, report.Mirrored)
	}
	if len(report.Unread) > 0 {
		return advise(fmt.Errorf("%w: %s cannot be read", errDamage, count(uint64(len(report.Unread)), "pack", "packs")),
			"run 'firn check', which says what suffers; then back up again")
	}
	return nil
}

// lossJSON is an entry of a snapshot that is lost.
type lossJSON struct {
	Drive    string `json:"drive"`
	Snapshot string `json:"snapshot"`
	Path     string `json:"path"`
	Reason   string `json:"reason"`
}

// snapshotRepairJSON is a snapshot that lost something.
type snapshotRepairJSON struct {
	Drive    string `json:"drive"`
	Snapshot string `json:"snapshot"`
	Lost     uint64 `json:"lost"`
	Replaced string `json:"replaced_by,omitempty"`
	New      bool   `json:"new,omitempty"`
	DryRun   bool   `json:"dry_run,omitempty"`
}

func (a *app) repairSnapshots(ctx context.Context, d *drive, words []string, opts repair.Options) error {
	reports, err := repair.Snapshots(ctx, d.repo, words, opts)
	if errors.Is(err, repair.ErrUnrecorded) {
		return advise(err, "run 'firn check', then this again")
	}
	if err != nil {
		return err
	}
	suffering := 0
	for i := range reports {
		if reports[i].Lost > 0 {
			suffering++
			a.tellSnapshot(d, &reports[i], opts.DryRun)
		}
	}
	if suffering == 0 {
		a.out.say("snapshots: nothing is lost in %s", count(uint64(len(reports)), "snapshot", "snapshots"))
		return nil
	}
	if opts.DryRun {
		return advise(fmt.Errorf("%w: %s lost something", errDamage, count(uint64(suffering), "snapshot", "snapshots")),
			"back up again; what is lost for good, 'firn repair snapshots' leaves out of new snapshots")
	}
	return nil
}

func (a *app) tellSnapshot(d *drive, r *repair.SnapshotReport, dryRun bool) {
	for _, loss := range r.Losses {
		path := "/" + string(loss.Path)
		a.out.emit("loss", lossJSON{d.label, r.Snapshot.ID(), printable(path), loss.Reason})
		a.out.say("  %s: %s", printable(path), loss.Reason)
	}
	j := snapshotRepairJSON{Drive: d.label, Snapshot: r.Snapshot.ID(), Lost: r.Lost, New: r.New, DryRun: dryRun}
	if r.Replaced != "" {
		j.Replaced = snapshot.ID(r.Replaced)
	}
	a.out.emit("snapshot_repair", j)
	lost := count(r.Lost, "entry", "entries")
	switch {
	case r.New:
		a.out.say("snapshot %s lost %s; what is left is snapshot %s", r.Snapshot.Short(), lost, j.Replaced[:8])
		a.out.say("  to drop the old one: firn forget %s", r.Snapshot.Short())
	case r.Replaced != "":
		a.out.say("snapshot %s lost %s; what is left is already snapshot %s", r.Snapshot.Short(), lost, j.Replaced[:8])
	default:
		a.out.say("snapshot %s lost %s", r.Snapshot.Short(), lost)
	}
}
