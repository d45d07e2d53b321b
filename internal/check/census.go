package check

import (
	"fmt"
	"hash/maphash"

	"firn/internal/format"
	"firn/internal/index"
	"firn/internal/repo"
)

// listing is a summary of where a pack's chunks are, independent of their
// order, by which the index is compared with footers.
type listing struct {
	chunks uint64
	sum    uint64
}

// placeOf is what the index says of a chunk, but for its pack.
type placeOf struct {
	id                                    format.ShortID
	blockOffset, blockLength, chunkOffset uint32
}

// add takes in a chunk's place in the pack. Nobody knows the seed before the check
// begins, so that who writes an index cannot make up places that add up to right ones.
func (l *listing) add(seed maphash.Seed, at placeOf) {
	l.chunks++
	l.sum += maphash.Comparable(seed, at)
}

// loss is a needed chunk of which no sound pack has a copy.
type loss struct {
	id     format.ShortID
	length uint32
	at     []place // copies in packs that are not sound; none: the index lacks it
}

// place is where a copy of a chunk should be.
type place struct {
	pack        *pack
	block       repo.BlockAt
	chunkOffset uint32
}

// losses are the needed chunks without a sound copy, in order of their IDs.
type losses struct {
	list []loss
	more []*pack // where those over the bound should be; nil: the index lacks them
}

// maxLosses bounds the chunks that are looked into one by one.
const maxLosses = 1 << 19

// takeCensus merges the index with what snapshots need, again when that shows
// a pack not to be what the index says.
func (c *checker) takeCensus() error {
	for {
		if err := c.merge(); err != nil {
			return err
		}
		if !c.blameContradictions() {
			break
		}
	}
	for _, p := range c.packs.order {
		if p.info.Name.Kind == format.KindData && !p.dropped && p.fault == nil && !p.mirrored {
			c.ledger.add(&Finding{
				Kind: Unmirrored, Object: p.info.Name.Object(),
				Detail: "no metadata pack has a readable copy of its footer, so that rebuilding the index must read the pack itself",
			})
		}
	}
	return nil
}

// merge goes through index and needs once.
func (c *checker) merge() error {
	c.losses, c.masked = new(losses), nil
	mirrors := map[format.ShortID]*pack{}
	for _, p := range c.packs.order {
		p.listing, p.trusted, p.mirrored = listing{}, listing{}, false
		if p.info.Name.Kind == format.KindData {
			mirrors[c.repo.Keys().MirrorID(p.info.Name).Short()] = p
		}
	}
	want, err := c.needed.walk()
	if err != nil {
		return err
	}
	for group, err := range c.reader.View().Merge(c.ctx) {
		if err != nil {
			return fmt.Errorf("read index: %w", err)
		}
		sound, trusted := c.takeGroup(&group)
		if p := mirrors[group.ID]; p != nil {
			p.mirrored = p.mirrored || sound
		}
		for want.live && compareIDs(want.at.id, group.ID) < 0 {
			c.losses.add(loss{id: want.at.id, length: want.at.length})
			want.advance()
		}
		if !want.live || want.at.id != group.ID {
			continue
		}
		switch {
		case !sound:
			c.losses.add(loss{id: want.at.id, length: want.at.length, at: c.places(&group)})
		case !trusted && len(c.masked) < maxLosses:
			c.masked = append(c.masked, want.at.id)
		}
		want.advance()
	}
	for ; want.live; want.advance() {
		c.losses.add(loss{id: want.at.id, length: want.at.length})
	}
	c.report.Chunks = want.count
	return want.err()
}

// takeGroup enters the copies of a chunk in their packs' listings and reports
// whether one is in a sound pack, and whether somebody trusted lists one such.
func (c *checker) takeGroup(group *index.Group) (sound, trusted bool) {
	for i := range group.At {
		at := &group.At[i]
		p := c.packs.of(at)
		if p == nil {
			continue
		}
		place := placeOf{group.ID, at.BlockOffset, at.BlockLength, at.ChunkOffset}
		p.listing.add(c.opts.seed, place)
		if !at.Doubted {
			p.trusted.add(c.opts.seed, place)
		}
		if c.packs.sound(p) {
			sound, trusted = true, trusted || !at.Doubted
		}
	}
	return sound, trusted
}

// places returns the copies of a chunk that may perhaps be read.
func (c *checker) places(group *index.Group) []place {
	var at []place
	for i := range group.At {
		g := &group.At[i]
		if p := c.packs.of(g); p != nil && !p.dropped {
			at = append(at, place{p, repo.BlockAt{Offset: g.BlockOffset, Length: g.BlockLength}, g.ChunkOffset})
		}
	}
	return at
}

func (l *losses) add(x loss) {
	switch {
	case len(l.list) < maxLosses:
		l.list = append(l.list, x)
	case len(x.at) > 0:
		l.more = append(l.more, x.at[0].pack)
	default:
		l.more = append(l.more, nil)
	}
}

// blameContradictions compares the index with the footers that were read. It
// reports whether it blamed a pack.
func (c *checker) blameContradictions() bool {
	blamed := false
	for _, p := range c.packs.order {
		if p.footer == nil || *p.footer == p.listing || *p.footer == p.trusted || p.fault != nil || p.dropped {
			continue // what a distrusted host says beside that misleads nobody
		}
		c.blame(p, Contradictory, fmt.Sprintf("footer and index do not name the same chunks (%d and %d)", p.footer.chunks, p.listing.chunks))
		blamed = true
	}
	return blamed
}
