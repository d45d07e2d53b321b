package prune

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"firn/internal/format"
	"firn/internal/index"
	"firn/internal/repo"
)

// tier says how far a pack may be relied on; a chunk is counted where its
// copy has the lowest tier.
type tier int

// Copies that are doubted come after those in packs that this run itself condemns, which
// it may always keep instead; but before those that another run may be about to drop, whoever
// is trusted: two runs that judged differently would each drop what the other relies on.
const (
	tierGood       tier = iota
	tierOwn             // condemned by the record being settled
	tierDoubted         // good, but only a distrusted host lists it
	tierOwnDoubted      // both
	tierCondemned       // condemned by another record, not settled
	tierDamaged         // named by a damage record, or not on the drive
	tierGone            // dropped by a settled decision
)

// of returns the tier of a copy in a pack of tier t.
func (t tier) of(at *index.Location) tier {
	switch {
	case !at.Doubted:
	case t == tierGood:
		return tierDoubted
	case t == tierOwn:
		return tierOwnDoubted
	}
	return t
}

// packUse is what snapshots need of a pack.
type packUse struct {
	info      *format.PackInfo
	live      map[uint32]uint32 // live blocks: offset to length
	liveBytes uint64
}

// census says where every live chunk is to be found.
type census struct {
	uses  map[format.PackName]*packUse // of all packs the index names
	lost  []format.ShortID             // live chunks without a copy, the first few
	nLost int
	// mirrors says where the mirrored footers of data packs are; of dropped packs nobody
	// needs them any more.
	mirrors map[format.PackName][]copyAt
}

// copyAt is a place of a chunk.
type copyAt struct {
	pack          format.PackName
	offset, block uint32 // of the block, and its length
}

const maxLost = 100

// count takes the census: the live chunks are merged with the index. Where trust goes
// by authors, no author's copy makes up for that of another unless it is trusted.
func count(ctx context.Context, r *repo.Repository, view *index.View, live *liveSet, rank func(format.PackName) tier, trust repo.Trust) (*census, error) {
	c := &census{uses: map[format.PackName]*packUse{}, mirrors: map[format.PackName][]copyAt{}}
	mirrorOf := map[format.ShortID]format.PackName{}
	rank = withBases(view, rank)
	for info := range view.Packs() {
		if rank(info.Name) == tierGone {
			continue // segments name it for a while; what it stood on need not stay for that
		}
		c.uses[info.Name] = &packUse{info: info, live: map[uint32]uint32{}}
		if info.Name.Kind == format.KindData {
			id := r.Keys().MirrorID(info.Name)
			mirrorOf[format.ShortID(id[:len(format.ShortID{})])] = info.Name
		}
	}
	ids, err := live.Walk()
	if err != nil {
		return nil, err
	}
	var doubles [][]copyAt
	want, more := ids.Next()
	groups := view.Merge(ctx)
	if trust != repo.TrustAll {
		groups = view.MergeByAuthor(ctx)
	}
	for group, err := range groups {
		if err != nil {
			return nil, fmt.Errorf("read index: %w", err)
		}
		if pack, ok := mirrorOf[group.ID]; ok {
			c.mirrors[pack] = best(group.At, rank)
			continue
		}
		for more && compareShort(want, group.ID) < 0 {
			c.lose(want)
			want, more = ids.Next()
		}
		if !more || want != group.ID {
			continue
		}
		choices := choose(&group, rank, trust)
		if len(choices) == 0 {
			c.lose(want)
		}
		for _, copies := range choices {
			if len(copies) == 1 {
				c.use(copies[0])
			} else {
				doubles = append(doubles, copies)
			}
		}
		want, more = ids.Next()
	}
	for ; more; want, more = ids.Next() {
		c.lose(want)
	}
	for _, copies := range doubles {
		c.use(c.fullest(copies))
	}
	return c, ids.Err()
}

