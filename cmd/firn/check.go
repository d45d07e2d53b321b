package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"firn/internal/check"
	"firn/internal/repo"
)

// checkFlags are the flags of firn check.
type checkFlags struct {
	readData string
	noRecord bool
	vet      bool
	thaw     thawFlags
}

func newCheckCommand(a *app) *cobra.Command {
	f := &checkFlags{}
	c := &cobra.Command{
		Use:   "check",
		Short: "Check that every snapshot is complete and readable",
		Long: `Check a repository, past the local cache: roots and key slots, records, snapshots
and index are read and verified; every page of every snapshot's tree is read; every
chunk that snapshots need must be in a pack that is there, with the size it should
have. With --read-data packs are read whole as well, compared with their names,
opened, and every chunk in them is verified.

Damage is named: the object, and the snapshots and paths that suffer. It is also
recorded on the drive, so that the next backup stores again what its source still
has; after that the check says that it is healed. The exit code is 13 when snapshots
suffer or the repository stands on something damaged.

Backups and prunes may run meanwhile. A maintainer's key checks everything but the
content of data packs; a writer's key cannot check.

Packs in an archive class are read by --read-data only after they were thawed, and nothing
else of a check reads them. It shows how long that takes and about what it costs, and
asks, or takes --thaw.

With --vet an owner vouches for what was read and is right, so that those who build on
vetted chunks only (see 'firn trust') build on it. Where a host is distrusted, snapshots
of others that need what it alone stored are named; that is no damage.

This command looks at what is stored. Whether a drive can be reached and what it
can do is what 'firn drive check' tells.`,
		Example: `  firn check
  firn check --read-data
  firn check --read-data=5%
  firn check --read-data=2/7
  firn check --read-data=1/30 --thaw bulk
  firn check --vet`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts, err := f.options()
			if err != nil {
				return err
			}
			return a.eachDrive(cmd.Context(), func(ctx context.Context, d *drive) error { return f.run(ctx, a, d, opts) })
		},
	}
	fl := c.Flags()
	f.readFlag(fl)
	fl.BoolVar(&f.noRecord, "no-record", false, "write no record of damage")
	fl.BoolVar(&f.vet, "vet", false, "vouch for the packs that are read and right, for those who trust only what was vetted (see 'firn trust'); reads all unless --read-data says less")
	f.thaw.flags(c)
	return c
}

// run checks a drive, and where packs are to be read that are frozen, thaws them.
func (f *checkFlags) run(ctx context.Context, a *app, d *drive, opts check.Options) error {
	if opts.ReadData == (check.ReadData{}) {
		if f.thaw.tier != "" {
			return usagef("--thaw is for packs that are read: it goes with --read-data")
		}
		return a.check(ctx, d, opts)
	}
	flags := f.thaw // each drive is asked about by itself
	return a.readFrozen(ctx, dataReading{
		drive: d, flags: &flags,
		needs: func(ctx context.Context) ([]repo.Need, int, error) {
			needs, err := check.Packs(ctx, d.repo, opts)
			return needs, len(needs), err
		},
		work: func(ctx context.Context, gate repo.Gate) error {
			opts.Gate = gate
			return a.check(ctx, d, opts)
		},
	})
}

func (f *checkFlags) readFlag(fl *pflag.FlagSet) {
	fl.StringVar(&f.readData, "read-data", "", "read packs whole: `all`, a percentage of them at random such as 5%, or a part such as 2/7 (seven checks of different parts read everything)")
	fl.Lookup("read-data").NoOptDefVal = "all"
}

func (f *checkFlags) options() (check.Options, error) {
	opts := check.Options{NoRecord: f.noRecord, Vet: f.vet}
	if f.vet && f.readData == "" {
		f.readData = "all"
	}
	if f.readData == "" {
		return opts, nil
	}
	var err error
	if opts.ReadData, err = check.ParseReadData(f.readData); err != nil {
		return opts, usage(fmt.Errorf("--read-data: %w", err))
	}
	return opts, nil
}

// checkJSON is the summary of a check.
type checkJSON struct {
	Drive          string   `json:"drive"`
	Damaged        bool     `json:"damaged"`
	Findings       int      `json:"findings"`
	Harmful        int      `json:"harmful"`
	Healed         int      `json:"healed"`
	Snapshots      int      `json:"snapshots"`
	Suffering      int      `json:"snapshots_suffering"`
	Segments       int      `json:"segments"`
	Pages          uint64   `json:"pages"`
	Chunks         uint64   `json:"chunks_needed"`
	Packs          int      `json:"packs"`
	PackBytes      uint64   `json:"pack_bytes"`
	Orphans        int      `json:"orphan_packs"`
	OrphanBytes    uint64   `json:"orphan_bytes"`
	PacksRead      uint64   `json:"packs_read"`
	BytesRead      uint64   `json:"bytes_read"`
	ChunksVerified uint64   `json:"chunks_verified"`
	ContentClosed  bool     `json:"content_closed,omitempty"`
	Vetted         int      `json:"packs_vetted,omitempty"`
	Unvetted       string   `json:"unvetted,omitempty"`
	Record         string   `json:"record,omitempty"`
	Unrecorded     string   `json:"unrecorded,omitempty"`
	Requests       requests `json:"requests"`
	Seconds        float64  `json:"seconds"`
}

