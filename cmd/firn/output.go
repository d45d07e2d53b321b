package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"text/tabwriter"

	"golang.org/x/term"
)

// output writes what a command has to say: text for people, or JSON lines.
type output struct {
	stdout         io.Writer
	stderr         io.Writer
	json           bool
	quiet, verbose bool
	noProgress     bool
	tty            bool // standard error is a terminal
	bothTTY        bool // standard output is one too
	carries        bool // standard output carries data: lines go to standard error

	mu     sync.Mutex    // held while a line is written; guards all below
	lines  *bufio.Writer // in front of standard output
	bulk   bool          // many lines come: they need not appear one by one
	above  io.Writer     // writes above the progress bar while one is shown
	failed error         // first failure to write to standard output
}

func newOutput(stdout, stderr io.Writer) *output {
	return &output{stdout: stdout, stderr: stderr, lines: bufio.NewWriterSize(stdout, 64<<10)}
}

// print writes a line that was asked for to standard output, with --quiet too;
// nothing with --json.
func (o *output) print(format string, args ...any) {
	if !o.json {
		o.line(o.main(), fmt.Sprintf(format, args...))
	}
}

// main is where lines go that are neither notes nor warnings.
func (o *output) main() io.Writer {
	if o.carries {
		return o.stderr
	}
	return o.stdout
}

// say writes a line for people to standard output; nothing with --json or --quiet.
func (o *output) say(format string, args ...any) {
	if !o.quiet {
		o.print(format, args...)
	}
}

// note writes a line for people to standard error, where it does not mix with data.
func (o *output) note(format string, args ...any) {
	if !o.json && !o.quiet {
		o.line(o.stderr, fmt.Sprintf(format, args...))
	}
}

// detail is note with --verbose only.
func (o *output) detail(format string, args ...any) {
	if o.verbose {
		o.note(format, args...)
	}
}

// warningJSON is a warning as --json shows it.
type warningJSON struct {
	Warning string `json:"warning"`
}

// warn writes a warning to standard error in any case.
func (o *output) warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if o.json {
		o.emitTo(o.stderr, "warning", warningJSON{text})
		return
	}
	o.line(o.stderr, "warning: "+text)
}

// line writes one line, above the progress bar if there is one.
func (o *output) line(w io.Writer, text string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if w == o.stderr {
		if o.above != nil {
			w = o.above
		}
		fmt.Fprintln(w, text) // nobody is left to be told of a failure
		return
	}
	var err error
	if o.above != nil && o.bothTTY {
		_, err = fmt.Fprintln(o.above, text)
	} else {
		_, err = fmt.Fprintln(o.lines, text)
		if err == nil && !o.bulk {
			err = o.lines.Flush()
		}
	}
	if o.failed == nil {
		o.failed = err
	}
}

// putAbove sends lines above the progress bar from now on; nil: no longer.
func (o *output) putAbove(w io.Writer) {
	o.mu.Lock()
	o.above = w
	o.mu.Unlock()
}

// end makes sure that all that was written has arrived.
func (o *output) end() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.failed == nil {
		o.failed = o.lines.Flush()
	}
	if o.failed != nil {
		return fmt.Errorf("write output: %w", o.failed)
	}
	return nil
}

// many says that many lines come, for which speed matters.
func (o *output) many() {
	o.mu.Lock()
	o.bulk = true
	o.mu.Unlock()
}

// emit writes a JSON line of a type; nothing without --json. The shapes are
// documented in docs/json.md; a test compares them.
func (o *output) emit(kind string, fields any) {
	if o.json {
		o.emitTo(o.main(), kind, fields)
	}
}

func (o *output) emitTo(w io.Writer, kind string, fields any) {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(fields); err != nil {
		panic(err) // only structs of plain fields are written
	}
	o.line(w, fmt.Sprintf(`{"type":%q,`, kind)+strings.TrimPrefix(strings.TrimSuffix(b.String(), "\n"), "{"))
}

// table writes aligned columns for people.
func (o *output) table(header []string, rows [][]string) {
	if o.json || len(rows) == 0 {
		return
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 4, 2, ' ', 0)
	if !o.quiet {
		fmt.Fprintln(w, strings.Join(header, "\t"))
	}
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	_ = w.Flush() // into memory
	for text := range strings.Lines(b.String()) {
		o.print("%s", strings.TrimRight(text, " \n"))
	}
}

// terminal reports whether a file is one.
func terminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }
