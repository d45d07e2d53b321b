package index

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"firn/internal/format"
	"firn/internal/object"
)

const (
	// farFrom is over how many bytes of segments that the mirror lacks a view does not
	// wait for all of them.
	farFrom = 128 << 20
	// farMost is how many segments are far at most; each keeps a file open.
	farMost = 256
	// fillFrom is after how many pages read on the drive the segments come to the mirror in the background.
	fillFrom = 64
	// fillParallel is how many of them come at once.
	fillParallel = 2
)

// Far lets a view begin before the mirror has all segments: where sizes, in bytes by
// name, say that much is missing, look-ups read pages of the large ones on the
// drive, asking their filters first. Once many pages were read, the segments come
// to the mirror in the background. What walks the index still waits for all of it.
func Far(sizes map[string]int64) Option {
	return func(v *View) {
		v.far.sizes, v.far.from, v.far.least, v.far.fillFrom = sizes, farFrom, sumsFrom, fillFrom
	}
}

// farSide is what a view has to do with far segments.
type farSide struct {
	sizes    map[string]int64 // by name; nil: no segment may be far
	from     int64            // bytes missing
	least    int64            // bytes of a far segment
	fillFrom int64            // pages

	segments atomic.Pointer[[]*farSegment] // replaced as a whole, with the view's change held
	sketches []*sketch                     // guarded by the view's change: all that were opened
	pages    keptPages
	near     near
	reads    atomic.Int64 // pages read on the drive
	starting sync.Mutex   // guards the two below
	stop     context.CancelFunc
	filling  sync.WaitGroup
}

// now returns the far segments. Who asks before it looks into the layers misses none
// that is mirrored meanwhile.
func (f *farSide) now() []*farSegment {
	if list := f.segments.Load(); list != nil {
		return *list
	}
	return nil
}

// openFar makes far those of the missing segments that it pays for, and returns the others. The
// caller holds change.
func (v *View) openFar(missing []string) (whole []string, err error) {
	f := &v.far
	var total int64
	for _, name := range missing {
		total += f.sizes[name]
	}
	if f.sizes == nil || total <= f.from || v.judgement != nil {
		if f.sizes != nil {
			v.mirror.dropSketches(nil)
		}
		return missing, nil
	}
	candidates := slices.DeleteFunc(slices.Clone(missing), func(name string) bool { return f.sizes[name] < f.least })
	candidates = candidates[:min(len(candidates), farMost)]
	opened := make([]*farSegment, len(candidates))
	group, ctx := errgroup.WithContext(v.ctx)
	group.SetLimit(fetchParallel)
	for i, name := range candidates {
		group.Go(func() error {
			s, err := v.openFarSegment(ctx, name)
			if err == nil {
				opened[i] = s
			}
			if object.IsTransient(err) {
				return &BadSegment{Name: name, Err: err}
			}
			return ctx.Err() // whatever else is wrong shows when the segment is fetched whole
		})
	}
	err = group.Wait()
	opened = slices.DeleteFunc(opened, func(s *farSegment) bool { return s == nil })
	isFar := make(map[string]bool)
	for _, s := range opened {
		isFar[s.name] = true
		f.sketches = append(f.sketches, s.sketch)
	}
	f.segments.Store(&opened)
	v.mirror.dropSketches(opened)
	return slices.DeleteFunc(slices.Clone(missing), func(name string) bool { return isFar[name] }), err
}

// openFarSegment opens a segment by its sketch, which it makes if there is none.
func (v *View) openFarSegment(ctx context.Context, name string) (*farSegment, error) {
	size := uint64(v.far.sizes[name])
	if kept, tail, ok := v.mirror.sketchOf(name); ok {
		s, err := parseFar(v.store, v.keys, name, size, tail)
		if err == nil && kept.fits(s.geometry) {
			s.sketch = kept
			return s, nil
		}
		_ = kept.source.close() // a file that was only read
	}
	s, tail, err := openFar(ctx, v.store, v.keys, name, size)
	if err != nil {
		return nil, err
	}
	return s, v.mirror.sketchSegment(ctx, s, tail)
}

// loadSketches gives the filters of far segments what memory those of layers leave.
func (v *View) loadSketches() {
	left := v.filterRoom(nil)
	for _, s := range v.far.now() {
		s.load(uint64(max(left, 0)))
		left -= len(s.memory)
	}
}

// farDamage tells which far segment could not be read by pages.
type farDamage struct {
	segment *farSegment
	err     error
}

func (d *farDamage) Error() string { return fmt.Sprintf("read segment %s: %v", d.segment.name, d.err) }
func (d *farDamage) Unwrap() error { return d.err }

// lookupFar does as lookup among segments that are far.
func (v *View) lookupFar(far []*farSegment, id *format.ShortID, accept func(*format.PackInfo) bool) (at Location, found bool, err error) {
	if at, found = v.far.near.find(id, accept); found {
		return at, true, nil
	}
	for _, s := range v.prepare(far, id) {
		page := func(number int) ([]byte, error) { return v.farPage(pageKey{s, number}) }
		found, err = s.find(v.ctx, id, &v.packs, page, func(candidate Location) bool {
			if accept != nil && !accept(candidate.Pack) {
				return false
			}
			at = candidate
			return true
		})
		if err != nil {
			return Location{}, false, &farDamage{s, err}
		}
		if found {
			v.far.near.meet(v.ctx, at.Pack)
			return at, true, nil
		}
	}
	return Location{}, false, nil
}

