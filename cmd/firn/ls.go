package main

import (
	"bytes"
	"context"
	"errors"

	"github.com/spf13/cobra"

	"firn/internal/format"
	"firn/internal/tree"
)

func newLsCommand(a *app) *cobra.Command {
	var long, recursive bool
	c := &cobra.Command{
		Use:   "ls SNAPSHOT[:PATH]",
		Short: "List what is in a snapshot",
		Long: `List a folder of a snapshot, or all below it. SNAPSHOT is an ID or its beginning,
"latest", or "latest:HOST". "latest:PATH" is the newest snapshot that has PATH as a
source, else the newest of all. Without PATH it is the top of the snapshot.`,
		Example: `  firn ls latest
  firn ls -l latest:/etc
  firn ls -R 3fa8c1d2:/home/anna`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.oneDrive(cmd.Context(), func(ctx context.Context, d *drive) (err error) {
				o, err := a.openSnapshot(ctx, d, args[0])
				if err != nil {
					return err
				}
				defer func() { err = errors.Join(err, o.close()) }()
				return a.list(ctx, o, long, recursive)
			})
		},
	}
	c.Flags().BoolVarP(&long, "long", "l", false, "show mode, owner, size and time")
	c.Flags().BoolVarP(&recursive, "recursive", "R", false, "list everything below too")
	return c
}

// list shows a directory's entries, or all below it. Sub-trees that are not
// shown are not read.
func (a *app) list(ctx context.Context, o *opened, long, recursive bool) error {
	a.out.many()
	show := func(item tree.Item) {
		a.out.emit("entry", entryToJSON(item.Key, item.Entry))
		if long {
			a.out.print("%s", longLine(item.Key, item.Entry))
		} else {
			a.out.print("%s", printable("/"+string(item.Key)))
		}
	}
	if recursive {
		return o.within(ctx, func(item tree.Item) error { show(item); return nil })
	}
	folder := o.path
	if len(folder) > 0 {
		key, e, err := o.entry(ctx)
		if err != nil {
			return err
		}
		if e.Type != format.TypeDirectory {
			show(tree.Item{Key: key, Entry: e})
			return nil
		}
		folder = key
	}
	from := folder
	for from != nil || len(folder) == 0 {
		next, err := o.listOne(ctx, folder, from, show)
		if err != nil || next == nil {
			return err
		}
		from = next
	}
	return nil
}

// listOne shows entries of a folder from a key on, up to the first directory, and
// returns the key behind that directory; nil at the folder's end.
func (o *opened) listOne(ctx context.Context, folder, from []byte, show func(tree.Item)) ([]byte, error) {
	for item, err := range tree.Walk(ctx, o.reader, o.snapshot.Tree(), from) {
		if err != nil {
			return nil, err
		}
		if !bytes.HasPrefix(item.Key, folder) {
			return nil, nil
		}
		if len(item.Key) == len(folder) {
			continue // the folder itself
		}
		show(item)
		if last := len(item.Key) - 1; item.Key[last] == '/' {
			// All keys below it begin with its own; '0' follows '/'.
			behind := bytes.Clone(item.Key)
			behind[last] = '/' + 1
			return behind, nil
		}
	}
	return nil, nil
}
