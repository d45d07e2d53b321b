//go:build unix

package realtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds a process that nobody kills.
const patience = 10 * time.Minute

// Exit codes as docs/cli.md lists them.
const (
	exitDone         = 0
	exitFailed       = 1
	exitPartly       = 3
	exitNoRepository = 10
	exitConflict     = 11
)

// call is one run of the program.
type call struct {
	program string
	args    []string
	env     []string
	kill    time.Duration // after it; 0 for never
}

// ending is how a run ended.
type ending struct {
	call
	code   int // -1 if it was killed
	stdout string
	stderr string
	took   time.Duration
}

// environment returns what processes of a host find: nothing of the tests' own.
func environment(home string, more ...string) []string {
	return append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TZ=UTC"}, more...)
}

// run starts the program and waits for its end, or kills it.
func (c call) run(t *testing.T) ending {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, c.program, c.args...)
	command.Env = c.env
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	began := time.Now()
	if err := command.Start(); err != nil {
		t.Errorf("start %v: %v", c.args, err)
		return ending{call: c, code: exitFailed}
	}
	if c.kill > 0 {
		timer := time.AfterFunc(c.kill, func() { _ = command.Process.Kill() }) // it may have ended
		defer timer.Stop()
	}
	err := command.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Errorf("wait for %v: %v", c.args, err)
	}
	if ctx.Err() != nil {
		t.Errorf("%v did not end within %v\n%s", c.args, patience, stderr.String())
	}
	return ending{c, command.ProcessState.ExitCode(), stdout.String(), stderr.String(), time.Since(began)}
}

func (e ending) killed() bool { return e.code < 0 }

// says reports whether an error output has a text.
func (e ending) says(text string) bool { return strings.Contains(e.stderr, text) }

func (e ending) String() string {
	return fmt.Sprintf("firn %s: exit %d after %v\n%s%s", strings.Join(e.args, " "), e.code, e.took.Round(time.Millisecond), e.stdout, e.stderr)
}

// line is what these tests read of the program's JSON.
type line struct {
	Type     string   `json:"type"`
	Snapshot string   `json:"snapshot"`
	ID       string   `json:"id"`
	Tags     []string `json:"tags"`
	Label    string   `json:"label"`
}

// lines returns the whole lines of JSON in an output: a killed process may leave half of one.
func (e ending) lines() (all []line) {
	for text := range strings.Lines(e.stdout) {
		var l line
		if strings.HasSuffix(text, "\n") && json.Unmarshal([]byte(text), &l) == nil {
			all = append(all, l)
		}
	}
	return all
}

// snapshot returns the ID that a backup reported, or "".
func (e ending) snapshot() string {
	for _, l := range e.lines() {
		if l.Type == "summary" {
			return l.Snapshot
		}
	}
	return ""
}
