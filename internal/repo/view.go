package repo

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"firn/internal/index"
	"firn/internal/object"
)

// SegmentNames lists the index segments of the drive.
func (r *Repository) SegmentNames(ctx context.Context) ([]string, error) {
	var names []string
	for info, err := range r.store.List(ctx, "x/") {
		if err != nil {
			return nil, fmt.Errorf("list index: %w", err)
		}
		names = append(names, info.Name)
	}
	return names, nil
}

// PutSegment writes an index segment unless the session was closed: the packs
// it names may be gone by then. A segment that is there already has the same
// bytes: its name is their hash.
func (s *Session) PutSegment(ctx context.Context, name string, body []byte) error {
	err := s.StillOpen(ctx)
	if err == nil {
		err = s.repo.putOnce(ctx, name, body)
	}
	if err != nil && !errors.Is(err, object.ErrExists) {
		return fmt.Errorf("write index segment: %w", err)
	}
	return nil
}

// viewAttempts bounds how often the index is listed again because segments
// went between the listing and the reading.
const viewAttempts = 5

// loadView lists the segments and opens a view of them; those that cannot be
// read are returned beside it. Segments that were merged away since the
// listing are looked for again, in the segment that replaced them.
func (r *Repository) loadView(ctx context.Context) (*index.View, []*index.BadSegment, error) {
	for attempt := 1; ; attempt++ {
		names, err := r.SegmentNames(ctx)
		if err != nil {
			return nil, nil, err
		}
		view, err := r.cache.mirror.View(ctx, r.store, r.keys, names, index.SkipBad())
		if err != nil {
			return nil, nil, fmt.Errorf("read index: %w", err)
		}
		bad := view.Bad()
		gone := slices.ContainsFunc(bad, func(b *index.BadSegment) bool { return errors.Is(b.Err, object.ErrNotFound) })
		if !gone || attempt == viewAttempts {
			return view, bad, nil
		}
		if err := view.Close(); err != nil {
			return nil, nil, fmt.Errorf("read index: %w", err)
		}
	}
}
