//go:build linux

package source

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"firn/internal/format"
)

func TestMain(m *testing.M) {
	if mode := os.Getenv("FIRN_SOURCE_TEST"); mode != "" {
		os.Exit(unprivileged(mode))
	}
	goleak.VerifyTestMain(m)
}

// write makes a file and the directories above it.
func write(t testing.TB, content string, parts ...string) string {
	t.Helper()
	path := filepath.Join(parts...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, opts FilesOptions, roots ...string) *Files {
	t.Helper()
	f, err := NewFiles(roots, opts)
	must(t, err)
	t.Cleanup(func() { must(t, f.Close()) })
	return f
}

// collect walks and checks what holds for every walk.
func collect(t testing.TB, f *Files) []*Item {
	t.Helper()
	var items []*Item
	for item, err := range f.Walk(context.Background()) {
		must(t, err)
		if n := len(items); n > 0 && bytes.Compare(items[n-1].Key, item.Key) >= 0 {
			t.Fatalf("key %q does not come after %q", item.Key, items[n-1].Key)
		}
		if item.Entry == nil && item.Err == nil {
			t.Fatalf("%s: neither entry nor error", item.Path)
		}
		if want := "/" + strings.TrimSuffix(string(item.Key), "/"); item.Path != want {
			t.Fatalf("path %q for key %q", item.Path, item.Key)
		}
		if item.Entry != nil {
			if directory := bytes.HasSuffix(item.Key, []byte("/")); directory != (item.Entry.Type == format.TypeDirectory) {
				t.Fatalf("%q has type %d", item.Key, item.Entry.Type)
			}
		}
		items = append(items, item)
	}
	return items
}

// below returns the keys of items under root, relative to it; "!" stands before those with errors.
func below(root string, items []*Item) []string {
	prefix := root[1:] + "/"
	var keys []string
	for _, item := range items {
		if rest, ok := strings.CutPrefix(string(item.Key), prefix); ok && rest != "" {
			if item.Err != nil {
				rest = "!" + rest
			}
			keys = append(keys, rest)
		}
	}
	return keys
}

// naive lists what is below root by other means.
func naive(t testing.TB, root string) []string {
	t.Helper()
	var keys []string
	must(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		key := path[len(root)+1:]
		if d.IsDir() {
			key += "/"
		}
		keys = append(keys, key)
		return nil
	}))
	slices.Sort(keys)
	return keys
}

func find(t testing.TB, items []*Item, path string) *Item {
	t.Helper()
	for _, item := range items {
		if item.Path == path {
			return item
		}
	}
	t.Fatalf("%s was not found", path)
	return nil
}

func same(t testing.TB, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestSame(t *testing.T) {
	base := format.Entry{
		Type: format.TypeFile, Size: 5, MTime: 7, MTimeNS: 8, CTime: 9, CTimeNS: 10, Inode: 11, Mode: 0o644,
	}
	tests := []struct {
		name   string
		change func(*format.Entry)
		want   bool
	}{
		{"nothing", func(*format.Entry) {}, true},
		{"mode alone", func(e *format.Entry) { e.Mode = 0o600 }, true},
		{"device", func(e *format.Entry) { e.Device = 3 }, true},
		{"type", func(e *format.Entry) { e.Type = format.TypePipe }, false},
		{"size", func(e *format.Entry) { e.Size++ }, false},
		{"seconds", func(e *format.Entry) { e.MTime++ }, false},
		{"nanoseconds", func(e *format.Entry) { e.MTimeNS++ }, false},
		{"change time", func(e *format.Entry) { e.CTime++ }, false},
		{"change time's nanoseconds", func(e *format.Entry) { e.CTimeNS++ }, false},
		{"inode", func(e *format.Entry) { e.Inode++ }, false},
		{"changed while read", func(e *format.Entry) { e.Flags |= format.FlagChanged }, false},
		{"unreadable", func(e *format.Entry) { e.Flags |= format.FlagUnreadable }, false},
		{"sparse", func(e *format.Entry) { e.Flags |= format.FlagSparse }, true},
	}
	for _, tt := range tests {
		other := base
		tt.change(&other)
		if got := Same(&base, &other); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
		if got := Same(&other, &base); got != tt.want {
			t.Errorf("%s, the other way round: %v", tt.name, got)
		}
	}
}
