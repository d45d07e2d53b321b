package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"firn/bench/server"
	"firn/internal/alike"
)

// outcome is what one step of one run cost.
type outcome struct {
	Corpus   string          `json:"corpus"`
	Tool     string          `json:"tool"`
	Run      int             `json:"run"`
	Step     string          `json:"step"`
	Usage    usage           `json:"usage"`
	Requests server.Requests `json:"requests"`
	Stored   server.Stored   `json:"stored"`
}

// race takes one tool once through all steps on one corpus, on a server of
// its own that is empty at the start.
func race(ctx context.Context, s settings, r *report, c *corpus, t tool, n int) (err error) {
	room, err := os.MkdirTemp(s.work, "run-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(room)) }()
	minio, err := server.Start(ctx, "127.0.0.1", filepath.Join(room, "server"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, minio.Stop()) }()

	shelf, err := shelfFor(c.Bytes, room)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(shelf)) }()
	p := place{
		endpoint: minio.Endpoint, accessKey: minio.AccessKey, secretKey: minio.SecretKey, region: minio.Region,
		bucket: minio.Bucket, source: c.tree(), target: filepath.Join(shelf, "restored"), home: filepath.Join(room, "home"),
	}
	if err := os.Mkdir(p.home, 0o700); err != nil {
		return err
	}
	recipe := t.recipe(p)
	for _, args := range recipe.setUp {
		if _, err := measure(ctx, t.program, args, recipe.environment, room); err != nil {
			return err
		}
	}
	defer func() { err = errors.Join(err, c.change(false)) }()
	for _, step := range stepNames {
		if !s.needs(step) {
			continue
		}
		if step == changed {
			if err := c.change(true); err != nil {
				return err
			}
		}
		o := outcome{Corpus: c.Name, Tool: t.name, Run: n, Step: step}
		if err := o.take(ctx, minio, t, recipe, room); err != nil {
			return err
		}
		progress("  %-9s  %7.2f s, cpu %7.2f s, peak %4d MB, %d requests", step, o.Usage.Wall, o.Usage.User+o.Usage.System, o.Usage.Peak>>20, o.Requests.Total)
		if slices.Contains(s.steps, step) {
			r.Outcomes = append(r.Outcomes, o)
		}
		if step == restore {
			if err := r.judge(ctx, c, t, p, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// needs reports whether a step is to be run: those asked for, and what they
// build upon.
func (s *settings) needs(step string) bool {
	return step == first || slices.Contains(s.steps, step) || step == changed && slices.Contains(s.steps, forget)
}

// take runs a step and fills in what it cost.
func (o *outcome) take(ctx context.Context, minio *server.Server, t tool, recipe recipe, folder string) error {
	flushDisks()
	before, err := minio.Requests(ctx)
	if err != nil {
		return err
	}
	for _, args := range recipe.steps[o.Step] {
		u, err := measure(ctx, t.program, args, recipe.environment, folder)
		if err != nil {
			return err
		}
		o.Usage = o.Usage.and(u)
	}
	after, err := minio.Requests(ctx)
	if err != nil {
		return err
	}
	o.Requests = after.Since(before)
	o.Stored, err = minio.Stored(ctx)
	return err
}

// judge compares what the first run of a tool restored with the source, and
// takes it away. A figure for a restore that is wrong would be worth nothing.
func (r *report) judge(ctx context.Context, c *corpus, t tool, p place, n int) error {
	if n == 1 {
		_, differences, err := alike.Folders(ctx, p.source, t.restored(p))
		if err != nil {
			return fmt.Errorf("compare restored files: %w", err)
		}
		if len(differences) > 0 {
			text := fmt.Sprintf("%s did not restore corpus %s as it was; the first difference: %s", t.name, c.Name, differences[0])
			if t.name == "firn" {
				return errors.New(text)
			}
			r.Notes = append(r.Notes, text)
		}
	}
	return os.RemoveAll(p.target)
}

// shelfFor makes a folder to restore to: in memory where size bytes fit
// comfortably, else in otherwise.
func shelfFor(size int64, otherwise string) (string, error) {
	const memory = "/dev/shm"
	if free, ok := freeSpace(memory); ok && free > size+size/3 {
		return os.MkdirTemp(memory, "firn-bench-")
	}
	return os.MkdirTemp(otherwise, "restore-")
}
