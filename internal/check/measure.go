package check

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"firn/internal/format"
	"firn/internal/index"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/snapshot"
)

// Amount is what a set of chunks comes to.
type Amount struct {
	Chunks uint64 // different ones
	Bytes  uint64 // of their plaintext
	Stored uint64 // of the sealed blocks they are in, whole
}

func (a *Amount) add(b Amount) {
	a.Chunks += b.Chunks
	a.Bytes += b.Bytes
	a.Stored += b.Stored
}

// SnapshotSize is what one of the measured snapshots comes to.
type SnapshotSize struct {
	Snapshot *snapshot.Snapshot
	// Data and Meta are what none of the measured snapshots before it has: file
	// content, and pages of trees and content lists. Over all snapshots they add
	// up to the whole.
	Data, Meta Amount
}

// Objects counts objects on the drive.
type Objects struct {
	Count int
	Bytes uint64
}

// Sizes is what snapshots and their repository take up.
type Sizes struct {
	Snapshots []SnapshotSize // oldest first
	Restored  format.Sums    // of all of them together, as if each was restored
	Data      Amount
	Meta      Amount

	DataPacks Objects
	MetaPacks Objects
	Segments  Objects
	// Orphans are packs that the index does not name: of backups that are
	// running or broke off.
	Orphans Objects
	// Entries counts the chunks that the index lists, each copy by itself.
	Entries uint64
	// Mirrors are bytes of the blocks of metadata packs that hold copies of footers.
	Mirrors uint64
	// Unused are bytes of blocks that none of the measured snapshots needs.
	Unused uint64
}

// Measure finds out what snapshots take up. It reads their trees, from the
// local cache where it can. A repository that is not whole cannot be measured;
// the error then matches repo.ErrDamaged, repo.ErrNoChunk or another that Run explains.
func Measure(ctx context.Context, r *repo.Repository, snapshots []*snapshot.Snapshot, progress *Progress) (_ *Sizes, err error) {
	if progress == nil {
		progress = new(Progress)
	}
	rd, bad, err := r.NewReader(ctx)
	if err != nil {
		return nil, fmt.Errorf("measure: %w", err)
	}
	defer func() { err = errors.Join(err, rd.Close()) }()
	if len(bad) > 0 {
		return nil, fmt.Errorf("measure: %w", bad[0])
	}
	records, err := r.ReadRecords(ctx)
	if err != nil {
		return nil, fmt.Errorf("measure: %w", err)
	}
	m := &measurer{
		repo: r, view: rd.View(), needed: newNeeds(defaultRun), sizes: new(Sizes), dropped: records.Dropped(),
		blocks: map[blockKey]blockUse{},
	}
	defer func() { err = errors.Join(err, m.needed.close()) }()
	list := slices.Clone(snapshots)
	slices.SortStableFunc(list, func(a, b *snapshot.Snapshot) int { return a.Time().Compare(b.Time()) })
	marker := newMarker(rd, m.needed)
	for i, s := range list {
		m.sizes.Snapshots = append(m.sizes.Snapshots, SnapshotSize{Snapshot: s})
		m.sizes.Restored.Entries += s.Sums.Entries
		m.sizes.Restored.Files += s.Sums.Files
		m.sizes.Restored.Bytes += s.Sums.Bytes
		if err := marker.mark(ctx, s, uint32(i), nil); err != nil {
			return nil, fmt.Errorf("measure: %w", err)
		}
		progress.Pages.Store(uint64(len(marker.seen)))
	}
	if err := m.measure(ctx); err != nil {
		return nil, fmt.Errorf("measure: %w", err)
	}
	return m.sizes, nil
}

// measurer adds up what was marked.
type measurer struct {
	repo    *repo.Repository
	view    *index.View
	needed  *needs
	dropped map[format.PackName]bool
	blocks  map[blockKey]blockUse // that somebody needs
	sizes   *Sizes
}

// blockUse is a block that is needed.
type blockUse struct {
	length uint32
	first  uint32 // number of the first snapshot that needs it, or mirrorUse
}

// mirrorUse stands for the repository itself, which needs mirrored footers.
const mirrorUse = 1<<32 - 1

