package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"firn/internal/policy"
	"firn/internal/prune"
	"firn/internal/snapshot"
)

// forgetFlags are the flags of firn forget.
type forgetFlags struct {
	sel      selection
	keep     policy.Keep
	tags     []string
	groupBy  []string
	dryRun   bool
	prune    bool
	allowAll bool
	pruning  pruneFlags
}

// errForgetAll refuses to leave a group without any snapshot.
var errForgetAll = errors.New("the policy would keep no snapshot at all")

func newForgetCommand(a *app) *cobra.Command {
	f := &forgetFlags{}
	c := &cobra.Command{
		Use:   "forget [flags] [SNAPSHOT…]",
		Short: "Choose which snapshots to keep, and drop the others",
		Long: `Drop snapshots: those named, or those that no --keep rule keeps. Rules are
added up: what one keeps is kept. They are applied to the snapshots of each host and
its sources apart (--group-by). A dropped snapshot is no longer listed; prune frees
its space.

Counting rules keep the newest snapshot of each of the last N hours, days, … that
have one; -1 keeps all. Within rules keep what is no older than a span such as 1y6m
or 30d before the newest.`,
		Example: `  firn forget --keep-daily 7 --keep-weekly 5 --keep-monthly 12 --dry-run
  firn forget --keep-within 30d --by-host web1 --prune
  firn forget 3fa8c1d2`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.eachWritable(cmd.Context(), f.dryRun, func(ctx context.Context, d *drive) error { return f.run(ctx, a, d, args) })
		},
	}
	fl := c.Flags()
	f.sel.flags(c)
	for _, rule := range []struct {
		name string
		n    *int
	}{
		{"last", &f.keep.Last}, {"hourly", &f.keep.Hourly}, {"daily", &f.keep.Daily},
		{"weekly", &f.keep.Weekly}, {"monthly", &f.keep.Monthly}, {"yearly", &f.keep.Yearly},
	} {
		fl.Var((*countFlag)(rule.n), "keep-"+rule.name, "keep the last `N` "+rule.name+" snapshots (-1: all)")
	}
	for _, rule := range []struct {
		name string
		span *policy.Span
	}{
		{"within", &f.keep.Within}, {"within-hourly", &f.keep.WithinHourly}, {"within-daily", &f.keep.WithinDaily},
		{"within-weekly", &f.keep.WithinWeekly}, {"within-monthly", &f.keep.WithinMonthly}, {"within-yearly", &f.keep.WithinYearly},
	} {
		fl.Var((*spanFlag)(rule.span), "keep-"+rule.name, "keep "+rule.name+" snapshots of a `SPAN` such as 1y6m, 30d, 12h")
	}
	fl.StringArrayVar(&f.tags, "keep-tag", nil, "keep snapshots with a `TAG`, or with all of TAG,TAG (repeat for several)")
	fl.StringSliceVarP(&f.groupBy, "group-by", "g", []string{"host", "source"}, "`WHAT` makes a group: host, source, tag, or none")
	fl.BoolVarP(&f.dryRun, "dry-run", "n", false, "show what would be kept and dropped, and why")
	fl.BoolVar(&f.prune, "prune", false, "free the space at once, as 'firn prune' would")
	fl.BoolVar(&f.allowAll, "allow-all", false, "allow a policy that keeps nothing")
	f.pruning.flags(fl)
	completeWords(c, "group-by", "host", "source", "tag", "none")
	return c
}

// countFlag is a number of snapshots to keep.
type countFlag int

func (c *countFlag) String() string { return strconv.Itoa(int(*c)) }
func (c *countFlag) Type() string   { return "N" }
func (c *countFlag) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < policy.Forever || n == 0 {
		return errors.New("a number from 1 on, or -1 for all")
	}
	*c = countFlag(n)
	return nil
}

// spanFlag is a length of time to keep.
type spanFlag policy.Span

func (s *spanFlag) String() string { return (policy.Span)(*s).String() }
func (s *spanFlag) Type() string   { return "SPAN" }
func (s *spanFlag) Set(text string) error {
	span, err := policy.ParseSpan(text)
	*s = spanFlag(span)
	return err
}

var _ pflag.Value = (*spanFlag)(nil)

// forgetSummary is the JSON line that ends forget on one drive.
type forgetSummary struct {
	Drive     string `json:"drive"`
	DryRun    bool   `json:"dry_run,omitempty"`
	Forgotten int    `json:"forgotten"`
	Kept      int    `json:"kept"`
}

// verdictJSON is what becomes of one snapshot.
type verdictJSON struct {
	Keep    bool     `json:"keep"`
	Reasons []string `json:"reasons"`
	snapshotJSON
}