// prepare returns the segments that may have an ID, by their filters. What find will read of
// them, pages and pack tables, it reads at once instead of one after the other.
func (v *View) prepare(far []*farSegment, id *format.ShortID) (may []*farSegment) {
	var reads []func() error
	for _, s := range far {
		has, err := s.mayHave(segmentHash(id))
		if has || err != nil { // which find tells of
			may = append(may, s)
		}
		if number, inside := s.pageFor(id); has && inside {
			reads = append(reads, func() error {
				_, err := v.farPage(pageKey{s, number})
				return err
			})
			if !s.knowsPacks() {
				reads = append(reads, func() error {
					_, err := s.packTable(v.ctx, &v.packs)
					return err
				})
			}
		}
	}
	if len(reads) < 2 {
		return may
	}
	var group sync.WaitGroup
	room := make(chan struct{}, fetchParallel)
	for _, read := range reads {
		room <- struct{}{}
		group.Go(func() {
			_ = read() // find meets the error if it needs what was to be read
			<-room
		})
	}
	group.Wait()
	return may
}

// farPage returns an entry page of a far segment, which is read unless it is kept.
func (v *View) farPage(key pageKey) ([]byte, error) {
	return v.far.pages.get(key, func() ([]byte, error) {
		v.startFilling()
		return key.segment.entryPage(v.ctx, key.number)
	})
}

// giveUpFar puts the segment itself in the place of a far one that a *farDamage names. If
// that is damaged too, the view goes on without it where it may. Other errors are returned.
func (v *View) giveUpFar(cause error) error {
	var d *farDamage
	if !errors.As(cause, &d) || object.IsTransient(cause) || v.ctx.Err() != nil {
		return cause
	}
	v.change.Lock()
	defer v.change.Unlock()
	if v.closed {
		return errClosed
	}
	if !slices.Contains(v.far.now(), d.segment) {
		return nil
	}
	if err := v.fetch([]string{d.segment.name}); err != nil {
		return err
	}
	v.nearNow(d.segment)
	return nil
}

// nearNow takes segments off the far ones. The caller holds change.
func (v *View) nearNow(gone ...*farSegment) {
	left := slices.DeleteFunc(slices.Clone(v.far.now()), func(s *farSegment) bool { return slices.Contains(gone, s) })
	v.far.segments.Store(&left)
}

// IsComplete reports whether all segments are in the mirror, so that packs can be listed
// without waiting.
func (v *View) IsComplete() bool { return len(v.far.now()) == 0 }

// Complete brings all far segments to the mirror. When it fails, so does all that follows: what
// walks the index must never take a part for the whole.
func (v *View) Complete() error {
	v.mu.RLock()
	failed := v.failed
	v.mu.RUnlock()
	if failed != nil || len(v.far.now()) == 0 {
		return failed
	}
	v.stopFilling()
	v.change.Lock()
	defer v.change.Unlock()
	if err := v.completeHeld(); err != nil {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.failed = fmt.Errorf("complete index: %w", err)
		return v.failed
	}
	return nil
}

// completeHeld is Complete for a caller that holds change.
func (v *View) completeHeld() error {
	far := v.far.now()
	names := make([]string, len(far))
	for i, s := range far {
		names[i] = s.name
	}
	if err := v.fetch(names); err != nil {
		return err
	}
	v.nearNow(far...)
	return v.settle()
}

// startFilling counts a page read on the drive and at some number starts the background.
func (v *View) startFilling() {
	f := &v.far
	if f.reads.Add(1) < f.fillFrom {
		return
	}
	f.starting.Lock()
	defer f.starting.Unlock()
	if f.stop != nil {
		return
	}
	ctx, stop := context.WithCancel(v.ctx)
	f.stop = stop
	f.filling.Go(func() { v.fill(ctx) })
}

// stopFilling ends the background, and keeps it from starting.
func (v *View) stopFilling() {
	f := &v.far
	f.starting.Lock()
	if f.stop == nil {
		f.stop = func() {}
	}
	f.stop()
	f.starting.Unlock()
	f.filling.Wait()
}

// fill brings far segments to the mirror until there are none, or one cannot be
// had: look-ups, which will meet the same, tell of it.
func (v *View) fill(ctx context.Context) {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(fillParallel)
	for _, s := range v.far.now() {
		group.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			l, err := v.fetchSegment(ctx, s.name)
			if err != nil {
				return err
			}
			return v.bringNear(s, l)
		})
	}
	_ = group.Wait() // see above
}

// bringNear puts a layer in the place of a far segment.
func (v *View) bringNear(s *farSegment, l *layer) error {
	v.change.Lock()
	defer v.change.Unlock()
	if v.closed || !slices.Contains(v.far.now(), s) {
		return l.drop()
	}
	v.loadFilter(l, nil)
	v.publish([]*layer{l}, nil)
	v.nearNow(s)
	return v.settle()
}

// closeFar closes the sketches. The caller holds change, and nothing is looked up any more.
func (v *View) closeFar() error {
	var failed []error
	for _, k := range v.far.sketches {
		failed = append(failed, k.source.close())
	}
	v.far.sketches = nil
	v.far.segments.Store(nil)
	return errors.Join(failed...)
}

// info describes a far segment.
func (s *farSegment) info() SegmentInfo {
	m := member{name: s.name, size: s.size, directory: s.directory}
	return m.info()
}
