package index

import (
	"context"
	"fmt"
	"time"

	"firn/internal/format"
	"firn/internal/seal"
)

// compactSize is about how many bytes a segment that Compact writes has at most.
const compactSize = 63 << 20

// Compact merges segments of the view into few new ones, each for a range of IDs and
// of at most 64 MiB unless one pack's record is larger, leaves out the packs that drop
// tells (nil drops none) and hands each to emit, in ascending order of IDs.
// Only the last one names the inputs, so that a run which breaks off replaces
// nothing; it is emitted even if there is nothing left to be in it.
// The same input gives the same entries, pack tables and filters, byte for
// byte. The view and the inputs stay as they are: the caller writes what is
// emitted and deletes the inputs when the protocol allows it.
func (v *View) Compact(ctx context.Context, k *seal.Keyring, inputs []string, drop func(*format.PackInfo) bool,
	now time.Time, emit func(name string, body []byte) error) error {
	c := compaction{keys: k, inputs: inputs, drop: drop, now: now, emit: emit, size: compactSize}
	return c.run(ctx, v)
}

// compaction is one run of Compact.
type compaction struct {
	keys    *seal.Keyring
	inputs  []string
	drop    func(*format.PackInfo) bool
	now     time.Time
	emit    func(name string, body []byte) error
	size    int // bytes after which a segment is full
	builder *Builder
	emitted int // segments
	packs   map[format.PackName]*compactPack
}

// compactPack is what a compaction has done with a pack.
type compactPack struct {
	dropped  bool
	placed   bool   // in some segment
	segment  int    // the last it was placed in
	position uint32 // in that one's builder
}

func (c *compaction) run(ctx context.Context, v *View) error {
	c.builder, c.packs = NewBuilder(), make(map[format.PackName]*compactPack)
	if err := c.merge(ctx, v); err != nil {
		return fmt.Errorf("merge segments: %w", err)
	}
	return nil
}

func (c *compaction) merge(ctx context.Context, v *View) error {
	wanted := make(map[string]bool)
	for _, name := range c.inputs {
		wanted[name] = true
	}
	known := 0
	for _, info := range v.Segments() {
		if wanted[info.Name] {
			known++
		}
	}
	if known != len(wanted) {
		return fmt.Errorf("%d of %d segments are not in the view", len(wanted)-known, len(wanted))
	}
	packs, err := v.packsOf(wanted)
	if err != nil {
		return err
	}
	for _, pack := range packs {
		c.packs[pack.Name] = &compactPack{dropped: c.drop != nil && c.drop(pack)}
	}
	for g, err := range v.groups(ctx, wanted) {
		if err != nil {
			return err
		}
		if err := c.add(&g); err != nil {
			return err
		}
	}
	for _, pack := range packs { // packs without chunks belong to a segment, too
		p := c.packs[pack.Name]
		if p.placed || p.dropped {
			continue
		}
		if err := c.makeRoom(); err != nil {
			return err
		}
		c.place(pack, p)
	}
	return c.flush(c.inputs)
}

// makeRoom goes on to the next segment when the present one is full.
func (c *compaction) makeRoom() error {
	if c.builder.size() < c.size {
		return nil
	}
	return c.flush(nil)
}

// add takes a group into the present segment, whole.
func (c *compaction) add(g *Group) error {
	if err := c.makeRoom(); err != nil {
		return err
	}
	for i := range g.At {
		at := &g.At[i]
		if p := c.packs[at.Pack.Name]; !p.dropped {
			c.builder.addEntry(g.ID, c.place(at.Pack, p), at.BlockOffset, at.BlockLength, at.ChunkOffset)
		}
	}
	return nil
}

// place returns a pack's position in the present builder.
func (c *compaction) place(pack *format.PackInfo, p *compactPack) uint32 {
	if !p.placed || p.segment != c.emitted {
		p.placed, p.segment, p.position = true, c.emitted, c.builder.addPack(pack)
	}
	return p.position
}

// flush seals and emits the present segment, which stands for the inputs.
func (c *compaction) flush(inputs []string) error {
	if c.builder.Packs() == 0 && len(inputs) == 0 {
		return nil
	}
	name, body, err := c.builder.Seal(c.keys, inputs, c.now)
	if err != nil {
		return err
	}
	if err := c.emit(name, body); err != nil {
		return fmt.Errorf("write merged segment: %w", err)
	}
	c.emitted++
	c.builder.reset()
	return nil
}
