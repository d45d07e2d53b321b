package prune

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"firn/internal/object"
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
	// Packs of one author together: what is moved goes into packs of one author each.
	slices.SortStableFunc(uses, func(a, b *packUse) int { return a.info.Host.Compare(b.info.Host) })
	var moved []*packUse
	for _, u := range uses {
		asleep, err := p.asleep(ctx, u.info.Name)
		if err != nil {
			return nil, err
		}
		if !asleep {
			err = p.session.CopyBlocks(ctx, u.info, u.blocks())
		}
		if asleep || errors.Is(err, object.ErrFrozen) { // it may have sunk since it was listed
			p.leaveFrozen(u)
			continue
		}
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

// blocks returns the live blocks in order.
func (u *packUse) blocks() []repo.BlockAt {
	blocks := make([]repo.BlockAt, 0, len(u.live))
	for _, offset := range slices.Sorted(maps.Keys(u.live)) {
		blocks = append(blocks, repo.BlockAt{Offset: offset, Length: u.live[offset]})
	}
	return blocks
}
