package check

import (
	"fmt"

	"firn/internal/format"
	"firn/internal/index"
	"firn/internal/object"
	"firn/internal/repo"
)

// pack is what is known of a pack that the index names.
type pack struct {
	info     *format.PackInfo
	listed   bool // it is on the drive
	size     int64
	dropped  bool     // prune decided to delete it: it counts for nothing
	recorded bool     // an earlier check wrote a record of it
	fault    *Finding // why it is not to be relied on; nil: nothing is known against it

	listing  listing  // its chunks as the index has them
	trusted  listing  // those of them that somebody trusted lists
	footer   *listing // its chunks as its footer has them; nil: not read
	mirrored bool     // its footer has a mirror in a sound pack
}

// packTable holds the packs that the index names.
type packTable struct {
	byInfo map[*format.PackInfo]*pack // as the index points at them
	byName map[format.PackName]*pack
	order  []*pack // by kind and name
}

func newPackTable(view *index.View, records *repo.Records) *packTable {
	t := &packTable{byInfo: map[*format.PackInfo]*pack{}, byName: map[format.PackName]*pack{}}
	dropped, recorded := records.Dropped(), records.DamagedPacks()
	for info := range view.Packs() {
		p := &pack{info: info, dropped: dropped[info.Name], recorded: recorded[info.Name]}
		t.byInfo[info], t.byName[info.Name] = p, p
		t.order = append(t.order, p)
	}
	return t
}

// of returns the pack of a location.
func (t *packTable) of(at *index.Location) *pack {
	if p := t.byInfo[at.Pack]; p != nil {
		return p
	}
	return t.byName[at.Pack.Name]
}

// sound reports whether chunks in a pack may be relied on: nothing is known
// against it, nor against a pack that it has deltas against.
func (t *packTable) sound(p *pack) bool {
	whole := func(p *pack) bool { return p != nil && !p.dropped && p.fault == nil }
	if !whole(p) {
		return false
	}
	for _, hash := range p.info.BasePacks {
		if !whole(t.byName[format.PackName{Kind: p.info.Name.Kind, Hash: hash}]) {
			return false
		}
	}
	return true
}

// checkPacks compares the packs on the drive with those of the index.
func (c *checker) checkPacks() error {
	c.packs = newPackTable(c.reader.View(), c.records)
	for _, prefix := range []string{format.PrefixData, format.PrefixMeta} {
		for info, err := range c.repo.Store().List(c.ctx, prefix) {
			if err != nil {
				return fmt.Errorf("list packs: %w", err)
			}
			c.packListed(info)
		}
	}
	for _, p := range c.packs.order {
		c.report.Packs++
		c.report.PackBytes += p.info.Size
		switch {
		case p.dropped:
		case !p.listed:
			c.blame(p, Missing, "the index names it, and it is not on the drive")
		case uint64(p.size) != p.info.Size:
			c.blame(p, WrongSize, fmt.Sprintf("it has %d bytes, the index says %d", p.size, p.info.Size))
		}
	}
	return nil
}

func (c *checker) packListed(info object.Info) {
	name, err := format.ParsePackName(info.Name)
	if err != nil {
		return // nobody's object: it takes part in nothing
	}
	p := c.packs.byName[name]
	if p == nil {
		c.report.Orphans++
		c.report.OrphanBytes += uint64(info.Size)
		return
	}
	p.listed, p.size = true, info.Size
}

// blame enters what is known against a pack. The first finding stands: others
// follow from it.
func (c *checker) blame(p *pack, kind Kind, detail string) {
	c.ledger.mu.Lock()
	known := p.fault != nil
	if !known {
		p.fault = &Finding{Kind: kind, Object: p.info.Name.Object(), Detail: detail, Recorded: p.recorded}
		c.ledger.list = append(c.ledger.list, p.fault)
	}
	c.ledger.mu.Unlock()
}
