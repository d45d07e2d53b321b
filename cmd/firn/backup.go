package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"firn/internal/backup"
	"firn/internal/repo"
	"firn/internal/source"
)

// backupFlags are the flags of firn backup.
type backupFlags struct {
	tags        []string
	description string
	parent      string
	force       bool
	stdin       bool
	stdinName   string
	fromCommand bool
	exclude     []string
	iexclude    []string
	excludeFile []string
	larger      string
	oneFS       bool
	pseudo      bool
	keepCaches  bool
	noIgnore    bool
	preset      string
	compression string
	delta       string
	user        string
}

func newBackupCommand(a *app) *cobra.Command {
	f := &backupFlags{}
	c := &cobra.Command{
		Use:   "backup [flags] SOURCE… | --stdin | --from-command -- COMMAND ARG…",
		Short: "Back up files, standard input or a command's output",
		Long: `Back up files and folders, standard input, or what a command prints, as one
snapshot on every drive named (or on all drives of the configuration).

Files that have not changed since the last snapshot of the same host and
sources, by size, times and inode, are not read again. Files that cannot be
read, or change while they are read, are named; all else is kept, and the exit
code is 3.

Left out unless told otherwise: pseudo file systems such as /proc, folders marked as
caches (CACHEDIR.TAG), what .firnignore files say (patterns as in .gitignore),
Firn's own cache, and the repository itself.`,
		Example: `  firn backup /home /etc
  firn backup -d @wasabi -d /mnt/usb --exclude '*.iso' ~/data
  pg_dump shop | firn backup --stdin --stdin-name shop.sql
  firn backup --stdin-name shop.sql --from-command -- pg_dump shop`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, a, args) },
	}
	fl := c.Flags()
	fl.StringArrayVarP(&f.tags, "tag", "t", nil, "`TAG` of the snapshot (repeat for several)")
	fl.StringVar(&f.description, "description", "", "`WORDS` about the snapshot")
	fl.StringVar(&f.parent, "parent", "", "`SNAPSHOT` to compare with (default: the newest of this host and these sources)")
	fl.BoolVarP(&f.force, "force", "f", false, "read all files, changed or not")
	fl.BoolVar(&f.stdin, "stdin", false, "back up standard input")
	fl.StringVar(&f.stdinName, "stdin-name", "", "`PATH` under which standard input or the command's output is kept (default: stdin, or the command's name)")
	fl.BoolVar(&f.fromCommand, "from-command", false, "back up what a command prints; if it fails, so does the backup")
	fl.StringArrayVarP(&f.exclude, "exclude", "e", nil, "leave out what matches a `PATTERN` (as in .gitignore; repeat for several)")
	fl.StringArrayVar(&f.iexclude, "iexclude", nil, "the same as --exclude, ignoring case of a `PATTERN`")
	fl.StringArrayVar(&f.excludeFile, "exclude-file", nil, "leave out what matches the patterns in a `FILE`")
	fl.StringVar(&f.larger, "exclude-larger-than", "", "leave out files over a `SIZE` such as 500M")
	fl.BoolVarP(&f.oneFS, "one-file-system", "x", false, "stay on the sources' file systems")
	fl.BoolVar(&f.pseudo, "include-pseudo", false, "go into pseudo file systems such as /proc too")
	fl.BoolVar(&f.keepCaches, "include-caches", false, "go into folders marked with CACHEDIR.TAG too")
	fl.BoolVar(&f.noIgnore, "no-ignore-files", false, "pay no attention to .firnignore files")
	fl.StringVar(&f.preset, "preset", "", "leave out what a `PRESET` names: "+strings.Join(source.Presets(), ", "))
	fl.StringVar(&f.compression, "compression", "auto", "`LEVEL`: auto, off, fastest, default, better or max; auto is better while the drive is waited for, else default or fastest")
	fl.StringVar(&f.delta, "delta", "auto", "keep what resembles stored content as what changed: `WHEN`, auto or off")
	fl.StringVar(&f.user, "user", "", "`NAME` of the user in the snapshot (default: whoever runs this)")
	completeWords(c, "compression", "auto", "off", "fastest", "default", "better", "max")
	completeWords(c, "delta", "auto", "off")
	completeWords(c, "preset", source.Presets()...)
	return c
}

func (f *backupFlags) run(cmd *cobra.Command, a *app, args []string) (err error) {
	ctx := cmd.Context()
	if err := f.check(args); err != nil {
		return err
	}
	file, err := a.loadConfig()
	if err != nil {
		return err
	}
	if err := f.withDefaults(file); err != nil {
		return err
	}
	writer, err := f.writer(a)
	if err != nil {
		return err
	}
	to, err := a.openForBackup(ctx, args, !f.stdin)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.close()) }()
	src, sources, notes, err := f.source(ctx, a, to.drives, args)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.close()) }()

	p := new(backup.Progress)
	p.OnProblem = func(path, reason string) {
		a.out.emit("problem", problemJSON{exact(path), reason})
		a.out.note("cannot keep %s: %s", printable(path), reason)
	}
	opts := backup.Options{
		Host: a.host(), User: f.user, Sources: sources, Tags: f.tags, Description: f.description,
		Command: "backup", Notes: notes, Parent: f.parent, Force: f.force, Writer: writer, Progress: p,
	}
	if opts.User == "" {
		opts.User = userName()
	}
	begun := time.Now()
	ahead := f.foresee(ctx, a, to.drives, args)
	show := a.out.showProgress(func() state { return backupState(p, ahead) })
	results, err := backup.Run(ctx, to.list(), src.Source, opts)
	show.close()
	ahead.stop()
	a.tellBackup(to, results, p, src, time.Since(begun))
	if err != nil {
		return err
	}
	return backupOutcome(append(results, to.failed...), p)
}

