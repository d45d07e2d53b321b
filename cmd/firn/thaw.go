package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"firn/internal/config"
	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/restore"
	"firn/internal/thaw"
)

// thawCommand is firn thaw.
type thawCommand struct {
	thawFlags
	dryRun bool
}

func newThawCommand(a *app) *cobra.Command {
	f := &thawCommand{}
	c := &cobra.Command{
		Use:   "thaw SNAPSHOT[:PATH]…",
		Short: "Ask for what a restore needs to be thawed, and how far that is",
		Long: `Ask for readable copies of the packs in archive classes that a restore of snapshots, or of
parts of them, would read: the first half of a restore alone. It shows how long it takes
and about what it costs, and asks, or takes --tier. It returns as soon as all is asked
for; 'firn thaw status' shows how far it is, and 'firn restore' reads what is there and
waits for the rest. Copies that would go before the last of them is there are kept longer.

Only the packs that are needed are asked for, and none twice: run it again as often as
you like. What cannot be thawed is named with the files that need it; the exit code is
3 then.`,
		Example: `  firn thaw latest
  firn thaw latest:/home/anna 3fa8c1d2:/etc --tier bulk --days 10
  firn thaw latest --dry-run`,
		Annotations: map[string]string{oneLine: "SNAPSHOT…, status: make frozen packs readable; see how far it is"},
		Args:        cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			open := a.openThawable
			if f.dryRun {
				open = a.openDrive
			}
			sets, err := a.named(false)
			if err != nil {
				return err
			}
			return a.withDrive(cmd.Context(), &sets[0], open, func(ctx context.Context, d *drive) error { return f.run(ctx, a, d, args) })
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.tier, "tier", "", "how fast: `TIER` expedited, standard or bulk; what is faster costs more")
	fl.IntVar(&f.days, "days", defaultDays, "`DAYS` for which what is thawed stays readable")
	fl.BoolVarP(&f.dryRun, "dry-run", "n", false, "show what it takes and ask for nothing")
	fl.StringVar(&f.tier, "thaw", "", "the same as --tier: `TIER`")
	fl.IntVar(&f.days, "thaw-days", defaultDays, "the same as --days: `DAYS`")
	must(fl.MarkHidden("thaw"))
	must(fl.MarkHidden("thaw-days"))
	completeWords(c, "tier", "expedited", "standard", "bulk")
	c.AddCommand(newThawStatusCommand(a))
	return c
}

// openThawable opens a drive to have packs thawed: nothing is written there, but it
// costs money, which a drive that is to be read only is kept from.
func (a *app) openThawable(ctx context.Context, set *config.Drive) (*drive, error) {
	if err := writable(set); err != nil {
		return nil, err
	}
	return a.openDrive(ctx, set)
}

// thawer is the drive as one that has archive classes.
func (d *drive) thawer() (object.Thawer, error) {
	t, can := object.ThawerOf(d.store)
	if !can {
		return nil, usagef("%s is a folder: nothing there is ever frozen", d.label)
	}
	return t, nil
}

// wanted is what some words name, and the packs it needs.
type wanted struct {
	parts  []*opened
	needs  []repo.Need
	stored int
}

func (w *wanted) close() error {
	var all error
	for _, o := range w.parts {
		all = errors.Join(all, o.close())
	}
	return all
}

// want finds the packs that snapshots, or parts of them, need.
func (a *app) want(ctx context.Context, d *drive, words []string) (_ *wanted, err error) {
	w := &wanted{}
	for _, word := range words {
		o, err := a.openSnapshot(ctx, d, word)
		if err != nil {
			return nil, errors.Join(err, w.close())
		}
		w.parts = append(w.parts, o)
		needs, stored, err := o.needs(ctx, restore.Options{From: o.path})
		if err != nil {
			return nil, errors.Join(err, w.close())
		}
		w.needs, w.stored = slices.Concat(w.needs, needs), stored
	}
	return w, nil
}

