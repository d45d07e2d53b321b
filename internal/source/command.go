package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"time"
)

const (
	// stderrKept is how much of the end of a command's standard error is kept, in bytes.
	stderrKept = 4 << 10
	// commandPatience is how long a command's helpers may hold its standard
	// error open after it has ended or was killed.
	commandPatience = 5 * time.Second
)

// A CommandError says that a command failed, so that its output cannot be trusted.
type CommandError struct {
	Argv   []string
	Stderr string // the end of its standard error
	Err    error  // how it ended; an *exec.ExitError when it ran
}

func (e *CommandError) Error() string {
	text := fmt.Sprintf("run %s: %v", e.Argv[0], e.Err)
	if said := strings.TrimSpace(e.Stderr); said != "" {
		text += ": " + said
	}
	return text
}

// Unwrap returns how the command ended.
func (e *CommandError) Unwrap() error { return e.Err }

// FromCommand starts a command and makes a stream of its standard output; name
// is as in FromReader. It is run without a shell and with empty standard input, and
// killed when ctx is done. Its standard error goes to stderr as well, unless that
// is nil.
func FromCommand(ctx context.Context, name string, argv []string, stderr io.Writer) (*Stream, error) {
	if len(argv) == 0 {
		return nil, errors.New("run command: none is named")
	}
	items, err := streamItems(name, time.Now())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	c := &command{argv: argv, ctx: ctx, cancel: cancel}
	c.cmd = exec.CommandContext(ctx, argv[0], argv[1:]...)
	c.cmd.WaitDelay = commandPatience
	c.cmd.Stderr = &c.stderr
	c.stderr.pass = stderr
	if c.out, err = c.cmd.StdoutPipe(); err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, &CommandError{Argv: argv, Err: err}
	}
	// A helper of the command may outlive it and keep the pipe open.
	c.release = context.AfterFunc(ctx, func() { c.out.Close() })
	return &Stream{items: items, read: c.read, finish: c.close}, nil
}

// A command is a running command.
type command struct {
	argv    []string
	cmd     *exec.Cmd
	ctx     context.Context
	cancel  context.CancelFunc
	release func() bool
	out     io.ReadCloser
	stderr  tail
	ended   bool
	err     error // of the end
}

func (c *command) read(p []byte) (int, error) {
	if c.ended {
		return 0, c.end()
	}
	n, err := c.out.Read(p)
	if err == nil {
		return n, nil
	}
	c.wait(err)
	return n, c.end()
}

// end returns what Read returns behind the last byte.
func (c *command) end() error {
	if c.err != nil {
		return c.err
	}
	return io.EOF
}

// wait waits for the command after its output has ended with err.
func (c *command) wait(err error) {
	c.ended = true
	broken := c.ctx.Err()
	failed := c.cmd.Wait()
	c.release()
	c.cancel()
	switch {
	case broken != nil:
		failed = broken
	case errors.Is(failed, exec.ErrWaitDelay):
		failed = nil // it succeeded; a helper of it lives on
	}
	if failed == nil && err != io.EOF {
		failed = err
	}
	if failed != nil {
		c.err = &CommandError{Argv: c.argv, Stderr: c.stderr.text(), Err: failed}
	}
}

// close kills the command if it still runs; that is no error of the command's.
func (c *command) close() error {
	if !c.ended {
		c.cancel()
		c.wait(io.EOF)
	}
	return nil
}

// A tail keeps the end of what is written to it and passes all of it on.
type tail struct {
	pass io.Writer

	mu   sync.Mutex
	kept []byte // guarded by mu
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	t.kept = append(t.kept, p...)
	if over := len(t.kept) - stderrKept; over > 0 {
		t.kept = append(t.kept[:0], t.kept[over:]...)
	}
	t.mu.Unlock()
	if t.pass != nil {
		// A terminal that is gone must not stop the command.
		_, _ = t.pass.Write(p)
	}
	return len(p), nil
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.kept)
}
