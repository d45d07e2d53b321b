package prune

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"firn/internal/format"
	"firn/internal/repo"
	"firn/internal/snapshot"
	"firn/internal/tree"
)

// mark gathers the chunks that snapshots consist of: tree pages and content.
func mark(ctx context.Context, rd *repo.Reader, snapshots []*snapshot.Snapshot) (*liveSet, error) {
	live := newLiveSet()
	seen := map[format.ShortID]struct{}{}
	var failed error
	keep := func(id format.ID) {
		if failed == nil {
			failed = live.Add(id.Short())
		}
	}
	visit := func(id format.ID, _ uint32, _ int) bool {
		short := id.Short()
		if _, ok := seen[short]; ok {
			return false
		}
		seen[short] = struct{}{}
		keep(id)
		return true
	}
	for _, s := range snapshots {
		if s.Root == nil {
			continue
		}
		found := tree.Found{Chunk: func(id format.ID, _ uint32) { keep(id) }}
		if err := tree.Pages(ctx, rd, s.Tree(), visit, found); err != nil {
			return nil, errors.Join(fmt.Errorf("mark snapshot %s: %w", s.Short(), err), live.Close())
		}
	}
	if failed != nil {
		return nil, errors.Join(failed, live.Close())
	}
	return live, nil
}

func sorted(list []string) []string {
	own := slices.Clone(list)
	slices.Sort(own)
	return slices.Compact(own)
}
