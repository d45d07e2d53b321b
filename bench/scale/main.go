// Command scale measures how Firn grows: the index from 10⁵ to 10⁸ chunks, trees
// from 10⁴ to 10⁷ files, and one directory of a million.
//
//	go run ./bench/scale                              # some hours of one processor, 20 GB of disk
//	go run ./bench/scale -index 1e5,1e6 -files 1e4    # a few minutes
//
// Segments, packs and snapshots are made by the code that makes them in backups;
// files are made up, so that no disk is measured. Every step is a process of its
// own, whose peak memory is told by the system. The report goes to standard output.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"firn/bench/peak"
)

// job is what a step is to do.
type job struct {
	folder string
	n      uint64 // chunks or files
	size   int    // bytes of a file
	single bool   // all files in one directory
}

// figures are what a step tells beside its cost.
type figures map[string]float64

// steps by name. Each is run in a process of its own.
var steps = map[string]func(context.Context, job) (figures, error){
	"write": writeIndex, "far": lookFar, "mirror": mirrorIndex, "warm": lookWarm, "walk": walkIndex,
	"compact": compactIndex, "sort": sortIDs,
	"first": backUpFirst, "unchanged": backUpUnchanged, "changed": backUpChanged,
	"list": listFiles, "diff": diffFiles, "check": checkFiles,
	"rewritten": backUpRewritten, "restore": restoreFiles, "read": readData, "prune": pruneFiles,
}

func main() {
	var indexes, trees, singles, content, work, step string
	var j job
	flag.StringVar(&indexes, "index", "1e5,1e6,1e7,1e8", "chunks in the index")
	flag.StringVar(&trees, "files", "1e4,1e5,1e6,1e7", "files in many directories")
	flag.StringVar(&singles, "directory", "1e6", "files in one directory")
	flag.StringVar(&content, "content", "1e4,1e5", "files of 16 KiB: 160 MB each 10,000")
	flag.StringVar(&work, "work", "", "`FOLDER` to work in (default: a temporary one)")
	flag.StringVar(&step, "step", "", "only this step, as the program calls itself")
	flag.StringVar(&j.folder, "folder", "", "folder of the step")
	flag.Uint64Var(&j.n, "n", 0, "size of the step")
	flag.IntVar(&j.size, "size", smallSize, "bytes of a file, of the step")
	flag.BoolVar(&j.single, "single", false, "one directory, of the step")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	var err error
	if step != "" {
		err = runStep(ctx, step, j)
	} else {
		err = run(ctx, work, []part{
			{"Index", "chunks", indexes, job{size: smallSize}, indexColumns},
			{"Files in directories of 1,000", "files", trees, job{size: smallSize}, treeColumns},
			{"Files in one directory", "files", singles, job{size: smallSize, single: true}, treeColumns},
			{"Content, in files of 16 KiB", "files", content, job{size: 16 << 10}, contentColumns},
		})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

// runStep does a step and prints its figures.
func runStep(ctx context.Context, name string, j job) error {
	do, known := steps[name]
	if !known {
		return fmt.Errorf("%q is no step", name)
	}
	debug.SetGCPercent(25) // as the program has it
	found, err := do(ctx, j)
	if err != nil {
		return fmt.Errorf("step %s: %w", name, err)
	}
	return json.NewEncoder(os.Stdout).Encode(found)
}

// sizes reads a list such as "1e4,1e5".
func sizes(text string) ([]uint64, error) {
	var list []uint64
	for word := range strings.SplitSeq(text, ",") {
		if word == "" {
			continue
		}
		n, err := strconv.ParseFloat(word, 64)
		if err != nil || n < 1 || n > 1e10 {
			return nil, fmt.Errorf("%q is no size", word)
		}
		list = append(list, uint64(n))
	}
	return list, nil
}

// part is a table of the report.
type part struct {
	title, of, sizes string
	job              job // but for its size
	columns          []column
}

func run(ctx context.Context, work string, parts []part) (err error) {
	if work == "" {
		if work, err = os.MkdirTemp("", "firn-scale-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	}
	r := &runner{work: work}
	for _, p := range parts {
		list, err := sizes(p.sizes)
		if err != nil {
			return err
		}
		if err := r.table(ctx, p, list); err != nil {
			return err
		}
	}
	return nil
}

// result is what a step took and told.
type result struct {
	wall, processor float64 // seconds
	peak            int64   // bytes of resident memory
	figures         figures
}

// runner runs steps.
type runner struct{ work string }

// do runs a step in a process of its own.
func (r *runner) do(ctx context.Context, step string, j job) (*result, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := []string{"-step", step, "-folder", j.folder, "-n", strconv.FormatUint(j.n, 10), "-size", strconv.Itoa(j.size), "-single=" + strconv.FormatBool(j.single)}
	command := exec.CommandContext(ctx, self, args...)
	command.Env = append(os.Environ(), "TMPDIR="+j.folder)
	command.Stderr = os.Stderr
	begun := time.Now()
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("step %s of %d: %w", step, j.n, err)
	}
	state := command.ProcessState
	found := &result{
		wall:      time.Since(begun).Seconds(),
		processor: (state.UserTime() + state.SystemTime()).Seconds(), peak: peak.Memory(state),
	}
	if err := json.Unmarshal(output, &found.figures); err != nil {
		return nil, fmt.Errorf("step %s of %d: %w", step, j.n, err)
	}
	fmt.Fprintf(os.Stderr, "%s of %d: %.1f s, %.1f s of processor, %d MiB %v\n",
		step, j.n, found.wall, found.processor, found.peak>>20, found.figures)
	return found, nil
}