func (f *forgetFlags) run(ctx context.Context, a *app, d *drive, ids []string) error {
	set, err := d.snapshots(ctx)
	if err != nil {
		return err
	}
	if err := damageOf(set); err != nil {
		return err
	}
	drop, err := f.choose(a, d, set, ids)
	if err != nil {
		return err
	}
	verb := "would forget"
	if !f.dryRun {
		verb = "forgot"
		if err := prune.Forget(ctx, d.repo, drop, "forget"); err != nil {
			return err
		}
	}
	kept := len(set.Snapshots) - len(drop)
	a.out.emit("summary", forgetSummary{Drive: d.label, DryRun: f.dryRun, Forgotten: len(drop), Kept: kept})
	a.out.say("%s %s, %d left", verb, count(uint64(len(drop)), "snapshot", "snapshots"), kept)
	if f.prune && !f.dryRun {
		return f.pruning.run(ctx, a, d)
	}
	return nil
}

// choose returns the sessions to forget.
func (f *forgetFlags) choose(a *app, d *drive, set *snapshot.Set, ids []string) ([]string, error) {
	keep := f.keep
	for _, list := range f.tags {
		keep.Tags = append(keep.Tags, strings.Split(list, ","))
	}
	if len(ids) > 0 {
		if !keep.Empty() {
			return nil, usagef("name snapshots or give --keep rules, not both")
		}
		return f.named(a, d, set, ids)
	}
	if keep.Empty() {
		keep = retention(a.file)
	}
	if keep.Empty() {
		return nil, usagef("nothing to do: name snapshots, give --keep rules, or write a retention into the configuration")
	}
	groups, order, err := f.groups(set)
	if err != nil {
		return nil, err
	}
	var drop []string
	for _, name := range order {
		group := groups[name]
		items := make([]policy.Item, len(group))
		for i, s := range group {
			items[i] = policy.Item{Time: s.Time(), Tags: s.Tags}
		}
		verdicts := keep.Apply(items)
		if !f.allowAll && !slices.ContainsFunc(verdicts, func(v policy.Verdict) bool { return v.Keep }) {
			return nil, advise(fmt.Errorf("%w of %s", errForgetAll, name), "give rules that keep some, or add --allow-all if that is what you want")
		}
		a.tellVerdicts(d, name, group, verdicts)
		for i, v := range verdicts {
			if !v.Keep {
				drop = append(drop, group[i].Session)
			}
		}
	}
	return drop, nil
}

func (f *forgetFlags) named(a *app, d *drive, set *snapshot.Set, ids []string) ([]string, error) {
	list, err := choose(set, &f.sel, ids)
	if err != nil {
		return nil, err
	}
	var drop []string
	verdicts := make([]policy.Verdict, len(list))
	for i, s := range list {
		verdicts[i].Reasons = []string{"named"}
		drop = append(drop, s.Session)
	}
	a.tellVerdicts(d, "named", list, verdicts)
	return drop, nil
}

// groups sorts the selected snapshots by what --group-by says.
func (f *forgetFlags) groups(set *snapshot.Set) (map[string][]*snapshot.Snapshot, []string, error) {
	groups := map[string][]*snapshot.Snapshot{}
	var order []string
	for _, s := range set.Snapshots {
		if !f.sel.matches(s) {
			continue
		}
		var parts []string
		for _, by := range f.groupBy {
			switch by {
			case "host":
				parts = append(parts, "host "+printable(s.Host))
			case "source":
				parts = append(parts, "sources "+sourcesOf(s))
			case "tag":
				parts = append(parts, "tags "+printable(strings.Join(s.Tags, ",")))
			case "none", "":
			default:
				return nil, nil, usagef("unknown --group-by %q: host, source, tag or none", by)
			}
		}
		name := strings.Join(parts, ", ")
		if groups[name] == nil {
			order = append(order, name)
		}
		groups[name] = append(groups[name], s)
	}
	return groups, order, nil
}

func (a *app) tellVerdicts(d *drive, name string, group []*snapshot.Snapshot, verdicts []policy.Verdict) {
	a.out.say("%s:", name)
	var rows [][]string
	for i, s := range group {
		v := verdicts[i]
		a.out.emit("verdict", verdictJSON{v.Keep, append([]string{}, v.Reasons...), snapshotToJSON(d, s)})
		what := "forget"
		if v.Keep {
			what = "keep"
		}
		rows = append(rows, []string{"  " + what, s.Short(), s.Time().Format("2006-01-02 15:04:05"), printable(strings.Join(s.Tags, ",")), strings.Join(v.Reasons, ", ")})
	}
	a.out.table([]string{"  ", "ID", "TIME", "TAGS", "REASONS"}, rows)
}
