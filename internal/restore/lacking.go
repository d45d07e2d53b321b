package restore

import (
	"context"
	"fmt"
	"slices"

	"firn/internal/format"
	"firn/internal/repo"
	"firn/internal/target"
	"firn/internal/tree"
)

// Lacking chooses, of what choose does (nil: all), the entries whose content a
// restore to disk would fetch: not those that are there already. disk must be made
// with DryRun. No data pack is read.
func Lacking(ctx context.Context, rd *repo.Reader, disk *target.Disk, choose func(key []byte, e *format.Entry) bool) func(key []byte, e *format.Entry) bool {
	there := &diskRestore{ctx: ctx, reader: rd, disk: disk}
	return func(key []byte, e *format.Entry) bool {
		if choose != nil && !choose(key, e) {
			return false
		}
		plan, err := disk.Prepare(key, e)
		return err == nil && plan.Action == target.Write && !(plan.Existing && there.matches(key, e))
	}
}

// Suffering visits the files of the part that need one of the packs, directly or
// as what a delta stands on, by their keys in the target. No data pack is read.
func Suffering(ctx context.Context, rd *repo.Reader, root tree.Root, opts Options, packs map[format.PackName]bool, visit func(key []byte)) error {
	p, err := newPart(ctx, rd, root, &opts)
	if err != nil {
		return err
	}
	return p.each(ctx, func(key []byte, e *format.Entry) error {
		if !isFile(e) || e.Flags&format.FlagUnreadable != 0 {
			return nil
		}
		for x, err := range tree.ContentFrom(ctx, rd, e, 0) {
			if err != nil {
				if isLost(err) {
					return nil
				}
				return fmt.Errorf("read content list: %w", err)
			}
			if x.Hole {
				continue
			}
			at, err := rd.Locate(x.ID)
			if err != nil && !isLost(err) {
				return err
			}
			if err == nil && stands(at.Pack, packs) {
				visit(key)
				return nil
			}
		}
		return nil
	})
}

// stands reports whether a pack is one of some packs, or its deltas stand on one.
func stands(pack *format.PackInfo, on map[format.PackName]bool) bool {
	return on[pack.Name] || slices.ContainsFunc(pack.BasePacks, func(hash format.ID) bool {
		return on[format.PackName{Kind: format.KindData, Hash: hash}]
	})
}
