package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"firn/internal/repo"
	"firn/internal/snapshot"
)

// selection chooses snapshots by host, source and tag.
type selection struct {
	hosts, sources, tags []string
}

func (s *selection) flags(c *cobra.Command) {
	c.Flags().StringArrayVar(&s.hosts, "by-host", nil, "only snapshots of a `HOST` (repeat for several)")
	c.Flags().StringArrayVar(&s.sources, "by-source", nil, "only snapshots of a source `PATH` (repeat for several)")
	c.Flags().StringArrayVar(&s.tags, "by-tag", nil, "only snapshots with a `TAG`, or with all of TAG,TAG (repeat for several)")
}

func (s *selection) matches(snap *snapshot.Snapshot) bool {
	if len(s.hosts) > 0 && !slices.Contains(s.hosts, snap.Host) {
		return false
	}
	if len(s.sources) > 0 && !slices.ContainsFunc(snap.Sources, func(src []byte) bool {
		return slices.Contains(s.sources, string(src))
	}) {
		return false
	}
	return len(s.tags) == 0 || slices.ContainsFunc(s.tags, func(list string) bool {
		return !slices.ContainsFunc(strings.Split(list, ","), func(tag string) bool { return !slices.Contains(snap.Tags, tag) })
	})
}

// snapshotJSON is a snapshot as --json shows it.
type snapshotJSON struct {
	Drive       string    `json:"drive"`
	ID          string    `json:"id"`
	Session     string    `json:"session"`
	Time        time.Time `json:"time"`
	Finished    time.Time `json:"finished"`
	Host        string    `json:"host"`
	User        string    `json:"user"`
	Sources     []string  `json:"sources"`
	Tags        []string  `json:"tags"`
	Description string    `json:"description,omitempty"`
	Parent      string    `json:"parent,omitempty"`
	Files       uint64    `json:"files"`
	Entries     uint64    `json:"entries"`
	Bytes       uint64    `json:"bytes"`
	BytesStored uint64    `json:"bytes_stored"`
	Problems    uint64    `json:"problems"`
	Program     string    `json:"program"`
	SignedBy    string    `json:"signed_by"`
}

func snapshotToJSON(d *drive, s *snapshot.Snapshot) snapshotJSON {
	j := snapshotJSON{
		Drive: d.label, ID: s.ID(), Session: s.Session, Time: s.Time().UTC(), Finished: time.Unix(0, s.Finished).UTC(),
		Host: s.Host, User: s.User, Tags: append([]string{}, s.Tags...), Description: s.Description,
		Parent: shortID(s.Parent), Files: s.Sums.Files, Entries: s.Sums.Entries, Bytes: s.Sums.Bytes,
		BytesStored: s.Stats.BytesStored, Problems: s.ProblemCount, Program: s.Program,
		SignedBy: s.Signer.String(), Sources: []string{},
	}
	for _, src := range s.Manifest.Sources {
		j.Sources = append(j.Sources, exact(src))
	}
	return j
}

// shortID returns the ID people use for a session's name; "" for none.
func shortID(session string) string {
	if session == "" {
		return ""
	}
	return snapshot.ID(session)[:8]
}

func newSnapshotsCommand(a *app) *cobra.Command {
	sel := &selection{}
	last := 0
	c := &cobra.Command{
		Use:   "snapshots [SNAPSHOT…]",
		Short: "List snapshots",
		Long: `List the snapshots of every drive in use, oldest first: all, or those named or
selected. SNAPSHOT is an ID or its beginning, "latest", or "latest:SOURCE" for the
newest of a source or a host.

SIZE is what a restore would write, ADDED what the snapshot added to the drive.`,
		Example: `  firn snapshots
  firn snapshots --by-host web1 --last 5`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.eachDrive(cmd.Context(), func(ctx context.Context, d *drive) error {
				set, err := d.snapshots(ctx)
				if err != nil {
					return err
				}
				list, err := choose(set, sel, args)
				if err != nil {
					return err
				}
				if last > 0 && len(list) > last {
					list = list[len(list)-last:]
				}
				a.listSnapshots(d, list)
				return damageOf(set)
			})
		},
	}
	sel.flags(c)
	c.Flags().IntVar(&last, "last", 0, "show the newest `N` only")
	return c
}

// choose returns the snapshots that are named, or all that are selected.
func choose(set *snapshot.Set, sel *selection, words []string) ([]*snapshot.Snapshot, error) {
	var list []*snapshot.Snapshot
	for _, w := range words {
		s, err := set.Find(w)
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	if len(words) > 0 {
		return list, nil
	}
	for _, s := range set.Snapshots {
		if sel.matches(s) {
			list = append(list, s)
		}
	}
	return list, nil
}

func (a *app) listSnapshots(d *drive, list []*snapshot.Snapshot) {
	var rows [][]string
	for _, s := range list {
		a.out.emit("snapshot", snapshotToJSON(d, s))
		rows = append(rows, []string{
			s.Short(), s.Time().Format("2006-01-02 15:04:05"), printable(s.Host), sourcesOf(s),
			printable(strings.Join(s.Tags, ",")), fmt.Sprint(s.Sums.Files), size(s.Sums.Bytes), size(s.Stats.BytesStored),
		})
	}
	a.out.table([]string{"ID", "TIME", "HOST", "SOURCES", "TAGS", "FILES", "SIZE", "ADDED"}, rows)
	a.out.say("%s", count(uint64(len(list)), "snapshot", "snapshots"))
}

// sourcesOf is a snapshot's sources on one line.
func sourcesOf(s *snapshot.Snapshot) string {
	var list []string
	for _, src := range s.Manifest.Sources {
		list = append(list, printable(src))
	}
	return strings.Join(list, " ")
}

// damageOf is the error for snapshots that cannot be read.
func damageOf(set *snapshot.Set) error {
	if len(set.Damage) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", errDamage, errors.Join(set.Damage...))
}

// snapshots lists a drive's snapshots.
func (d *drive) snapshots(ctx context.Context) (*snapshot.Set, error) {
	if !d.repo.Keys().ReadsMetadata() {
		return nil, fmt.Errorf("list snapshots: %w", repo.ErrRole)
	}
	records, err := d.repo.ReadRecords(ctx)
	if err != nil {
		return nil, err
	}
	return snapshot.List(ctx, d.repo, records)
}
