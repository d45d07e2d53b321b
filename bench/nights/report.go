package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// report is what the nights took, and on what machine.
type report struct {
	Time    time.Time `json:"time"`
	System  string    `json:"system"`
	Cores   int       `json:"cores"`
	Firn    string    `json:"firn"`
	Engine  string    `json:"engine"`
	Pattern string    `json:"pattern"`
	Nights  []*night  `json:"nights"`
	Check   cost      `json:"check"`            // of all data
	Whole   int64     `json:"bytes_all_nights"` // on the drive
	Kept    int       `json:"nights_kept"`      // when the others are forgotten
	Prune   cost      `json:"prune"`            // forget too
	Left    int64     `json:"bytes_left"`       // on the drive, after that
	Pruned  cost      `json:"restore_after_prune"`
}

func newReport(firn string) *report {
	return &report{
		Time: time.Now().UTC().Truncate(time.Second), System: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU(), Firn: firn,
	}
}

// write writes the report to a folder, or as Markdown to standard output.
func (r *report) write(folder string) error {
	if folder == "" {
		_, err := os.Stdout.WriteString(r.markdown())
		return err
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "nights.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "nights.md"), []byte(r.markdown()), 0o644)
}

func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %d nights of %s, %s changes\n\n%s, %s, %d cores, %s. The drive is a folder on the same machine.\n\n",
		len(r.Nights), r.Engine, r.Pattern, r.Time.Format(time.DateOnly), r.System, r.Cores, r.Firn)
	b.WriteString("| night | dump, MB | rows changed | MB stored | % of the first | those rows, compressed, MB | blocks whole / by depth of deltas |" +
		" backup: s / of the processor / peak MB | restore: s / of the processor / requests / MB |\n|---:|---:|---:|---:|---:|---:|---|---|---|\n")
	first := r.Nights[0]
	for _, n := range r.Nights {
		fmt.Fprintf(&b, "| %d | %.1f | %d | %.2f | %.2f | %.2f | %s | %s | %s |\n", n.Night, megabytes(n.Dump.Bytes), n.Changed+n.Added, megabytes(n.Stored),
			percent(n.Stored, first.Stored), megabytes(n.Rows), n.Blocks, n.Backup.short(), n.restored())
	}
	stored, rows := r.sums()
	last := r.Nights[len(r.Nights)-1]
	fmt.Fprintf(&b, "\n- After the first night %.2f MB, %.2f %% of it a night; the rows compressed by themselves %.2f MB: %.2f times as much.\n",
		megabytes(stored), percent(stored, first.Stored)/float64(len(r.Nights)-1), megabytes(rows), float64(stored)/float64(rows))
	fmt.Fprintf(&b, "- The last restore takes %.2f times the processor time, %.2f times the requests and %.2f times the bytes of the first's.\n",
		last.Restored.Processor/first.Restored.Processor, float64(last.Restored.Requests.Total)/float64(first.Restored.Requests.Total),
		float64(last.Restored.Requests.In)/float64(first.Restored.Requests.In))
	fmt.Fprintf(&b, "- Check of all data: %s.\n", r.Check.reading())
	fmt.Fprintf(&b, "- With the last %d nights kept: %.2f of %.2f MB left; forget and prune %s; the last restore then %s.\n",
		r.Kept, megabytes(r.Left), megabytes(r.Whole), r.Prune.reading(), r.Pruned.reading())
	return b.String()
}

// sums are the bytes stored after the first night, and those of the rows.
func (r *report) sums() (stored, rows int64) {
	for _, n := range r.Nights[1:] {
		stored, rows = stored+n.Stored, rows+n.Rows
	}
	return stored, rows
}

func (n *night) restored() string {
	if n.Restored == nil {
		return ""
	}
	return n.Restored.reading()
}

func (c cost) short() string {
	return fmt.Sprintf("%.1f / %.2f / %.0f", c.Wall, c.Processor, megabytes(c.Peak))
}

func (c cost) reading() string {
	return fmt.Sprintf("%.1f / %.2f / %d / %.1f", c.Wall, c.Processor, c.Requests.Total, megabytes(c.Requests.In))
}

// String shows the counts, whole blocks first.
func (d depths) String() string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint([len(d)]int(d)), " ", " / "), "[]")
}

func megabytes(n int64) float64 { return float64(n) / 1e6 }

func percent(part, whole int64) float64 { return 100 * float64(part) / float64(whole) }
