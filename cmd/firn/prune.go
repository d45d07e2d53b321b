package main

import (
	"context"
	"math"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"firn/internal/prune"
	"firn/internal/repo"
)

// pruneFlags are the flags of firn prune, and of forget --prune.
type pruneFlags struct {
	grace     time.Duration
	stale     time.Duration
	wait      time.Duration
	maxUnused float64
	early     bool
	dryRun    bool
}

func (f *pruneFlags) flags(fl *pflag.FlagSet) {
	fl.DurationVar(&f.grace, "grace", 24*time.Hour, "`TIME` between deciding and deleting; 0 is safe only when nobody reads the drive with read-only credentials")
	fl.DurationVar(&f.stale, "stale", 30*time.Minute, "close sessions that were silent for this `TIME`")
	fl.DurationVar(&f.wait, "wait", 0, "`TIME` to wait for running sessions; otherwise the next prune goes on")
	f.choiceFlags(fl)
}

// choiceFlags are those by which packs are chosen.
func (f *pruneFlags) choiceFlags(fl *pflag.FlagSet) {
	fl.Float64Var(&f.maxUnused, "max-unused", 5, "unused share of the stored bytes, in `PERCENT`, that is left alone")
	fl.BoolVar(&f.early, "early-delete", false, "delete data packs also before their storage class's minimum time, which is charged for all the same")
}

func newPruneCommand(a *app) *cobra.Command {
	f := &pruneFlags{}
	c := &cobra.Command{
		Use:   "prune",
		Short: "Free the space that no snapshot needs any more",
		Long: `Free the space that no snapshot needs. Backups may run meanwhile.

What is found unused is condemned, every session that might rely on it is waited
for (or closed, if it went silent), and after a grace period it is deleted. A run
goes as far as it can and says what is left; the next one goes on from there.

Data packs in a class that must be thawed are deleted when nothing in them is needed
any more, and neither read nor moved before. Packs that are charged for a minimum time
are left until it is over, since nothing is saved before, and backups can make use of
them as long as they are there; --early-delete has them go. 'firn cost prune' shows what
a prune would cost.`,
		Example: `  firn prune
  firn prune --dry-run
  firn prune --grace 0 --wait 1h`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.eachWritable(cmd.Context(), f.dryRun, func(ctx context.Context, d *drive) error { return f.run(ctx, a, d) })
		},
	}
	f.flags(c.Flags())
	c.Flags().BoolVarP(&f.dryRun, "dry-run", "n", false, "show what would be done")
	return c
}

// minStale bounds --stale from below.
const minStale = 10 * time.Minute

// pruneJSON is the summary of a prune.
type pruneJSON struct {
	Drive         string     `json:"drive"`
	DryRun        bool       `json:"dry_run,omitempty"`
	Packs         int        `json:"packs"`
	Bytes         uint64     `json:"bytes"`
	BytesUsed     uint64     `json:"bytes_used"`
	Condemned     int        `json:"packs_condemned"`
	BytesCond     uint64     `json:"bytes_condemned"`
	Repacked      int        `json:"packs_repacked"`
	BytesRepacked uint64     `json:"bytes_repacked"`
	Deleted       int        `json:"packs_deleted"`
	BytesDeleted  uint64     `json:"bytes_deleted"`
	Manifests     int        `json:"snapshots_deleted"`
	Merged        int        `json:"segments_merged"`
	Later         int        `json:"packs_later"`
	BytesLater    uint64     `json:"bytes_later"`
	LaterAt       *time.Time `json:"later_at,omitempty"`
	Waiting       []string   `json:"waiting_for,omitempty"`
	Left          *leftJSON  `json:"left,omitempty"`
	Requests      requests   `json:"requests"`
	Seconds       float64    `json:"seconds"`
}

// options turns the flags into those of package prune for a drive.
func (f *pruneFlags) options(a *app, d *drive) (prune.Options, error) {
	if f.maxUnused < 0 || f.maxUnused > 100 {
		return prune.Options{}, usagef("--max-unused is a percentage from 0 to 100")
	}
	sheet, err := a.prices(&d.set)
	if err != nil {
		return prune.Options{}, err
	}
	unused := f.maxUnused / 100
	if unused == 0 {
		unused = math.SmallestNonzeroFloat64
	}
	return prune.Options{
		MaxUnused: unused, DryRun: f.dryRun, Archive: archiveClasses(&d.set), MinimumDays: minimumDays(&d.set, sheet), EarlyDelete: f.early,
		Writer: repo.WriterOptions{PackSize: d.packSize()}, Command: "prune", Host: a.host(), Trust: d.trust(), Progress: func(text string) { a.out.detail("%s", text) },
	}, nil
}

