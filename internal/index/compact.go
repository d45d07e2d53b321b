package index

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"firn/internal/format"
	"firn/internal/seal"
)

const (
	// compactSize is about how many bytes a segment that Compact writes has at most.
	compactSize = 63 << 20
	// compactSample is about how many entries are looked at to learn how packs fill segments.
	compactSample = 1 << 20
)

// Compact merges segments of the view into few new ones of at most 64 MiB, unless one
// pack's record is larger, leaves out the packs that drop tells (nil drops none) and hands each
// segment to emit, which has its bytes until it returns. A segment has all chunks of its
// packs, those written about the same time together, so that few segments list a pack;
// what does not fit one after all is divided by ranges of IDs.
// Only the last one names the inputs, so that a run which breaks off replaces
// nothing; it is emitted even if there is nothing left to be in it.
// The same input gives the same entries, pack tables and filters, byte for
// byte. Whose word an entry is stays known: packs name their authors (see Origin), and what
// two say of one pack goes into different segments. The view and the inputs stay as they are: the caller writes what is
// emitted and deletes the inputs when the protocol allows it. Memory is that of one segment and 100 bytes a
// pack; entries wait in files beside the mirror.
func (v *View) Compact(ctx context.Context, k *seal.Keyring, inputs []string, drop func(*format.PackInfo) bool,
	now time.Time, emit func(name string, body []byte) error) error {
	c := compaction{keys: k, inputs: inputs, drop: drop, now: now, emit: emit, size: compactSize}
	return c.run(ctx, v)
}

// compaction is one run of Compact.
type compaction struct {
	keys   *seal.Keyring
	inputs []string
	drop   func(*format.PackInfo) bool
	now    time.Time
	emit   func(name string, body []byte) error
	size   int // bytes after which a segment is full

	parts  []compactPart
	first  map[*format.PackInfo]int32 // the pack's first part
	byName map[format.PackName]int32  // the same by name, made when a pack's record changed
	buffer []byte                     // of the segment being made, used again for the next
}

// compactPart is a pack as one author lists it.
type compactPart struct {
	pack    *format.PackInfo
	author  format.Host
	round   int32 // position of the author among those of the pack
	next    int32 // the pack's part of the next author, or -1
	bin     int32 // -1: dropped
	entries uint32
	table   uint32 // position in the pack table of the segment being made
	placed  bool   // in some segment
}

func (c *compaction) run(ctx context.Context, v *View) error {
	if err := c.merge(ctx, v); err != nil {
		return fmt.Errorf("merge segments: %w", err)
	}
	return nil
}

func (c *compaction) merge(ctx context.Context, v *View) (err error) {
	wanted := make(map[string]bool)
	for _, name := range c.inputs {
		wanted[name] = true
	}
	known, entries := 0, uint64(0)
	for _, info := range v.Segments() {
		if wanted[info.Name] {
			known++
			entries += info.Entries
		}
	}
	if known != len(wanted) {
		return fmt.Errorf("%d of %d segments are not in the view", len(wanted)-known, len(wanted))
	}
	v.freeFilters() // they are of no use to a walk, and memory is needed
	if err := c.gatherParts(v, wanted); err != nil {
		return err
	}
	bins, err := c.plan(ctx, v, wanted, entries)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bins.close()) }()
	for g, err := range v.groups(ctx, wanted, true) {
		if err != nil {
			return err
		}
		if err := c.add(&g, bins); err != nil {
			return err
		}
	}
	if len(bins.list) > 1 {
		c.buffer = make([]byte, 0, c.size+c.size/32+entryPageSize)
	}
	for i := range bins.list {
		if err := c.write(ctx, &bins.list[i], i == len(bins.list)-1); err != nil {
			return err
		}
	}
	return nil
}

// gatherParts finds out who lists each pack.
func (c *compaction) gatherParts(v *View, wanted map[string]bool) error {
	c.first = make(map[*format.PackInfo]int32)
	err := v.listings(wanted, func(l Listing) {
		at, known := c.first[l.Pack]
		if !known {
			at = -1
		}
		for i := at; i >= 0; i = c.parts[i].next {
			if c.parts[i].author == l.Origin.Author {
				return
			}
		}
		c.first[l.Pack] = int32(len(c.parts))
		c.parts = append(c.parts, compactPart{pack: l.Pack, author: l.Origin.Author, next: at})
	})
	for _, first := range c.first {
		c.sortAuthors(first)
	}
	return err
}

