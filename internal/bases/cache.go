package bases

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"sync"
	"time"

	"firn/internal/delta"
	"firn/internal/format"
	"firn/internal/seal"
)

// Block is a stored block of one chunk, as a base.
type Block struct {
	At     format.BaseRef   // its place on the drive
	Chunk  format.ID        // what it holds
	Size   int              // of the content, bytes
	Depth  int              // deltas to apply to have the content; 0 if stored whole
	Whole  int              // what it takes stored whole, about, bytes
	Bases  []format.BaseRef // what it stands on; none if stored whole
	Sketch []delta.Feature  // of the content, when it is given to Keep
}

// Cache is one machine's bases for one repository. It is safe for concurrent use.
type Cache struct {
	dir      string
	keys     *seal.Keyring
	budget   int64
	now      func() time.Time
	disk     func(dir string) (space, bool)
	sketcher *delta.Sketcher

	mu    sync.Mutex // guards all below
	found *delta.Bases[format.BaseRef]
	packs map[format.ID]*pack
	size  int64     // of all files, bytes
	last  time.Time // given out by tick
}

// pack is the file of one pack.
type pack struct {
	size   int64
	kept   time.Time // when it was written
	used   time.Time
	mine   bool // used by this process
	blocks map[format.BaseRef]*held
}

// held is a block and where its plaintext is in the file.
type held struct {
	Block
	Offset int64
	Length int
}

// ErrUnknown means that a block is not in the cache, or no longer.
var ErrUnknown = errors.New("not among the cached bases")

// Open opens the cache in dir, which need not exist, and reads what it holds.
// What cannot be read is dropped. budget is in bytes on disk; now is the clock
// by which Kept tells the time.
func Open(dir string, keys *seal.Keyring, budget int64, now func() time.Time) *Cache {
	return open(dir, keys, budget, now, spaceOf)
}

func open(dir string, keys *seal.Keyring, budget int64, now func() time.Time, disk func(string) (space, bool)) *Cache {
	c := &Cache{
		dir: dir, keys: keys, budget: budget, now: now, disk: disk, sketcher: delta.NewSketcher(keys.GearTable()),
		// Files are dropped by this package, so features need no budget of their own.
		found: delta.NewBases[format.BaseRef](math.MaxInt64), packs: map[format.ID]*pack{},
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	loaded := c.loadAll()
	// In the order in which they were written, since features lead to what came last.
	for _, name := range slices.SortedFunc(maps.Keys(loaded), func(a, b format.ID) int {
		return cmp.Or(loaded[a].kept.Compare(loaded[b].kept), bytes.Compare(a[:], b[:]))
	}) {
		c.add(name, loaded[name])
	}
	c.makeRoom()
	return c
}

// Sketch appends the features of content to dst.
func (c *Cache) Sketch(dst []delta.Feature, content []byte) []delta.Feature {
	return c.sketcher.Append(dst, content)
}

// Empty reports whether there is nothing to find.
func (c *Cache) Empty() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.packs) == 0
}

// Find returns at most n blocks that share features with a sketch, best first.
func (c *Cache) Find(sketch []delta.Feature, n int) []*Block {
	c.mu.Lock()
	defer c.mu.Unlock()
	var blocks []*Block
	for _, candidate := range c.found.Find(nil, sketch, n) {
		if h := c.held(candidate.Key); h != nil {
			blocks = append(blocks, &h.Block)
		}
	}
	return blocks
}

// Block returns what is known of a block, which must not be changed; nil if
// it is not cached.
func (c *Cache) Block(at format.BaseRef) *Block {
	c.mu.Lock()
	defer c.mu.Unlock()
	if h := c.held(at); h != nil {
		return &h.Block
	}
	return nil
}

// Samples returns one block of each pack, none of which must be changed.
func (c *Cache) Samples() []*Block {
	c.mu.Lock()
	defer c.mu.Unlock()
	samples := make([]*Block, 0, len(c.packs))
	for _, p := range c.packs {
		for _, h := range p.blocks {
			samples = append(samples, &h.Block)
			break
		}
	}
	return samples
}

// held looks a block up. The caller holds mu.
func (c *Cache) held(at format.BaseRef) *held {
	p := c.packs[at.Pack]
	if p == nil {
		return nil
	}
	return p.blocks[at]
}

// Plaintext appends to dst a block as it was before it was sealed for the drive, and
// marks its pack as used. ErrUnknown if it is not cached, or damaged there.
func (c *Cache) Plaintext(dst []byte, at format.BaseRef) ([]byte, error) {
	c.mu.Lock()
	h := c.held(at)
	if h != nil {
		p := c.packs[at.Pack]
		p.used, p.mine = c.tick(), true
	}
	c.mu.Unlock()
	if h == nil {
		return nil, ErrUnknown
	}
	plaintext, err := c.read(dst, at.Pack, h)
	if err != nil {
		c.Drop(at.Pack)
		return nil, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return plaintext, nil
}

// Drop forgets a pack and all its blocks.
func (c *Cache) Drop(name format.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(name)
}

// Kept returns when a pack was kept, by this process or another; false if it
// is not cached.
func (c *Cache) Kept(name format.ID) (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.packs[name]; p != nil {
		return p.kept, true
	}
	return time.Time{}, false
}

// Close notes for the next process which packs were used last.
func (c *Cache) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all error
	for name, p := range c.packs {
		if !p.mine {
			continue // others may have used it since
		}
		if err := os.Chtimes(c.path(name), p.used, p.used); err != nil && !errors.Is(err, os.ErrNotExist) {
			all = errors.Join(all, err)
		}
	}
	return all
}

// add takes a pack in. The caller holds mu.
func (c *Cache) add(name format.ID, p *pack) {
	c.forget(name)
	c.packs[name] = p
	c.size += p.size
	for at, h := range p.blocks {
		c.found.Add(at, 0, h.Sketch)
		h.Sketch = nil // found has it
	}
}

// drop removes a pack. The caller holds mu.
func (c *Cache) drop(name format.ID) {
	if c.forget(name) {
		_ = os.Remove(c.path(name)) // what stays is found again, or dropped, by the next process
	}
}

// forget takes a pack out and leaves its file. The caller holds mu.
func (c *Cache) forget(name format.ID) bool {
	p := c.packs[name]
	if p == nil {
		return false
	}
	for at := range p.blocks {
		c.found.Drop(at)
	}
	delete(c.packs, name)
	c.size -= p.size
	return true
}

// tick returns the time, later each time it is asked. The caller holds mu.
func (c *Cache) tick() time.Time {
	if now := c.now(); now.After(c.last) {
		c.last = now
	} else {
		c.last = c.last.Add(time.Nanosecond)
	}
	return c.last
}
