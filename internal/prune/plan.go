package prune

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"firn/internal/format"
	"firn/internal/repo"
	"firn/internal/snapshot"
)

// plan is what a run would condemn, and why.
type plan struct {
	records   *repo.Records
	reader    *repo.Reader
	live      *liveSet
	census    *census
	forgotten []string
	condemned []format.PackName // without those repacked
	repack    []*packUse
}

func (pl *plan) close() {
	if pl.live != nil {
		_ = pl.live.Close() // temporary files; nothing depends on them
	}
	_ = pl.reader.Close()
}

// plan marks what all kept snapshots need and chooses the packs to condemn.
func (p *pruner) plan(ctx context.Context) (*plan, error) {
	records, err := p.repo.ReadRecords(ctx)
	if err != nil {
		return nil, err
	}
	set, err := p.snapshots(ctx, records)
	if err != nil {
		return nil, err
	}
	rd, err := p.openIndex(ctx, records)
	if err != nil {
		return nil, err
	}
	pl := &plan{records: records, reader: rd}
	if err := p.fill(ctx, pl, set, records); err != nil {
		pl.close()
		return nil, err
	}
	return pl, nil
}

// openIndex opens the index to resolve what manifests listed before need. Their
// segments were written before they were; a drive that lists late shows them after
// the delay. A segment that cannot be read ends the run, since what it holds is not known.
func (p *pruner) openIndex(ctx context.Context, records *repo.Records) (*repo.Reader, error) {
	if err := sleep(ctx, p.opts.ListingDelay); err != nil {
		return nil, err
	}
	rd, bad, err := p.repo.TrustingReader(ctx, records, p.opts.Trust)
	if err != nil {
		return nil, err
	}
	if len(bad) > 0 {
		_ = rd.Close() // nothing was written through it
		return nil, fmt.Errorf("index segment %s cannot be read, and only a repair of the index can tell what it held: %w", bad[0].Name, bad[0].Err)
	}
	return rd, nil
}

// snapshots lists the snapshots; any that cannot be read ends the run, since
// what it needs is not known.
func (p *pruner) snapshots(ctx context.Context, records *repo.Records) (*snapshot.Set, error) {
	set, err := snapshot.List(ctx, p.repo, records)
	if err != nil {
		return nil, err
	}
	if len(set.Damage) > 0 {
		return nil, fmt.Errorf("a snapshot cannot be read, so nobody knows what it needs: %w", set.Damage[0])
	}
	return set, nil
}

func (p *pruner) fill(ctx context.Context, pl *plan, set *snapshot.Set, records *repo.Records) error {
	var err error
	p.opts.Progress("marking what snapshots need")
	if pl.live, err = mark(ctx, pl.reader, set.Snapshots); err != nil {
		return err
	}
	rank := p.ranker(records, "")
	if pl.census, err = count(ctx, p.repo, pl.reader.View(), pl.live, rank, p.opts.Trust); err != nil {
		return err
	}
	if err := pl.census.complete(); err != nil {
		return err
	}
	for _, s := range set.Forgotten {
		pl.forgotten = append(pl.forgotten, s.Session)
	}
	open, err := p.openSessions(ctx)
	if err == nil && !p.opts.DryRun {
		open, err = p.fenceStale(ctx, open)
	}
	if err != nil {
		return err
	}
	p.choose(pl, p.condemnable(records, open))
	return nil
}

// complete returns ErrLost when a chunk that is needed is nowhere.
func (c *census) complete() error {
	if c.nLost == 0 {
		return nil
	}
	return fmt.Errorf("%w: %d chunks, one of them %s", ErrLost, c.nLost, c.lost[0])
}

// ranker says how far packs may be relied on, seen from the record named own.
// A pack that is not on the drive serves only where there is no other copy.
func (p *pruner) ranker(records *repo.Records, own string) func(format.PackName) tier {
	tiers := map[format.PackName]tier{}
	raise := func(packs []format.PackName, t tier) {
		for _, name := range packs {
			tiers[name] = max(tiers[name], t)
		}
	}
	for _, d := range records.Damages {
		raise(d.Record.DamagedPacks, tierDamaged)
	}
	for i := range records.Prunes {
		switch r := &records.Prunes[i]; {
		case r.Name == own:
			raise(r.Record.CondemnedPacks, tierOwn)
		case r.Decision != nil:
			raise(r.Decision.DroppedPacks, tierGone)
		default:
			raise(r.Record.CondemnedPacks, tierCondemned)
		}
	}
	return func(name format.PackName) tier {
		if _, there := p.sizes[name]; !there {
			return max(tiers[name], tierDamaged)
		}
		return tiers[name]
	}
}

