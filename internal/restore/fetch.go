package restore

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"firn/internal/format"
	"firn/internal/repo"
	"firn/internal/target"
)

// fetch reads all blocks of the wave, and what they stand on, and writes their
// chunks; then the wave is empty again.
func (r *diskRestore) fetch() error {
	reading := r.reader.NewReading(r.opts.Readers, &r.opts.Progress.Fetched,
		func(pack format.PackName, at repo.BlockAt, content []byte, damage error) error {
			return r.block(pack, r.wave.packs[pack].blocks[at.Offset].uses, content, damage)
		})
	for _, p := range r.wave.order {
		blocks := make([]repo.BlockAt, 0, len(p.blocks))
		for _, b := range p.blocks {
			blocks = append(blocks, b.at)
		}
		reading.Want(p.info, blocks)
	}
	g, ctx := errgroup.WithContext(r.ctx)
	g.Go(func() error { return r.reserve(ctx) })
	g.Go(func() error { return reading.Run(ctx) })
	if err := g.Wait(); err != nil {
		if r.ctx.Err() != nil {
			return r.ctx.Err()
		}
		return err
	}
	r.wave = newWave()
	return nil
}

// reserve takes the space for the files of the wave while the first of them are fetched.
func (r *diskRestore) reserve(ctx context.Context) error {
	for _, f := range r.wave.files {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if f.file == nil {
			continue
		}
		if err := f.file.Reserve(); err != nil {
			if err = r.targetError(f, err); !isEntryError(err) {
				return err
			}
			r.giveUp(f, err)
		}
	}
	return nil
}

// block writes the chunks of one block wherever they belong.
func (r *diskRestore) block(pack format.PackName, uses []use, content []byte, damage error) error {
	verified := map[uint32]bool{}
	for _, u := range uses {
		if u.file.isEnded() {
			continue
		}
		chunk, err := r.chunk(pack, u, content, damage, verified)
		if err == nil {
			err = r.write(u, chunk)
		}
		if err == nil {
			continue
		}
		if !repo.IsDamage(err) && !isEntryError(err) {
			return err
		}
		r.giveUp(u.file, err)
	}
	return nil
}

// isEntryError reports whether an error concerns one file only.
func isEntryError(err error) bool {
	var own *entryError
	return errors.As(err, &own) && !errors.Is(err, target.ErrFull)
}

// entryError is a failure of the target on one file.
type entryError struct{ err error }

func (e *entryError) Error() string { return e.err.Error() }
func (e *entryError) Unwrap() error { return e.err }

// chunk takes a chunk out of the block and verifies it; where it is damaged,
// another copy is looked for.
func (r *diskRestore) chunk(pack format.PackName, u use, content []byte, damage error, verified map[uint32]bool) ([]byte, error) {
	if damage == nil {
		end := uint64(u.chunkOffset) + uint64(u.length)
		if end <= uint64(len(content)) {
			chunk := content[u.chunkOffset:end]
			if verified[u.chunkOffset] || r.reader.Verify(format.KindData, u.id, chunk) {
				verified[u.chunkOffset] = true
				return chunk, nil
			}
		}
		damage = fmt.Errorf("read %s: %w: another chunk than the index says", pack.Object(), repo.ErrDamaged)
	}
	chunk, err := r.reader.Chunk(r.ctx, format.KindData, u.id, u.length)
	if err != nil {
		return nil, errors.Join(damage, err)
	}
	return chunk, nil
}

func (r *diskRestore) write(u use, chunk []byte) error {
	f := u.file
	if f.whole {
		f.mu.Lock()
		f.ended, f.left = true, 0
		f.mu.Unlock()
		if err := r.disk.WriteFile(f.key, f.entry, chunk); err != nil {
			return r.targetError(f, err)
		}
		r.written(f)
		return nil
	}
	if _, err := f.file.WriteAt(chunk, int64(u.offset)); err != nil {
		return r.targetError(f, err)
	}
	r.opts.Progress.Bytes.Add(uint64(len(chunk)))
	f.mu.Lock()
	f.left--
	last := f.left == 0
	f.mu.Unlock()
	if !last {
		return nil
	}
	return r.complete(f)
}

// complete puts a file whose pieces are all written into place.
func (r *diskRestore) complete(f *file) error {
	f.mu.Lock()
	f.ended = true
	f.mu.Unlock()
	if err := f.file.Commit(); err != nil {
		return r.targetError(f, err)
	}
	r.written(f)
	return nil
}

// written counts a file that is in place.
func (r *diskRestore) written(f *file) {
	r.opts.Progress.Files.Add(1)
	if f.whole {
		r.opts.Progress.Bytes.Add(f.entry.Size)
	}
	r.opts.Progress.entry(f.key, f.entry)
}

// targetError marks a failure to write one file. A full disk ends the restore.
func (r *diskRestore) targetError(f *file, err error) error {
	if errors.Is(err, target.ErrFull) {
		return &stopError{err}
	}
	return &entryError{fmt.Errorf("write %q: %w", f.key, err)}
}

// giveUp leaves a file out and says why.
func (r *diskRestore) giveUp(f *file, err error) {
	f.mu.Lock()
	first := !f.ended || f.whole
	abort := f.file != nil && !f.ended
	f.ended = true
	f.mu.Unlock()
	if !first {
		return
	}
	if abort {
		err = errors.Join(err, f.file.Abort())
	}
	r.opts.Progress.problem(f.key, err)
}

func (f *file) isEnded() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ended
}
