package repo

import (
	"bytes"
	"slices"
)

// base is what a delta stands on: the content of a block, or how that is made. Of a
// delta that nobody asked for, no content is made but the stretches that the deltas
// above take over, so that a block four deltas deep costs about what one costs
// that is a single delta deep.
type base struct {
	content []byte
	recipe  *recipe // instead

	// Of what deltas wait for, guarded by waiting.mu:
	delta *standingDelta // whose recipe it is
	users int            // deltas that stand on it, and who has just opened it
	kept  bool           // content is a copy, which counts as held
}

// recipe is how the content of a delta is made.
type recipe struct {
	length  int // bytes of the content
	program program
	bases   []*base // whose contents lie one behind the other
}

// length is how much content it stands for, in bytes.
func (b *base) length() int {
	if b.recipe != nil {
		return b.recipe.length
	}
	return len(b.content)
}

// append appends n bytes of the content from a position on, all within it.
func (b *base) append(dst []byte, from, n int) ([]byte, error) {
	if b.recipe != nil {
		return b.recipe.append(dst, from, n)
	}
	return append(dst, b.content[from:from+n]...), nil
}

// content appends all of the content.
func (r *recipe) content(dst []byte) ([]byte, error) {
	return r.append(slices.Grow(dst, r.length), 0, r.length)
}

// append appends n bytes of the content from a position on, all within it.
func (r *recipe) append(dst []byte, from, n int) ([]byte, error) {
	var err error
	for i := r.program.at(from); n > 0; i++ {
		step, end := r.program.steps[i], int(r.program.ends[i])
		length := min(n, end-from)
		position := int(step.Offset) + from - (end - int(step.Length))
		if !step.Copy {
			dst = append(dst, r.program.literals[position:position+length]...)
		} else if dst, err = r.appendBases(dst, position, length); err != nil {
			return dst, err
		}
		from, n = from+length, n-length
	}
	return dst, nil
}

// appendBases appends n bytes of the bases' contents, which lie one behind the other.
func (r *recipe) appendBases(dst []byte, from, n int) ([]byte, error) {
	for _, b := range r.bases {
		if length := b.length(); from >= length {
			from -= length
			continue
		}
		part := min(n, b.length()-from)
		var err error
		if dst, err = b.append(dst, from, part); err != nil || part == n {
			return dst, err
		}
		from, n = 0, n-part
	}
	return dst, errBeyondBase
}

// keep makes what deltas go on waiting with be of their own. The caller holds mu.
func (w *waiting) keep(b *base) {
	switch {
	case b.recipe != nil:
		for _, below := range b.recipe.bases {
			w.keep(below)
		}
	case !b.kept:
		b.content, b.kept = bytes.Clone(b.content), true
		w.held += len(b.content)
	}
}

// leave ends the use of a base by who has opened it.
func (w *waiting) leave(b *base) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drop(b)
}

// drop ends one use of a base. The caller holds mu.
func (w *waiting) drop(b *base) {
	b.users--
	switch {
	case b.users > 0:
	case b.delta != nil:
		w.free(b.delta)
	case b.kept:
		w.held -= len(b.content)
	}
}

// release lets go of what a delta kept in memory.
func (w *waiting) release(d *standingDelta) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.free(d)
}

// free is release for a caller who holds mu.
func (w *waiting) free(d *standingDelta) {
	w.held -= d.bytes
	for _, b := range d.bases {
		if b != nil {
			w.drop(b)
		}
	}
	d.payload, d.recipe, d.bytes = nil, recipe{}, 0
}