func (a *app) check(ctx context.Context, d *drive, opts check.Options) error {
	p := new(check.Progress)
	opts.Progress = p
	begun := time.Now()
	show := a.out.showProgress(func() state { return checkState(p) })
	report, err := check.Run(ctx, d.repo, opts)
	show.close()
	if err != nil {
		return err
	}
	j := checkSummary(d, report, time.Since(begun))
	a.tellFindings(report)
	a.out.emit("summary", j)
	a.sayCheck(j)
	if !report.Damaged() {
		return nil
	}
	return advise(fmt.Errorf("%w: %s, %s", errDamage, count(uint64(j.Harmful), "finding", "findings"),
		count(uint64(j.Suffering), "snapshot suffers", "snapshots suffer")), "%s", checkAdvice(j))
}

func checkAdvice(j *checkJSON) string {
	if j.Record == "" && j.Unrecorded != "" {
		return "it could not be recorded; check with a key and credentials that may write, then back up again"
	}
	return "back up again: what the sources still have is stored anew; 'firn repair' makes roots and index again; then run 'firn check' once more"
}

func checkSummary(d *drive, r *check.Report, took time.Duration) *checkJSON {
	j := &checkJSON{
		Drive: d.label, Damaged: r.Damaged(), Findings: len(r.Findings), Snapshots: r.Snapshots, Segments: r.Segments,
		Pages: r.Pages, Chunks: r.Chunks, Packs: r.Packs, PackBytes: r.PackBytes, Orphans: r.Orphans,
		OrphanBytes: r.OrphanBytes, PacksRead: r.PacksRead, BytesRead: r.BytesRead, ChunksVerified: r.ChunksVerified,
		ContentClosed: r.Closed, Record: r.Record, Requests: requestsOf(d.meter), Seconds: took.Seconds(),
		Suffering: r.Suffering,
	}
	if r.Unrecorded != nil {
		j.Unrecorded = r.Unrecorded.Error()
	}
	if j.Vetted = r.Vetted; r.Unvetted != nil {
		j.Unvetted = r.Unvetted.Error()
	}
	for _, f := range r.Findings {
		if f.Harm {
			j.Harmful++
		}
		if f.Healed() {
			j.Healed++
		}
	}
	return j
}

func checkState(p *check.Progress) state {
	s := state{Verb: "check", One: "pack", Many: "packs", Done: p.Bytes.Load(), Total: p.TotalBytes.Load(), Files: p.Packs.Load(), Of: p.TotalPacks.Load()}
	if words := p.Phase.Load(); words != nil {
		s.Note = *words
	}
	return s
}

// findingJSON is a finding as --json shows it.
type findingJSON struct {
	Kind          check.Kind     `json:"kind"`
	Object        string         `json:"object"`
	Detail        string         `json:"detail"`
	Harmful       bool           `json:"harmful"`
	Healed        bool           `json:"healed"`
	Recorded      bool           `json:"recorded"`
	Chunks        uint64         `json:"chunks_needed"`
	Unreadable    uint64         `json:"chunks_unreadable"`
	Snapshots     []string       `json:"snapshots"`
	SnapshotCount int            `json:"snapshot_count"`
	Paths         []sufferedJSON `json:"paths"`
	PathCount     uint64         `json:"path_count"`
}

// sufferedJSON is a path, or with Range all from Path up to, without, Before.
type sufferedJSON struct {
	Snapshot string `json:"snapshot"`
	Path     string `json:"path"`
	Range    bool   `json:"range,omitempty"`
	Before   string `json:"before,omitempty"`
}

func findingToJSON(f *check.Finding) findingJSON {
	j := findingJSON{
		Kind: f.Kind, Object: f.Object, Detail: f.Detail, Harmful: f.Harm, Healed: f.Healed(), Recorded: f.Recorded,
		Chunks: f.Chunks, Unreadable: f.Unreadable, Snapshots: append([]string{}, f.Snapshots...),
		SnapshotCount: f.SnapshotCount, Paths: []sufferedJSON{}, PathCount: f.PathCount,
	}
	for _, p := range f.Paths {
		s := sufferedJSON{Snapshot: p.Snapshot, Path: exact("/" + string(p.Key)), Range: p.Range}
		if p.End != nil {
			s.Before = exact("/" + string(p.End))
		}
		j.Paths = append(j.Paths, s)
	}
	return j
}

