package repo

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"firn/internal/format"
	"firn/internal/index"
	"firn/internal/object"
)

// neighbours returns what reads the list of a pack's chunks from its footer, for look-ups
// where the index is not in the local cache. Once a data pack turns out to be frozen it
// asks no other.
func (r *Repository) neighbours() index.Neighbours {
	frozen := new(atomic.Bool)
	return func(ctx context.Context, pack *format.PackInfo) ([]index.PackEntry, error) {
		if pack.Name.Kind == format.KindData && frozen.Load() {
			return nil, fmt.Errorf("read footer of %s: %w", pack.Name.Object(), object.ErrFrozen)
		}
		footer, err := r.ReadFooter(ctx, pack.Name, int64(pack.Size))
		if errors.Is(err, object.ErrFrozen) {
			frozen.Store(true)
		}
		if err != nil {
			return nil, err
		}
		return ListBlocks(footer.Blocks).Entries, nil
	}
}
