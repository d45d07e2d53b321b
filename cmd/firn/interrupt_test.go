//go:build unix

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// firnIn prepares firn as a process of its own with a home in a folder.
func firnIn(t *testing.T, home string, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.Command("firn", args...) // TestMain put it into the path
	c.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME=", "XDG_CACHE_HOME=", "XDG_DATA_HOME=",
		"FIRN_DRIVE="+filepath.Join(home, "drive"), "FIRN_CONFIG=", "FIRN_PASSPHRASE=", "FIRN_KEY_FILE=", "FIRN_CACHE=")
	return c
}

// TestInterrupt stops a backup in the middle of its only file. It must end with
// 130 and leave a repository that checks clean, and the next backup must find
// most of what was stored before.
func TestInterrupt(t *testing.T) {
	home := t.TempDir()
	if out, err := firnIn(t, home, "init", "-q", "--generate-key").CombinedOutput(); err != nil {
		t.Fatalf("init: %v\n%s", err, out)
	}
	body := make([]byte, 96<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(body) // never fails

	backup := firnIn(t, home, "backup", "--stdin")
	var told bytes.Buffer
	backup.Stderr = &told
	in, err := backup.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := backup.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := in.Write(body); err != nil { // more than fits into any buffer: most of it is being stored
		t.Fatalf("write: %v\n%s", err, told.String())
	}
	if err := backup.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	// Standard input stays open: nobody but the signal ends this backup.
	if err := backup.Wait(); err == nil || backup.ProcessState.ExitCode() != exitInterrupted {
		t.Fatalf("the interrupted backup ended with %v\n%s", err, told.String())
	}
	if text := told.String(); !strings.Contains(text, "firn backup: interrupted") {
		t.Errorf("it said:\n%s", text)
	}

	if out, err := firnIn(t, home, "check").CombinedOutput(); err != nil {
		t.Errorf("check: %v\n%s", err, out)
	}
	again := firnIn(t, home, "backup", "--json", "--no-progress", "--stdin")
	again.Stdin = bytes.NewReader(body)
	again.Stderr = os.Stderr
	out, err := again.Output()
	if err != nil {
		t.Fatalf("the next backup: %v\n%s", err, out)
	}
	var s backupSummary
	if err := json.Unmarshal(out, &s); err != nil {
		t.Fatal(err)
	}
	if s.Bytes != uint64(len(body)) || s.BytesAdded > s.Bytes/2 {
		t.Errorf("%d bytes of %d were stored again", s.BytesAdded, s.Bytes)
	}
	restored, err := firnIn(t, home, "cat", "latest:stdin").Output()
	if err != nil || !bytes.Equal(restored, body) {
		t.Errorf("what was restored differs (%v)", err)
	}
}

// TestInterruptCommand stops a backup of a command that never ends: the command
// is stopped too.
func TestInterruptCommand(t *testing.T) {
	home := t.TempDir()
	if out, err := firnIn(t, home, "init", "-q", "--generate-key").CombinedOutput(); err != nil {
		t.Fatalf("init: %v\n%s", err, out)
	}
	backup := firnIn(t, home, "backup", "--from-command", "--", "sh", "-c", "trap '' INT; echo begun >&2; while :; do sleep 1; done")
	pipe, err := backup.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := backup.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(pipe)
	for lines.Scan() && lines.Text() != "begun" {
	}
	if err := backup.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for lines.Scan() {
	}
	if err := backup.Wait(); err == nil || backup.ProcessState.ExitCode() != exitInterrupted {
		t.Errorf("the interrupted backup ended with %v", err)
	}
	out, err := firnIn(t, home, "snapshots", "--json").CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("there should be no snapshot (%v):\n%s", err, out)
	}
}
