package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"firn/internal/check"
	"firn/internal/format"
	"firn/internal/snapshot"
)

// The modes of stats.
const (
	modeStored   = "stored"
	modeRestored = "restored"
)

func newStatsCommand(a *app) *cobra.Command {
	sel := &selection{}
	mode := modeStored
	c := &cobra.Command{
		Use:   "stats [SNAPSHOT…]",
		Short: "Show what snapshots take up",
		Long: `Show what snapshots take up: all of them, those named, or those selected.

--mode stored (the default) reads the snapshots' trees and tells, for each snapshot
and in all:
  RESTORED   bytes a restore would write
  NEW        bytes of content that no snapshot before it, among those shown, has:
             deduplicated
  STORED     what NEW takes up on the drive: compressed and sealed. Small files share
             blocks, which count whole
  METADATA   what its trees take up, compressed and sealed, as far as they are new
NEW, STORED and METADATA add up to the whole. For one snapshot alone they are all it
consists of.

--mode restored only tells the bytes a restore would write; it reads no trees.

Below that stand the objects on the drive, and the unused bytes: blocks that none of
the snapshots shown needs. Without names and selection that is what prune can free.`,
		Example: `  firn stats
  firn stats latest
  firn stats --by-host web1 --mode restored`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if mode != modeStored && mode != modeRestored {
				return usagef("unknown mode %q: %s or %s", mode, modeStored, modeRestored)
			}
			return a.eachDrive(cmd.Context(), func(ctx context.Context, d *drive) error {
				set, err := d.snapshots(ctx)
				if err != nil {
					return err
				}
				list, err := choose(set, sel, args)
				if err != nil {
					return err
				}
				if mode == modeRestored {
					a.tellRestored(d, list)
					return damageOf(set)
				}
				if err := a.stats(ctx, d, list); err != nil {
					return err
				}
				return damageOf(set)
			})
		},
	}
	sel.flags(c)
	c.Flags().StringVar(&mode, "mode", mode, "`stored` or restored, see above")
	return c
}

// snapshotStatsJSON is what one snapshot takes up. The fields about new content
// are left out in the mode "restored".
type snapshotStatsJSON struct {
	Drive    string    `json:"drive"`
	Snapshot string    `json:"snapshot"`
	Time     time.Time `json:"time"`
	Entries  uint64    `json:"entries"`
	Files    uint64    `json:"files"`
	Restored uint64    `json:"bytes_restored"`
	New      *newJSON  `json:"new,omitempty"`
}

// newJSON is what a snapshot has that those before it do not have.
type newJSON struct {
	Chunks     uint64 `json:"chunks"`
	Bytes      uint64 `json:"bytes"`
	Stored     uint64 `json:"bytes_stored"`
	MetaPages  uint64 `json:"metadata_pages"`
	MetaBytes  uint64 `json:"metadata_bytes"`
	MetaStored uint64 `json:"metadata_bytes_stored"`
}

// statsJSON is what all snapshots shown take up, and the objects on the drive.
type statsJSON struct {
	Drive       string       `json:"drive"`
	Snapshots   int          `json:"snapshots"`
	Entries     uint64       `json:"entries"`
	Files       uint64       `json:"files"`
	Restored    uint64       `json:"bytes_restored"`
	New         *newJSON     `json:"new,omitempty"`
	Objects     *objectsJSON `json:"objects,omitempty"`
	UnusedBytes *uint64      `json:"bytes_unused,omitempty"`
}

// objectsJSON counts the objects on the drive.
type objectsJSON struct {
	DataPacks    int    `json:"data_packs"`
	DataBytes    uint64 `json:"data_pack_bytes"`
	MetaPacks    int    `json:"metadata_packs"`
	MetaBytes    uint64 `json:"metadata_pack_bytes"`
	Segments     int    `json:"segments"`
	SegmentBytes uint64 `json:"segment_bytes"`
	Entries      uint64 `json:"index_entries"`
	Orphans      int    `json:"orphan_packs"`
	OrphanBytes  uint64 `json:"orphan_bytes"`
}