// condemnable says which packs a new record may condemn: those on the drive that
// no record condemns already. Packs younger than an open session are left alone:
// they may be that session's, and condemning them would only make everybody wait.
func (p *pruner) condemnable(records *repo.Records, open []OpenSession) func(format.PackName) bool {
	taken := map[format.PackName]bool{}
	for i := range records.Prunes {
		r := &records.Prunes[i]
		packs := r.Record.CondemnedPacks
		switch {
		case r.Decision != nil:
			packs = r.Decision.DroppedPacks
		case p.orphaned(r, open):
			packs = nil
		}
		for _, name := range packs {
			taken[name] = true
		}
	}
	return func(name format.PackName) bool {
		info, there := p.sizes[name]
		return there && !taken[name] && !slices.ContainsFunc(open, func(s OpenSession) bool { return !info.Modified.Before(s.Begun) })
	}
}

// choose picks what to condemn: packs nobody needs, packs no segment names,
// and packs so little used that moving their live blocks pays.
func (p *pruner) choose(pl *plan, condemnable func(format.PackName) bool) {
	needed := pl.census.useBases(func(name format.PackName) bool {
		_, early := p.early(name)
		return early || len(pl.census.uses[name].live) > 0
	})
	dead := map[format.PackName]bool{}
	var kept []*packUse
	for name, u := range pl.census.uses {
		p.report.UsedBytes += u.liveBytes
		if name.Kind != format.KindData || !condemnable(name) || needed[name] {
			continue
		}
		switch {
		case p.leave(name, u.unused()):
		case len(u.live) == 0:
			dead[name] = true
		case !p.leaveCold(name, u.unused()):
			kept = append(kept, u)
		}
	}
	pl.repack = p.worthMoving(kept, pl.records)
	moved := map[format.PackName]bool{}
	for _, u := range pl.repack {
		moved[u.info.Name] = true
	}
	pl.census.useMirrors(func(pack format.PackName) bool { return !dead[pack] && !moved[pack] })
	p.chooseMeta(pl, dead, condemnable)
	for name := range p.sizes {
		if pl.census.uses[name] == nil && condemnable(name) && p.now.Sub(p.sizes[name].Modified) > p.opts.Stale {
			dead[name] = !p.leave(name, uint64(p.sizes[name].Size))
		}
	}
	for name, goes := range dead {
		if goes {
			pl.condemned = append(pl.condemned, name)
		}
	}
	slices.SortFunc(pl.condemned, comparePacks)
	p.report.Packs = len(p.sizes)
	for _, info := range p.sizes {
		p.report.Bytes += uint64(info.Size)
	}
}

// chooseMeta does for metadata packs what was done for data packs, once it is
// known whose footers they mirror.
func (p *pruner) chooseMeta(pl *plan, dead map[format.PackName]bool, condemnable func(format.PackName) bool) {
	var kept []*packUse
	for name, u := range pl.census.uses {
		if name.Kind != format.KindMeta || !condemnable(name) {
			continue
		}
		if len(u.live) == 0 {
			dead[name] = true
			continue
		}
		kept = append(kept, u)
	}
	pl.repack = append(pl.repack, p.worthMoving(kept, pl.records)...)
}

func comparePacks(a, b format.PackName) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), bytes.Compare(a.Hash[:], b.Hash[:]))
}

// smallPack is the share of a full pack under which a pack is better joined
// with others, and smallPacks how many of one author must come together.
const (
	smallPack  = 4 // a quarter
	smallPacks = 12
)

// worthMoving chooses packs to move the live blocks of: the emptiest first,
// until no more than MaxUnused of all bytes is waste; and packs left small by
// many small backups, once there are enough of them. Damaged packs stay where
// they are: their blocks would look sound in a new one.
func (p *pruner) worthMoving(kept []*packUse, records *repo.Records) []*packUse {
	damaged := records.DamagedPacks()
	kept = slices.DeleteFunc(kept, func(u *packUse) bool { return damaged[u.info.Name] })
	waste := (*packUse).unused
	var used, wasted uint64
	for _, u := range kept {
		used += u.info.Used
		wasted += waste(u)
	}
	slices.SortFunc(kept, func(a, b *packUse) int {
		return cmp.Or(
			cmp.Compare(float64(waste(b))*float64(a.info.Used), float64(waste(a))*float64(b.info.Used)),
			comparePacks(a.info.Name, b.info.Name))
	})
	var moved []*packUse
	small := map[format.Host][]*packUse{} // packs of different authors are not joined
	allowed := uint64(p.opts.MaxUnused * float64(used))
	for _, u := range kept {
		switch {
		case wasted > allowed && waste(u) > 0:
			moved = append(moved, u)
			wasted -= waste(u)
		case u.info.Size < p.opts.Writer.FullPack(u.info.Name.Kind)/smallPack:
			small[u.info.Host] = append(small[u.info.Host], u)
		}
	}
	for _, host := range slices.SortedFunc(maps.Keys(small), format.Host.Compare) {
		if len(small[host]) >= smallPacks {
			moved = append(moved, small[host]...)
		}
	}
	return moved
}

var errChanged = errors.New("snapshots or index segments went while they were read; run prune again")
