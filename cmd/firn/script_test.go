//go:build unix

package main

import (
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"firn/internal/object/s3/s3test"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"firn": func() { os.Exit(run()) },
		// nobody is firn without the rights of root, which may read everything.
		"nobody": func() {
			if err := dropPrivileges(); err != nil {
				panic(err)
			}
			os.Exit(run())
		},
	})
}

// TestScripts runs the transcripts. Each has a home of its own, in which
// nothing is configured, and a drive in the folder drive, which FIRN_DRIVE names
// and FIRN_KEY_FILE opens.
func TestScripts(t *testing.T) { runScripts(t, "script", nil) }

// TestServerScripts runs the transcripts that need a real S3 server: S3_ENDPOINT,
// AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY reach it, BUCKET has three small
// objects, one of them with an older version.
func TestServerScripts(t *testing.T) {
	server := s3test.Start(t, s3test.MinIO)
	runScripts(t, "server", func(e *testscript.Env) error {
		bucket := s3test.NewBucket()
		e.Setenv("S3_ENDPOINT", server.Endpoint)
		e.Setenv("AWS_ACCESS_KEY_ID", server.AccessKey)
		e.Setenv("AWS_SECRET_ACCESS_KEY", server.SecretKey)
		e.Setenv("BUCKET", bucket)
		const versioning = `<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>`
		for _, r := range []struct {
			method, path string
			query        url.Values
			body         string
		}{
			{http.MethodPut, "", nil, ""},
			{http.MethodPut, "", url.Values{"versioning": {""}}, versioning},
			{http.MethodPut, "/top.txt", nil, "12345"},
			{http.MethodPut, "/photos/one.jpg", nil, "first"},
			{http.MethodPut, "/photos/one.jpg", nil, "second"},
			{http.MethodPut, "/photos/two/three.jpg", nil, "1"},
			{http.MethodDelete, "/photos/two/three.jpg", nil, ""},
		} {
			if _, err := server.Do(t.Context(), r.method, "/"+bucket+r.path, r.query, r.body); err != nil {
				return err
			}
		}
		return nil
	})
}

// runScripts runs the transcripts of a folder; prepare, if given, adds to what
// each finds.
func runScripts(t *testing.T, folder string, prepare func(*testscript.Env) error) {
	root := t.TempDir()
	allowAll(t, filepath.Dir(root), root)
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", folder),
		WorkdirRoot:         root,
		RequireExplicitExec: false,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			for _, name := range []string{"home", ".tmp"} {
				if err := os.MkdirAll(filepath.Join(e.WorkDir, name), 0o700); err != nil {
					return err
				}
			}
			e.Setenv("HOME", filepath.Join(e.WorkDir, "home"))
			e.Setenv("TZ", "UTC")
			e.Setenv("FIRN_HOST", "testhost")
			for _, name := range []string{
				"XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "FIRN_DRIVE", "FIRN_CONFIG", "FIRN_CACHE",
				"FIRN_PASSPHRASE", "FIRN_PASSPHRASE_FILE", "FIRN_PASSPHRASE_COMMAND", "FIRN_KEY_FILE",
			} {
				e.Setenv(name, "")
			}
			if prepare != nil {
				if err := prepare(e); err != nil {
					return err
				}
			}
			return os.Chmod(e.WorkDir, 0o755)
		},
		Condition: func(name string) (bool, error) {
			switch name {
			case "root":
				return os.Geteuid() == 0, nil
			}
			return false, errors.New("no such condition")
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "first": first, "remember": remember, "json": jsonLines,
			"fill": fill, "create": create, "fifo": fifo, "socket": socket, "damage": damage,
			"assume": assume, "configure": configure, "frost": frost,
		},
	})
}

// allowAll opens folders for users that are not their owner.
func allowAll(t *testing.T, folders ...string) {
	t.Helper()
	for _, f := range folders {
		if err := os.Chmod(f, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// exits CODE COMMAND ARG…: the command ends with that code; negated, with another.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARG…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("run %s: %v", args[1], err)
		}
		got = exit.ExitCode()
	}
	if (got == want) == neg {
		ts.Fatalf("exit code %d, wanted %d; stderr: %s", got, want, ts.ReadFile("stderr"))
	}
}

// first FILE TEXT: the file's first line has the text.
func first(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: first FILE TEXT")
	}
	line, _, _ := strings.Cut(ts.ReadFile(args[0]), "\n")
	if strings.Contains(line, args[1]) == neg {
		ts.Fatalf("the first line is %q", line)
	}
}

// remember NAME FILE PATTERN: what the pattern's group matches goes into the
// environment.
func remember(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: remember NAME FILE PATTERN")
	}
	pattern, err := regexp.Compile("(?m)" + args[2])
	ts.Check(err)
	found := pattern.FindStringSubmatch(ts.ReadFile(args[1]))
	if len(found) != 2 {
		ts.Fatalf("%q is not in %s", args[2], args[1])
	}
	ts.Setenv(args[0], found[1])
}

// fill FILE BYTES SEED: a file of bytes that do not compress.
func fill(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: fill FILE BYTES SEED")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	body := make([]byte, n)
	var seed [32]byte
	copy(seed[:], args[2])
	_, _ = rand.NewChaCha8(seed).Read(body) // never fails
	ts.Check(os.MkdirAll(filepath.Dir(ts.MkAbs(args[0])), 0o755))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), body, 0o644))
}

// create NAME: an empty file; NAME is written as in Go, with \x escapes.
func create(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: create NAME")
	}
	name, err := strconv.Unquote(`"` + args[0] + `"`)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(name), nil, 0o644))
}

// damage remove|flip|cut PATTERN: does so to all objects of the pattern, of
// which there must be some.
func damage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: damage remove|flip|cut PATTERN")
	}
	names, err := filepath.Glob(ts.MkAbs(args[1]))
	ts.Check(err)
	if len(names) == 0 {
		ts.Fatalf("nothing matches %s", args[1])
	}
	for _, name := range names {
		body, err := os.ReadFile(name)
		ts.Check(err)
		ts.Check(os.Remove(name)) // it may be read-only
		switch args[0] {
		case "remove":
			continue
		case "flip":
			body[len(body)/2] ^= 1
		case "cut":
			body = body[:len(body)/2]
		default:
			ts.Fatalf("unknown damage %s", args[0])
		}
		ts.Check(os.WriteFile(name, body, 0o600))
	}
}
