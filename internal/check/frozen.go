package check

import (
	"context"
	"errors"
	"fmt"

	"firn/internal/format"
	"firn/internal/repo"
)

// Packs returns every data pack that Run would read whole or to understand the
// deltas in one, in order of their names: those that opts choose, and those that
// a damage record names. No data pack is read. A writer's key cannot:
// repo.ErrRole.
func Packs(ctx context.Context, r *repo.Repository, opts Options) (_ []repo.Need, err error) {
	if !r.Keys().ReadsMetadata() {
		return nil, fmt.Errorf("choose packs to check: %w: it takes the owner's or a maintainer's key", repo.ErrRole)
	}
	fresh, err := r.Fresh()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, fresh.Close()) }()
	c := &checker{ctx: ctx, origin: r, repo: fresh, opts: &opts, report: new(Report)}
	defer func() { err = errors.Join(err, c.close()) }()
	for _, step := range []func() error{c.checkRecords, c.checkIndex, c.checkPacks} {
		if err := step(); err != nil {
			return nil, fmt.Errorf("choose packs to check: %w", err)
		}
	}
	needs := map[format.PackName]repo.Need{}
	var opened []*format.PackInfo
	for _, p := range c.chosen() {
		if p.info.Name.Kind != format.KindData {
			continue
		}
		needs[p.info.Name] = repo.Need{Pack: p.info.Name, Size: p.info.Size, Bytes: p.info.Size, Requests: requestsFor(p.info.Size)}
		if r.Keys().ReadsData() {
			opened = append(opened, p.info)
		}
	}
	return c.reader.WithBases(needs, opened), nil
}

// requestsFor is how many requests read a pack whole: its windows, and if there is
// more than one its footer beforehand.
func requestsFor(size uint64) int {
	const footer = 2
	if size <= defaultWindow {
		return 1
	}
	return int((size+defaultWindow-1)/defaultWindow) + footer
}
