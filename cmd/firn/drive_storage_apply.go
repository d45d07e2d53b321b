package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"firn/internal/cost"
	"firn/internal/object"
	"firn/internal/storageconfig"
)

// storageApplyFlags are the flags of firn drive storage-config apply.
type storageApplyFlags struct {
	dryRun bool
	yes    bool
}

func newStorageApplyCommand(a *app) *cobra.Command {
	f := &storageApplyFlags{}
	c := &cobra.Command{
		Use:   "apply",
		Short: "Move packs that are there already to the class that the rules say",
		Long: `Move the packs that are there already into the storage class that the .storageconfig
and the drive's settings say, by copying each onto itself on the server: no bytes pass
through this machine. It shows how many go where and about what that costs, once and a
month before and after, and asks; elsewhere than on a terminal --yes says that you know.

A run that was broken off is begun again: what is in its class is passed over. Packs
that are about to be deleted are not moved. All but packs stays where it is: it is
small, and written anew from time to time. Data packs alone ever come into an archive
class. Packs that are in one, and are to come out of it, must be thawed first ('firn
thaw SNAPSHOT'): those that are frozen are named and left.

Where the bucket keeps versions, each pack's old version stays in the old class until
the bucket's rules delete it.`,
		Example: `  firn drive storage-config apply --dry-run
  firn drive storage-config apply -d @aws`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			work := func(ctx context.Context, d *drive) error { return f.run(ctx, a, d) }
			if f.dryRun {
				return a.oneDrive(cmd.Context(), work)
			}
			return a.oneWritable(cmd.Context(), work)
		},
	}
	c.Flags().BoolVarP(&f.dryRun, "dry-run", "n", false, "show what would be moved and about what it costs")
	c.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	return c
}

// storageApplyJSON is what became of packs that were to be moved.
type storageApplyJSON struct {
	Drive  string `json:"drive"`
	DryRun bool   `json:"dry_run"`
	There  int    `json:"packs_there"`
	ToMove int    `json:"packs_to_move"`
	Moved  int    `json:"packs_moved"`
	Bytes  int64  `json:"bytes_moved"`
	Frozen int    `json:"packs_frozen"`
	Gone   int    `json:"packs_gone"`
}

func (f *storageApplyFlags) run(ctx context.Context, a *app, d *drive) error {
	terms, err := a.terms(&d.set) // of a bucket
	if err != nil {
		return err
	}
	rules, _, err := a.storageOf(ctx, d)
	if err != nil {
		return err
	}
	moves, err := a.storageMoves(ctx, d, rules)
	if err != nil {
		return err
	}
	j := storageApplyJSON{Drive: d.label, DryRun: f.dryRun, There: moves.There, ToMove: len(moves.Moves), Frozen: len(moves.Frozen)}
	a.sayMoves(d, moves, terms)
	if len(moves.Moves) == 0 || f.dryRun {
		a.out.emit("storage_config_apply", j)
		a.sayFrozen(moves.Frozen, nil)
		return nil
	}
	if sure, err := f.sure(a, len(moves.Moves)); err != nil || !sure {
		return err
	}
	applied, err := storageconfig.Apply(ctx, d.store, moves.Moves, nil)
	if applied != nil {
		j.Moved, j.Bytes, j.Gone, j.Frozen = applied.Moved, applied.Bytes, applied.Gone, j.Frozen+len(applied.Frozen)
		a.out.emit("storage_config_apply", j)
		a.out.say("moved: %s, %s", count(uint64(j.Moved), "pack", "packs"), size(uint64(j.Bytes)))
		if j.Gone > 0 {
			a.out.say("deleted or changed meanwhile: %s", count(uint64(j.Gone), "pack", "packs"))
		}
		a.sayFrozen(moves.Frozen, applied.Frozen)
	}
	if err != nil {
		return advise(err, "run it again: packs that are in their class are passed over")
	}
	return nil
}

// sure asks whether packs are to be moved.
func (f *storageApplyFlags) sure(a *app, packs int) (bool, error) {
	if f.yes {
		return true, nil
	}
	if !a.interactive() {
		return false, advise(usagef("moving packs costs money and wants to be confirmed"), "look with --dry-run, then say --yes")
	}
	sure, err := a.dialogue().yes(fmt.Sprintf("move %s?", count(uint64(packs), "pack", "packs")))
	if err == nil && !sure {
		a.out.say("nothing was changed")
	}
	return sure, err
}

// storageMoves finds the packs that are not in their class, without those that a
// prune has decided to delete.
func (a *app) storageMoves(ctx context.Context, d *drive, rules *storageconfig.Rules) (*storageconfig.Moves, error) {
	records, err := d.repo.ReadRecords(ctx)
	if err != nil {
		return nil, err
	}
	goes := map[string]bool{}
	for pack := range records.Dropped() {
		goes[pack.Object()] = true
	}
	var frozen func(object.Info) (bool, error)
	if thawer, ok := object.ThawerOf(d.store); ok {
		frozen = func(info object.Info) (bool, error) {
			f, err := thawer.Frost(ctx, info.Name)
			if errors.Is(err, object.ErrUnsupported) {
				return true, nil
			}
			return !f.Readable(d.repo.Now()), err
		}
	}
	return rules.Compare(ctx, d.store, frozen, func(name string) bool { return goes[name] })
}

// sayMoves shows how many packs go where and what that costs.
func (a *app) sayMoves(d *drive, m *storageconfig.Moves, t cost.Terms) {
	a.out.say("in their class: %s; to be moved: %s", count(uint64(m.There), "pack", "packs"), count(uint64(len(m.Moves)), "pack", "packs"))
	if len(m.Moves) == 0 {
		return
	}
	t.Now = d.repo.Now()
	once, before, after := cost.Moving(t, m.Moves)
	a.tellPrices(t.Sheet)
	a.tellCost(d, "move", "", once)
	was, wasUnknown := before.Sum()
	will, willUnknown := after.Sum()
	if wasUnknown+willUnknown == 0 {
		a.out.say("these packs cost %s a month now, and %s then", t.Sheet.About(was), t.Sheet.About(will))
	}
	if d.store.Capabilities().Versions {
		a.out.warn("the bucket keeps versions: each pack's old version stays, and is paid for, until the bucket's rules delete it")
	}
}

// fewFrozen packs are named unless more is wanted.
const fewFrozen = 5

// sayFrozen names the packs that cannot be moved before they are thawed.
func (a *app) sayFrozen(planned []storageconfig.Move, found []string) {
	names := found
	for _, m := range planned {
		names = append(names, m.Pack.Name)
	}
	if len(names) == 0 {
		return
	}
	a.out.warn("%s must be thawed before they can be moved, and stay: thaw the snapshots that need them with 'firn thaw SNAPSHOT', then run this again",
		count(uint64(len(names)), "pack", "packs"))
	shown := names
	if !a.out.verbose {
		shown = names[:min(len(names), fewFrozen)]
	}
	for _, name := range shown {
		a.out.say("  left: %s", name)
	}
	if len(names) > len(shown) {
		a.out.say("  left:%s", more(uint64(len(names)), len(shown)))
	}
}
