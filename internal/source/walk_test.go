//go:build linux

package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"weak"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"firn/internal/format"
)

func TestWalkOrder(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"a/x", "a/y", "a-b", "a.b", "a0", "a b/z", "ab/c", "b", "\xff\xfe", "ä/ö", "new\nline", "a!/q"} {
		write(t, "", root, name)
	}
	must(t, os.Mkdir(root+"/empty", 0o700))
	items := collect(t, open(t, FilesOptions{}, root))
	same(t, below(root, items), []string{
		"a b/", "a b/z", "a!/", "a!/q", "a-b", "a.b", "a/", "a/x", "a/y", "a0", "ab/", "ab/c", "b", "empty/",
		"new\nline", "ä/", "ä/ö", "\xff\xfe",
	})
	var above []string
	for _, item := range items {
		if strings.HasPrefix(root+"/", item.Path+"/") {
			above = append(above, string(item.Key))
		}
	}
	var want []string
	for i := 1; i < len(root); i++ {
		if root[i] == '/' {
			want = append(want, root[1:i+1])
		}
	}
	same(t, above, append(want, root[1:]+"/"))
}

func TestWalkProperty(t *testing.T) {
	// Names that would lead out of the folder are left out.
	name := rapid.StringMatching(`[ab.\-0]{1,2}|[a-c!\xf0]{1,3}`).Filter(func(s string) bool { return s != "." && s != ".." })
	rapid.Check(t, func(r *rapid.T) {
		root, err := os.MkdirTemp("", "walk")
		must(t, err)
		defer os.RemoveAll(root)
		for range rapid.IntRange(0, 40).Draw(r, "entries") {
			path := root + "/" + strings.Join(rapid.SliceOfN(name, 1, 5).Draw(r, "path"), "/")
			if rapid.Bool().Draw(r, "directory") {
				_ = os.MkdirAll(path, 0o755) // in the way of a file: fine
				continue
			}
			_ = os.MkdirAll(filepath.Dir(path), 0o755)
			_ = os.WriteFile(path, nil, 0o644)
		}
		f := open(t, FilesOptions{Parallel: rapid.IntRange(1, 4).Draw(r, "parallel")}, root)
		same(t, below(root, collect(t, f)), naive(t, root))
	})
}

func TestWalkLarge(t *testing.T) {
	root := t.TempDir()
	const files = 20_000
	for i := range files {
		must(t, os.WriteFile(fmt.Sprintf("%s/%x-%d", root, i*2654435761%files, i), nil, 0o644))
		if i%500 == 0 {
			write(t, "", root, fmt.Sprintf("%x.d/%d/x", i, i))
		}
	}
	f := open(t, FilesOptions{}, root)
	same(t, below(root, collect(t, f)), naive(t, root))

	// What was handed out is not kept, however large the directory.
	var early weak.Pointer[Item]
	n := 0
	for item, err := range f.Walk(context.Background()) {
		must(t, err)
		switch n++; n {
		case 1000:
			early = weak.Make(item)
		case files / 2:
			runtime.GC()
			if early.Value() != nil {
				t.Error("an early item is still in memory")
			}
		}
	}
}

// TestWalkDeep goes to where paths are longer than the system takes, and no
// more directories fit into the handles kept.
func TestWalkDeep(t *testing.T) {
	root := t.TempDir()
	const depth = 300
	name := strings.Repeat("d", 20)
	at, err := unix.Open(root, unix.O_DIRECTORY, 0)
	must(t, err)
	for range depth {
		must(t, unix.Mkdirat(at, name, 0o755))
		fd, err := unix.Openat(at, "f", unix.O_CREAT|unix.O_WRONLY, 0o644)
		must(t, err)
		_, err = unix.Write(fd, []byte("deep"))
		must(t, err)
		unix.Close(fd)
		next, err := unix.Openat(at, name, unix.O_DIRECTORY, 0)
		must(t, err)
		unix.Close(at)
		at = next
	}
	unix.Close(at)
	f := open(t, FilesOptions{}, root)
	f.handles.limit = 5
	items := collect(t, f)
	if got := len(below(root, items)); got != 2*depth {
		t.Fatalf("%d entries", got)
	}
	buf := make([]byte, 10)
	for _, item := range items {
		if item.Err != nil {
			t.Fatalf("%d bytes deep: %v", len(item.Path), item.Err)
		}
		if item.Entry.Type != format.TypeFile {
			continue
		}
		if n, err := f.ReadSmall(item, buf); err != nil || string(buf[:n]) != "deep" {
			t.Fatalf("%d bytes deep: %q, %v", len(item.Path), buf[:n], err)
		}
	}
	// A root may lie that deep as well.
	deep := slices.MaxFunc(items, func(a, b *Item) int { return len(a.Path) - len(b.Path) }).Path
	must(t, f.Close())
	f = open(t, FilesOptions{}, deep)
	items = collect(t, f)
	if last := items[len(items)-1]; last.Path != deep || len(items) < depth {
		t.Errorf("%d items", len(items))
	}
}