// withBases ranks each pack as low as the packs that it stands on: a delta is
// as good as its base.
func withBases(view *index.View, rank func(format.PackName) tier) func(format.PackName) tier {
	tiers := map[format.PackName]tier{}
	for info := range view.Packs() {
		t := rank(info.Name)
		for _, hash := range info.BasePacks {
			t = max(t, rank(format.PackName{Kind: info.Name.Kind, Hash: hash}))
		}
		tiers[info.Name] = t
	}
	return func(name format.PackName) tier { return tiers[name] }
}

// choose returns lists of copies of a chunk, one copy of each of which is to stay: one
// list, unless there are doubted copies only and trust goes by authors.
func choose(g *index.Group, rank func(format.PackName) tier, trust repo.Trust) [][]copyAt {
	all := best(g.At, rank)
	if len(all) == 0 {
		return nil
	}
	byAuthor := map[format.Host][]index.Location{}
	if trust != repo.TrustAll {
		for i := range g.At {
			switch t := rank(g.At[i].Pack.Name).of(&g.At[i]); t {
			case tierGood, tierOwn:
				return [][]copyAt{all}
			case tierDoubted, tierOwnDoubted:
				byAuthor[g.Author(i)] = append(byAuthor[g.Author(i)], g.At[i])
			}
		}
	}
	if len(byAuthor) == 0 {
		return [][]copyAt{all}
	}
	var choices [][]copyAt
	for _, author := range slices.SortedFunc(maps.Keys(byAuthor), format.Host.Compare) {
		choices = append(choices, best(byAuthor[author], rank))
	}
	return choices
}

// best returns the copies of the lowest tier; none if they are gone.
func best(at []index.Location, rank func(format.PackName) tier) []copyAt {
	lowest := tierGone
	for i := range at {
		lowest = min(lowest, rank(at[i].Pack.Name).of(&at[i]))
	}
	if lowest == tierGone {
		return nil
	}
	var copies []copyAt
	for i := range at {
		if rank(at[i].Pack.Name).of(&at[i]) == lowest {
			copies = append(copies, copyAt{at[i].Pack.Name, at[i].BlockOffset, at[i].BlockLength})
		}
	}
	return copies
}

func (c *census) use(at copyAt) {
	u := c.uses[at.pack]
	if _, ok := u.live[at.offset]; !ok {
		u.live[at.offset] = at.block
		u.liveBytes += uint64(at.block)
	}
}

// fullest chooses the copy in the pack that is needed most anyway; all runs
// choose alike.
func (c *census) fullest(copies []copyAt) copyAt {
	chosen := copies[0]
	for _, other := range copies[1:] {
		a, b := c.uses[chosen.pack], c.uses[other.pack]
		if order := cmp.Compare(a.liveBytes, b.liveBytes); order < 0 ||
			order == 0 && bytes.Compare(chosen.pack.Hash[:], other.pack.Hash[:]) > 0 {
			chosen = other
		}
	}
	return chosen
}

func (c *census) lose(id format.ShortID) {
	c.nLost++
	if len(c.lost) < maxLost {
		c.lost = append(c.lost, id)
	}
}

// useMirrors counts the mirrored footers of the data packs that stay, in the order
// of the packs, so that all runs choose alike.
func (c *census) useMirrors(stays func(format.PackName) bool) {
	for _, pack := range slices.SortedFunc(maps.Keys(c.mirrors), comparePacks) {
		if copies := c.mirrors[pack]; stays(pack) && len(copies) > 0 {
			c.use(c.fullest(copies))
		}
	}
}

// useBases makes packs that others have deltas against count as needed.
func (c *census) useBases(stays func(format.PackName) bool) map[format.PackName]bool {
	bases := map[format.PackName]bool{}
	for name, u := range c.uses {
		if !stays(name) {
			continue
		}
		for _, hash := range u.info.BasePacks {
			bases[format.PackName{Kind: name.Kind, Hash: hash}] = true
		}
	}
	return bases
}
