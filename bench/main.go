// Command bench measures Firn, and restic and Kopia beside it where they are
// installed, on a MinIO server that it starts itself: wall time, processor time
// and peak memory of the client, requests and bytes as the server counts
// them, and bytes stored.
//
//	go run ./bench                                    # everything, 3 runs
//	go run ./bench -corpora small -scale 0.1 -runs 1  # a quick look
//	go run ./bench -tools firn -steps first,unchanged
//
// Sources are in the page cache, restores go to memory where it suffices,
// every run of a tool begins with an empty server and an empty cache, and tools
// take turns. Figures are medians. Nothing is left behind but the report.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// settings are the flags.
type settings struct {
	corpora, tools, steps list
	runs                  int
	scale                 float64
	work, out, program    string
}

// list is a flag of words between commas.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

func (l *list) Set(text string) error {
	*l = strings.Split(text, ",")
	return nil
}

func main() {
	s := settings{corpora: usualCorpora, tools: toolNames, steps: stepNames}
	flag.Var(&s.corpora, "corpora", "what to back up: of "+corpusNames.String())
	flag.Var(&s.tools, "tools", "programs to measure; peers that are not installed are left out")
	flag.Var(&s.steps, "steps", "steps to report; others are run only where these need them")
	flag.IntVar(&s.runs, "runs", 3, "runs of each tool on each corpus")
	flag.Float64Var(&s.scale, "scale", 1, "size of the corpora; 1 is 60,000 small files, 4 GB in large ones, 700 MB of a dump, or a million tiny files")
	flag.StringVar(&s.work, "work", "", "`FOLDER` to work in; corpora stay there for the next time (default: a temporary one)")
	flag.StringVar(&s.out, "out", "", "`FOLDER` for bench.md and bench.json (default: Markdown to standard output only)")
	flag.StringVar(&s.program, "firn", "", "`FILE` of a firn to measure (default: built from this checkout)")
	only := flag.String("build-corpus", "", "only build the `CORPUS` named, in -work")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	var err error
	if *only != "" {
		err = buildCorpus(ctx, *only, s.work, s.scale)
	} else {
		err = run(ctx, s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings) (err error) {
	if err := s.check(); err != nil {
		return err
	}
	if s.work == "" {
		if s.work, err = os.MkdirTemp("", "firn-bench-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(s.work)) }()
	}
	if s.work, err = filepath.Abs(s.work); err != nil {
		return err
	}
	tools, err := s.findTools(ctx)
	if err != nil {
		return err
	}
	r, err := newReport(ctx, s, tools)
	if err != nil {
		return err
	}
	for _, name := range s.corpora {
		c, err := openCorpus(ctx, name, s.work, s.scale)
		if err != nil {
			return fmt.Errorf("build corpus %s: %w", name, err)
		}
		r.Corpora = append(r.Corpora, c)
		for n := range s.runs {
			for _, t := range tools {
				progress("%s: run %d of %d of %s", name, n+1, s.runs, t.name)
				if err := race(ctx, s, r, c, t, n+1); err != nil {
					return fmt.Errorf("%s on corpus %s: %w", t.name, name, err)
				}
			}
		}
	}
	return r.write(s.out)
}

func (s *settings) check() error {
	for _, f := range []struct{ given, known list }{{s.corpora, corpusNames}, {s.tools, toolNames}, {s.steps, stepNames}} {
		for _, word := range f.given {
			if !slices.Contains(f.known, word) {
				return fmt.Errorf("%q is not one of %s", word, f.known.String())
			}
		}
	}
	if s.runs < 1 || s.scale <= 0 {
		return errors.New("-runs and -scale must be more than 0")
	}
	return nil
}

// findTools returns the tools that are there, firn freshly built.
func (s *settings) findTools(ctx context.Context) ([]tool, error) {
	var found []tool
	for _, name := range s.tools {
		t := tool{name: name, recipe: recipes[name]}
		switch {
		case name != "firn":
			path, err := exec.LookPath(name)
			if err != nil {
				progress("%s is not installed and is left out", name)
				continue
			}
			t.program = path
		case s.program != "":
			path, err := filepath.Abs(s.program)
			if err != nil {
				return nil, err
			}
			t.program = path
		default:
			t.program = filepath.Join(s.work, "firn")
			build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", t.program, "firn/cmd/firn")
			build.Env = append(os.Environ(), "CGO_ENABLED=0")
			if output, err := build.CombinedOutput(); err != nil {
				return nil, fmt.Errorf("build firn: %w\n%s", err, output)
			}
		}
		output, err := exec.CommandContext(ctx, t.program, t.recipe(place{}).version...).Output()
		if err != nil {
			return nil, fmt.Errorf("ask %s for its version: %w", name, err)
		}
		t.version, _, _ = strings.Cut(strings.TrimSpace(string(output)), "\n")
		found = append(found, t)
	}
	return found, nil
}

func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
