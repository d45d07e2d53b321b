package main

import (
	"time"

	"firn/internal/backup"
	"firn/internal/object"
)

// backupSummary is the JSON line that ends a backup on one drive.
type backupSummary struct {
	Drive        string    `json:"drive"`
	Snapshot     string    `json:"snapshot,omitempty"`
	Parent       string    `json:"parent,omitempty"`
	Error        string    `json:"error,omitempty"`
	FilesNew     uint64    `json:"files_new"`
	FilesChanged uint64    `json:"files_changed"`
	Unmodified   uint64    `json:"files_unmodified"`
	Entries      uint64    `json:"entries"`
	Bytes        uint64    `json:"bytes"`
	BytesRead    uint64    `json:"bytes_read"`
	BytesAdded   uint64    `json:"bytes_added"`
	BytesStored  uint64    `json:"bytes_stored"`
	Chunks       uint64    `json:"chunks_added"`
	Packs        uint64    `json:"packs_added"`
	Problems     uint64    `json:"problems"`
	Requests     requests  `json:"requests"`
	LeftOut      []leftOut `json:"left_out,omitempty"`
	Seconds      float64   `json:"seconds"`
}

// problemJSON is an entry that could not be kept, or restored, whole.
type problemJSON struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// requests are what a drive was asked, by kind.
type requests struct {
	Total    int64 `json:"total"`
	Get      int64 `json:"get"`
	Put      int64 `json:"put"`
	Head     int64 `json:"head"`
	List     int64 `json:"list"`
	Delete   int64 `json:"delete"`
	BytesIn  int64 `json:"bytes_in"`
	BytesOut int64 `json:"bytes_out"`
}

func requestsOf(m *object.Metered) requests {
	c := m.Counts()
	return requests{
		Total: c.Get + c.GetRange + c.Put + c.Head + c.List + c.Delete,
		Get:   c.Get + c.GetRange, Put: c.Put, Head: c.Head, List: c.List, Delete: c.Delete,
		BytesIn: c.BytesIn, BytesOut: c.BytesOut,
	}
}

// tellBackup reports what became of the backup on each drive.
func (a *app) tellBackup(to *backupTo, results []backup.Result, p *backup.Progress, src *openedSource, d time.Duration) {
	skipped := src.skipped()
	for i, r := range append(results, to.failed...) {
		for _, w := range r.Warnings {
			a.out.warn("drive %s: %s", r.Label, w)
		}
		s := backupSummary{
			Drive: r.Label, Parent: shortID(r.Parent), Problems: p.Problems.Load(), LeftOut: skipped, Seconds: d.Seconds(),
		}
		if i < len(results) {
			s.Requests = requestsOf(to.drives[i].meter)
		}
		if r.Err != nil {
			s.Error = r.Err.Error()
			a.out.emit("summary", s)
			continue
		}
		m := &r.Snapshot.Manifest
		s.Snapshot, s.Entries, s.Bytes = r.Snapshot.ID(), m.Sums.Entries, m.Sums.Bytes
		s.FilesNew, s.FilesChanged, s.Unmodified = m.Stats.FilesNew, m.Stats.FilesChanged, m.Stats.FilesUnmodified
		s.BytesRead, s.BytesAdded, s.BytesStored = m.Stats.BytesRead, m.Stats.BytesAdded, m.Stats.BytesStored
		s.Chunks, s.Packs = m.Stats.ChunksAdded, m.Stats.PacksAdded
		a.out.emit("summary", s)
		a.sayBackup(&r, &s, d)
	}
	for _, l := range skipped {
		a.out.detail("left out: %s (%s)", count(l.Entries, "entry", "entries"), l.Reason)
	}
}

func (a *app) sayBackup(r *backup.Result, s *backupSummary, d time.Duration) {
	parent := "no parent"
	if s.Parent != "" {
		parent = "parent " + s.Parent
	}
	a.out.say("snapshot %s on %s (%s)", r.Snapshot.Short(), r.Label, parent)
	a.out.say("  files: %d new, %d changed, %d unmodified; %s in %s", s.FilesNew, s.FilesChanged, s.Unmodified,
		size(s.Bytes), count(s.Entries, "entry", "entries"))
	a.out.say("  read %s, new %s, stored %s in %s", size(s.BytesRead), size(s.BytesAdded), size(s.BytesStored),
		count(s.Packs, "pack", "packs"))
	a.out.say("  %s, %s", span(d), count(uint64(s.Requests.Total), "request", "requests"))
}
