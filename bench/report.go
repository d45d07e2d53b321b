package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// report is all that was measured, and on what.
type report struct {
	Time     time.Time `json:"time"`
	Machine  machine   `json:"machine"`
	Tools    []version `json:"tools"`
	Runs     int       `json:"runs"`
	Floor    int64     `json:"peak_floor_bytes"` // least peak memory that can be seen
	Corpora  []*corpus `json:"corpora"`
	Outcomes []outcome `json:"outcomes"`
	Notes    []string  `json:"notes,omitempty"`

	steps list
}

// machine is what the figures depend on.
type machine struct {
	System    string `json:"system"`
	Processor string `json:"processor"`
	Cores     int    `json:"cores"`
	Go        string `json:"go"`
}

type version struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

func newReport(ctx context.Context, s settings, tools []tool) (*report, error) {
	r := &report{Time: time.Now().UTC().Truncate(time.Second), Runs: s.runs, steps: s.steps}
	r.Machine = machine{runtime.GOOS + "/" + runtime.GOARCH, processor(), runtime.NumCPU(), runtime.Version()}
	for _, t := range tools {
		r.Tools = append(r.Tools, version{t.name, t.version})
	}
	least, err := exec.LookPath("true")
	if err != nil {
		return nil, err
	}
	u, err := measure(ctx, least, nil, nil, s.work)
	r.Floor = u.Peak
	return r, err
}

// processor names the processor, where the system tells.
func processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
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
	if err := os.WriteFile(filepath.Join(folder, "bench.json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "bench.md"), []byte(r.markdown()), 0o644); err != nil {
		return err
	}
	progress("report: %s", filepath.Join(folder, "bench.md"))
	return nil
}

// titles name the steps for people.
var titles = map[string]string{
	first: "first backup", unchanged: "unchanged", changed: "changed", restore: "restore",
	check: "check", checkData: "check, all data", forget: "forget and prune",
}

func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Benchmark\n\n%s, %s, %d cores, %s, %s. ", r.Time.Format(time.DateOnly), r.Machine.Processor, r.Machine.Cores, r.Machine.System, r.Machine.Go)
	fmt.Fprintf(&b, "MinIO on the same machine; sources in the page cache; medians of %d. ", r.Runs)
	fmt.Fprintf(&b, "Peak memory under %.0f MB cannot be told apart.\n\n", float64(r.Floor)/1e6)
	for _, t := range r.Tools {
		fmt.Fprintf(&b, "- %s: %s\n", t.Name, t.Version)
	}
	for _, c := range r.Corpora {
		fmt.Fprintf(&b, "\n## %s: %d files, %.2f GB\n\nChanged: %s. Digest %s.\n", c.Name, c.Files, float64(c.Bytes)/1e9, c.Change, c.Digest)
		r.table(&b, "wall s / client CPU s / peak MB / requests", c.Name, r.steps, func(m outcome) string {
			return fmt.Sprintf("%.2f / %.2f / %.0f / %d", m.Usage.Wall, m.Usage.User+m.Usage.System, float64(m.Usage.Peak)/1e6, m.Requests.Total)
		})
		r.table(&b, "MB sent to the server / received", c.Name, r.steps, func(m outcome) string {
			return fmt.Sprintf("%.1f / %.1f", float64(m.Requests.In)/1e6, float64(m.Requests.Out)/1e6)
		})
		r.ratios(&b, c.Name)
		r.table(&b, "MB stored (objects) after", c.Name, list{first, changed, forget}, func(m outcome) string {
			return fmt.Sprintf("%.1f (%d)", float64(m.Stored.Bytes)/1e6, m.Stored.Objects)
		})
	}
	for _, note := range r.Notes {
		fmt.Fprintf(&b, "\nNote: %s\n", note)
	}
	return b.String()
}

// table writes a row for each step that was run and a column for each tool.
func (r *report) table(b *strings.Builder, title, corpus string, steps list, cell func(outcome) string) {
	fmt.Fprintf(b, "\n| %s |", title)
	for _, t := range r.Tools {
		fmt.Fprintf(b, " %s |", t.Name)
	}
	fmt.Fprintf(b, "\n|---|%s\n", strings.Repeat("---:|", len(r.Tools)))
	for _, step := range r.stepsRun() {
		if !slices.Contains(steps, step) {
			continue
		}
		fmt.Fprintf(b, "| %s |", titles[step])
		for _, t := range r.Tools {
			fmt.Fprintf(b, " %s |", cell(r.median(corpus, t.Name, step)))
		}
		fmt.Fprintln(b)
	}
}

// ratios writes what firn takes of what the best peer takes, in per cent.
func (r *report) ratios(b *strings.Builder, corpus string) {
	if len(r.Tools) < 2 || r.Tools[0].Name != "firn" {
		return
	}
	fmt.Fprintf(b, "\n| firn, %% of the best peer | wall | client CPU | peak |\n|---|---:|---:|---:|\n")
	for _, step := range r.stepsRun() {
		fmt.Fprintf(b, "| %s |", titles[step])
		for _, figure := range []func(outcome) float64{
			func(o outcome) float64 { return o.Usage.Wall },
			func(o outcome) float64 { return o.Usage.User + o.Usage.System },
			func(o outcome) float64 { return float64(o.Usage.Peak) },
		} {
			best := math.Inf(1)
			for _, t := range r.Tools[1:] {
				best = min(best, figure(r.median(corpus, t.Name, step)))
			}
			fmt.Fprintf(b, " %.0f |", 100*figure(r.median(corpus, "firn", step))/best)
		}
		fmt.Fprintln(b)
	}
}

// stepsRun lists the steps that are reported, in order.
func (r *report) stepsRun() list {
	return slices.DeleteFunc(slices.Clone(stepNames), func(step string) bool { return !slices.Contains(r.steps, step) })
}

// median returns the medians of a step over all runs, figure by figure.
func (r *report) median(corpus, tool, step string) outcome {
	var runs []outcome
	for _, o := range r.Outcomes {
		if o.Corpus == corpus && o.Tool == tool && o.Step == step {
			runs = append(runs, o)
		}
	}
	m := outcome{Corpus: corpus, Tool: tool, Step: step}
	m.Usage.Wall = middle(runs, func(o outcome) float64 { return o.Usage.Wall })
	m.Usage.User = middle(runs, func(o outcome) float64 { return o.Usage.User + o.Usage.System })
	m.Usage.Peak = middle(runs, func(o outcome) int64 { return o.Usage.Peak })
	m.Requests.Total = middle(runs, func(o outcome) int64 { return o.Requests.Total })
	m.Requests.In = middle(runs, func(o outcome) int64 { return o.Requests.In })
	m.Requests.Out = middle(runs, func(o outcome) int64 { return o.Requests.Out })
	m.Stored.Bytes = middle(runs, func(o outcome) int64 { return o.Stored.Bytes })
	m.Stored.Objects = middle(runs, func(o outcome) int { return o.Stored.Objects })
	return m
}

// middle returns the median of a figure, the lower one of an even number.
func middle[T int | int64 | float64](runs []outcome, figure func(outcome) T) T {
	if len(runs) == 0 {
		return 0
	}
	var all []T
	for _, o := range runs {
		all = append(all, figure(o))
	}
	slices.Sort(all)
	return all[(len(all)-1)/2]
}
