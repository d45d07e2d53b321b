package prune

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"firn/internal/repo"
)

// move copies the live blocks of packs into new packs, sealed as they are,
// and indexes them. It returns the packs that it moved; those that turn out
// damaged stay. The old packs are condemned afterwards, so a crash in between
// leaves two copies and nothing worse.
func (p *pruner) move(ctx context.Context, uses []*packUse) ([]*packUse, error) {
	p.opts.Progress(fmt.Sprintf("moving what is used of %d packs", len(uses)))
	if _, err := p.session.LoadIndex(ctx); err != nil {
		return nil, err
	}
	var moved []*packUse
	for _, u := range uses {
		offsets := slices.Sorted(maps.Keys(u.live))
		blocks := make([]repo.BlockAt, len(offsets))
		for i, offset := range offsets {
			blocks[i] = repo.BlockAt{Offset: offset, Length: u.live[offset]}
		}
		err := p.session.CopyBlocks(ctx, u.info, blocks)
		if repo.IsDamage(err) {
			p.opts.Progress(fmt.Sprintf("%s is damaged and stays as it is; run check: %v", u.info.Name.Object(), err))
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("move %s: %w", u.info.Name.Object(), err)
		}
		moved = append(moved, u)
		p.report.Repacked++
		p.report.RepackedBytes += u.liveBytes
	}
	return moved, p.session.Flush(ctx)
}