// sortAuthors numbers the parts of a pack by author.
func (c *compaction) sortAuthors(first int32) {
	var list []*compactPart
	for i := first; i >= 0; i = c.parts[i].next {
		list = append(list, &c.parts[i])
	}
	slices.SortFunc(list, func(a, b *compactPart) int { return bytes.Compare(a.author[:], b.author[:]) })
	for i, p := range list {
		p.round = int32(i)
	}
}

// partOf returns the part of an author's entry.
func (c *compaction) partOf(pack *format.PackInfo, author format.Host) int32 {
	at, known := c.first[pack]
	if !known { // the view had to repair itself and holds the record anew
		if c.byName == nil {
			c.byName = make(map[format.PackName]int32, len(c.first))
			for p, i := range c.first {
				c.byName[p.Name] = i
			}
		}
		if at, known = c.byName[pack.Name]; !known {
			return -1
		}
	}
	for at >= 0 && c.parts[at].author != author {
		at = c.parts[at].next
	}
	return at
}

// plan puts parts into bins, each of which will be a segment: parts of a round
// by when they were written, as many as fill one.
func (c *compaction) plan(ctx context.Context, v *View, wanted map[string]bool, entries uint64) (*compactBins, error) {
	order := make([]int32, 0, len(c.parts))
	for i := range c.parts {
		p := &c.parts[i]
		if p.bin = -1; c.drop == nil || !c.drop(p.pack) {
			order = append(order, int32(i))
		}
	}
	slices.SortFunc(order, func(i, k int32) int {
		a, b := &c.parts[i], &c.parts[k]
		return cmp.Or(cmp.Compare(a.round, b.round), cmp.Compare(a.pack.Written, b.pack.Written), a.pack.Name.Compare(b.pack.Name))
	})
	perSampled, err := c.sample(ctx, v, wanted, entries)
	if err != nil {
		return nil, err
	}
	bins := &compactBins{folder: v.mirror.place()}
	size, round := 0.0, int32(-1)
	for _, i := range order {
		p := &c.parts[i]
		own := float64(p.entries)*perSampled*entryShare + float64(packRecordSize(p.pack))
		if p.round != round || size > 0 && size+own > binShare*float64(c.size) {
			bins.list = append(bins.list, compactBin{})
			size, round = 0, p.round
		}
		size += own
		p.bin = int32(len(bins.list) - 1)
		bin := &bins.list[p.bin]
		bin.parts = append(bin.parts, i)
	}
	if len(bins.list) == 0 {
		bins.list = make([]compactBin, 1)
	}
	return bins, nil
}

// binShare is how much of a segment the parts of a bin are to fill, as the sample has it: one
// that turns out too large would leave a small segment more.
const binShare = 0.96

// entryShare is how many bytes of a segment an entry takes, with its share of the filter.
const entryShare = format.IndexEntrySize + 1.25

// sample counts entries of parts at the beginning of the order of IDs, which are evenly
// spread, and returns for how many each stands. Where all fits one segment it counts none.
func (c *compaction) sample(ctx context.Context, v *View, wanted map[string]bool, entries uint64) (float64, error) {
	if float64(entries)*entryShare <= binShare*float64(c.size) {
		return 0, nil
	}
	counted := uint64(0)
	for g, err := range v.groups(ctx, wanted, true) {
		if err != nil {
			return 0, err
		}
		for i := range g.At {
			if at := c.partOf(g.At[i].Pack, g.authors[i]); at >= 0 {
				c.parts[at].entries++
			}
			counted++
		}
		if counted >= compactSample {
			break
		}
	}
	return float64(entries) / float64(max(counted, 1)), nil
}

// add takes a group into the bins of its packs.
func (c *compaction) add(g *Group, bins *compactBins) error {
	for i := range g.At {
		at := &g.At[i]
		number := c.partOf(at.Pack, g.authors[i])
		if number < 0 || c.parts[number].bin < 0 {
			continue
		}
		e := format.IndexEntry{ID: g.ID, Position: format.Position{
			Pack: uint32(number), BlockOffset: at.BlockOffset, BlockLength: at.BlockLength, ChunkOffset: at.ChunkOffset,
		}}
		if err := bins.add(c.parts[number].bin, &e); err != nil {
			return err
		}
	}
	return nil
}
