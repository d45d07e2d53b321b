package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// stage runs commands and prints the transcript.
type stage struct {
	ctx         context.Context
	out         io.Writer
	folder      string // working directory of the commands
	environment []string
	gate        *gate
}

// value looks a variable of the commands' environment up.
func (s *stage) value(name string) string {
	for _, variable := range s.environment {
		if value, ok := strings.CutPrefix(variable, name+"="); ok {
			return value
		}
	}
	return ""
}

// tell begins a paragraph, say goes on with it, show begins one with a command.
func (s *stage) tell(format string, args ...any) { fmt.Fprintf(s.out, "\n"+format+"\n", args...) }

func (s *stage) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

func (s *stage) show(format string, args ...any) { fmt.Fprintf(s.out, "\n$ "+format+"\n", args...) }

// run runs a command line, shows it, the first lines of what it says, and
// what the server saw of it.
func (s *stage) run(line string, lines int) error {
	s.show("%s", line)
	var output bytes.Buffer
	before := s.gate.count()
	begun := time.Now()
	command := s.command(strings.Fields(line)...)
	command.Stdout, command.Stderr = &output, &output
	err := command.Run()
	took := time.Since(begun)
	rest := strings.Split(strings.TrimRight(output.String(), "\n"), "\n")
	for i, text := range rest {
		if i == lines && len(rest) > lines+2 && err == nil {
			fmt.Fprintf(s.out, "… and %d lines more, the last of them:\n%s\n", len(rest)-i, rest[len(rest)-1])
			break
		}
		fmt.Fprintln(s.out, text)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", line, err)
	}
	fmt.Fprintf(s.out, "# %.2f s; the server saw %s\n", took.Seconds(), s.gate.count().since(before))
	return nil
}

// output runs a command unseen and returns what it prints.
func (s *stage) output(words ...string) (string, error) {
	command := s.command(words...)
	command.Stderr = s.out
	text, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(words, " "), err)
	}
	return string(text), nil
}

func (s *stage) command(words ...string) *exec.Cmd {
	program := words[0]
	if program == "firn" {
		program = filepath.Join(s.folder, "bin", "firn")
	}
	command := exec.CommandContext(s.ctx, program, words[1:]...)
	command.Dir, command.Env = s.folder, s.environment
	return command
}

// amount writes bytes for people.
func amount(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d B", n)
	case n < 10_000_000:
		return fmt.Sprintf("%.0f KB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
