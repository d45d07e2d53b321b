package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"firn/internal/format"
	"firn/internal/repo"
	"firn/internal/restore"
	"firn/internal/source"
	"firn/internal/target"
)

// restoreFlags are the flags of firn restore.
type restoreFlags struct {
	to                 string
	include, exclude   []string
	ignoreCase         bool
	overwrite          string
	inPlace            bool
	dryRun, verify     bool
	sparse, deleteMore bool
	numeric, noOwner   bool
	noXattrs, sync     bool
	archive            string
	thaw               thawFlags
}

func newRestoreCommand(a *app) *cobra.Command {
	f := &restoreFlags{}
	c := &cobra.Command{
		Use:   "restore SNAPSHOT[:PATH] --to FOLDER | --in-place | --archive tar|zip",
		Short: "Bring a snapshot, or a part of it, back",
		Long: `Restore a snapshot to a folder, to where it came from, or as an archive to
standard output.

Without PATH, entries are restored under the target with their whole paths. With
PATH, what is in that folder goes right into the target; a file goes there by its name.

A restore that was interrupted is run again: files that are complete are kept,
and those begun are gone on with.

What lies in an archive class must be thawed before it can be read. Where that is so,
the restore shows how long it takes and about what it costs, and asks, or takes
--thaw; what is ready is restored while the rest thaws. It may be stopped and run again
at any time. --dry-run shows the same, and 'firn thaw' thaws without restoring.`,
		Example: `  firn restore latest --to /tmp/restored
  firn restore latest:/home/anna/documents --to ~/documents --overwrite if-newer
  firn restore latest --include '*.conf' --to /tmp/conf
  firn restore 3fa8c1d2:/etc --archive tar | ssh host tar -x
  firn restore latest:/home/anna --to /tmp/restored --thaw bulk --thaw-days 10`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.oneDrive(cmd.Context(), func(ctx context.Context, d *drive) error { return f.run(ctx, a, d, args[0]) })
		},
	}
	fl := c.Flags()
	fl.StringVar(&f.to, "to", "", "`FOLDER` to restore to")
	fl.BoolVar(&f.inPlace, "in-place", false, "restore to where it came from")
	fl.StringVar(&f.archive, "archive", "", "write an archive to standard output; `FORMAT` is tar or zip")
	fl.StringArrayVarP(&f.include, "include", "i", nil, "restore only what matches a `PATTERN`, as in .gitignore (repeat for several)")
	fl.StringArrayVarP(&f.exclude, "exclude", "e", nil, "leave out what matches a `PATTERN` (repeat for several)")
	fl.BoolVar(&f.ignoreCase, "ignore-case", false, "ignore case in patterns")
	fl.StringVar(&f.overwrite, "overwrite", "", "`MODE` for what exists: always, if-changed, if-newer or never (default: never into a folder, if-changed in place)")
	fl.BoolVarP(&f.dryRun, "dry-run", "n", false, "show what would be done")
	fl.BoolVar(&f.verify, "verify", false, "read all files back afterwards and compare them with the snapshot")
	fl.BoolVar(&f.sparse, "sparse", false, "leave holes where files have long runs of zeros")
	fl.BoolVar(&f.deleteMore, "delete-extra", false, "delete what the snapshot does not have, in the folders it has")
	fl.BoolVar(&f.numeric, "numeric-owner", false, "restore owners by number even if their names exist here")
	fl.BoolVar(&f.noOwner, "no-owner", false, "do not restore owners")
	fl.BoolVar(&f.noXattrs, "no-xattrs", false, "do not restore extended attributes and ACLs")
	fl.BoolVar(&f.sync, "sync", false, "return only when everything is on stable storage")
	f.thaw.flags(c)
	completeWords(c, "overwrite", "always", "if-changed", "if-newer", "never")
	completeWords(c, "archive", "tar", "zip")
	return c
}

func (f *restoreFlags) check() error {
	ways := 0
	for _, way := range []bool{f.to != "", f.inPlace, f.archive != ""} {
		if way {
			ways++
		}
	}
	if ways != 1 {
		return usagef("say where to: one of --to FOLDER, --in-place, --archive tar or --archive zip")
	}
	if f.archive != "" && (f.dryRun || f.verify || f.deleteMore || f.overwrite != "") {
		return usagef("--dry-run, --verify, --delete-extra and --overwrite do not go with --archive")
	}
	return nil
}

