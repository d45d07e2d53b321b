package check

import (
	"bytes"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"

	"firn/internal/format"
	"firn/internal/repo"
)

// weigh finds out what the damage means: which of the needed chunks without a
// sound copy can be read all the same, and which snapshots and paths suffer from
// the others. What can still be read suffers nothing yet, but is to be stored
// again: its pack is on the way out.
func (c *checker) weigh() error {
	if len(c.losses.list) == 0 && len(c.losses.more) == 0 && len(c.masked) == 0 {
		return nil
	}
	readable, err := c.tryPlaces()
	if err != nil {
		return err
	}
	w := &sufferers{checker: c, lost: make(map[format.ShortID]lostChunk, len(c.losses.list))}
	for i := range c.losses.list {
		x := &c.losses.list[i]
		w.lost[x.id] = lostChunk{finding: c.charge(x, readable[i]), readable: readable[i]}
	}
	for _, p := range c.losses.more {
		x := loss{}
		if p != nil {
			x.at = []place{{pack: p}}
		}
		c.charge(&x, false)
	}
	if len(c.masked) > 0 {
		f := &Finding{Kind: Distrusted, Object: format.PrefixSegments, Chunks: uint64(len(c.masked)), Detail: c.whoMasks()}
		for _, id := range c.masked {
			w.lost[id] = lostChunk{finding: f}
		}
		defer func() { c.tellMasked(f) }()
	}
	if err := w.walk(); err != nil {
		return err
	}
	c.cured = w.cured
	return nil
}

// charge counts a chunk in the findings against the packs that should have it
// and returns the first of these.
func (c *checker) charge(x *loss, readable bool) *Finding {
	var first *Finding
	for i := range x.at {
		f := c.packs.faultOf(x.at[i].pack)
		if f == nil || f == first {
			continue
		}
		if first == nil {
			first = f
		}
		f.count(readable)
	}
	if first == nil {
		if c.unlisted == nil {
			c.unlisted = c.ledger.add(&Finding{
				Kind: Unlisted, Object: format.PrefixSegments,
				Detail: "snapshots need chunks that no readable index segment lists in a pack that is kept",
			})
		}
		first = c.unlisted
		first.count(readable)
	}
	return first
}

func (f *Finding) count(readable bool) {
	f.Harm = true
	f.Chunks++
	if !readable {
		f.Unreadable++
	}
}

// faultOf returns what is wrong with a pack or a pack that it stands on.
func (t *packTable) faultOf(p *pack) *Finding {
	if p == nil {
		return nil
	}
	if p.fault != nil {
		return p.fault
	}
	for _, hash := range p.info.BasePacks {
		if base := t.byName[format.PackName{Kind: p.info.Name.Kind, Hash: hash}]; base != nil && base.fault != nil {
			return base.fault
		}
	}
	return nil
}

// tryPlaces reads the places of chunks in packs that are not sound, block by
// block, and returns which chunks are there all the same.
func (c *checker) tryPlaces() ([]bool, error) {
	type chunkAt struct {
		loss   int
		offset uint32
	}
	plan := map[*pack]map[repo.BlockAt][]chunkAt{}
	for i := range c.losses.list {
		for _, at := range c.losses.list[i].at {
			if !c.canOpen(at.pack) {
				continue
			}
			if plan[at.pack] == nil {
				plan[at.pack] = map[repo.BlockAt][]chunkAt{}
			}
			plan[at.pack][at.block] = append(plan[at.pack][at.block], chunkAt{i, at.chunkOffset})
		}
	}
	readable := make([]bool, len(c.losses.list))
	var mu sync.Mutex // guards readable
	g, ctx := errgroup.WithContext(c.ctx)
	g.SetLimit(c.opts.Readers)
	for p, blocks := range plan {
		g.Go(func() error {
			for at, chunks := range blocks {
				content, err := readBlock(ctx, c.reader, p.info.Name, at)
				if c.isDamage(err) {
					continue
				}
				if err != nil {
					return fmt.Errorf("read %s: %w", p.info.Name.Object(), err)
				}
				for _, chunk := range chunks {
					if c.isThere(p, content, chunk.offset, &c.losses.list[chunk.loss]) {
						mu.Lock()
						readable[chunk.loss] = true
						mu.Unlock()
					}
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return readable, c.ctx.Err()
}

// canOpen reports whether a pack is there and can be read, and this key can open it.
func (c *checker) canOpen(p *pack) bool {
	return p.listed && c.ready(p) && (p.info.Name.Kind != format.KindData || c.repo.Keys().ReadsData())
}

// isThere reports whether a block holds the chunk that the index says.
func (c *checker) isThere(p *pack, content []byte, offset uint32, x *loss) bool {
	end := uint64(offset) + uint64(x.length)
	if end > uint64(len(content)) {
		return false
	}
	id := c.repo.Keys().ChunkID(p.info.Name.Kind, content[offset:end])
	return bytes.Equal(id[:len(x.id)], x.id[:])
}
