package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// engine is a database with a table of orders.
type engine interface {
	// version names the database.
	version() string
	// load adds rows and changes others, all in one transaction.
	load(ctx context.Context, added, changed []order) error
	// tidy is what a database does by itself at night.
	tidy(ctx context.Context) error
	// dump is the command that writes all of it to its standard output.
	dump() []string
	stop() error
}

// engines start databases in a folder that does not exist yet.
var engines = map[string]func(ctx context.Context, folder string) (engine, error){
	"postgres": startPostgres, "mariadb": startMariaDB, "sqlite": openSQLite,
}

// names lists the keys of a map.
func names[V any](of map[string]V) string {
	return strings.Join(slices.Sorted(maps.Keys(of)), ", ")
}

// sql is an engine that a client program talks to.
type sql struct {
	name      string
	client    []string // reads statements from its standard input
	dumper    []string
	overnight string  // statements of tidy
	server    *server // nil if there is none
}

const createTable = `CREATE TABLE orders (
	id BIGINT PRIMARY KEY, customer INTEGER NOT NULL, name VARCHAR(80) NOT NULL, email VARCHAR(120) NOT NULL,
	street VARCHAR(120) NOT NULL, city VARCHAR(60) NOT NULL, ordered TIMESTAMP NOT NULL, updated TIMESTAMP NOT NULL,
	status VARCHAR(12) NOT NULL, amount DECIMAL(12,2) NOT NULL, details JSON NOT NULL, note TEXT NOT NULL);
CREATE INDEX orders_by_customer ON orders (customer);
`

func (s *sql) version() string { return s.name }
func (s *sql) dump() []string  { return s.dumper }

// batch is how many rows a statement adds.
const batch = 500

func (s *sql) load(ctx context.Context, added, changed []order) error {
	return s.execute(ctx, func(w io.Writer) error {
		if _, err := io.WriteString(w, "BEGIN;\n"); err != nil {
			return err
		}
		var text []byte
		for rows := range slices.Chunk(added, batch) {
			text = append(text[:0], "INSERT INTO orders VALUES\n"...)
			for i, o := range rows {
				if i > 0 {
					text = append(text, ",\n"...)
				}
				text = o.appendValues(text)
			}
			if _, err := w.Write(append(text, ";\n"...)); err != nil {
				return err
			}
		}
		for _, o := range changed {
			if _, err := w.Write(o.appendUpdate(text[:0])); err != nil {
				return err
			}
		}
		_, err := io.WriteString(w, "COMMIT;\n")
		return err
	})
}

func (s *sql) tidy(ctx context.Context) error {
	return s.execute(ctx, func(w io.Writer) error {
		_, err := io.WriteString(w, s.overnight)
		return err
	})
}

// execute runs statements that write makes.
func (s *sql) execute(ctx context.Context, write func(io.Writer) error) error {
	var output bytes.Buffer
	command := exec.CommandContext(ctx, s.client[0], s.client[1:]...)
	command.Stdout, command.Stderr = &output, &output
	in, err := command.StdinPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	written := errors.Join(write(in), in.Close())
	if err := command.Wait(); err != nil {
		return fmt.Errorf("%s: %w\n%s", s.client[0], err, output.Bytes())
	}
	return written
}

func (s *sql) stop() error {
	if s.server == nil {
		return nil
	}
	return s.server.stop()
}

// begin waits until the server answers, and runs the first statements.
func (s *sql) begin(ctx context.Context, statements string) (engine, error) {
	err := s.server.await(ctx, func() error { return s.execute(ctx, func(io.Writer) error { return nil }) })
	if err == nil {
		err = s.execute(ctx, func(w io.Writer) error { _, err := io.WriteString(w, statements); return err })
	}
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// server is a running server process.
type server struct {
	command *exec.Cmd
	output  bytes.Buffer // to be read when it has ended
	ended   chan struct{}
	err     error
}

// patience is how long a server may take to come up or to end.
const patience = 2 * time.Minute

func start(command *exec.Cmd) (*server, error) {
	s := &server{command: command, ended: make(chan struct{})}
	command.Stdout, command.Stderr = &s.output, &s.output
	if err := command.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(s.ended)
		s.err = command.Wait()
	}()
	return s, nil
}

// await asks until the server answers.
func (s *server) await(ctx context.Context, ask func() error) error {
	if s == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := ask()
		if err == nil {
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("the server ended: %w\n%s", s.err, s.output.Bytes())
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// stop ends the server as soon as may be.
func (s *server) stop() error {
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.ended:
	case <-time.After(patience):
		return errors.Join(errors.New("the server does not end and is killed"), s.command.Process.Kill())
	}
	return nil
}

// locate returns the path of a database's program and how it names itself, and makes a folder
// for the data.
func locate(ctx context.Context, folder, program string, elsewhere ...string) (path, name string, err error) {
	if path, err = find(program, elsewhere...); err != nil {
		return "", "", err
	}
	if name, err = output(ctx, path, "--version"); err != nil {
		return "", "", err
	}
	return path, name, os.Mkdir(folder, 0o700)
}

// find returns the path of a program that may be where packages put it beside PATH.
func find(program string, elsewhere ...string) (string, error) {
	for _, pattern := range elsewhere {
		if found, _ := filepath.Glob(filepath.Join(pattern, program)); len(found) > 0 {
			return found[len(found)-1], nil
		}
	}
	return exec.LookPath(program)
}

// output runs a command and returns the first line that it prints.
func output(ctx context.Context, command ...string) (string, error) {
	printed, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, printed)
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(printed)), "\n")
	return line, nil
}
