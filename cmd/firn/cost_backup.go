package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"firn/internal/cost"
)

func newCostBackupCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "backup [SNAPSHOT…]",
		Short: "Show about what backups have cost, and what they add a month",
		Long: `Show about what it has cost to write what the newest backup added, or the backups of
the snapshots named: its packs as they are still there, by class, and its few small
objects; and what these packs cost a month. What a backup to come will add nobody
knows before it has read its sources; backups of the same sources add about as much as
those before them. Reading what is in the local cache costs nothing.`,
		Example: `  firn cost backup
  firn cost backup latest:/home 3fa8c1d2`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{"latest"}
			}
			return a.eachDrive(cmd.Context(), func(ctx context.Context, d *drive) error { return a.costOfBackups(ctx, d, args) })
		},
	}
}

func (a *app) costOfBackups(ctx context.Context, d *drive, words []string) (err error) {
	set, err := d.snapshots(ctx)
	if err != nil {
		return err
	}
	list, err := choose(set, &selection{}, words)
	if err != nil {
		return err
	}
	rd, err := a.reader(ctx, d)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rd.Close()) }()
	return a.estimate(ctx, d, func(inv *cost.Inventory, t cost.Terms) error {
		for _, s := range list {
			once, monthly := inv.Written(t, cost.WrittenBy(rd.View(), s))
			a.out.say("backup %s of %s: %s", s.Short(), s.Time().Format("2006-01-02 15:04:05"), sourcesOf(s))
			a.tellCost(d, "backup", s.ID(), once)
			a.tellCost(d, costOfMonth, s.ID(), monthly)
		}
		return nil
	})
}