func (f *pruneFlags) run(ctx context.Context, a *app, d *drive) error {
	opts, err := f.options(a, d)
	if err != nil {
		return err
	}
	if f.stale < minStale {
		return usagef("--stale is %s at least: sessions tell that they live every few minutes", minStale)
	}
	opts.Grace, opts.Stale, opts.Wait = f.grace, f.stale, f.wait
	if opts.Grace <= 0 {
		opts.Grace = -1 // zero would be the default
	}
	begun := time.Now()
	report, err := prune.Run(ctx, d.repo, opts)
	if report != nil {
		f.tell(a, d, report, time.Since(begun))
	}
	return err
}

func (f *pruneFlags) tell(a *app, d *drive, r *prune.Report, took time.Duration) {
	j := pruneJSON{
		Drive: d.label, DryRun: f.dryRun, Packs: r.Packs, Bytes: r.Bytes, BytesUsed: r.UsedBytes,
		Condemned: r.CondemnedNow, BytesCond: r.CondemnedSize, Repacked: r.Repacked, BytesRepacked: r.RepackedBytes,
		Deleted: r.Deleted, BytesDeleted: r.DeletedBytes, Manifests: r.Manifests, Merged: r.Merged,
		Later: r.Later, BytesLater: r.LaterBytes, Requests: requestsOf(d.meter), Seconds: took.Seconds(),
	}
	for _, s := range r.Waiting {
		j.Waiting = append(j.Waiting, s.Name)
	}
	if !r.LaterAt.IsZero() {
		j.LaterAt = &r.LaterAt
	}
	j.Left = leftToJSON(&r.Left)
	a.out.emit("summary", j)
	would := ""
	if f.dryRun {
		would = "would be "
	}
	packs := func(n int, bytes uint64) string { return count(uint64(n), "pack", "packs") + ", " + size(bytes) }
	a.out.say("%s: %s, of which %s used", d.label, packs(r.Packs, r.Bytes), size(r.UsedBytes))
	a.out.say("  %scondemned: %s; %sre-packed: %s", would, packs(r.CondemnedNow, r.CondemnedSize), would, packs(r.Repacked, r.RepackedBytes))
	a.out.say("  deleted: %s; %s", packs(r.Deleted, r.DeletedBytes), count(uint64(r.Manifests), "snapshot", "snapshots"))
	if r.Later > 0 {
		a.out.say("  to be deleted by a prune from %s on: %s", r.LaterAt.Local().Format("2006-01-02 15:04"), packs(r.Later, r.LaterBytes))
	}
	a.sayLeft(&r.Left)
	for _, s := range r.Waiting {
		a.out.say("  session %s is still running (last seen %s); the next prune goes on", s.Name, s.Seen.Local().Format("2006-01-02 15:04:05"))
	}
}

// leftJSON is what a prune left because of storage classes.
type leftJSON struct {
	Cold       int        `json:"packs_cold"`
	ColdBytes  uint64     `json:"bytes_cold_unused"`
	Early      int        `json:"packs_early"`
	EarlyBytes uint64     `json:"bytes_early_unused"`
	From       *time.Time `json:"early_from,omitempty"`
	Until      *time.Time `json:"early_until,omitempty"`
}

func leftToJSON(l *prune.Left) *leftJSON {
	if l.Cold == 0 && l.Early == 0 {
		return nil
	}
	j := &leftJSON{Cold: l.Cold, ColdBytes: l.ColdUnused, Early: l.Early, EarlyBytes: l.EarlyUnused}
	if l.Early > 0 {
		j.From, j.Until = &l.From, &l.Until
	}
	return j
}

// sayLeft says what a prune leaves because of storage classes, and until when.
func (a *app) sayLeft(l *prune.Left) {
	if l.Cold > 0 {
		a.out.say("  left: %s in archive classes with %s unused: they go when nothing in them is needed any more",
			count(uint64(l.Cold), "pack", "packs"), size(l.ColdUnused))
	}
	if l.Early > 0 {
		pays := l.From.Local().Format("2006-01-02") + " on"
		if last := l.Until.Local().Format("2006-01-02") + " on"; last != pays {
			pays += ", for all of them from " + last
		}
		a.out.say("  left: %s with %s unused, charged for until their minimum time is over: it pays to prune from %s",
			count(uint64(l.Early), "pack", "packs"), size(l.EarlyUnused), pays)
	}
}
