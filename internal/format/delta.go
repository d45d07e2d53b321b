package format

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Instruction is one step of a delta: copy Length bytes of the base's content
// from Offset on, or take the next Length literal bytes.
type Instruction struct {
	Copy   bool
	Offset uint32 // in the base; 0 unless Copy
	Length uint32 // at least 1
}

// AppendDelta appends the delta made of instructions and the literal bytes they
// take to dst.
func AppendDelta(dst []byte, instructions []Instruction, literals []byte) []byte {
	dst = protowire.AppendVarint(dst, uint64(len(instructions)))
	var end int64 // of the last copy
	for _, in := range instructions {
		head := uint64(in.Length) << 1
		if !in.Copy {
			dst = protowire.AppendVarint(dst, head)
			continue
		}
		dst = protowire.AppendVarint(dst, head|1)
		dst = protowire.AppendVarint(dst, protowire.EncodeZigZag(int64(in.Offset)-end))
		end = int64(in.Offset) + int64(in.Length)
	}
	return append(dst, literals...)
}

// instruction reads one instruction, given the end of the last copy.
func (c *cursor) instruction(end uint32) Instruction {
	head := c.bounded(MaxContent<<1 | 1)
	in := Instruction{Copy: head&1 == 1, Length: uint32(head >> 1)}
	if in.Length == 0 {
		c.spoil()
		return in
	}
	if in.Copy {
		offset := int64(end) + protowire.DecodeZigZag(c.bounded(4*MaxContent))
		if offset < 0 || offset+int64(in.Length) > MaxContent {
			c.spoil()
			return in
		}
		in.Offset = uint32(offset)
	}
	return in
}

// deltaStart reads the number of instructions, which are in the input as each
// has at least one byte.
func (c *cursor) deltaStart() int {
	n := c.uvarint()
	if n > uint64(c.left()) {
		c.spoil()
		return 0
	}
	return int(n)
}

// ParseDelta appends the instructions of a delta to dst and returns them and
// the literals, which alias delta. It checks all but what depends on the base.
func ParseDelta(dst []Instruction, delta []byte) (instructions []Instruction, literals []byte, err error) {
	if len(delta) > MaxDelta {
		return nil, nil, corrupt("delta", "it is too large")
	}
	in := cursor{input: delta}
	var end uint32
	var length, taken uint64
	for range in.deltaStart() {
		step := in.instruction(end)
		if in.bad {
			break
		}
		if step.Copy {
			end = step.Offset + step.Length
		} else {
			taken += uint64(step.Length)
		}
		length += uint64(step.Length)
		dst = append(dst, step)
	}
	switch {
	case in.bad:
		return nil, nil, corrupt("delta", "an instruction is wrong or breaks off")
	case length > MaxContent:
		return nil, nil, corrupt("delta", "its result is too large")
	case taken != uint64(in.left()):
		return nil, nil, corrupt("delta", "its literals are too many or too few")
	}
	return dst, in.rest(), nil
}

// ApplyDelta appends the content that delta makes of base, the content of the
// base block, to dst. The result must have the length given, in bytes, at most
// MaxContent.
func ApplyDelta(dst, base, delta []byte, length int) ([]byte, error) {
	if len(delta) > MaxDelta || length > MaxContent {
		return nil, corrupt("delta", "it is too large")
	}
	literals, err := skipInstructions(delta)
	if err != nil {
		return nil, err
	}
	in := cursor{input: delta}
	var end uint32
	start := len(dst)
	dst = slices.Grow(dst, length)
	for range in.deltaStart() {
		step := in.instruction(end)
		if len(dst)-start+int(step.Length) > length {
			return nil, corrupt("delta", "its result is too large")
		}
		switch {
		case !step.Copy && int(step.Length) <= len(literals):
			dst = append(dst, literals[:step.Length]...)
			literals = literals[step.Length:]
		case step.Copy && int(step.Offset)+int(step.Length) <= len(base):
			end = step.Offset + step.Length
			dst = append(dst, base[step.Offset:end]...)
		default:
			return nil, corrupt("delta", "an instruction reaches beyond the base or the literals")
		}
	}
	if len(dst)-start != length || len(literals) > 0 {
		return nil, fmt.Errorf("apply delta: %w: %d bytes came out, %d should, %d literals are left",
			ErrCorrupt, len(dst)-start, length, len(literals))
	}
	return dst, nil
}

// skipInstructions returns the literals of a delta.
func skipInstructions(delta []byte) ([]byte, error) {
	in := cursor{input: delta}
	var end uint32
	for range in.deltaStart() {
		if step := in.instruction(end); step.Copy {
			end = step.Offset + step.Length
		}
		if in.bad {
			break
		}
	}
	if in.bad {
		return nil, corrupt("delta", "an instruction is wrong or breaks off")
	}
	return in.rest(), nil
}
