//go:build linux

package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"firn/internal/format"
)

func TestFromReader(t *testing.T) {
	s, err := FromReader("dumps/shop/all.sql", strings.NewReader("select"))
	must(t, err)
	var keys []string
	for _, item := range s.Items() {
		keys = append(keys, string(item.Key))
	}
	same(t, keys, []string{"dumps/", "dumps/shop/", "dumps/shop/all.sql"})
	last := s.Items()[2].Entry
	if last.Type != format.TypeStream || s.Items()[0].Entry.Type != format.TypeDirectory {
		t.Errorf("%+v", last)
	}
	if age := time.Since(time.Unix(last.MTime, 0)); age < -time.Minute || age > time.Hour {
		t.Errorf("%v old", age)
	}
	got, err := io.ReadAll(s)
	if err != nil || string(got) != "select" {
		t.Errorf("%q, %v", got, err)
	}
	must(t, s.Close())
}

func TestStreamNames(t *testing.T) {
	for _, name := range []string{"", "/a", "a/", "a//b", "../a", "a/./b", "a\x00b", "..", strings.Repeat("x", maxKey+1)} {
		if _, err := FromReader(name, strings.NewReader("")); err == nil {
			t.Errorf("%.20q is accepted", name)
		}
		if _, err := FromCommand(context.Background(), name, []string{"true"}, nil); err == nil {
			t.Errorf("%.20q is accepted", name)
		}
	}
	for _, name := range []string{"stdin", "a b", "...", "\xff"} {
		if _, err := FromReader(name, strings.NewReader("")); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestFromCommand(t *testing.T) {
	var stderr bytes.Buffer
	s, err := FromCommand(context.Background(), "out", []string{"sh", "-c", "echo first; echo noise >&2; echo second"}, &stderr)
	must(t, err)
	got, err := io.ReadAll(s)
	if err != nil || string(got) != "first\nsecond\n" || stderr.String() != "noise\n" {
		t.Errorf("%q, %q, %v", got, &stderr, err)
	}
	if _, err := s.Read(make([]byte, 1)); err != io.EOF {
		t.Error(err)
	}
	must(t, s.Close())
}

func TestFromCommandFails(t *testing.T) {
	script := "echo part; i=0; while [ $i -lt 2000 ]; do echo line $i >&2; i=$((i+1)); done; echo it is broken >&2; exit 7"
	s, err := FromCommand(context.Background(), "out", []string{"sh", "-c", script}, nil)
	must(t, err)
	got, err := io.ReadAll(s)
	if string(got) != "part\n" {
		t.Errorf("%q", got)
	}
	var failed *CommandError
	var exit *exec.ExitError
	if !errors.As(err, &failed) || !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Fatal(err)
	}
	if len(failed.Stderr) != stderrKept || !strings.HasSuffix(failed.Stderr, "line 1999\nit is broken\n") {
		t.Errorf("kept %d bytes", len(failed.Stderr))
	}
	if _, again := s.Read(make([]byte, 1)); again != err {
		t.Errorf("then %v", again)
	}
	must(t, s.Close())
}

func TestFromCommandMissing(t *testing.T) {
	_, err := FromCommand(context.Background(), "out", []string{"/no/such/program"}, nil)
	var failed *CommandError
	if !errors.As(err, &failed) {
		t.Error(err)
	}
	if _, err := FromCommand(context.Background(), "out", nil, nil); err == nil {
		t.Error("no command at all")
	}
}

// TestFromCommandCanceled kills a command whose helper keeps the pipes open.
func TestFromCommandCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s, err := FromCommand(ctx, "out", []string{"sh", "-c", "echo begun; sleep 8 & wait"}, nil)
	must(t, err)
	head := make([]byte, 6)
	_, err = io.ReadFull(s, head)
	must(t, err)
	cancel()
	if _, err := io.ReadAll(s); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	must(t, s.Close())
}

func TestFromCommandClosed(t *testing.T) {
	s, err := FromCommand(context.Background(), "out", []string{"sleep", "100"}, nil)
	must(t, err)
	must(t, s.Close())
	must(t, s.Close())
}