func (m *measurer) measure(ctx context.Context) error {
	if err := m.chunks(ctx); err != nil {
		return err
	}
	for key, use := range m.blocks {
		if use.first == mirrorUse {
			m.sizes.Mirrors += uint64(use.length)
			continue
		}
		m.amount(key.pack.Kind, use.first).Stored += uint64(use.length)
	}
	for i := range m.sizes.Snapshots {
		m.sizes.Data.add(m.sizes.Snapshots[i].Data)
		m.sizes.Meta.add(m.sizes.Snapshots[i].Meta)
	}
	return m.objects(ctx)
}

// amount returns what chunks of a kind first needed by a snapshot are added to.
func (m *measurer) amount(kind format.Kind, first uint32) *Amount {
	if kind == format.KindData {
		return &m.sizes.Snapshots[first].Data
	}
	return &m.sizes.Snapshots[first].Meta
}

// chunks merges the index with what snapshots need.
func (m *measurer) chunks(ctx context.Context) error {
	mirrors := map[format.ShortID]bool{}
	for info := range m.view.Packs() {
		if info.Name.Kind == format.KindData && !m.dropped[info.Name] {
			mirrors[m.repo.Keys().MirrorID(info.Name).Short()] = true
		}
	}
	want, err := m.needed.walk()
	if err != nil {
		return err
	}
	for group, err := range m.view.Merge(ctx) {
		if err != nil {
			return fmt.Errorf("read index: %w", err)
		}
		m.sizes.Entries += uint64(len(group.At))
		at := m.copyOf(&group)
		if at != nil && mirrors[group.ID] {
			m.use(at, mirrorUse)
		}
		if want.live && compareIDs(want.at.id, group.ID) < 0 {
			break
		}
		if !want.live || want.at.id != group.ID {
			continue
		}
		if at == nil {
			break
		}
		m.use(at, want.at.first)
		a := m.amount(at.Pack.Name.Kind, want.at.first)
		a.Chunks++
		a.Bytes += uint64(want.at.length)
		want.advance()
	}
	if want.err() == nil && want.live {
		return fmt.Errorf("chunk %x, which snapshots need: %w", want.at.id[:8], repo.ErrNoChunk)
	}
	return want.err()
}

// copyOf returns the copy of a chunk that is counted, nil if there is none.
func (m *measurer) copyOf(group *index.Group) *index.Location {
	for i := range group.At {
		if !m.dropped[group.At[i].Pack.Name] {
			return &group.At[i]
		}
	}
	return nil
}

func (m *measurer) use(at *index.Location, first uint32) {
	key := blockKey{at.Pack.Name, at.BlockOffset}
	if known, ok := m.blocks[key]; ok {
		first = min(first, known.first)
	}
	m.blocks[key] = blockUse{at.BlockLength, first}
}

// objects counts packs and segments.
func (m *measurer) objects(ctx context.Context) error {
	known := map[format.PackName]bool{}
	var used uint64
	for info := range m.view.Packs() {
		known[info.Name] = true
		if m.dropped[info.Name] {
			continue
		}
		used += info.Used
	}
	for _, use := range m.blocks {
		used -= min(used, uint64(use.length))
	}
	m.sizes.Unused = used
	for _, s := range m.view.Segments() {
		m.sizes.Segments.add(s.Size)
	}
	for _, prefix := range []string{format.PrefixData, format.PrefixMeta} {
		for info, err := range m.repo.Store().List(ctx, prefix) {
			if err != nil {
				return fmt.Errorf("list packs: %w", err)
			}
			m.listed(info, known)
		}
	}
	return nil
}

func (m *measurer) listed(info object.Info, known map[format.PackName]bool) {
	name, err := format.ParsePackName(info.Name)
	switch {
	case err != nil: // nobody's object
	case !known[name]:
		m.sizes.Orphans.add(info.Size)
	case name.Kind == format.KindData:
		m.sizes.DataPacks.add(info.Size)
	default:
		m.sizes.MetaPacks.add(info.Size)
	}
}

func (o *Objects) add(size int64) {
	o.Count++
	o.Bytes += uint64(size)
}
