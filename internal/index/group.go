package index

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"firn/internal/format"
)

// Group is all copies of a chunk. At has each place once, however many segments
// name it, and is the view's again when the loop goes on.
type Group struct {
	ID format.ShortID
	At []Location

	authors []format.Host // by place, if asked for: a place then stands once for each
}

// holding is a layer that an iteration keeps open, as it was when that began.
type holding struct {
	layer  *layer
	packs  []*format.PackInfo
	wanted []bool // members
}

// hold keeps all layers open that have segments wanted; nil wants all.
func (v *View) hold(wanted map[string]bool) ([]holding, error) {
	if err := v.Complete(); err != nil {
		return nil, err
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.closed {
		return nil, errClosed
	}
	var held []holding
	for _, l := range v.layers {
		members := slices.Clone(l.live)
		for i := range members {
			members[i] = members[i] && (wanted == nil || wanted[l.members[i].name])
		}
		if slices.Contains(members, true) {
			l.retain()
			held = append(held, holding{layer: l, packs: l.packs, wanted: members})
		}
	}
	return held, nil
}

// letGo ends what hold began.
func letGo(held []holding) {
	for _, h := range held {
		_ = h.layer.drop() // a file that was only read
	}
}

// Merge yields all entries of the view as groups in ascending order of IDs. What
// is added to the view meanwhile may be missing. After an error it yields nothing more.
func (v *View) Merge(ctx context.Context) iter.Seq2[Group, error] { return v.groups(ctx, nil, false) }

// MergeByAuthor does as Merge, but At has each place once for each author.
func (v *View) MergeByAuthor(ctx context.Context) iter.Seq2[Group, error] {
	return v.groups(ctx, nil, true)
}

// Author returns who answers for place number i of a group of MergeByAuthor.
func (g *Group) Author(i int) format.Host { return g.authors[i] }

// groups yields the entries of the segments wanted; nil wants all. Where it
// meets damage it goes on with the repaired layers. With authored the authors of entries are kept apart.
func (v *View) groups(ctx context.Context, wanted map[string]bool, authored bool) iter.Seq2[Group, error] {
	return func(yield func(Group, error) bool) {
		var last format.ShortID
		begun, ended := false, false
		for {
			err := v.eachGroup(ctx, wanted, authored, func(g Group) bool {
				if begun && bytes.Compare(g.ID[:], last[:]) <= 0 { // yielded before the damage
					return true
				}
				last, begun = g.ID, true
				ended = !yield(g, nil)
				return !ended
			})
			if err != nil {
				err = v.repair(err)
			} else {
				return
			}
			if err != nil {
				yield(Group{}, fmt.Errorf("walk index: %w", err))
				return
			}
		}
	}
}

// eachGroup visits groups until visit returns false.
func (v *View) eachGroup(ctx context.Context, wanted map[string]bool, authored bool, visit func(Group) bool) error {
	held, err := v.hold(wanted)
	if err != nil {
		return err
	}
	defer letGo(held)
	q := newCursors()
	for i, h := range held {
		if err := q.add(newCursor(h.layer, i, h.wanted)); err != nil {
			return err
		}
	}
	var g Group
	var high, low uint64
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		c := q.front()
		if len(g.At) > 0 && (c == nil || c.high != high || c.low != low) {
			if !visit(g) {
				return nil
			}
			g.At, g.authors = g.At[:0], g.authors[:0]
		}
		if c == nil {
			return nil
		}
		high, low, g.ID = c.high, c.low, format.ShortID(c.entry)
		h := &held[c.number]
		at, _, err := location(c.entry, h.packs, h.wanted)
		if err != nil {
			return &damage{h.layer, err}
		}
		at.Doubted = h.layer.doubts(c.entry, at.Pack)
		g.add(at, h.layer, c.entry, authored)
		if err := q.advance(); err != nil {
			return err
		}
	}
}

// add takes a place into the group. What somebody trusted lists is not doubted, whoever
// else lists it.
func (g *Group) add(at Location, l *layer, entry []byte, authored bool) {
	var author format.Host
	if authored {
		author = l.originOf(entry).Author
	}
	for i := range g.At {
		known := &g.At[i]
		if known.Pack == at.Pack && known.BlockOffset == at.BlockOffset && known.BlockLength == at.BlockLength &&
			known.ChunkOffset == at.ChunkOffset && (!authored || g.authors[i] == author) {
			known.Doubted = known.Doubted && at.Doubted
			return
		}
	}
	g.At = append(g.At, at)
	if authored {
		g.authors = append(g.authors, author)
	}
}

// PacksOf returns the packs that one of the view's segments lists, ascending by kind
// and name. They are shared and must not be changed.
func (v *View) PacksOf(segment string) ([]*format.PackInfo, error) {
	packs, err := v.packsOf(map[string]bool{segment: true})
	if err != nil {
		return nil, fmt.Errorf("list packs of %s: %w", segment, err)
	}
	return packs, nil
}

// packsOf returns the packs that the wanted segments list, ascending by kind and name.
func (v *View) packsOf(wanted map[string]bool) ([]*format.PackInfo, error) {
	for {
		packs, err := v.collectPacks(wanted)
		var d *damage
		if !errors.As(err, &d) {
			return packs, err
		}
		if err := v.repair(err); err != nil {
			return nil, err
		}
	}
}

func (v *View) collectPacks(wanted map[string]bool) ([]*format.PackInfo, error) {
	held, err := v.hold(wanted)
	if err != nil {
		return nil, err
	}
	defer letGo(held)
	var packs []*format.PackInfo
	for _, h := range held {
		listed, err := h.layer.packsOf(h.wanted)
		if err != nil {
			return nil, &damage{h.layer, err}
		}
		for i, pack := range h.packs {
			if listed == nil || listed[i] {
				packs = append(packs, pack)
			}
		}
	}
	return sortPacks(packs), nil
}

// sortPacks sorts packs by kind and name and leaves out repetitions and nil.
func sortPacks(packs []*format.PackInfo) []*format.PackInfo {
	packs = slices.DeleteFunc(packs, func(p *format.PackInfo) bool { return p == nil })
	slices.SortFunc(packs, func(a, b *format.PackInfo) int { return a.Name.Compare(b.Name) })
	return slices.Compact(packs)
}