func (f *restoreFlags) run(ctx context.Context, a *app, d *drive, words string) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	choose, err := f.selector()
	if err != nil {
		return err
	}
	a.out.carries = f.archive != ""
	// Before anything is read: a prune waits for what it sees.
	end, err := d.announce(ctx, a, "restore")
	if err != nil {
		return err
	}
	defer func() { err = end(err) }()
	o, err := a.openSnapshot(ctx, d, words)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.close()) }()
	opts := restore.Options{From: o.path, Select: choose, DryRun: f.dryRun}
	return a.readFrozen(ctx, dataReading{
		drive: d, flags: &f.thaw, dryRun: f.dryRun,
		needs: func(ctx context.Context) ([]repo.Need, int, error) { return f.needs(ctx, o, opts) },
		work: func(ctx context.Context, gate repo.Gate) error {
			opts.Gate = gate
			return f.restore(ctx, a, o, opts)
		},
		begun: func() bool { return f.archive != "" },
	})
}

// needs lists the packs from which something is lacking, and counts those stored.
func (f *restoreFlags) needs(ctx context.Context, o *opened, opts restore.Options) (_ []repo.Need, stored int, err error) {
	if f.archive == "" {
		folder, mode, err := f.folder(o)
		if err != nil {
			return nil, 0, err
		}
		disk, err := target.NewDisk(folder, target.DiskOptions{Overwrite: mode, DryRun: true})
		if err != nil {
			return nil, 0, err
		}
		defer func() { err = errors.Join(err, disk.Close()) }()
		opts.Select = restore.Lacking(ctx, o.reader, disk, opts.Select)
	}
	return o.needs(ctx, opts)
}

// restore does it once, and tells how it went.
func (f *restoreFlags) restore(ctx context.Context, a *app, o *opened, opts restore.Options) (err error) {
	p := new(restore.Progress)
	p.OnProblem = func(path string, err error) {
		a.out.emit("problem", problemJSON{exact(path), err.Error()})
		a.out.note("cannot restore %s: %v", printable(path), err)
	}
	p.OnSkip = func(path, reason string) { a.out.detail("kept %s: it %s", printable(path), reason) }
	opts.Progress = p
	begun := time.Now()
	if f.archive != "" {
		err = f.toArchive(ctx, a, o, opts)
	} else {
		err = f.toDisk(ctx, a, o, opts)
	}
	a.tellRestore(o, p, time.Since(begun), f)
	a.warnDoubted(o)
	if err != nil {
		return err
	}
	if n := p.Problems.Load(); n > 0 {
		return fmt.Errorf("%w: %s not restored", errPartly, count(n, "entry was", "entries were"))
	}
	return nil
}

// selector turns the patterns into a test of entries.
func (f *restoreFlags) selector() (func([]byte, *format.Entry) bool, error) {
	if len(f.include) == 0 && len(f.exclude) == 0 {
		return nil, nil
	}
	include, err := source.NewPatterns(f.include, f.ignoreCase)
	if err != nil {
		return nil, usage(err)
	}
	exclude, err := source.NewPatterns(f.exclude, f.ignoreCase)
	if err != nil {
		return nil, usage(err)
	}
	return func(key []byte, _ *format.Entry) bool {
		return (len(f.include) == 0 || include.MatchBelow(key)) && !exclude.MatchBelow(key)
	}, nil
}

func (f *restoreFlags) toArchive(ctx context.Context, a *app, o *opened, opts restore.Options) error {
	var archive target.Archive
	switch f.archive {
	case "tar":
		archive = target.NewTar(a.out.stdout, a.tellEvent)
	case "zip":
		archive = target.NewZip(a.out.stdout, a.tellEvent)
	default:
		return usagef("unknown archive %q: tar or zip", f.archive)
	}
	if out, ok := a.out.stdout.(*os.File); ok && terminal(out) {
		return usagef("an archive is not for a terminal: send standard output to a file or a pipe")
	}
	return restore.ToArchive(ctx, o.reader, o.snapshot.Tree(), archive, opts)
}

