package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"firn/internal/check"
	"firn/internal/config"
	"firn/internal/cost"
	"firn/internal/prune"
	"firn/internal/restore"
)

func newCostCommand(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:   "cost",
		Short: "Show about what a repository costs, and what an operation would cost",
		Long: `Show about what a repository in a bucket costs a month: its objects as the drive
lists them, by storage class, data packs apart from all else, with the smallest size
and the overhead that are charged for. With a command behind it: what backups have
cost, and what a restore, a check or a prune would cost, in requests, retrieval,
thawing, transfer and deletion before the time. Nothing is done.

Sizes and numbers come from the listing and from the plans by which Firn works, so
that they are exact; what is not is marked "about" or "at most". Prices are list
prices of the day that is shown, without taxes, discounts and free allowances: an
estimate and no bill. What has no known price is said. --prices FILE, or prices in the
configuration, lays your own over them; see docs/prices.md. Old versions that a bucket
keeps are not counted.

This command needs no key to the repository, those below it do.`,
		Example: `  firn cost
  firn cost --json
  firn cost restore latest:/home --thaw bulk
  firn cost check --read-data=5%
  firn cost prune`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.costOfMonths(cmd.Context()) },
	}
	c.AddCommand(newCostBackupCommand(a), newCostRestoreCommand(a), newCostCheckCommand(a), newCostPruneCommand(a))
	return c
}

// costOfMonths shows what each drive in use costs a month.
func (a *app) costOfMonths(ctx context.Context) error {
	sets, err := a.named(true)
	if err != nil {
		return err
	}
	var all error
	for i := range sets {
		err := a.costOfMonth(ctx, &sets[i])
		if err != nil && len(sets) > 1 {
			err = fmt.Errorf("drive %s: %w", label(&sets[i]), err)
		}
		all = errors.Join(all, err)
	}
	return all
}

func (a *app) costOfMonth(ctx context.Context, set *config.Drive) error {
	if _, err := a.terms(set); err != nil {
		return err
	}
	a.name(set)
	d, err := a.connect(ctx, set, false)
	if err != nil {
		return err
	}
	return a.estimate(ctx, d, func(inv *cost.Inventory, t cost.Terms) error {
		a.tellCost(d, costOfMonth, "", inv.Month(t))
		return nil
	})
}

// costFlags say how an operation is carried out whose cost is asked for.
type costFlags struct {
	thaw string
	days int
}

func (f *costFlags) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.thaw, "thaw", "standard", "`TIER` in which packs in archive classes are thawed: expedited, standard or bulk")
	c.Flags().IntVar(&f.days, "thaw-days", 7, "`DAYS` for which their readable copies stay")
	completeWords(c, "thaw", "expedited", "standard", "bulk")
}

// apply puts the flags into the terms.
func (f *costFlags) apply(t *cost.Terms) (err error) {
	if f.days < 1 {
		return usagef("--thaw-days are counted from 1")
	}
	t.Days = f.days
	t.Tier, err = thawFlag(f.thaw)
	return err
}

func newCostRestoreCommand(a *app) *cobra.Command {
	f := &costFlags{}
	c := &cobra.Command{
		Use:   "restore SNAPSHOT[:PATH]",
		Short: "Show about what a restore would cost",
		Long: `Show about what it would cost to restore a snapshot, or a part of it, into an empty
folder. The packs it reads, the bytes it fetches of them and the requests come from
the restore's own plan; packs in archive classes are reckoned as if none of them were
thawed already. The tree is read for it, no data pack is.`,
		Example: `  firn cost restore latest
  firn cost restore latest:/home/anna --thaw bulk --thaw-days 3`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.oneDrive(cmd.Context(), func(ctx context.Context, d *drive) error { return f.restore(ctx, a, d, args[0]) })
		},
	}
	f.flags(c)
	return c
}

func (f *costFlags) restore(ctx context.Context, a *app, d *drive, words string) (err error) {
	o, err := a.openSnapshot(ctx, d, words)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.close()) }()
	return a.estimate(ctx, d, func(inv *cost.Inventory, t cost.Terms) error {
		if err := f.apply(&t); err != nil {
			return err
		}
		needs, err := restore.Packs(ctx, o.reader, o.snapshot.Tree(), restore.Options{From: o.path})
		if err != nil {
			return err
		}
		a.tellCost(d, "restore", o.snapshot.ID(), inv.Read(t, needs, "data packs"))
		return nil
	})
}

func newCostCheckCommand(a *app) *cobra.Command {
	f, check := &costFlags{}, &checkFlags{}
	c := &cobra.Command{
		Use:   "check",
		Short: "Show about what a check would cost",
		Long: `Show about what it would cost to check a repository. A check reads all but data packs,
which is shown at most; with --read-data it also reads the packs that are chosen by the
same words as in 'firn check', whole. A percentage chooses other packs each time.`,
		Example: `  firn cost check
  firn cost check --read-data
  firn cost check --read-data=2/7 --thaw bulk`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts, err := check.options()
			if err != nil {
				return err
			}
			return a.eachDrive(cmd.Context(), func(ctx context.Context, d *drive) error { return f.check(ctx, a, d, opts) })
		},
	}
	f.flags(c)
	check.readFlag(c.Flags())
	return c
}

func (f *costFlags) check(ctx context.Context, a *app, d *drive, opts check.Options) error {
	return a.estimate(ctx, d, func(inv *cost.Inventory, t cost.Terms) error {
		if err := f.apply(&t); err != nil {
			return err
		}
		if opts.ReadData == (check.ReadData{}) {
			a.tellCost(d, "check", "", inv.Metadata(t, 1))
			return nil
		}
		needs, err := check.Packs(ctx, d.repo, opts)
		if err != nil {
			return err
		}
		e := inv.Metadata(t, 2) // by trees, and as packs that are chosen too
		e.Items = append(e.Items, inv.Read(t, needs, "data packs").Items...)
		a.tellCost(d, "check", "", e)
		return nil
	})
}

func newCostPruneCommand(a *app) *cobra.Command {
	f := &pruneFlags{dryRun: true}
	c := &cobra.Command{
		Use:   "prune",
		Short: "Show about what a prune would cost, and what it would leave",
		Long: `Show about what it would cost to prune a repository: what is moved is read and written
anew, and what is deleted before its class's minimum storage time is charged for to its
end. By default such packs are left until then, since nothing is saved before.`,
		Example: `  firn cost prune
  firn cost prune --early-delete`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.eachDrive(cmd.Context(), func(ctx context.Context, d *drive) error { return f.cost(ctx, a, d) })
		},
	}
	f.choiceFlags(c.Flags())
	return c
}

func (f *pruneFlags) cost(ctx context.Context, a *app, d *drive) error {
	opts, err := f.options(a, d)
	if err != nil {
		return err
	}
	return a.estimate(ctx, d, func(inv *cost.Inventory, t cost.Terms) error {
		plan, err := prune.Run(ctx, d.repo, opts)
		if err != nil {
			return err
		}
		a.tellCost(d, "prune", "", inv.Prune(t, plan))
		a.sayLeft(&plan.Left)
		return nil
	})
}
