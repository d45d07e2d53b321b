package prune

import (
	"context"
	"slices"

	"firn/internal/format"
)

// retireDamage deletes damage records that have nothing left to say. Such a record keeps
// writers from relying on its packs, and has them store its chunks anew. When the index names none of its packs
// any more there is nothing to rely on; and the census has found a copy of every chunk that snapshots
// need, which then is none of those that the record speaks of. As with prune records a month is
// waited, so that nobody who knows the index of before comes to see it without the record.
func (p *pruner) retireDamage(ctx context.Context, pl *plan) error {
	var over []string
	for i := range pl.records.Damages {
		d := &pl.records.Damages[i]
		indexed := slices.ContainsFunc(d.Record.DamagedPacks, func(name format.PackName) bool { return pl.census.uses[name] != nil })
		if !indexed && p.now.Sub(d.Written) > retireAfter {
			over = append(over, d.Name)
		}
	}
	return p.delete(ctx, over)
}
