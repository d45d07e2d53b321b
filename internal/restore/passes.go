package restore

import (
	"errors"

	"firn/internal/format"
	"firn/internal/repo"
	"firn/internal/target"
	"firn/internal/tree"
)

// restore walks the part and, as long as files wait for packs to become
// readable, walks it again for these.
func (r *diskRestore) restore(p *part) error {
	walk := r.entry
	for {
		r.at = -1
		err := p.each(r.ctx, func(key []byte, e *format.Entry) error {
			r.at++
			return walk(key, e)
		})
		if err != nil {
			return err
		}
		if err := r.fetch(); err != nil {
			return err
		}
		r.opts.Progress.Waiting.Store(uint64(r.parked.count))
		if r.parked.count == 0 {
			return nil
		}
		err = r.opts.Gate.Wait(r.ctx)
		if errors.Is(err, repo.ErrNeverReady) {
			return r.forsake(p, err)
		}
		if err != nil {
			return err
		}
		walk = r.parkedEntry
	}
}

// forsake names the files whose packs will never be readable.
func (r *diskRestore) forsake(p *part, why error) error {
	r.at = -1
	return p.each(r.ctx, func(key []byte, _ *format.Entry) error {
		if r.at++; r.parked.has(r.at) {
			r.parked.remove(r.at)
			r.opts.Progress.problem(key, why)
		}
		return nil
	})
}

// parkedEntry goes on with an entry that waited.
func (r *diskRestore) parkedEntry(key []byte, e *format.Entry) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	if !r.parked.has(r.at) {
		return nil
	}
	e, err := r.withAttributes(e)
	if err == nil {
		err = r.plan(key, e, false)
	}
	return r.settle(key, err)
}

// ready returns repo.ErrNotReady if the gate keeps any of a file's content. What is
// missing altogether is found when it is planned.
func (r *diskRestore) ready(e *format.Entry) error {
	if r.opts.Gate == nil {
		return nil
	}
	for x, err := range tree.ContentFrom(r.ctx, r.reader, e, 0) {
		if err != nil || x.Hole {
			continue
		}
		if _, err := r.reader.Locate(x.ID); errors.Is(err, repo.ErrNotReady) {
			return err
		}
	}
	return r.ctx.Err()
}

// settle tells of what became of an entry, or has it wait, and fetches when
// enough is planned.
func (r *diskRestore) settle(key []byte, err error) error {
	switch {
	case err == nil:
	case errors.Is(err, repo.ErrNotReady):
		r.parked.add(r.at)
	case errors.Is(err, target.ErrFull), repoFailed(err):
		return err
	default:
		r.opts.Progress.problem(key, err)
	}
	if r.wave.pieces >= wavePieces || len(r.wave.files) >= waveFiles {
		return r.fetch()
	}
	return nil
}

// ordinals is a set of entries by their position in the walk.
type ordinals struct {
	bits  []uint64
	count int
}

func (o *ordinals) has(i int) bool {
	return i/64 < len(o.bits) && o.bits[i/64]&(1<<(i%64)) != 0
}

func (o *ordinals) add(i int) {
	if o.has(i) {
		return
	}
	for i/64 >= len(o.bits) {
		o.bits = append(o.bits, 0)
	}
	o.bits[i/64] |= 1 << (i % 64)
	o.count++
}

func (o *ordinals) remove(i int) {
	if o.has(i) {
		o.bits[i/64] &^= 1 << (i % 64)
		o.count--
	}
}
