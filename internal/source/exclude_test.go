//go:build linux

package source

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// left turns counts into text.
func left(f *Files) []string {
	var all []string
	for _, l := range f.LeftOut() {
		all = append(all, fmt.Sprintf("%s: %d", l.Reason, l.Count))
	}
	return all
}

func TestExclude(t *testing.T) {
	names := []string{
		"a.o", "dir/b.o", "dir/keep.o", "dir/sub/c.txt", "Photo.JPG", "build/x", "src/build/x", "cache/y", "z\xff.tmp",
	}
	tests := []struct {
		name string
		opts func(root string) FilesOptions
		out  []string // of naive's keys
		left []string
	}{
		{"nothing", func(string) FilesOptions { return FilesOptions{} }, nil, nil},
		{"names", func(string) FilesOptions { return FilesOptions{Exclude: []string{"*.o", "!keep.o", "*.tmp"}} },
			[]string{"a.o", "dir/b.o", "z\xff.tmp"}, []string{"excluded by pattern: 3"}},
		{"from the root of the walk", func(string) FilesOptions { return FilesOptions{Exclude: []string{"src/build"}} },
			[]string{"src/build/", "src/build/x"}, []string{"excluded by pattern: 1"}},
		{"from the top", func(root string) FilesOptions { return FilesOptions{Exclude: []string{root + "/build"}} },
			[]string{"build/", "build/x"}, []string{"excluded by pattern: 1"}},
		{"a slash is the top's", func(string) FilesOptions { return FilesOptions{Exclude: []string{"/build"}} }, nil, nil},
		{"any case", func(root string) FilesOptions {
			return FilesOptions{IExclude: []string{"*.jpg", strings.ToUpper(root) + "/CACHE"}}
		},
			[]string{"Photo.JPG", "cache/", "cache/y"}, []string{"excluded by pattern: 2"}},
		{"one case", func(string) FilesOptions { return FilesOptions{Exclude: []string{"*.jpg"}} }, nil, nil},
		{"the root itself", func(root string) FilesOptions { return FilesOptions{Exclude: []string{root}} }, nil, nil},
		{"from a file", func(root string) FilesOptions {
			path := root + ".patterns"
			if err := os.WriteFile(path, []byte("# no objects\n*.o\n\ndir/\n"), 0o600); err != nil {
				panic(err)
			}
			return FilesOptions{ExcludeFiles: []string{path}, Exclude: []string{"!a.o"}}
		}, []string{"dir/", "dir/b.o", "dir/keep.o", "dir/sub/", "dir/sub/c.txt"}, []string{"excluded by pattern: 1"}},
		{"own", func(root string) FilesOptions {
			return FilesOptions{LeaveOut: []string{root + "/cache", root + "/dir/b.o", root + "/later"}}
		},
			[]string{"cache/", "cache/y", "dir/b.o"}, []string{"Firn's own: 2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir() + "/root"
			for _, name := range names {
				write(t, "x", root, name)
			}
			var mu sync.Mutex
			reported := 0
			opts := tt.opts(root)
			opts.Report = func(string, Reason) {
				mu.Lock()
				defer mu.Unlock()
				reported++
			}
			f := open(t, opts, root)
			got := below(root, collect(t, f))
			want := slices.DeleteFunc(naive(t, root), func(k string) bool { return slices.Contains(tt.out, k) })
			same(t, got, want)
			same(t, left(f), tt.left)
			first := reported
			collect(t, f) // counts begin anew
			same(t, left(f), tt.left)
			if reported != 2*first {
				t.Errorf("%d reports, then %d", first, reported-first)
			}
		})
	}
}

func TestExcludeWrong(t *testing.T) {
	root := t.TempDir()
	bad := write(t, "fine\n[bad\n", root, "patterns")
	for _, opts := range []FilesOptions{
		{Exclude: []string{"[a"}}, {IExclude: []string{"a\\"}}, {ExcludeFiles: []string{root + "/none"}},
		{ExcludeFiles: []string{bad}}, {Preset: "unknown"},
	} {
		if _, err := NewFiles([]string{root}, opts); err == nil {
			t.Errorf("%+v is accepted", opts)
		} else {
			t.Log(err)
		}
	}
}