func (f *thawCommand) run(ctx context.Context, a *app, d *drive, words []string) (err error) {
	thawer, err := d.thawer()
	if err != nil {
		return err
	}
	w, err := a.want(ctx, d, words)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	plan, err := thaw.Look(ctx, thawer, w.needs, w.stored)
	if err != nil {
		return err
	}
	if err := a.tellPlan(d, plan, f.days); err != nil {
		return err
	}
	if f.dryRun {
		return nil
	}
	if !plan.Cold() {
		a.out.say("nothing is frozen")
	}
	if err := a.chooseTier(&f.thawFlags, d, plan); err != nil {
		return err
	}
	watch, err := a.watch(d, thawer, plan, &f.thawFlags)
	if err != nil {
		return err
	}
	if err := watch.Ask(ctx); err != nil {
		p := watch.Progress()
		return advise(err, "%d of %s are asked for; run the same command again for the rest", p.Asked.Packs, count(uint64(p.All.Packs), "pack", "packs"))
	}
	return f.tell(ctx, a, d, w, watch)
}

// thawAskedJSON says what was asked for.
type thawAskedJSON struct {
	Drive   string     `json:"drive"`
	Tier    string     `json:"tier,omitempty"`
	Days    int        `json:"days"`
	Packs   int        `json:"packs"`
	Ready   int        `json:"ready_packs"`
	Asked   int        `json:"asked_packs"`
	AskedIn int64      `json:"asked_bytes"`
	Lost    int        `json:"lost_packs"`
	By      *time.Time `json:"expected_by,omitempty"`
}

// tell says what came of the requests.
func (f *thawCommand) tell(ctx context.Context, a *app, d *drive, w *wanted, watch *thaw.Watch) error {
	p := watch.Progress()
	a.out.emit("thaw_asked", thawAskedJSON{
		Drive: d.label, Tier: f.tier, Days: f.days, Packs: p.All.Packs, Ready: p.Ready.Packs,
		Asked: p.Asked.Packs, AskedIn: p.Asked.Bytes, Lost: p.Lost.Packs, By: moment(p.By),
	})
	if p.Asked.Packs > 0 {
		by := ""
		if !p.By.IsZero() {
			by = ", the last by " + clock(p.By)
		}
		a.out.say("on their way: %s%s; 'firn thaw status' shows how far they are", packsAnd(p.Asked), by)
	}
	if p.Lost.Packs == 0 {
		return nil
	}
	return a.tellLost(ctx, w, watch.Lost())
}

// tellLost names packs that cannot be had and the files that need them.
func (a *app) tellLost(ctx context.Context, w *wanted, lost []thaw.Loss) error {
	gone := map[format.PackName]bool{}
	for _, l := range lost {
		gone[l.Pack] = true
		a.tellLoss(l)
	}
	files := uint64(0)
	for _, o := range w.parts {
		opts := restore.Options{Select: func(key []byte, _ *format.Entry) bool { return under(key, o.path) }}
		err := restore.Suffering(ctx, o.reader, o.snapshot.Tree(), opts, gone, func(key []byte) {
			files++
			a.out.emit("problem", problemJSON{exact("/" + string(key)), "it needs a pack that cannot be thawed"})
			a.out.note("  needed by %s:/%s", o.snapshot.Short(), printable(key))
		})
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: %s cannot be thawed, which %s", errPartly,
		count(uint64(len(lost)), "pack", "packs"), count(files, "file needs", "files need"))
}

func newThawStatusCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "status [SNAPSHOT[:PATH]…]",
		Short: "Show how many packs are frozen, on their way, and readable until when",
		Long: `Show how the data packs of a repository stand, or those that a restore of snapshots, or of
parts of them, would read: how many are frozen, on their way, and thawed, and until when
the first of these can be read. Nothing is asked for.`,
		Example: `  firn thaw status
  firn thaw status latest:/home/anna --json`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.oneDrive(cmd.Context(), func(ctx context.Context, d *drive) error { return a.thawStatus(ctx, d, args) })
		},
	}
}

func (a *app) thawStatus(ctx context.Context, d *drive, words []string) (err error) {
	thawer, err := d.thawer()
	if err != nil {
		return err
	}
	w, err := a.want(ctx, d, words)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if len(words) == 0 {
		rd, err := a.reader(ctx, d)
		if err != nil {
			return err
		}
		w.needs = dataPacks(rd)
		w.stored = len(w.needs)
		if err := rd.Close(); err != nil {
			return err
		}
	}
	plan, err := thaw.Look(ctx, thawer, w.needs, w.stored)
	if err != nil {
		return err
	}
	s, err := a.prices(&d.set)
	if err != nil {
		return err
	}
	a.out.emit("thaw_status", thawPlanToJSON(d, plan, nil, 0, s))
	a.showClasses(d, plan)
	return nil
}
