// Command nights backs up the dump of a real database night after night, as rows
// change, and measures what each night adds, what it costs to restore a
// late night beside the first, and what pruning early nights frees.
//
//	go run ./bench/nights                                         # PostgreSQL, 30 nights of 700 MB
//	go run ./bench/nights -engine mariadb -pattern uniform
//	go run ./bench/nights -engine sqlite -size 50 -nights 5       # a quick look
//
// It starts a server of its own in a temporary folder, which only a Unix socket leads to, and
// the drive is a folder beside it. The dump goes from the database's tool to 'firn backup
// --from-command', as a user has it. Each restored dump is compared with what
// the tool wrote. Nothing is left behind but the report.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// settings are the flags.
type settings struct {
	engine, pattern    string
	nights, size       int
	work, out, program string
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == noteVerb {
		os.Exit(note(os.Args[2], os.Args[3:]))
	}
	var s settings
	flag.StringVar(&s.engine, "engine", "postgres", "the database: of "+names(engines))
	flag.StringVar(&s.pattern, "pattern", "hot", "which rows change: of "+names(patterns))
	flag.IntVar(&s.nights, "nights", 30, "backups in a row")
	flag.IntVar(&s.size, "size", 700, "size of the first dump, about, in MB")
	flag.StringVar(&s.work, "work", "", "`FOLDER` to work in (default: a temporary one)")
	flag.StringVar(&s.out, "out", "", "`FOLDER` for nights.md and nights.json (default: Markdown to standard output only)")
	flag.StringVar(&s.program, "firn", "", "`FILE` of a firn to measure (default: built from this checkout)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := run(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "nights:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings) (err error) {
	open, known := engines[s.engine]
	choose, meant := patterns[s.pattern]
	switch {
	case !known:
		return fmt.Errorf("-engine %q is not one of %s", s.engine, names(engines))
	case !meant:
		return fmt.Errorf("-pattern %q is not one of %s", s.pattern, names(patterns))
	case s.nights < 2 || s.size < 1:
		return errors.New("-nights must be at least 2 and -size at least 1")
	}
	room, err := os.MkdirTemp(s.work, "firn-nights-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(room)) }()
	if room, err = filepath.Abs(room); err != nil {
		return err
	}
	p, err := newProgram(ctx, room, s.program)
	if err != nil {
		return err
	}
	e, err := open(ctx, filepath.Join(room, "database"))
	if err != nil {
		return fmt.Errorf("start %s: %w", s.engine, err)
	}
	defer func() { err = errors.Join(err, e.stop()) }()
	r, err := sleep(ctx, p, e, newTable(int64(s.size)*1e6, choose), s.nights)
	if err != nil {
		return err
	}
	r.Engine, r.Pattern = e.version(), s.pattern
	return r.write(s.out)
}

func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
