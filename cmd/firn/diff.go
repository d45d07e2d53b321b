package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"firn/internal/format"
	"firn/internal/source"
	"firn/internal/tree"
)

// diffSums counts changes.
type diffSums struct {
	Added    uint64 `json:"added"`
	Removed  uint64 `json:"removed"`
	Changed  uint64 `json:"changed"`
	Metadata uint64 `json:"metadata"`
	BytesIn  uint64 `json:"bytes_added"`
	BytesOut uint64 `json:"bytes_removed"`
}

// changeJSON is an entry that differs: as it is after the change, or as it was
// before it was removed.
type changeJSON struct {
	Change string `json:"change"`
	entryJSON
}

func newDiffCommand(a *app) *cobra.Command {
	var metadata, live bool
	c := &cobra.Command{
		Use:   "diff SNAPSHOT SNAPSHOT | SNAPSHOT --live FOLDER",
		Short: "Show what changed between two snapshots, or since one",
		Long: `Show what differs between two snapshots, or between a snapshot and what is on
disk now (--live). Pages that two snapshots share are not read.

  +  added    -  removed    M  content changed    U  only metadata changed`,
		Example: `  firn diff 3fa8c1d2 latest
  firn diff latest --live /home/anna`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.oneDrive(cmd.Context(), func(ctx context.Context, d *drive) (err error) {
				o, err := a.openSnapshot(ctx, d, args[0])
				if err != nil {
					return err
				}
				defer func() { err = errors.Join(err, o.close()) }()
				a.out.many()
				if live {
					return a.diffLive(ctx, o, args[1], metadata)
				}
				return a.diffSnapshots(ctx, o, args[1], metadata)
			})
		},
	}
	c.Flags().BoolVar(&metadata, "metadata", false, "show entries of which only metadata changed too")
	c.Flags().BoolVar(&live, "live", false, "compare with a folder on disk")
	return c
}

func (a *app) diffSnapshots(ctx context.Context, o *opened, words string, metadata bool) error {
	other, path, err := findPath(o.set, words)
	if err != nil {
		return err
	}
	if len(path) > 0 && string(path) != string(o.path) {
		return usagef("two different paths cannot be compared")
	}
	var sums diffSums
	for change, err := range tree.Diff(ctx, o.reader, o.snapshot.Tree(), other.Tree()) {
		if err != nil {
			return fmt.Errorf("compare snapshots: %w", err)
		}
		if under(change.Key, o.path) {
			a.showChange(change, metadata, &sums)
		}
	}
	a.endDiff(&sums)
	return nil
}

// under reports whether a key is a path or below it.
func under(key, path []byte) bool {
	rest, ok := strings.CutPrefix(string(key), string(path))
	return ok && (len(path) == 0 || rest == "" || rest[0] == '/')
}

// diffLive compares what a snapshot has under a folder's path with the folder.
// Content counts as equal when size, times and inode are.
func (a *app) diffLive(ctx context.Context, o *opened, folder string, metadata bool) (err error) {
	abs, err := filepath.Abs(folder)
	if err != nil {
		return fmt.Errorf("find %s: %w", folder, err)
	}
	files, err := source.NewFiles([]string{abs}, source.FilesOptions{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	o.path = keyPath(abs)
	var sums diffSums
	stored, stop := pull(ctx, o)
	defer stop()
	before, err := stored()
	if err != nil {
		return err
	}
	for item, walkErr := range files.Walk(ctx) {
		if walkErr != nil {
			return walkErr
		}
		if item.Err != nil {
			a.out.warn("%s: %v", printable(item.Path), item.Err)
		}
		if item.Entry == nil || !under(item.Key, o.path) {
			continue
		}
		for before != nil && string(before.Key) < string(item.Key) {
			a.showChange(tree.Change{Key: before.Key, Before: before.Entry}, metadata, &sums)
			if before, err = stored(); err != nil {
				return err
			}
		}
		change := tree.Change{Key: item.Key, After: item.Entry}
		if before != nil && string(before.Key) == string(item.Key) {
			change.Before = before.Entry
		}
		a.showChange(change, metadata, &sums)
		if change.Before != nil {
			if before, err = stored(); err != nil {
				return err
			}
		}
	}
	for before != nil {
		a.showChange(tree.Change{Key: before.Key, Before: before.Entry}, metadata, &sums)
		if before, err = stored(); err != nil {
			return err
		}
	}
	a.endDiff(&sums)
	return nil
}

// kinds of change, as a letter and as a word.
var changeWords = map[byte]string{'+': "added", '-': "removed", 'M': "changed", 'U': "metadata"}

// showChange shows and counts one change; none when nothing worth telling
// differs.
func (a *app) showChange(c tree.Change, metadata bool, sums *diffSums) {
	letter := kindOfChange(c)
	switch letter {
	case 0:
		return
	case '+':
		sums.Added++
		sums.BytesIn += c.After.Size
	case '-':
		sums.Removed++
		sums.BytesOut += c.Before.Size
	case 'M':
		sums.Changed++
		sums.BytesIn += c.After.Size
		sums.BytesOut += c.Before.Size
	case 'U':
		sums.Metadata++
		if !metadata {
			return
		}
	}
	e := c.After
	if e == nil {
		e = c.Before
	}
	a.out.emit("change", changeJSON{changeWords[letter], entryToJSON(c.Key, e)})
	a.out.print("%c  %s", letter, printable("/"+string(c.Key)))
}

func kindOfChange(c tree.Change) byte {
	switch {
	case c.Before == nil:
		return '+'
	case c.After == nil:
		return '-'
	case c.Before.Type != c.After.Type || c.Before.Size != c.After.Size || !sameContent(c.Before, c.After) ||
		string(c.Before.Target) != string(c.After.Target):
		return 'M'
	case sameMetadata(c.Before, c.After):
		return 0
	}
	return 'U'
}

// sameContent compares what is known of two entries' content: the chunks when
// both have them, else times and inode.
func sameContent(x, y *format.Entry) bool {
	if x.Type != format.TypeFile && x.Type != format.TypeStream {
		return true
	}
	known := func(e *format.Entry) bool { return e.Size == 0 || len(e.Content) > 0 || e.Spilled != nil }
	if !known(x) || !known(y) {
		return source.Same(x, y)
	}
	if (x.Spilled == nil) != (y.Spilled == nil) || len(x.Content) != len(y.Content) {
		return false
	}
	if x.Spilled != nil {
		return x.Spilled.Root == y.Spilled.Root
	}
	for i := range x.Content {
		if x.Content[i] != y.Content[i] {
			return false
		}
	}
	return true
}

func sameMetadata(x, y *format.Entry) bool {
	same := x.Mode == y.Mode && x.UID == y.UID && x.GID == y.GID && x.MTime == y.MTime && x.MTimeNS == y.MTimeNS &&
		x.Rdev == y.Rdev && len(x.Attributes) == len(y.Attributes)
	for i := 0; same && i < len(x.Attributes); i++ {
		same = string(x.Attributes[i].Name) == string(y.Attributes[i].Name) &&
			string(x.Attributes[i].Value) == string(y.Attributes[i].Value)
	}
	return same
}

func (a *app) endDiff(s *diffSums) {
	a.out.emit("summary", s)
	a.out.say("%d added, %d removed, %d changed, %d with other metadata; %s came, %s went",
		s.Added, s.Removed, s.Changed, s.Metadata, size(s.BytesIn), size(s.BytesOut))
}