func (f *restoreFlags) toDisk(ctx context.Context, a *app, o *opened, opts restore.Options) (err error) {
	folder, mode, err := f.folder(o)
	if err != nil {
		return err
	}
	disk, err := target.NewDisk(folder, target.DiskOptions{
		Overwrite: mode, Sparse: f.sparse, Owner: os.Geteuid() == 0 && !f.noOwner, NumericOwner: f.numeric,
		Xattrs: !f.noXattrs, Sync: f.sync, DeleteExtra: f.deleteMore, DryRun: f.dryRun,
		Extra:  f.extra(o),
		Report: a.tellEvent,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, disk.Close()) }()
	if f.dryRun {
		opts.Progress.OnEntry = func(path string, e *format.Entry) {
			a.out.emit("would_restore", entryToJSON([]byte(path), e))
			a.out.print("would restore %s", printable(filepath.Join(folder, path)))
		}
	}
	show := a.out.showProgress(func() state { return restoreState(opts.Progress) })
	err = restore.ToDisk(ctx, o.reader, o.snapshot.Tree(), disk, opts)
	show.close()
	if err != nil || !f.verify || f.dryRun {
		return err
	}
	return restore.Verify(ctx, o.reader, o.snapshot.Tree(), disk, opts)
}

// tellEvent tells what happened to an entry besides its being restored.
func (a *app) tellEvent(e target.Event) {
	if e.Err != nil {
		a.out.warn("%s: %s: %v", printable(e.Key), e.Op, e.Err)
		return
	}
	a.out.detail("%s: %s", printable(e.Key), e.Op)
}

// folder returns where to restore to, and what becomes of what is there.
func (f *restoreFlags) folder(o *opened) (string, target.OverwriteMode, error) {
	folder, mode := f.to, "never"
	if f.inPlace {
		folder, mode = "/", "if-changed"
		if len(o.path) > 0 {
			folder = "/" + string(o.path)
		}
	}
	if f.overwrite != "" {
		mode = f.overwrite
	}
	m, err := target.ParseOverwrite(mode)
	if err != nil {
		return "", 0, usage(err)
	}
	return folder, m, nil
}

// extra keeps --delete-extra to the folders that were backed up: those above
// them hold more than the snapshot knows.
func (f *restoreFlags) extra(o *opened) func(key []byte) bool {
	if len(o.path) > 0 {
		return nil
	}
	var roots [][]byte
	for _, s := range o.snapshot.Sources {
		roots = append(roots, keyPath(string(s)))
	}
	return func(key []byte) bool {
		for _, root := range roots {
			if under(key, root) && len(key) > len(root) {
				return true
			}
		}
		return false
	}
}

func restoreState(p *restore.Progress) state {
	return state{Verb: "restore", Done: p.Bytes.Load(), Total: p.TotalBytes.Load(), Files: p.Files.Load(), Of: p.TotalFiles.Load()}
}

// restoreSummary is the JSON line that ends a restore.
type restoreSummary struct {
	Drive    string   `json:"drive"`
	Snapshot string   `json:"snapshot"`
	DryRun   bool     `json:"dry_run,omitempty"`
	Files    uint64   `json:"files"`
	Bytes    uint64   `json:"bytes"`
	Other    uint64   `json:"other_entries"`
	Kept     uint64   `json:"kept"`
	Problems uint64   `json:"problems"`
	Fetched  uint64   `json:"bytes_fetched"`
	Requests requests `json:"requests"`
	Seconds  float64  `json:"seconds"`
}

// tellRestore sums up.
func (a *app) tellRestore(o *opened, p *restore.Progress, took time.Duration, f *restoreFlags) {
	s := restoreSummary{
		Drive: o.drive.label, Snapshot: o.snapshot.ID(), DryRun: f.dryRun, Files: p.Files.Load(), Bytes: p.Bytes.Load(),
		Other: p.Other.Load(), Kept: p.Skipped.Load(), Problems: p.Problems.Load(), Fetched: p.Fetched.Load(),
		Requests: requestsOf(o.drive.meter), Seconds: took.Seconds(),
	}
	verb := "restored"
	if f.dryRun {
		verb = "would restore"
	}
	text := fmt.Sprintf("%s %s and %s, %s, from snapshot %s", verb, count(s.Files, "file", "files"),
		count(s.Other, "other entry", "other entries"), size(s.Bytes), o.snapshot.Short())
	if s.Kept > 0 {
		text += fmt.Sprintf("; kept %d that were there", s.Kept)
	}
	text += fmt.Sprintf("\n  %s, %s", span(took), count(uint64(s.Requests.Total), "request", "requests"))
	a.out.emit("summary", s)
	a.out.say("%s", text)
}
