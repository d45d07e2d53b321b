package index

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sync/errgroup"

	"firn/internal/object"
	"firn/internal/seal"
)

const (
	// fetchParallel is how many segments are fetched at once; each takes up to
	// wholeBody or bodyWindow of memory and its filter.
	fetchParallel = 16
	// fetchBatch is after how many segments layers are merged, so that few files are open.
	fetchBatch = 64
	// trustedRepairs is after how many repairs a folder is given up.
	trustedRepairs = 2
)

// fetch adds segments that the mirror lacks. The caller holds change.
func (v *View) fetch(names []string) error {
	for batch := range slices.Chunk(names, fetchBatch) {
		layers := make([]*layer, len(batch))
		group, ctx := errgroup.WithContext(v.ctx)
		group.SetLimit(fetchParallel)
		for i, name := range batch {
			group.Go(func() error {
				l, err := v.fetchSegment(ctx, name)
				layers[i] = l
				return v.judge(ctx, name, err)
			})
		}
		err := group.Wait()
		layers = slices.DeleteFunc(layers, func(l *layer) bool { return l == nil })
		v.publish(layers, nil)
		if err != nil {
			return err
		}
		if len(v.layers) > fetchBatch {
			if err := v.settle(); err != nil {
				return err
			}
		}
	}
	return nil
}

// judge decides whether the view can go on without a segment.
func (v *View) judge(ctx context.Context, name string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, seal.ErrRevoked):
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("read segment %s: %w", name, ctx.Err())
	case !v.skipBad || object.IsTransient(err):
		return &BadSegment{Name: name, Err: err}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.bad = append(v.bad, &BadSegment{Name: name, Err: err})
	return nil
}

// fetchSegment reads a segment from the drive.
func (v *View) fetchSegment(ctx context.Context, name string) (*layer, error) {
	from, err := openBody(ctx, v.store, name, v.far.sizes[name])
	if err != nil {
		return nil, err
	}
	return v.mirrorSegment(name, from)
}

// mirrorSegment verifies a segment and writes it to the mirror.
func (v *View) mirrorSegment(name string, from body) (*layer, error) {
	id := layerOf([]string{name})
	for {
		l, err := v.mirror.write(id, func(to io.WriterAt) error {
			_, err := decodeSegment(v.keys, name, from, newLayerWriter(to, id))
			return err
		})
		if err != nil {
			return nil, err
		}
		l.claim(0)
		damaged := v.loadLayer(l)
		if damaged == nil {
			return l, nil
		}
		_ = l.discard() // a file that was only read
		if l.source.path == "" {
			return nil, damaged
		}
		v.mirror.fail(filepath.Dir(l.source.path), damaged)
	}
}

// AddSealed adds a segment that was just sealed, and written or about to be. Its
// content is verified as that of any other.
func (v *View) AddSealed(name string, body []byte) error {
	v.change.Lock()
	defer v.change.Unlock()
	if v.closed {
		return errClosed
	}
	for _, l := range v.layers {
		if slices.Contains(l.names(), name) {
			return nil
		}
	}
	l, err := v.mirrorSegment(name, wholeSegment(body))
	if err != nil {
		return &BadSegment{Name: name, Err: err}
	}
	v.loadFilter(l, nil)
	v.publish([]*layer{l}, nil)
	return v.settle()
}

// repair replaces the layer that a *damage names by what the drive has. Other
// errors are returned, as is that of the repair.
func (v *View) repair(cause error) error {
	v.change.Lock()
	defer v.change.Unlock()
	return v.repairHeld(cause)
}

// repairHeld is repair for a caller that holds change.
func (v *View) repairHeld(cause error) error {
	var d *damage
	if !errors.As(cause, &d) {
		return cause
	}
	l := d.layer
	if !slices.Contains(v.layers, l) { // replaced in the meantime, or the view is closed
		return nil
	}
	if !l.condemned {
		if l.source.path == "" { // memory does not fail: the layer was written wrong
			return cause
		}
		l.condemned = true
		_ = os.Remove(l.source.path) // found damaged again next time, if not
		if v.repairs++; v.repairs > trustedRepairs {
			v.mirror.fail(filepath.Dir(l.source.path), d.err)
		}
	}
	// Until all is there the damaged layer stays, so that nobody takes for absent what it has.
	if err := v.fetch(v.onlyIn(l)); err != nil {
		return err
	}
	v.publish(nil, []*layer{l})
	_ = l.drop() // a file that was only read
	return nil
}

// onlyIn returns the segments that the view takes from l alone.
func (v *View) onlyIn(l *layer) []string {
	elsewhere := make(map[string]bool)
	for _, other := range v.layers {
		if other != l {
			for _, name := range other.names() {
				elsewhere[name] = true
			}
		}
	}
	return slices.DeleteFunc(l.names(), func(name string) bool { return elsewhere[name] })
}

// Verify reads the segment called name from the drive, past any mirror, and
// verifies all of it. The error is a *BadSegment.
func Verify(ctx context.Context, store object.Store, k *seal.Keyring, name string) (SegmentInfo, error) {
	from, err := openBody(ctx, store, name, 0)
	if err == nil {
		var m *member
		if m, err = decodeSegment(k, name, from, newLayerWriter(nowhere{}, layerID{})); err == nil {
			return m.info(), nil
		}
	}
	return SegmentInfo{}, &BadSegment{Name: name, Err: err}
}

// nowhere takes what is written and keeps nothing.
type nowhere struct{}

func (nowhere) WriteAt(p []byte, _ int64) (int, error) { return len(p), nil }