func TestIgnoreFiles(t *testing.T) {
	root := t.TempDir()
	write(t, "*.log\n/only-here\nsub/*.x\n!important.log\n[never\n", root, ".firnignore")
	write(t, "!debug.log\n*.y\n", root, "sub/.firnignore")
	for _, name := range []string{
		"a.log", "important.log", "only-here", "sub/only-here", "sub/debug.log", "sub/deep/debug.log", "sub/other.log",
		"sub/a.x", "sub/deep/a.x", "sub/a.y", "a.y",
	} {
		write(t, "", root, name)
	}
	var warned []string
	var mu sync.Mutex
	warn := func(path, message string) {
		mu.Lock()
		defer mu.Unlock()
		warned = append(warned, strings.TrimPrefix(path, root)+": "+message)
	}
	f := open(t, FilesOptions{Warn: warn}, root)
	same(t, below(root, collect(t, f)), []string{
		".firnignore", "a.y", "important.log", "sub/", "sub/.firnignore", "sub/debug.log",
		"sub/deep/", "sub/deep/a.x", "sub/deep/debug.log", "sub/only-here",
	})
	same(t, left(f), []string{"excluded by pattern: 5"})
	same(t, warned, []string{`/.firnignore: line 5: read pattern "[never": pattern can never match`})
	// Options are stronger.
	f = open(t, FilesOptions{Exclude: []string{"!a.log", "debug.log"}}, root)
	got := below(root, collect(t, f))
	if !slices.Contains(got, "a.log") || slices.Contains(got, "sub/debug.log") {
		t.Error(got)
	}
	f = open(t, FilesOptions{NoIgnoreFiles: true}, root)
	same(t, below(root, collect(t, f)), naive(t, root))
}

// TestIgnoreFileUnreadable checks that rules that cannot be read are told of.
func TestIgnoreFileUnreadable(t *testing.T) {
	root := t.TempDir()
	must(t, os.Mkdir(root+"/d", 0o755))
	must(t, os.Symlink("/etc/passwd", root+"/d/.firnignore"))
	write(t, "", root, "d/file")
	same(t, below(root, collect(t, open(t, FilesOptions{}, root))), []string{"!d/", "d/.firnignore", "d/file"})
}

func TestExcludeCaches(t *testing.T) {
	root := t.TempDir()
	write(t, cacheSignature+"\n# made by a test\n", root, "cache/CACHEDIR.TAG")
	write(t, "x", root, "cache/a/b")
	write(t, "x", root, "cache/c")
	write(t, "Signature: something else, long enough to be compared", root, "false/CACHEDIR.TAG")
	write(t, "x", root, "false/c")
	write(t, cacheSignature[:20], root, "short/CACHEDIR.TAG")
	must(t, os.MkdirAll(root+"/dir/CACHEDIR.TAG", 0o755))
	f := open(t, FilesOptions{ExcludeCaches: true}, root)
	want := slices.DeleteFunc(naive(t, root), func(k string) bool { return strings.HasPrefix(k, "cache/a") || k == "cache/c" })
	same(t, below(root, collect(t, f)), want)
	same(t, left(f), []string{"in a cache directory: 1"})
	same(t, below(root, collect(t, open(t, FilesOptions{}, root))), naive(t, root))
}

func TestExcludeLarger(t *testing.T) {
	root := t.TempDir()
	write(t, "12345", root, "five")
	write(t, "123456", root, "six")
	must(t, os.Symlink(strings.Repeat("x", 50), root+"/symlink"))
	f := open(t, FilesOptions{ExcludeLargerThan: 5}, root)
	same(t, below(root, collect(t, f)), []string{"five", "symlink"})
	same(t, left(f), []string{"larger than the limit: 1"})
}

