//go:build linux || darwin

package alike_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"firn/internal/alike"
)

// when is the mtime of everything in the folders that build makes.
var when = time.Unix(1_600_000_000, 123_456_789)

// build makes a folder with one of each kind.
func build(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	at := func(name string) string { return filepath.Join(root, name) }
	must(t, os.MkdirAll(at("folder/empty"), 0o755))
	must(t, os.WriteFile(at("file"), []byte("content"), 0o640))
	must(t, os.WriteFile(at("folder/other"), []byte("other content"), 0o600))
	must(t, os.Link(at("folder/other"), at("folder/same")))
	must(t, os.Symlink("file", at("link")))
	must(t, unix.Mkfifo(at("pipe"), 0o600))
	for _, name := range []string{"file", "folder/other", "link", "pipe", "folder/empty", "folder", "."} {
		touch(t, at(name))
	}
	return root
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// touch sets the mtime of an entry, also of a link.
func touch(t *testing.T, name string) {
	t.Helper()
	stamp := unix.NsecToTimeval(when.UnixNano())
	exact, err := unix.TimeToTimespec(when)
	must(t, err)
	err = unix.UtimesNanoAt(unix.AT_FDCWD, name, []unix.Timespec{exact, exact}, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		must(t, unix.Lutimes(name, []unix.Timeval{stamp, stamp}))
	}
}

func TestEqual(t *testing.T) {
	tally, differences, err := alike.Folders(t.Context(), build(t), build(t))
	must(t, err)
	if len(differences) > 0 {
		t.Errorf("equal folders differ: %v", differences)
	}
	want := alike.Tally{Files: 3, Folders: 3, Links: 1, Others: 1, HardLinks: 2, Bytes: 7 + 13 + 13}
	if tally.Attributes = 0; tally != want {
		t.Errorf("tally %+v, want %+v", tally, want)
	}
}

func TestDifferent(t *testing.T) {
	for _, c := range []struct {
		name, path, what string
		change           func(t *testing.T, at func(string) string)
	}{
		{"content", "file", "content differs from byte 3 on", func(t *testing.T, at func(string) string) {
			must(t, os.WriteFile(at("file"), []byte("conTent"), 0o640))
			touch(t, at("file"))
		}},
		{"size", "file", "size is 7 and 8", func(t *testing.T, at func(string) string) {
			must(t, os.WriteFile(at("file"), []byte("contents"), 0o640))
			touch(t, at("file"))
		}},
		{"mode", "file", "mode is -rw-r----- and -rw-r--r--", func(t *testing.T, at func(string) string) {
			must(t, os.Chmod(at("file"), 0o644))
		}},
		{"time", "folder", "mtime is", func(t *testing.T, at func(string) string) {
			must(t, os.Chtimes(at("folder"), when, when.Add(time.Nanosecond)))
		}},
		{"link", "link", `link is to "file" and "folder"`, func(t *testing.T, at func(string) string) {
			must(t, os.Remove(at("link")))
			must(t, os.Symlink("folder", at("link")))
			touch(t, at("link"))
			touch(t, at("."))
		}},
		{"missing", "file", "is in the first only", func(t *testing.T, at func(string) string) {
			must(t, os.Remove(at("file")))
			touch(t, at("."))
		}},
		{"extra", "new", "is in the second only", func(t *testing.T, at func(string) string) {
			must(t, os.WriteFile(at("new"), nil, 0o644))
			touch(t, at("."))
		}},
		{"kind", "pipe", "kind is p--------- and ----------", func(t *testing.T, at func(string) string) {
			must(t, os.Remove(at("pipe")))
			must(t, os.WriteFile(at("pipe"), nil, 0o600))
			touch(t, at("."))
		}},
		{"hard link", "folder/other", `is a hard link to "folder/other" and ""`, func(t *testing.T, at func(string) string) {
			must(t, os.Remove(at("folder/same")))
			must(t, os.WriteFile(at("folder/same"), []byte("other content"), 0o600))
			touch(t, at("folder/same"))
			touch(t, at("folder"))
		}},
		{"attribute", "file", `extended attribute user.note is "one" in the second only`, func(t *testing.T, at func(string) string) {
			if err := unix.Setxattr(at("file"), "user.note", []byte("one"), 0); err != nil {
				t.Skipf("this file system has no attributes: %v", err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := build(t), build(t)
			c.change(t, func(name string) string { return filepath.Join(b, name) })
			_, differences, err := alike.Folders(t.Context(), a, b)
			must(t, err)
			if len(differences) == 0 || differences[0].Path != c.path || !strings.HasPrefix(differences[0].What, c.what) {
				t.Errorf("differences %v, want %s: %s", differences, c.path, c.what)
			}
		})
	}
}