func TestWalkBreak(t *testing.T) {
	root := t.TempDir()
	for i := range 3000 {
		write(t, "", root, fmt.Sprint(i%30), fmt.Sprint(i))
	}
	f := open(t, FilesOptions{}, root)
	n := 0
	for range f.Walk(context.Background()) {
		if n++; n == 100 {
			break
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	n = 0
	var last error
	for item, err := range f.Walk(ctx) {
		if n++; n == 100 {
			cancel()
		}
		if last = err; err != nil && item != nil {
			t.Error("item with an error of the walk")
		}
	}
	if n != 101 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d rounds, %v", n, last)
	}
}

func TestWalkVanish(t *testing.T) {
	root := t.TempDir()
	for i := range 60 {
		write(t, "", root, fmt.Sprintf("%02d/file", i))
	}
	f := open(t, FilesOptions{Parallel: 1}, root)
	var stop sync.WaitGroup
	stop.Go(func() {
		for i := range 60 {
			_ = os.RemoveAll(fmt.Sprintf("%s/%02d", root, 59-i))
		}
	})
	for item, err := range f.Walk(context.Background()) {
		must(t, err)
		if item.Err != nil && !errors.Is(item.Err, fs.ErrNotExist) {
			t.Errorf("%s: %v", item.Path, item.Err)
		}
	}
	stop.Wait()
}

// TestWalkGone takes things away at known moments.
func TestWalkGone(t *testing.T) {
	root := t.TempDir()
	write(t, "", root, "dir/a")
	write(t, "", root, "file")
	f := open(t, FilesOptions{}, root)
	must(t, os.RemoveAll(root))
	items := collect(t, f)
	last := items[len(items)-1]
	if last.Path != root || !errors.Is(last.Err, fs.ErrNotExist) {
		t.Errorf("%s: %v", last.Path, last.Err)
	}

	w := &walk{ctx: context.Background(), files: f}
	w.ready.L = &w.mu
	must(t, os.Mkdir(root, 0o755))
	d := &dir{path: root, name: filepath.Base(root), key: root[1:] + "/", whole: true}
	d.root = d
	at, err := openList(noHandle, root, 0, false)
	must(t, err)
	f.handles.adopt(d, at)
	p := &part{once: once{done: make(chan struct{})}, dir: d, names: []listed{
		{name: "gone", kind: format.TypeFile}, {name: "turned", kind: format.TypeDirectory},
	}}
	write(t, "", root, "turned")
	p.run(w)
	if len(p.items) != 2 || !errors.Is(p.items[0].Err, fs.ErrNotExist) || !errors.Is(p.items[1].Err, ErrChanged) {
		t.Errorf("%+v", p.items)
	}
	f.handles.release(d)
}

func TestHandleReplaced(t *testing.T) {
	root := t.TempDir()
	write(t, "old", root, "dir/file")
	f := open(t, FilesOptions{}, root)
	f.handles.limit = 0 // none stays open
	item := find(t, collect(t, f), root+"/dir/file")
	must(t, os.Rename(root+"/dir", root+"/moved"))
	write(t, "new", root, "dir/file")
	if _, err := f.Open(item); !errors.Is(err, ErrChanged) {
		t.Errorf("in another directory: %v", err)
	}
	must(t, os.RemoveAll(root+"/dir"))
	must(t, os.Symlink("moved", root+"/dir"))
	if c, err := f.Open(item); err == nil { // the same directory by another way
		must(t, c.Close())
	} else if !errors.Is(err, ErrChanged) {
		t.Error(err)
	}
}

func TestHandlesBounded(t *testing.T) {
	root := t.TempDir()
	for i := range 100 {
		write(t, "", root, fmt.Sprintf("%d/%d/f", i, i))
	}
	f := open(t, FilesOptions{}, root)
	f.handles.limit = 7
	items := collect(t, f)
	if f.handles.count > 7 {
		t.Errorf("%d idle handles", f.handles.count)
	}
	var users sync.WaitGroup
	for range 4 {
		users.Go(func() {
			for _, item := range items {
				if item.Entry.Type == format.TypeFile {
					if _, err := f.ReadSmall(item, nil); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	users.Wait()
	must(t, f.Close())
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	for _, fd := range fds {
		if target, _ := os.Readlink("/proc/self/fd/" + fd.Name()); strings.HasPrefix(target, root) {
			t.Errorf("%s is still open", target)
		}
	}
}

func TestCompareListed(t *testing.T) {
	name := rapid.StringMatching(`[a.0\-]{1,3}`)
	rapid.Check(t, func(r *rapid.T) {
		var names []listed
		var keys []string
		for _, n := range rapid.SliceOfDistinct(name, rapid.ID).Draw(r, "names") {
			l := listed{name: n, kind: format.TypeFile}
			key := n
			if rapid.Bool().Draw(r, "directory") {
				l.kind = format.TypeDirectory
				key += "/"
			}
			names, keys = append(names, l), append(keys, key)
		}
		slices.SortFunc(names, compareListed)
		slices.Sort(keys)
		for i, l := range names {
			if l.name != strings.TrimSuffix(keys[i], "/") {
				r.Fatalf("%v, %v", names, keys)
			}
		}
	})
}
