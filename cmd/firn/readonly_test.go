package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"firn/internal/object"
)

// writing are the commands that write to a drive, with arguments that would let
// them get that far.
var writing = map[string][]string{
	"init":           {"--generate-key"},
	"backup":         {"."},
	"forget":         {"--keep-last", "1"},
	"prune":          {},
	"key add":        {"--recovery"},
	"key change":     {"--recovery"},
	"key remove":     {"12345678"},
	"key rotate":     {},
	"key revoke":     {"12345678"},
	"drive takeover": {"--yes"},
	"distrust":       {"0123456789abcdef"},
	"thaw":           {"latest"},

	"repair": {}, "repair root": {}, "repair index": {}, "repair snapshots": {"--yes"},

	"drive storage-config set": {"-"}, "drive storage-config apply": {"--yes"}, // for buckets only
}

// reading are those that write nothing to a drive, or, if it may be written to,
// only what they can do without: a restore announces itself, a check records
// damage and tries what the drive can do.
var reading = []string{
	"cost", "cost backup", "cost restore", "cost check", "cost prune",
	"thaw status", "restore", "snapshots", "ls", "cat", "find", "diff", "stats", "check", "trust", "audit", "key list", "version", "man", "health",
	"drive check", "drive list", "drive add", "drive set", "drive unset", "drive remove", "drive browse", "drive vendors",
	"drive lifecycle", "drive policy", "drive storage-config show", "drive storage-config check", "config check", "config path", "config schema", "config import",
}

// TestEveryCommandReadsOrWrites keeps a new command from being forgotten here.
func TestEveryCommandReadsOrWrites(t *testing.T) {
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		name := strings.TrimPrefix(c.CommandPath(), "firn ")
		_, writes := writing[name]
		if !c.HasSubCommands() && c.Args != nil && writes == slices.Contains(reading, name) {
			t.Errorf("%s: say whether it writes to drives", name)
		}
		for _, sub := range c.Commands() {
			if sub.Name() != "completion" && sub.Name() != "help" {
				visit(sub)
			}
		}
	}
	visit(newRootCommand(newApp()))
}

// TestReadOnlyDriveGetsNoRequest runs every command that writes on drives that say
// read_only, of which one is a server that must not be asked for anything.
func TestReadOnlyDriveGetsNoRequest(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s was asked for", r.Method, r.URL)
	}))
	defer server.Close()
	home := t.TempDir()
	for name, value := range map[string]string{
		"HOME": home, "XDG_CONFIG_HOME": "", "XDG_CACHE_HOME": "", "FIRN_DRIVE": "", "FIRN_CONFIG": "", "FIRN_PASSPHRASE": "secret",
	} {
		t.Setenv(name, value)
	}
	folder := filepath.Join(home, "folder")
	for what, settings := range map[string]string{
		"bucket": fmt.Sprintf("provider: s3\n    bucket: bucket\n    region: us-east-1\n    endpoint: %s\n    access_key: a\n    secret_key: b", server.URL),
		"folder": fmt.Sprintf("provider: local\n    path: %s", folder),
	} {
		file := filepath.Join(home, what+".yml")
		text := fmt.Sprintf("drives:\n  - label: archive\n    read_only: true\n    %s\n", settings)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for name, args := range writing {
			if what == "folder" && name == "drive storage-config set" {
				continue
			}
			t.Run(what+"/"+name, func(t *testing.T) {
				a := newApp()
				var said bytes.Buffer
				a.out = newOutput(&said, &said)
				root := newRootCommand(a)
				root.SetArgs(slices.Concat(strings.Fields(name), []string{"-c", file}, args))
				if err := root.ExecuteContext(t.Context()); !errors.Is(err, object.ErrReadOnly) {
					t.Errorf("%v, want %v; said: %s", err, object.ErrReadOnly, said.String())
				}
			})
		}
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of a read-only drive was made: %v", err)
	}
}
