package delta

import "firn/internal/format"

// MaxBase is how much of a base is looked at, in bytes. What is behind it is
// never copied from.
const MaxBase = format.MaxContent

const (
	// farCopy is the shortest copy from anywhere in the base, in bytes. A
	// shorter one costs about what its bytes cost as literals once compressed.
	farCopy = 32
	// nearCopy is the shortest copy from where the base goes on behind a
	// replaced stretch, in bytes. Its position costs next to nothing.
	nearCopy = 16
	// instructionCost is what an instruction takes in a delta at least, on
	// average, in bytes: copies take two, and every second one is a copy.
	instructionCost = 1.5
	// patience is how many bytes without a match make the search leave out
	// two more positions behind each that it tries, maxSkip at most. The steps
	// stay odd, so that they meet the base's windows wherever these begin.
	patience = 512
	maxSkip  = 30
	// inPlace is how many bytes in a row may be replaced before the base is
	// indexed, and inPlaceShare the part of a target, one in so many. Where blocks of a disk image or a database
	// are overwritten, the base goes on right behind each, and making the index would take longer than all else.
	inPlace      = 8 << 10
	inPlaceShare = 64
)

// Encoder makes deltas. It keeps its memory between calls, at most about as
// much as base and target take; it is for one goroutine. The zero value is ready.
type Encoder struct {
	index        index
	instructions []format.Instruction
	literals     []byte
}

// Append appends to dst the delta that makes target of base. A base may be the
// content of several blocks, one after the other. It appends nothing and
// reports false if the delta takes more than limit bytes; most such cases it
// finds out early.
func (e *Encoder) Append(dst, base, target []byte, limit int) ([]byte, bool) {
	base = base[:min(len(base), MaxBase)]
	w := walk{
		index: &e.index, base: base, target: target, limit: limit,
		instructions: e.instructions[:0], literals: e.literals[:0],
	}
	fits := w.run()
	e.instructions, e.literals = w.instructions, w.literals
	if !fits {
		return dst, false
	}
	start := len(dst)
	dst = format.AppendDelta(dst, e.instructions, e.literals)
	if len(dst)-start > limit {
		return dst[:start], false
	}
	return dst, true
}

// walk is one pass over a target.
type walk struct {
	index        *index
	indexed      bool // it is the base's
	base, target []byte
	limit        int // bytes the delta may take

	done int // bytes of the target that instructions cover
	next int // position in the base behind the last copy

	instructions []format.Instruction
	literals     []byte
}

// match is a stretch that base and target have in common, in bytes.
type match struct{ from, at, length int }

// run covers the target with instructions, unless they take too much. The time
// it takes is bounded: it compares a few bytes at each position, and more only
// where it then covers them.
func (w *walk) run() bool {
	for at := 0; at+window <= len(w.target); {
		m, ok := w.near(at)
		if !ok && w.indexed {
			m, ok = w.far(at)
		}
		switch {
		case ok:
			w.literal(m.at)
			w.copy(m)
			at = w.done
		case !w.indexed && w.moved(at):
			w.index.build(w.base)
			w.indexed, at = true, w.done
		default:
			at += 1 + min((at-w.done)/patience*2, maxSkip)
		}
		if len(w.literals)+int(instructionCost*float64(len(w.instructions)))+at-w.done > w.limit+maxSkip {
			return false
		}
	}
	w.literal(len(w.target))
	return true
}

// moved reports whether so much was replaced that it takes the index to find the
// content that only moved.
func (w *walk) moved(at int) bool {
	replaced := at - w.done
	return replaced > inPlace || (replaced+len(w.literals))*inPlaceShare > len(w.target)
}

// near tries where the base goes on if what follows the last copy was replaced
// by as many bytes.
func (w *walk) near(at int) (match, bool) {
	from := w.next + at - w.done
	if from+nearCopy > len(w.base) ||
		word(w.base, from) != word(w.target, at) || word(w.base, from+8) != word(w.target, at+8) {
		return match{}, false
	}
	return w.extend(from, at, nearCopy), true
}

// far tries where the index leads from a position of the target.
func (w *walk) far(at int) (match, bool) {
	w0, w1, w2 := word(w.target, at), word(w.target, at+8), word(w.target, at+16)
	from := w.index.find(w0, w1, w2)
	if from == 0 || word(w.base, from) != w0 || word(w.base, from+8) != w1 || word(w.base, from+16) != w2 {
		return match{}, false
	}
	m := w.extend(from, at, window)
	return m, m.length >= farCopy
}

// extend makes a match as long as it gets. It goes back as far as nothing is
// covered yet.
func (w *walk) extend(from, at, length int) match {
	length += common(w.base[from+length:], w.target[at+length:])
	before := commonEnd(w.base[:from], w.target[w.done:at])
	return match{from - before, at - before, length + before}
}

// literal covers the target up to a position with its own bytes.
func (w *walk) literal(end int) {
	if end == w.done {
		return
	}
	w.instructions = append(w.instructions, format.Instruction{Length: uint32(end - w.done)})
	w.literals = append(w.literals, w.target[w.done:end]...)
	w.done = end
}

// copy covers a match, which begins where the target is not covered yet.
func (w *walk) copy(m match) {
	w.instructions = append(w.instructions, format.Instruction{Copy: true, Offset: uint32(m.from), Length: uint32(m.length)})
	w.done, w.next = m.at+m.length, m.from+m.length
}
