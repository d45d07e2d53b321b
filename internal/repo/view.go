package repo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"firn/internal/index"
	"firn/internal/object"
	"firn/internal/seal"
)

// SegmentNames lists the index segments of the drive.
func (r *Repository) SegmentNames(ctx context.Context) ([]string, error) {
	sizes, err := r.segmentSizes(ctx)
	return slices.Sorted(maps.Keys(sizes)), err
}

// segmentSizes lists the index segments of the drive with their bytes.
func (r *Repository) segmentSizes(ctx context.Context) (map[string]int64, error) {
	sizes := map[string]int64{}
	for info, err := range r.store.List(ctx, "x/") {
		if err != nil {
			return nil, fmt.Errorf("list index: %w", err)
		}
		sizes[info.Name] = info.Size
	}
	return sizes, nil
}

// PutSegment writes an index segment unless the session was closed: the packs
// it names may be gone by then. A segment that is there already has the same
// bytes: its name is their hash.
func (s *Session) PutSegment(ctx context.Context, name string, body []byte) error {
	err := s.StillOpen(ctx)
	if err == nil {
		s.wrote.Store(name, struct{}{})
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

// indexUse says what a view is opened for.
type indexUse int

const (
	// walked views are in the local cache, all of them, before they are used.
	walked indexUse = iota
	// lookedUp ones, where the index is huge, come there while they are used.
	lookedUp
	// read ones do too, and what they say is verified by reading.
	read
)

// loadView lists the segments and opens a view of them, judged by trust if there is
// one; those that cannot be read are returned beside it. Segments that were merged away since the
// listing are looked for again, in the segment that replaced them.
func (r *Repository) loadView(ctx context.Context, trust index.Trust, use indexUse) (*index.View, []*index.BadSegment, error) {
	var view *index.View
	err := r.WithKeys(ctx, func() (err error) {
		if view != nil {
			err = view.Close()
		}
		if err == nil {
			view, err = r.openView(ctx, trust, use)
		}
		if err != nil {
			return err
		}
		return newKeysOf(view)
	})
	switch {
	case view != nil && (err == nil || errors.Is(err, seal.ErrNewKeys)):
		return view, view.Bad(), nil
	case view != nil:
		err = errors.Join(err, view.Close())
	}
	return nil, nil, err
}

// newKeysOf returns the error of a segment that takes keys of a later rotation.
func newKeysOf(view *index.View) error {
	for _, bad := range view.Bad() {
		if errors.Is(bad.Err, seal.ErrNewKeys) {
			return bad
		}
	}
	return nil
}

// openView is loadView with the keys there are.
func (r *Repository) openView(ctx context.Context, trust index.Trust, use indexUse) (*index.View, error) {
	options := []index.Option{index.SkipBad()}
	if trust != nil {
		options = append(options, index.Judged(trust))
	}
	for attempt := 1; ; attempt++ {
		sizes, err := r.segmentSizes(ctx)
		if err != nil {
			return nil, err
		}
		own := options
		if use != walked && trust == nil { // who is trusted is told of whole segments
			own = append(slices.Clone(options), index.Far(sizes))
			if use == read {
				own = append(own, index.Near(r.neighbours()))
			}
		}
		view, err := r.cache.mirror.View(ctx, r.store, r.keys, slices.Sorted(maps.Keys(sizes)), own...)
		if err != nil {
			return nil, fmt.Errorf("read index: %w", err)
		}
		gone := slices.ContainsFunc(view.Bad(), func(b *index.BadSegment) bool { return errors.Is(b.Err, object.ErrNotFound) })
		if !gone || attempt == viewAttempts {
			return view, nil
		}
		if err := view.Close(); err != nil {
			return nil, fmt.Errorf("read index: %w", err)
		}
	}
}
