package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
)

// column is a step and how its result is shown.
type column struct {
	step, title string
	show        func(r *result, n uint64) string
}

// cost shows wall time, time of the processor, and peak memory.
func cost(r *result, _ uint64) string {
	return fmt.Sprintf("%s / %s / %d", short(r.wall), short(r.processor), r.peak>>20)
}

// short shows a number with three digits or so.
func short(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// rate shows cost, and how many a second of what figure tells the seconds of.
func rate(figure string) func(*result, uint64) string {
	return func(r *result, n uint64) string {
		return fmt.Sprintf("%s; %s a second", cost(r, n), thousands(float64(n)/r.figures[figure]))
	}
}

// thousands shows a large number with its first digits.
func thousands(x float64) string {
	switch {
	case x >= 1e6:
		return fmt.Sprintf("%.1f million", x/1e6)
	case x >= 1e4:
		return fmt.Sprintf("%.0f,000", math.Round(x/1e3))
	}
	return fmt.Sprintf("%.0f", x)
}

var indexColumns = []column{
	{"write", "segments", func(r *result, _ uint64) string {
		return fmt.Sprintf("%.0f, %s MB", r.figures["segments"], short(r.figures["bytes"]/1e6))
	}},
	{"far", "first look-up, empty cache: seconds over 20 ms and 1 Gbit/s; requests, MB; peak MiB", func(r *result, _ uint64) string {
		return fmt.Sprintf("%s; %.0f, %s; %d", short(r.figures["first"]), r.figures["requests"], short(r.figures["bytes"]/1e6), r.peak>>20)
	}},
	{"far", "each of the next 50: ms, requests", func(r *result, _ uint64) string {
		return fmt.Sprintf("%s, %s", short(r.figures["next"]*1e3), short(r.figures["next requests"]))
	}},
	{"mirror", "all to the cache", cost},
	{"warm", "open and first look-up: seconds; peak MiB", func(r *result, _ uint64) string {
		return fmt.Sprintf("%s; %d", short(r.figures["first"]), r.peak>>20)
	}},
	{"warm", "look-ups a second, hit / miss", func(r *result, _ uint64) string {
		return fmt.Sprintf("%s / %s", thousands(r.figures["hits"]), thousands(r.figures["misses"]))
	}},
	{"walk", "walk", rate("seconds")},
	{"compact", "merge", rate("seconds")},
	{"sort", "prune's mark", cost},
}

var treeColumns = []column{
	{"first", "first backup", rate("seconds")},
	{"unchanged", "unchanged", rate("seconds")},
	{"changed", "1 in 1,000 changed", costOf},
	{"list", "list", rate("seconds")},
	{"diff", "diff", costOf},
	{"check", "check", costOf},
}

var contentColumns = []column{
	{"first", "first backup", costOf},
	{"unchanged", "unchanged", costOf},
	{"rewritten", "1 in 3 changed", costOf},
	{"restore", "restore to a folder", costOf},
	{"check", "check", costOf},
	{"read", "check, all data", costOf},
	{"prune", "forget and prune", costOf},
}

// costOf shows cost and requests.
func costOf(r *result, n uint64) string {
	return fmt.Sprintf("%s / %.0f", cost(r, n), r.figures["requests"])
}

// table runs the steps of a part for all sizes and prints what they took.
func (r *runner) table(ctx context.Context, p part, sizes []uint64) error {
	if len(sizes) == 0 {
		return nil
	}
	rows := make([][]string, len(p.columns))
	for _, n := range sizes {
		j := p.job
		j.n, j.folder = n, filepath.Join(r.work, fmt.Sprintf("%s-%d-%d-%v", p.of, n, j.size, j.single))
		if err := os.MkdirAll(j.folder, 0o700); err != nil {
			return err
		}
		results := make(map[string]*result)
		for i, c := range p.columns {
			if results[c.step] == nil {
				found, err := r.do(ctx, c.step, j)
				if err != nil {
					return err
				}
				results[c.step] = found
			}
			rows[i] = append(rows[i], c.show(results[c.step], n))
		}
		if err := os.RemoveAll(j.folder); err != nil {
			return err
		}
	}
	p.print(sizes, rows)
	return nil
}

// print writes the table.
func (p *part) print(sizes []uint64, rows [][]string) {
	fmt.Printf("### %s\n\nSeconds / seconds of processor / peak MiB, and requests.\n\n| %s |", p.title, p.of)
	for _, n := range sizes {
		fmt.Printf(" %s |", thousands(float64(n)))
	}
	fmt.Printf("\n|---|%s\n", strings.Repeat("---:|", len(sizes)))
	for i, c := range p.columns {
		fmt.Printf("| %s | %s |\n", c.title, strings.Join(rows[i], " | "))
	}
	fmt.Println()
}