// check refuses contradictory ways to name what is backed up.
func (f *backupFlags) check(args []string) error {
	ways := 0
	for _, way := range []bool{f.stdin, f.fromCommand, !f.stdin && !f.fromCommand && len(args) > 0} {
		if way {
			ways++
		}
	}
	switch {
	case ways == 0:
		return usagef("nothing to back up: name files or folders, or use --stdin or --from-command")
	case ways > 1 || f.stdin && len(args) > 0:
		return usagef("files, --stdin and --from-command exclude each other")
	case f.fromCommand && len(args) == 0:
		return usagef("--from-command takes the command behind --, as in: --from-command -- pg_dump shop")
	case f.preset != "" && !slices.Contains(source.Presets(), f.preset):
		return usagef("unknown preset %q: there is %s", f.preset, strings.Join(source.Presets(), ", "))
	}
	if f.larger != "" {
		if _, err := parseSize(f.larger); err != nil {
			return usagef("--exclude-larger-than: %w", err)
		}
	}
	return nil
}

func (f *backupFlags) writer(a *app) (repo.WriterOptions, error) {
	levels := map[string]repo.Compression{
		"auto": repo.CompressAuto, "default": repo.CompressDefault, "off": repo.CompressOff,
		"fastest": repo.CompressFastest, "better": repo.CompressBetter, "max": repo.CompressMax,
	}
	level, ok := levels[f.compression]
	if !ok {
		return repo.WriterOptions{}, usagef("unknown compression %q: auto, off, fastest, default, better or max", f.compression)
	}
	options := repo.WriterOptions{Compression: level}
	if a.flags.debug {
		options.Debug = func(text string) { a.out.detail("%s", text) }
	}
	switch f.delta {
	case "auto":
	case "off":
		options.DeltaCache = -1
	default:
		return options, usagef("unknown choice %q for --delta: auto or off", f.delta)
	}
	return options, nil
}

// openedSource is a source and what it takes to close it.
type openedSource struct {
	backup.Source
	close   func() error
	skipped func() []leftOut
}

// leftOut counts what was left out for a reason.
type leftOut struct {
	Reason  string `json:"reason"`
	Entries uint64 `json:"entries"`
}

func (f *backupFlags) source(ctx context.Context, a *app, drives []*drive, args []string) (*openedSource, [][]byte, []string, error) {
	if f.stdin || f.fromCommand {
		return f.stream(ctx, a, args)
	}
	files, notes, err := f.files(a, drives, args)
	if err != nil {
		return nil, nil, nil, err
	}
	var sources [][]byte
	for _, arg := range args {
		path, err := filepath.Abs(arg)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("find source %s: %w", arg, err)
		}
		sources = append(sources, []byte(path))
	}
	slices.SortFunc(sources, bytes.Compare)
	skipped := func() []leftOut {
		var list []leftOut
		for _, l := range files.LeftOut() {
			list = append(list, leftOut{l.Reason.String(), l.Count})
		}
		return list
	}
	return &openedSource{files, files.Close, skipped}, sources, notes, nil
}

func (f *backupFlags) stream(ctx context.Context, a *app, args []string) (*openedSource, [][]byte, []string, error) {
	name := f.stdinName
	if name == "" {
		name = "stdin"
		if f.fromCommand {
			name = filepath.Base(args[0])
		}
	}
	var s *source.Stream
	var err error
	if f.fromCommand {
		s, err = source.FromCommand(ctx, name, args, a.out.stderr)
	} else {
		s, err = source.FromReader(name, stdin{ctx})
	}
	if errors.Is(err, source.ErrName) || errors.Is(err, source.ErrLong) {
		err = usage(err)
	}
	if err != nil {
		return nil, nil, nil, err
	}
	none := func() []leftOut { return nil }
	return &openedSource{backup.Stream(s), s.Close, none}, [][]byte{[]byte(name)}, nil, nil
}

func backupState(p *backup.Progress, ahead *foresight) state {
	s := state{Verb: "backup", Done: p.Done.Load(), Files: p.Files.Load()}
	switch {
	case p.Walked.Load():
		s.Total, s.Of = p.Bytes.Load(), s.Files
	case ahead.done.Load():
		s.Total, s.Of = ahead.bytes.Load(), ahead.files.Load()
	}
	if path := p.Current.Load(); path != nil {
		s.Note = printable(*path)
	}
	return s
}

// backupOutcome turns partial success into its error.
func backupOutcome(results []backup.Result, p *backup.Progress) error {
	if err := failures(results); err != nil {
		return fmt.Errorf("%w: %w", errPartly, err)
	}
	if n := p.Problems.Load(); n > 0 {
		return fmt.Errorf("%w: %s could not be kept whole", errPartly, count(n, "entry", "entries"))
	}
	return nil
}

func userName() string {
	u, err := user.Current()
	if err != nil {
		return fmt.Sprint(os.Getuid())
	}
	return u.Username
}
