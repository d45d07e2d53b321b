package restore

import (
	"context"
	"errors"

	"firn/internal/format"
	"firn/internal/repo"
	"firn/internal/target"
	"firn/internal/tree"
)

// errDiffers means that a restored file does not have the snapshot's content.
var errDiffers = errors.New("its content on disk differs from the snapshot")

// Verify reads the files of a finished restore back and compares them with
// the snapshot, chunk by chunk. Files that differ, also because the overwrite
// mode kept others in their place, are told to Progress as problems.
func Verify(ctx context.Context, rd *repo.Reader, root tree.Root, disk *target.Disk, opts Options) error {
	p, err := newPart(ctx, rd, root, &opts)
	if err != nil {
		return err
	}
	r := &diskRestore{ctx: ctx, reader: rd, disk: disk, opts: &opts}
	return p.each(ctx, func(key []byte, e *format.Entry) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if isFile(e) && e.Flags&format.FlagUnreadable == 0 && !r.matches(key, e) {
			opts.Progress.problem(key, errDiffers)
		}
		return nil
	})
}
