package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// outcome is what one step cost.
type outcome struct {
	Link      shape   `json:"link"`
	Corpus    string  `json:"corpus"`
	Step      string  `json:"step"`
	Tool      string  `json:"tool"`
	Seconds   float64 `json:"seconds"`
	Processor float64 `json:"processor_seconds"`
	Peak      int64   `json:"peak_bytes"`
	Requests  int64   `json:"requests"`
	Sent      int64   `json:"bytes_sent"`     // to the server, as it counts them
	Received  int64   `json:"bytes_received"` // from the server
}

// share is how much of the link was used in the direction that carried more.
func (o *outcome) share() float64 {
	return float64(max(o.Sent, o.Received)) * 8 / float64(o.Link.Rate) / o.Seconds
}

// row is what outcomes of several tools have in common.
type row struct {
	link         shape
	corpus, step string
}

func (o *outcome) row() row { return row{o.Link, o.Corpus, o.Step} }

// report is all that was measured.
type report struct {
	Time     time.Time `json:"time"`
	Runs     int       `json:"runs"`
	Tools    []string  `json:"tools"`
	Outcomes []outcome `json:"outcomes"` // the best run's
}

func newReport(runs int, tools []tool) *report {
	r := &report{Time: time.Now().UTC().Truncate(time.Second), Runs: runs}
	for _, t := range tools {
		r.Tools = append(r.Tools, t.name)
	}
	return r
}

// add takes an outcome in, unless an earlier run was better.
func (r *report) add(o outcome) {
	fmt.Fprintf(os.Stderr, "  %-9s  %s\n", o.Step, o.cell())
	for i := range r.Outcomes {
		if known := &r.Outcomes[i]; known.row() == o.row() && known.Tool == o.Tool {
			if o.Seconds < known.Seconds {
				*known = o
			}
			return
		}
	}
	r.Outcomes = append(r.Outcomes, o)
}

// cell is an outcome in a table.
func (o *outcome) cell() string {
	return fmt.Sprintf("%.2f / %.1f / %.0f %% / %.2f / %d / %d", o.Seconds,
		float64(max(o.Sent, o.Received))/1e6, 100*o.share(), o.Processor, o.Requests, o.Peak>>20)
}

// markdown is the report as a table for each link.
func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, best of %d. Each cell: seconds / MB moved / share of the link / seconds of processor / requests / peak MiB.\n", r.Time.Format(time.DateOnly), r.Runs)
	var rows []row
	for i := range r.Outcomes {
		if at := r.Outcomes[i].row(); !slices.Contains(rows, at) {
			rows = append(rows, at)
		}
	}
	for i, at := range rows {
		if i == 0 || rows[i-1].link != at.link {
			fmt.Fprintf(&b, "\n| %s | %s |\n|---|%s\n", at.link, strings.Join(r.Tools, " | "), strings.Repeat("---:|", len(r.Tools)))
		}
		fmt.Fprintf(&b, "| %s: %s |", at.corpus, at.step)
		for _, name := range r.Tools {
			cell := "–"
			for i := range r.Outcomes {
				if o := &r.Outcomes[i]; o.row() == at && o.Tool == name {
					cell = o.cell()
				}
			}
			fmt.Fprintf(&b, " %s |", cell)
		}
		b.WriteByte('\n')
	}
	return b.String()
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
	if err := os.WriteFile(filepath.Join(folder, "link.md"), []byte(r.markdown()), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "link.json"), append(text, '\n'), 0o644)
}
