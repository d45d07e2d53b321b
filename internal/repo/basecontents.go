package repo

import (
	"container/list"
	"slices"
	"sync"

	"firn/internal/format"
)

// baseContents keeps the contents of the bases used last, in memory that goes round.
// Several workers want one base at about the same time, since a chunk and the next stand on
// it; it is decoded once.
type baseContents struct {
	limit int // bytes

	mu    sync.Mutex // guards all below
	size  int        // of all together, bytes
	order *list.List // of *baseContent, the one used last first
	at    map[format.BaseRef]*list.Element
	spare [][]byte // memory of contents that were dropped
}

type baseContent struct {
	at    format.BaseRef
	size  int // bytes
	users int // guarded by baseContents.mu; while there are some it is not dropped

	mu    sync.Mutex // guards bytes; held by who decodes it
	bytes []byte     // nil: not decoded yet
}

func newBaseContents(limit int) *baseContents {
	return &baseContents{limit: limit, order: list.New(), at: map[format.BaseRef]*list.Element{}}
}

// append appends the content of a base, of size bytes, to dst. If it is not at
// hand, decode appends it to memory given to it.
func (c *baseContents) append(dst []byte, at format.BaseRef, size int, decode func(dst []byte) ([]byte, error)) ([]byte, error) {
	b, err := c.hold(at, size, decode)
	if err != nil {
		return dst, err
	}
	defer c.release(b)
	return append(dst, b.bytes...), nil
}

// hold is append for one who only looks at the bytes, until the content is released.
func (c *baseContents) hold(at format.BaseRef, size int, decode func(dst []byte) ([]byte, error)) (*baseContent, error) {
	b := c.acquire(at, size)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bytes == nil {
		content, err := decode(c.memory(size))
		if err != nil {
			c.release(b)
			return nil, err
		}
		b.bytes = content
	}
	return b, nil
}

// acquire returns a base's place, which stays until it is released.
func (c *baseContents) acquire(at format.BaseRef, size int) *baseContent {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.at[at]
	if e == nil {
		e = c.order.PushFront(&baseContent{at: at, size: size})
		c.at[at] = e
		c.size += size
	}
	c.order.MoveToFront(e)
	b := e.Value.(*baseContent)
	b.users++
	c.makeRoom()
	return b
}

func (c *baseContents) release(b *baseContent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	b.users--
	c.makeRoom()
}

func (c *baseContents) releaseAll(held []*baseContent) {
	for _, b := range held {
		c.release(b)
	}
}

// makeRoom drops what was used longest ago. The caller holds mu.
func (c *baseContents) makeRoom() {
	for e := c.order.Back(); e != nil && c.size > c.limit; {
		b, before := e.Value.(*baseContent), e.Prev()
		if b.users == 0 {
			c.order.Remove(e)
			delete(c.at, b.at)
			c.size -= b.size
			c.keepSpare(b.bytes)
		}
		e = before
	}
}

// keepSpare keeps memory for the next content, in place of what waited longest. The caller holds mu.
func (c *baseContents) keepSpare(b []byte) {
	if b == nil {
		return
	}
	if len(c.spare) == spareContents {
		c.spare = slices.Delete(c.spare, 0, 1)
	}
	c.spare = append(c.spare, b)
}

const (
	// spareContents is how many dropped contents' memory waits for the next.
	spareContents = 4
	// contentStep is what memory for contents is a multiple of, bytes, so that it fits others too.
	contentStep = 1 << 20
)

// memory returns room for a content.
func (c *baseContents) memory(size int) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, b := range c.spare {
		if cap(b) >= size {
			c.spare = slices.Delete(c.spare, i, i+1)
			return b[:0]
		}
	}
	return make([]byte, 0, (size+contentStep-1)/contentStep*contentStep)
}