func TestPreset(t *testing.T) {
	f := open(t, FilesOptions{Preset: "system", Exclude: []string{"!/var/cache/keep"}}, t.TempDir())
	for path, want := range map[string]bool{
		"var/cache/apt": true, "var/cache/keep": false, "var/cache": false, "swapfile": true, "home/u/swapfile": false,
		"var/lib/docker/overlay2/x": true, "var/lib/docker/volumes/x": false, "home/me/.cache/x": true,
		"var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots": true, "media/.Trash-1000": true,
	} {
		top := &dir{key: path[:strings.LastIndexByte(path, '/')+1], scope: &scope{rules: f.preset, reason: ByPreset}}
		top.root = &dir{}
		reason, out := f.judge(top, &listed{name: path[strings.LastIndexByte(path, '/')+1:], kind: kindOf(unix.S_IFDIR)})
		if out != want || out && reason != ByPreset {
			t.Errorf("%s: %v, %v", path, out, reason)
		}
	}
	if !slices.Contains(Presets(), "system") {
		t.Error(Presets())
	}
}

// mount mounts a file system or skips the test.
func mount(t *testing.T, kind, path string) {
	t.Helper()
	must(t, os.MkdirAll(path, 0o755))
	if err := unix.Mount(kind, path, kind, 0, ""); err != nil {
		t.Skipf("cannot mount %s: %v", kind, err)
	}
	t.Cleanup(func() { must(t, unix.Unmount(path, unix.MNT_DETACH)) })
}

func TestMounts(t *testing.T) {
	root := t.TempDir()
	mount(t, "proc", root+"/proc")
	mount(t, "tmpfs", root+"/tmpfs")
	write(t, "x", root, "tmpfs/file")
	write(t, "x", root, "tmpfs/bound")
	write(t, "x", root, "file")
	write(t, "", root, "bind")
	if err := unix.Mount(root+"/tmpfs/bound", root+"/bind", "", unix.MS_BIND, ""); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { must(t, unix.Unmount(root+"/bind", unix.MNT_DETACH)) })

	f := open(t, FilesOptions{}, root)
	same(t, below(root, collect(t, f)), []string{"bind", "file", "proc/", "tmpfs/", "tmpfs/bound", "tmpfs/file"})
	same(t, left(f), []string{"on a pseudo file system: 1"})

	f = open(t, FilesOptions{OneFileSystem: true}, root)
	same(t, below(root, collect(t, f)), []string{"file", "proc/", "tmpfs/"})
	same(t, left(f), []string{"on another file system: 3"})

	// What is named is kept.
	f = open(t, FilesOptions{OneFileSystem: true, Exclude: []string{"tmpfs"}}, root, root+"/tmpfs", root+"/proc/version")
	same(t, below(root, collect(t, f)), []string{"file", "proc/", "proc/version", "tmpfs/", "tmpfs/bound", "tmpfs/file"})

	f = open(t, FilesOptions{KeepPseudo: true}, root)
	if got := below(root, collect(t, f)); !slices.Contains(got, "proc/version") {
		t.Error("proc was left out")
	}
}

func TestPseudo(t *testing.T) {
	root, err := openSearch(noHandle, "/", true)
	must(t, err)
	defer root.close()
	for _, name := range []string{"proc", "sys", "dev"} {
		if _, err := os.Stat("/" + name); err != nil {
			continue
		}
		if exec.Command("mountpoint", "-q", "/"+name).Run() != nil {
			continue
		}
		if kind, err := root.pseudo(name, "/"+name); kind == "" || err != nil {
			t.Errorf("/%s: %q, %v", name, kind, err)
		}
	}
	if kind, err := root.pseudo("etc", "/etc"); kind != "" || err != nil {
		t.Errorf("/etc: %q, %v", kind, err)
	}
	if kind, _ := root.pseudo("dev", "/home"); kind != "" {
		t.Errorf("tmpfs elsewhere is %q", kind)
	}
}

func TestLiveDatabases(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{
		"pg/PG_VERSION", "pg/postmaster.pid", "stopped/PG_VERSION", "mysql/ibdata1", "mongo/WiredTiger", "mongo/mongod.lock",
		"ldap/data.mdb", "ldap/lock.mdb", "search/node.lock", "search/_state/x", "plain/data",
	} {
		write(t, "", root, name)
	}
	var warned []string
	var mu sync.Mutex
	f := open(t, FilesOptions{Warn: func(path, message string) {
		mu.Lock()
		defer mu.Unlock()
		warned = append(warned, strings.TrimPrefix(path, root))
	}}, root)
	collect(t, f)
	slices.Sort(warned)
	same(t, warned, []string{"/ldap", "/mongo", "/mysql", "/pg", "/search"})
}
