package repo

import (
	"fmt"
	"sort"

	"firn/internal/format"
)

// program is a delta taken apart, so that any stretch can be made of what it
// makes.
type program struct {
	steps    []format.Instruction // of literals, the offset is the position among these
	ends     []uint32             // where in the content each step ends
	literals []byte
}

var errBeyondBase = fmt.Errorf("%w: apply delta: an instruction reaches beyond the base", ErrDamaged)

// program decompresses a delta's payload and takes it apart.
func (o *opener) program(payload []byte, length int) (program, error) {
	// Its length is said in its frame, and bounded by the decoder.
	delta, err := o.decompress(payload, nil, 0)
	if err != nil {
		return program{}, err
	}
	return parseProgram(delta, length)
}

// parseProgram takes a delta apart that makes content of a length. It keeps delta.
func parseProgram(delta []byte, length int) (program, error) {
	steps, literals, err := format.ParseDelta(nil, delta)
	if err != nil {
		return program{}, fmt.Errorf("%w: apply delta: %w", ErrDamaged, err)
	}
	p := program{steps: steps, ends: make([]uint32, len(steps)), literals: literals}
	var end, taken uint32
	for i := range steps {
		if !steps[i].Copy {
			steps[i].Offset = taken
			taken += steps[i].Length
		}
		end += steps[i].Length
		p.ends[i] = end
	}
	if int(end) != length {
		return program{}, fmt.Errorf("%w: content has %d bytes instead of %d", ErrDamaged, end, length)
	}
	return p, nil
}

// at returns the number of the step that makes the byte at a position.
func (p *program) at(position int) int {
	if position == 0 {
		return 0
	}
	return sort.Search(len(p.ends), func(i int) bool { return int(p.ends[i]) > position })
}

// stepSize is what a step takes in memory, in bytes.
const stepSize = 16

// size is what it takes in memory, in bytes.
func (p *program) size() int { return stepSize*len(p.steps) + len(p.literals) }

// sparse reports whether it takes far less than the content that it makes, and its
// steps are long enough to be looked for in it.
func (p *program) sparse() bool {
	if len(p.ends) == 0 {
		return false
	}
	length := int(p.ends[len(p.ends)-1])
	return len(p.steps) <= length/128 && p.size() <= length/2
}
