package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"firn/internal/format"
	"firn/internal/repo"
	"firn/internal/restore"
)

func newCatCommand(a *app) *cobra.Command {
	f := &thawFlags{}
	c := &cobra.Command{
		Use:   "cat SNAPSHOT:PATH",
		Short: "Write a file's content to standard output",
		Long: `Write the content of a file in a snapshot to standard output. SNAPSHOT is an ID
or its beginning, "latest", or "latest:HOST"; PATH is as 'firn ls' shows it.

What lies in an archive class must be thawed before it can be read: see 'firn restore
--help'. What is to be said of that goes to standard error.`,
		Example: `  firn cat latest:/etc/hosts
  firn cat latest:web1:/etc/hosts
  firn cat latest:shop.sql | psql shop
  firn cat latest:shop.sql --thaw expedited | psql shop`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.oneDrive(cmd.Context(), func(ctx context.Context, d *drive) (err error) {
				o, err := a.openSnapshot(ctx, d, args[0])
				if err != nil {
					return err
				}
				defer func() { err = errors.Join(err, o.close()) }()
				if len(o.path) == 0 {
					return usagef("name a file, as in %s:/etc/hosts", args[0])
				}
				_, e, err := o.entry(ctx)
				if err != nil {
					return err
				}
				return a.catFile(ctx, o, e, f)
			})
		},
	}
	f.flags(c)
	return c
}

func (a *app) catFile(ctx context.Context, o *opened, e *format.Entry, f *thawFlags) error {
	switch e.Type {
	case format.TypeFile, format.TypeStream, format.TypeS3Object:
	default:
		return fmt.Errorf("/%s is a %s, not a file", printable(o.path), typeNames[e.Type])
	}
	if e.Flags&format.FlagUnreadable != 0 {
		return fmt.Errorf("/%s could not be read when it was backed up", printable(o.path))
	}
	a.out.carries = true
	written := int64(0)
	return a.readFrozen(ctx, dataReading{
		drive: o.drive, flags: f,
		needs: func(ctx context.Context) ([]repo.Need, int, error) {
			return o.needs(ctx, restore.Options{From: o.path})
		},
		work: func(ctx context.Context, gate repo.Gate) (err error) {
			content := restore.NewContent(ctx, o.reader.Behind(gate), e)
			defer content.Close()
			if written, err = io.Copy(a.out.stdout, content); err != nil {
				return fmt.Errorf("write content of /%s: %w", printable(o.path), err)
			}
			return nil
		},
		begun: func() bool { return written > 0 },
	})
}
