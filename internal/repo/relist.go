package repo

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"firn/internal/format"
	"firn/internal/index"
)

// Find is Locate for a reader that has time: before it says that the index does not have a
// chunk, the segments are listed once more in the reader's life, for a drive may list what
// was written lately with a delay. Segments of over 64 MiB are merged ones, and stay out.
func (rd *Reader) Find(ctx context.Context, id format.ID) (index.Location, error) {
	return rd.find(ctx, id, nil)
}

func (rd *Reader) find(ctx context.Context, id format.ID, except map[format.PackName]bool) (index.Location, error) {
	at, err := rd.locate(id, except)
	if !errors.Is(err, ErrNoChunk) || rd.again == nil {
		return at, err
	}
	rd.again.Do(func() { rd.again.err = rd.relist(ctx) })
	if rd.again.err != nil {
		return at, errors.Join(err, rd.again.err)
	}
	return rd.locate(id, except)
}

// relisting is done once, for all readers of a view.
type relisting struct {
	sync.Once
	err error
}

// relist adds segments to the view that were not listed when it was made.
func (rd *Reader) relist(ctx context.Context) error {
	sizes, err := rd.repo.segmentSizes(ctx)
	if err != nil {
		return err
	}
	for _, s := range rd.view.Segments() {
		delete(sizes, s.Name)
		for _, input := range s.Inputs {
			delete(sizes, input)
		}
	}
	for _, b := range rd.view.Bad() {
		delete(sizes, b.Name)
	}
	for name, size := range sizes {
		if size > smallLimit {
			continue
		}
		body, _, err := rd.repo.store.Get(ctx, name, smallLimit)
		if err == nil {
			err = rd.view.AddSealed(name, body)
		}
		if err != nil && !isDamage(err) { // what is damaged holds nothing
			return fmt.Errorf("read index segment that was listed late: %w", err)
		}
	}
	return nil
}
