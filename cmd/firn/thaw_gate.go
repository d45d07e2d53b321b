package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"firn/internal/config"
	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/storageconfig"
	"firn/internal/thaw"
)

// thawFlags say how packs that are frozen are thawed.
type thawFlags struct {
	tier string
	days int
}

// defaultDays is for how long what is thawed stays readable.
const defaultDays = 7

func (f *thawFlags) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.tier, "thaw", "", "thaw what is frozen, in `TIER` expedited, standard or bulk, and wait for it")
	c.Flags().IntVar(&f.days, "thaw-days", defaultDays, "`DAYS` for which what is thawed stays readable")
	completeWords(c, "thaw", "expedited", "standard", "bulk")
}

func (f *thawFlags) check() error {
	if f.days < 1 {
		return usagef("--thaw-days are counted from 1")
	}
	_, err := thawFlag(f.tier)
	return err
}

// dataReading is work that reads data packs, of which some may be frozen.
type dataReading struct {
	drive  *drive
	flags  *thawFlags
	dryRun bool
	// needs lists the packs, and says about how many data packs the drive has.
	needs func(context.Context) (needs []repo.Need, stored int, err error)
	// work reads them; behind a gate, nil if all can be read. It is done again if
	// it meets a frozen pack that nobody expected.
	work func(context.Context, repo.Gate) error
	// begun says that work cannot be done again; nil for never.
	begun func() bool
}

// readFrozen does work that reads data packs. Where some of them are frozen, it
// says what thawing takes, asks, and waits. On a drive on which nothing says that
// there are any, nothing is asked of it for that.
func (a *app) readFrozen(ctx context.Context, r dataReading) error {
	if err := r.flags.check(); err != nil {
		return err
	}
	thawer, can := object.ThawerOf(r.drive.store)
	if !can {
		return r.work(ctx, nil)
	}
	expected := r.flags.tier != ""
	if !expected {
		var err error
		if expected, err = a.mayBeFrozen(ctx, r.drive); err != nil {
			return err
		}
	}
	if !expected {
		err := r.work(ctx, nil)
		switch {
		case !errors.Is(err, object.ErrFrozen):
			return err
		case r.begun != nil && r.begun():
			return advise(err, "some of it was written already; run the command again with --thaw expedited, standard or bulk")
		}
		a.out.note("something that is needed is frozen: %v", err)
	}
	needs, stored, err := r.needs(ctx)
	if err != nil {
		return fmt.Errorf("find the packs that are needed: %w", err)
	}
	plan, err := thaw.Look(ctx, thawer, needs, stored)
	if err != nil {
		return err
	}
	sum := plan.Total()
	if sum.Frozen.Packs+sum.Asked.Packs+sum.Thawed.Packs == 0 {
		return r.work(ctx, nil)
	}
	if plan.Cold() || r.dryRun { // else nobody has to wait, or to pay
		if err := a.tellPlan(r.drive, plan, r.flags.days); err != nil {
			return err
		}
	}
	if r.dryRun {
		return r.work(ctx, nil)
	}
	if err := a.chooseTier(r.flags, r.drive, plan); err != nil {
		return err
	}
	return a.readThawed(ctx, r, thawer, plan)
}

// readThawed thaws and does the work meanwhile.
func (a *app) readThawed(ctx context.Context, r dataReading, thawer object.Thawer, plan *thaw.Plan) error {
	watch, err := a.watch(r.drive, thawer, plan, r.flags)
	if err != nil {
		return err
	}
	err = watch.Run(ctx, func(ctx context.Context) error { return r.work(ctx, watch) })
	for _, l := range watch.Lost() {
		a.tellLoss(l)
	}
	if ctx.Err() != nil {
		return advise(errors.Join(err, ctx.Err()), "what was asked for thaws without Firn; run the same command again and it goes on from there; 'firn thaw status' shows how far it is")
	}
	return err
}

// watch begins to follow the packs of a plan.
func (a *app) watch(d *drive, thawer object.Thawer, plan *thaw.Plan, f *thawFlags) (*thaw.Watch, error) {
	sheet, err := a.prices(&d.set)
	if err != nil {
		return nil, err
	}
	tier := object.Tier(f.tier)
	if tier == "" {
		tier = object.Standard // for copies that go before they were read
	}
	waited := plan.Cold()
	return thaw.NewWatch(thawer, plan, thaw.Options{
		Tier: tier, Days: f.days, Tariff: thaw.TariffOf(sheet),
		Say: func(text string) { a.out.warn("%s", text) },
		Looked: func(p thaw.Progress) {
			waits := p.Asked.Packs+p.Frozen.Packs > 0
			if waits || waited {
				a.tellThaw(d, p)
			}
			waited = waits
		},
	}), nil
}

// mayBeFrozen says whether data packs of a drive are put where they must be
// thawed, as far as the settings say it, or the .storageconfig at a vendor that has
// such classes.
func (a *app) mayBeFrozen(ctx context.Context, d *drive) (bool, error) {
	if d.set.Provider != config.S3 {
		return false, nil
	}
	rules, err := a.storageRules(&d.set)
	if err != nil {
		return false, err
	}
	at, err := d.set.Resolve()
	if err != nil {
		return false, usage(err)
	}
	if rules.Archives() || len(at.Vendor.Archive) == 0 {
		return rules.Archives(), nil
	}
	rules, _, err = a.storageOf(ctx, d)
	switch {
	case errors.Is(err, storageconfig.ErrMalformed), errors.Is(err, object.ErrAccess):
		a.out.detail("%s: %v", format.StorageConfigName, err)
		return false, nil // reading goes on, and says what is frozen when it meets it
	case err != nil:
		return false, err
	}
	return rules.Archives(), nil
}