func newSnapshotStats(d *drive, s *snapshot.Snapshot) snapshotStatsJSON {
	return snapshotStatsJSON{
		Drive: d.label, Snapshot: s.ID(), Time: s.Time().UTC(), Entries: s.Sums.Entries, Files: s.Sums.Files, Restored: s.Sums.Bytes,
	}
}

func newAmounts(data, meta check.Amount) *newJSON {
	return &newJSON{data.Chunks, data.Bytes, data.Stored, meta.Chunks, meta.Bytes, meta.Stored}
}

// tellRestored shows what the manifests alone tell.
func (a *app) tellRestored(d *drive, list []*snapshot.Snapshot) {
	var sums format.Sums
	var rows [][]string
	for _, s := range list {
		sums.Entries += s.Sums.Entries
		sums.Files += s.Sums.Files
		sums.Bytes += s.Sums.Bytes
		a.out.emit("snapshot_stats", newSnapshotStats(d, s))
		rows = append(rows, statsRow(s))
	}
	a.out.emit("summary", statsJSON{Drive: d.label, Snapshots: len(list), Entries: sums.Entries, Files: sums.Files, Restored: sums.Bytes})
	rows = append(rows, []string{"in all", "", fmt.Sprint(sums.Files), size(sums.Bytes)})
	a.out.table([]string{"ID", "TIME", "FILES", "RESTORED"}, rows)
}

// statsRow is the beginning of a snapshot's row.
func statsRow(s *snapshot.Snapshot) []string {
	return []string{s.Short(), s.Time().Format("2006-01-02 15:04:05"), fmt.Sprint(s.Sums.Files), size(s.Sums.Bytes)}
}

func (a *app) stats(ctx context.Context, d *drive, list []*snapshot.Snapshot) error {
	sizes, err := check.Measure(ctx, d.repo, list, nil)
	if err != nil {
		return err
	}
	var rows [][]string
	for i := range sizes.Snapshots {
		s := &sizes.Snapshots[i]
		j := newSnapshotStats(d, s.Snapshot)
		j.New = newAmounts(s.Data, s.Meta)
		a.out.emit("snapshot_stats", j)
		rows = append(rows, append(statsRow(s.Snapshot), size(s.Data.Bytes), size(s.Data.Stored), size(s.Meta.Stored)))
	}
	rows = append(rows, []string{"in all", "", fmt.Sprint(sizes.Restored.Files), size(sizes.Restored.Bytes),
		size(sizes.Data.Bytes), size(sizes.Data.Stored), size(sizes.Meta.Stored)})
	a.out.emit("summary", statsJSON{
		Drive: d.label, Snapshots: len(sizes.Snapshots), Entries: sizes.Restored.Entries, Files: sizes.Restored.Files,
		Restored: sizes.Restored.Bytes, New: newAmounts(sizes.Data, sizes.Meta), UnusedBytes: &sizes.Unused,
		Objects: &objectsJSON{
			sizes.DataPacks.Count, sizes.DataPacks.Bytes, sizes.MetaPacks.Count, sizes.MetaPacks.Bytes,
			sizes.Segments.Count, sizes.Segments.Bytes, sizes.Entries, sizes.Orphans.Count, sizes.Orphans.Bytes,
		},
	})
	a.out.table([]string{"ID", "TIME", "FILES", "RESTORED", "NEW", "STORED", "METADATA"}, rows)
	a.saySizes(sizes)
	return nil
}

func (a *app) saySizes(s *check.Sizes) {
	a.out.print("chunks: %d of content, %d pages", s.Data.Chunks, s.Meta.Chunks)
	a.out.print("objects: %s, %s; %s, %s; %s, %s",
		count(uint64(s.DataPacks.Count), "data pack", "data packs"), size(s.DataPacks.Bytes),
		count(uint64(s.MetaPacks.Count), "metadata pack", "metadata packs"), size(s.MetaPacks.Bytes),
		count(uint64(s.Segments.Count), "index segment", "index segments"), size(s.Segments.Bytes))
	if s.Orphans.Count > 0 {
		a.out.print("not in the index: %s, %s", count(uint64(s.Orphans.Count), "pack", "packs"), size(s.Orphans.Bytes))
	}
	a.out.print("unused: %s", size(s.Unused))
}
