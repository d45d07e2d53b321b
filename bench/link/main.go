// Command link measures Firn, and restic beside it where it is installed, over links with
// a round trip and a rate: between the program and a MinIO server stands a network of
// its own, whose packets are delayed, sent at the link's rate, and lost when too many wait.
// So the system's own TCP starts slowly, fills windows and repeats what was lost, as it does
// over real distances.
//
//	go run ./bench/link                                     # everything
//	go run ./bench/link -links 1G/100ms -tools firn -runs 1 # a quick look
//	go run ./bench/link -corpora text -levels auto,default,max -links 10M/50ms
//
// It needs Linux, and root or the right to make user namespaces. Sources are in the page
// cache, the server's objects and what is restored in memory, each run begins with an empty server and an empty
// cache. Figures are those of the best run; nothing is left behind.
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
	"time"
)

// settings are the flags.
type settings struct {
	links, tools, corpora, levels list
	runs, files                   int
	longest                       time.Duration
	bytes                         int64
	congestion, program, out      string

	work string
}

// list is a flag of words between commas.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

func (l *list) Set(text string) error {
	*l = strings.Split(text, ",")
	return nil
}

// inside is in the environment of the program once it is in a network of its own.
const inside = "FIRN_BENCH_LINK_INSIDE"

func main() {
	s := settings{
		links: list{"1G/0ms", "1G/50ms", "1G/100ms", "100M/20ms", "10M/50ms"}, tools: list{toolFirn, toolRestic},
		corpora: list{corpusRandom, corpusSmall},
	}
	flag.Var(&s.links, "links", "links to measure over, as RATE/ROUNDTRIP")
	flag.Var(&s.tools, "tools", "programs to measure, of firn, restic; what is not installed is left out")
	flag.Var(&s.corpora, "corpora", "what to back up, of random, small, text")
	flag.Var(&s.levels, "levels", "levels of compression to measure firn with, each by itself (default: its own)")
	flag.IntVar(&s.runs, "runs", 2, "runs of each, of which the best counts")
	flag.IntVar(&s.files, "files", 5000, "files of corpus small")
	flag.Int64Var(&s.bytes, "bytes", 1<<30, "size of the others, at most")
	flag.DurationVar(&s.longest, "longest", 20*time.Second, "and at most what the link carries in this time")
	flag.StringVar(&s.congestion, "congestion", "", "congestion control of TCP at both ends, such as cubic (default: the system's)")
	flag.StringVar(&s.program, "firn", "", "`FILE` of a firn to measure (default: built from this checkout)")
	flag.StringVar(&s.out, "out", "", "`FOLDER` for link.md and link.json (default: Markdown to standard output only)")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	var err error
	if os.Getenv(inside) == "" {
		err = again(ctx)
	} else {
		err = run(ctx, s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "link:", err)
		os.Exit(1)
	}
}

// again runs this program with the same arguments in a network of its own.
func again(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, self, os.Args[1:]...)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.Env = append(os.Environ(), inside+"=yes")
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	apart(command)
	return command.Run()
}

func run(ctx context.Context, s settings) (err error) {
	if s.runs < 1 || s.files < 1 || s.bytes < 1 || s.longest <= 0 {
		return errors.New("-runs, -files, -bytes and -longest must be more than 0")
	}
	if s.work, err = os.MkdirTemp("", "firn-link-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.work)) }()
	tools, err := s.findTools(ctx)
	if err != nil {
		return err
	}
	r := newReport(s.runs, tools)
	for _, text := range s.links {
		shape, err := parseShape(text)
		if err != nil {
			return err
		}
		for _, name := range s.corpora {
			c, err := s.corpus(name, min(s.bytes, shape.bytes(s.longest)))
			if err != nil {
				return err
			}
			if err := s.measureAll(ctx, r, shape, c, tools); err != nil {
				return err
			}
		}
	}
	return r.write(s.out)
}

// measureAll lets the tools take turns.
func (s *settings) measureAll(ctx context.Context, r *report, shape shape, c corpus, tools []tool) error {
	for n := range s.runs {
		for _, t := range tools {
			fmt.Fprintf(os.Stderr, "%s, %s: run %d of %d of %s\n", shape, c.name, n+1, s.runs, t.name)
			trial := trial{settings: s, shape: shape, corpus: c, tool: t, report: r}
			if err := trial.run(ctx); err != nil {
				return fmt.Errorf("%s over %s: %w", t.name, shape, err)
			}
		}
	}
	return nil
}

// findTools returns the tools that are there, firn freshly built.
func (s *settings) findTools(ctx context.Context) (found []tool, err error) {
	for _, name := range s.tools {
		if name != toolFirn && name != toolRestic {
			return nil, fmt.Errorf("%q is no tool that is known here", name)
		}
		path := s.program
		switch {
		case name == toolRestic:
			if path, err = exec.LookPath(name); err != nil {
				fmt.Fprintln(os.Stderr, name, "is not installed and is left out")
				continue
			}
		case path == "":
			path = filepath.Join(s.work, toolFirn)
			build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", path, "firn/cmd/firn")
			build.Env = append(os.Environ(), "CGO_ENABLED=0")
			if output, err := build.CombinedOutput(); err != nil {
				return nil, fmt.Errorf("build firn: %w\n%s", err, output)
			}
		}
		if path, err = filepath.Abs(path); err != nil {
			return nil, err
		}
		if name == toolRestic || len(s.levels) == 0 {
			found = append(found, tool{name: name, program: path})
			continue
		}
		for _, level := range s.levels {
			found = append(found, tool{name: name + " " + level, program: path, level: level})
		}
	}
	if slices.ContainsFunc(s.corpora, func(name string) bool { return makers[name] == nil }) {
		return nil, fmt.Errorf("corpora are random, small and text, not %s", s.corpora.String())
	}
	return found, nil
}
