package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"firn/internal/format"
	"firn/internal/restore"
)

func newCatCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "cat SNAPSHOT:PATH",
		Short: "Write a file's content to standard output",
		Long: `Write the content of a file in a snapshot to standard output. SNAPSHOT is an ID
or its beginning, "latest", or "latest:HOST"; PATH is as 'firn ls' shows it.`,
		Example: `  firn cat latest:/etc/hosts
  firn cat latest:web1:/etc/hosts
  firn cat latest:shop.sql | psql shop`,
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
				return a.catFile(ctx, o, e)
			})
		},
	}
}

func (a *app) catFile(ctx context.Context, o *opened, e *format.Entry) error {
	switch e.Type {
	case format.TypeFile, format.TypeStream, format.TypeS3Object:
	default:
		return fmt.Errorf("/%s is a %s, not a file", printable(o.path), typeNames[e.Type])
	}
	if e.Flags&format.FlagUnreadable != 0 {
		return fmt.Errorf("/%s could not be read when it was backed up", printable(o.path))
	}
	content := restore.NewContent(ctx, o.reader, e)
	defer content.Close()
	if _, err := io.Copy(a.out.stdout, content); err != nil {
		return fmt.Errorf("write content of /%s: %w", printable(o.path), err)
	}
	return nil
}
