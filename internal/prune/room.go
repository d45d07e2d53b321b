package prune

import (
	"context"

	"firn/internal/object"
)

// runCramped is a run on a drive that turned out to be full: nothing is moved and
// nothing merged, since both take room before they free some.
func (p *pruner) runCramped(ctx context.Context) error {
	p.opts.Progress("the drive is full: only what is not needed at all is freed")
	p.cramped, p.report = true, Report{}
	_, err := object.InReserve(ctx, p.repo.Store(), func() error { return p.run(ctx) })
	return err
}
