package format

import "google.golang.org/protobuf/encoding/protowire"

// cursor reads integers and byte strings one behind the other. After the first
// failure it is bad and at its end, and everything it returns is zero, so that
// callers may check once when they are through.
type cursor struct {
	input []byte
	pos   int
	bad   bool
}

// left returns how many bytes are yet to be read.
func (c *cursor) left() int { return len(c.input) - c.pos }

// rest returns the bytes yet to be read.
func (c *cursor) rest() []byte { return c.input[c.pos:] }

// uvarint reads an integer in its shortest encoding; a longer one is refused.
func (c *cursor) uvarint() uint64 {
	if c.pos < len(c.input) && c.input[c.pos] < 0x80 {
		c.pos++
		return uint64(c.input[c.pos-1])
	}
	return c.longUvarint()
}

func (c *cursor) longUvarint() uint64 {
	v, n := protowire.ConsumeVarint(c.rest())
	if n < 0 || c.input[c.pos+n-1] == 0 {
		c.spoil()
		return 0
	}
	c.pos += n
	return v
}

// bounded reads an integer of at most limit.
func (c *cursor) bounded(limit uint64) uint64 {
	v := c.uvarint()
	if v > limit {
		c.spoil()
		return 0
	}
	return v
}

// take returns the next n bytes, a sub-slice of the input.
func (c *cursor) take(n uint64) []byte {
	if n > uint64(c.left()) {
		c.spoil()
		return nil
	}
	start := c.pos
	c.pos += int(n)
	return c.input[start:c.pos:c.pos]
}

// fill copies the next len(dst) bytes to dst.
func (c *cursor) fill(dst []byte) {
	copy(dst, c.take(uint64(len(dst))))
}

func (c *cursor) spoil() { c.input, c.pos, c.bad = nil, 0, true }
