//go:build linux

package source

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestRoots(t *testing.T) {
	top := t.TempDir()
	for _, name := range []string{"a/x/1", "a/y/2", "a/z", "a-b/3", "b/4", "c"} {
		write(t, "", top, name)
	}
	must(t, os.Symlink("a", top+"/link"))
	must(t, os.Symlink("nowhere", top+"/dangling"))
	tests := []struct {
		name  string
		roots []string
		opts  FilesOptions
		want  []string
	}{
		{"one", []string{"/a"}, FilesOptions{}, []string{"a/", "a/x/", "a/x/1", "a/y/", "a/y/2", "a/z"}},
		{"in order of keys", []string{"/b", "/a", "/a-b"}, FilesOptions{},
			[]string{"a-b/", "a-b/3", "a/", "a/x/", "a/x/1", "a/y/", "a/y/2", "a/z", "b/", "b/4"}},
		{"one in the other", []string{"/a/x", "/a", "/a/x/1"}, FilesOptions{}, []string{"a/", "a/x/", "a/x/1", "a/y/", "a/y/2", "a/z"}},
		{"neighbours", []string{"/a/y", "/a/x"}, FilesOptions{}, []string{"a/", "a/x/", "a/x/1", "a/y/", "a/y/2"}},
		{"twice, not clean", []string{"/a//x/../x", "/a/x/."}, FilesOptions{}, []string{"a/", "a/x/", "a/x/1"}},
		{"files", []string{"/c", "/a/z"}, FilesOptions{}, []string{"a/", "a/z", "c"}},
		{"a link", []string{"/link", "/dangling"}, FilesOptions{}, []string{"dangling", "link"}},
		{"through a link", []string{"/link/z"}, FilesOptions{}, []string{"link/", "link/z"}},
		{"behind a link", []string{"/link/"}, FilesOptions{}, []string{"link/", "link/x/", "link/x/1", "link/y/", "link/y/2", "link/z"}},
		{"a link and through it", []string{"/link", "/link/z"}, FilesOptions{}, []string{"link/", "link/x/", "link/x/1", "link/y/", "link/y/2", "link/z"}},
		{"link within a root", []string{"", "/link/x"}, FilesOptions{Exclude: []string{"a*", "b"}},
			[]string{"c", "dangling", "link/", "link/x/", "link/x/1"}},
		{"in what is left out", []string{"", "/a/x"}, FilesOptions{Exclude: []string{"a", "b", "link"}},
			[]string{"a-b/", "a-b/3", "a/", "a/x/", "a/x/1", "c", "dangling"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var roots []string
			for _, r := range tt.roots {
				roots = append(roots, top+r)
			}
			same(t, below(top, collect(t, open(t, tt.opts, roots...))), tt.want)
		})
	}
}

func TestRootsRelative(t *testing.T) {
	top := t.TempDir()
	write(t, "", top, "a/b/c")
	t.Chdir(top + "/a")
	same(t, below(top, collect(t, open(t, FilesOptions{}, "b", "../a/b/c"))), []string{"a/", "a/b/", "a/b/c"})
	same(t, below(top, collect(t, open(t, FilesOptions{}, "."))), []string{"a/", "a/b/", "a/b/c"})
}

func TestRootsWrong(t *testing.T) {
	top := t.TempDir()
	write(t, "", top, "file")
	tests := []struct {
		root string
		want error
	}{
		{top + "/none", fs.ErrNotExist},
		{top + "/none/below", fs.ErrNotExist},
		{top + "/file/below", syscall.ENOTDIR},
		{top + "/file/", syscall.ENOTDIR},
	}
	for _, tt := range tests {
		_, err := NewFiles([]string{top, tt.root}, FilesOptions{})
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.root) {
			t.Errorf("%s: %v", tt.root, err)
		}
	}
	if _, err := NewFiles(nil, FilesOptions{}); err == nil {
		t.Error("no root at all")
	}
}

func TestRootLinkWarning(t *testing.T) {
	top := t.TempDir()
	must(t, os.Mkdir(top+"/d", 0o755))
	must(t, os.Symlink("d", top+"/link"))
	var warned []string
	warn := func(path, _ string) { warned = append(warned, path) }
	open(t, FilesOptions{Warn: warn}, top+"/link")
	open(t, FilesOptions{Warn: warn}, top+"/link/")
	same(t, warned, []string{top + "/link"})
}

// TestRootTop walks from the top of the file system, as far as the first few entries.
func TestRootTop(t *testing.T) {
	f := open(t, FilesOptions{Exclude: []string{"/*/*"}}, "/")
	items := collect(t, f)
	var got []string
	for _, item := range items {
		got = append(got, string(item.Key))
	}
	var want []string
	entries, err := os.ReadDir("/")
	must(t, err)
	for _, e := range entries {
		name := e.Name()
		if e.IsDir() {
			name += "/"
		}
		want = append(want, name)
	}
	slices.Sort(want)
	same(t, got, want)
}
