package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"firn/internal/format"
	"firn/internal/snapshot"
	"firn/internal/source"
	"firn/internal/tree"
)

// findFlags are the flags of firn find.
type findFlags struct {
	sel          selection
	snapshot     string
	ignoreCase   bool
	kind         string
	newer, older string
	long         bool
}

func newFindCommand(a *app) *cobra.Command {
	f := &findFlags{}
	c := &cobra.Command{
		Use:   "find [flags] PATTERN…",
		Short: "Find files in one or all snapshots",
		Long: `Find entries whose name or path matches a pattern as in .gitignore: "*.conf"
matches names anywhere, "/etc/*.conf" paths from the top.`,
		Example: `  firn find '*.conf'
  firn find --snapshot latest --newer 2026-01-01 'report*'`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.oneDrive(cmd.Context(), func(ctx context.Context, d *drive) error { return f.run(ctx, a, d, args) })
		},
	}
	f.sel.flags(c)
	c.Flags().StringVarP(&f.snapshot, "snapshot", "s", "", "look in one `SNAPSHOT` only")
	c.Flags().BoolVarP(&f.ignoreCase, "ignore-case", "i", false, "ignore case")
	c.Flags().StringVar(&f.kind, "kind", "", "only entries of a `KIND`: file, dir or symlink")
	c.Flags().StringVar(&f.newer, "newer", "", "modified at or after a `TIME` (2006-01-02 or 2006-01-02T15:04:05Z)")
	c.Flags().StringVar(&f.older, "older", "", "modified before a `TIME`")
	c.Flags().BoolVarP(&f.long, "long", "l", false, "show mode, owner, size and time")
	completeWords(c, "kind", "file", "dir", "symlink")
	return c
}

func (f *findFlags) run(ctx context.Context, a *app, d *drive, patterns []string) (err error) {
	match, err := f.matcher(patterns)
	if err != nil {
		return err
	}
	set, err := d.snapshots(ctx)
	if err != nil {
		return err
	}
	var words []string
	if f.snapshot != "" {
		words = []string{f.snapshot}
	}
	list, err := choose(set, &f.sel, words)
	if err != nil {
		return err
	}
	rd, err := a.reader(ctx, d)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rd.Close()) }()
	a.out.many()
	total := uint64(0)
	for _, s := range list {
		found := uint64(0)
		for item, err := range tree.Walk(ctx, rd, s.Tree(), nil) {
			if err != nil {
				return fmt.Errorf("read snapshot %s: %w", s.Short(), err)
			}
			if !match(item.Key, item.Entry) {
				continue
			}
			found++
			a.showFound(s, item, found == 1, f.long)
		}
		total += found
	}
	a.out.note("%s in %s", count(total, "match", "matches"), count(uint64(len(list)), "snapshot", "snapshots"))
	return damageOf(set)
}

// matchJSON is an entry that was found.
type matchJSON struct {
	Snapshot string `json:"snapshot"`
	entryJSON
}

func (a *app) showFound(s *snapshot.Snapshot, item tree.Item, first, long bool) {
	a.out.emit("match", matchJSON{s.ID(), entryToJSON(item.Key, item.Entry)})
	if first {
		a.out.print("snapshot %s of %s, %s", s.Short(), printable(s.Host), s.Time().Format("2006-01-02 15:04:05"))
	}
	if long {
		a.out.print("  %s", longLine(item.Key, item.Entry))
	} else {
		a.out.print("  %s", printable("/"+string(item.Key)))
	}
}

// matcher turns the flags into one test.
func (f *findFlags) matcher(patterns []string) (func([]byte, *format.Entry) bool, error) {
	names, err := source.NewPatterns(patterns, f.ignoreCase)
	if err != nil {
		return nil, usage(err)
	}
	newer, err := parseTime(f.newer)
	if err != nil {
		return nil, err
	}
	older, err := parseTime(f.older)
	if err != nil {
		return nil, err
	}
	if f.kind != "" && f.kind != "file" && f.kind != "dir" && f.kind != "symlink" {
		return nil, usagef("unknown kind %q: file, dir or symlink", f.kind)
	}
	return func(key []byte, e *format.Entry) bool {
		at := time.Unix(e.MTime, int64(e.MTimeNS))
		return (f.kind == "" || typeNames[e.Type] == f.kind) &&
			(newer.IsZero() || !at.Before(newer)) && (older.IsZero() || at.Before(older)) && names.Match(key)
	}, nil
}

// parseTime reads a day or a time; "" is the zero time.
func parseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usagef("%q is no time: write 2006-01-02 or 2006-01-02T15:04:05Z", text)
}