// fewPaths and fewSnapshots of a finding are shown to people unless they want more.
const (
	fewPaths     = 10
	fewSnapshots = 8
)

// tellFindings shows what was found, harmless things with --verbose only.
func (a *app) tellFindings(r *check.Report) {
	for _, f := range r.Findings {
		a.out.emit("finding", findingToJSON(f))
		switch {
		case f.Harm:
			a.out.print("%s: %s", f.Kind, f.Object)
			a.sayFinding(f)
		case f.Healed():
			a.out.say("healed: %s: all that snapshots need of it is stored elsewhere", f.Object)
		case f.Kind == check.Distrusted:
			a.out.print("%s: %s", f.Kind, f.Object)
			a.sayFinding(f)
		case f.Kind == check.Unmirrored:
			a.out.detail("%s: %s: %s", f.Kind, f.Object, printable(f.Detail))
		default:
			a.out.say("%s: %s: no snapshot needs it", f.Kind, f.Object)
		}
	}
}

func (a *app) sayFinding(f *check.Finding) {
	a.out.print("  %s", printable(f.Detail))
	if f.Chunks > 0 {
		a.out.print("  %s that snapshots need: %d can still be read, %d cannot", count(f.Chunks, "chunk", "chunks"), f.Chunks-f.Unreadable, f.Unreadable)
	}
	if f.Recorded {
		a.out.print("  recorded by an earlier check, not healed yet")
	}
	if f.SnapshotCount > 0 {
		var ids []string
		for _, id := range f.Snapshots[:min(len(f.Snapshots), fewSnapshots)] {
			ids = append(ids, id[:8])
		}
		one, many := "snapshot suffers", "snapshots suffer"
		if f.Kind == check.Distrusted {
			one, many = "snapshot rests on it", "snapshots rest on it"
		}
		a.out.print("  %s: %s%s", count(uint64(f.SnapshotCount), one, many),
			strings.Join(ids, " "), more(uint64(f.SnapshotCount), len(ids)))
	}
	shown := f.Paths
	if !a.out.verbose {
		shown = shown[:min(len(shown), fewPaths)]
	}
	for _, p := range shown {
		switch path := printable("/" + string(p.Key)); {
		case !p.Range:
			a.out.print("  suffers: %s", path)
		case p.End == nil:
			a.out.print("  suffers: %s and all after it", path)
		default:
			a.out.print("  suffers: %s and all before %s", path, printable("/"+string(p.End)))
		}
	}
	if f.PathCount > uint64(len(shown)) {
		a.out.print("  suffers:%s", more(f.PathCount, len(shown)))
	}
}

// more says how many were not shown.
func more(all uint64, shown int) string {
	if all <= uint64(shown) {
		return ""
	}
	return fmt.Sprintf(" and %d more", all-uint64(shown))
}

func (a *app) sayCheck(j *checkJSON) {
	result := "no damage"
	if j.Damaged {
		result = "DAMAGED"
	} else if j.Healed > 0 {
		result = "no damage, " + count(uint64(j.Healed), "pack healed", "packs healed")
	}
	a.out.say("%s: %s, %s in %s, %s: %s", j.Drive, count(uint64(j.Snapshots), "snapshot", "snapshots"),
		count(j.Chunks, "chunk", "chunks"), count(uint64(j.Packs), "pack", "packs"), size(j.PackBytes), result)
	if j.PacksRead > 0 {
		closed := ""
		if j.ContentClosed {
			closed = "; this key cannot open content"
		}
		a.out.say("  read %s, %s, verified %s%s", count(j.PacksRead, "pack", "packs"), size(j.BytesRead),
			count(j.ChunksVerified, "chunk", "chunks"), closed)
	}
	if j.Orphans > 0 {
		a.out.say("  %s, %s, that the index does not name: of backups that are running or broke off; prune deletes them",
			count(uint64(j.Orphans), "pack", "packs"), size(j.OrphanBytes))
	}
	if j.Record != "" {
		a.out.say("  recorded, for the next backup to heal: %s", j.Record)
	}
	if j.Vetted > 0 {
		a.out.say("  vouched for %s", count(uint64(j.Vetted), "pack", "packs"))
	}
	if j.Unvetted != "" {
		a.out.warn("what was found right could not be vouched for: %s", j.Unvetted)
	}
	if j.Unrecorded != "" {
		a.out.warn("the damage could not be recorded: %s", j.Unrecorded)
	}
	a.out.say("  %s, %s", span(time.Duration(j.Seconds*float64(time.Second))), count(uint64(j.Requests.Total), "request", "requests"))
}
