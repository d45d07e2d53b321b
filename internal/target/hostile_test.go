//go:build linux || darwin

package target

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firn/internal/format"
)

// trap makes a target beside a folder that must stay as it is.
func trap(t *testing.T) (dir, outside string) {
	base := t.TempDir()
	dir, outside = filepath.Join(base, "target"), filepath.Join(base, "outside")
	put(t, base, "target", "outside", "outside/secret = keep", "outside/sub", "outside/sub/f = keep")
	return dir, outside
}

func wantUntouched(t *testing.T, outside string) {
	t.Helper()
	wantTree(t, outside, "secret = keep", "sub/", "sub/f = keep")
	entries, err := os.ReadDir(filepath.Dir(outside))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "outside" && e.Name() != "target" {
			t.Errorf("%s appeared beside the target", e.Name())
		}
	}
	s, err := os.Stat(outside + "/secret")
	if err != nil || s.Mode() != 0o644 {
		t.Errorf("secret: mode %v, %v", s.Mode(), err)
	}
}

func TestHostileKeys(t *testing.T) {
	keys := []string{
		"", ".", "..", "../x", "a/../x", "a/../../x", "./x", "a/.", "a/..", "a//b", "/x", "/etc/passwd", "//x",
		"a\x00b", "a/\x00", "../outside/secret", "a/./b", "..\x00", "x/", strings.Repeat("a/", 5000) + "f",
		strings.Repeat("a", maxKey+1),
	}
	for _, key := range keys {
		for _, e := range []format.Entry{
			file("", "x").entry, symlink("", "t").entry, {Type: format.TypePipe}, {Type: format.TypeS3Object, Size: 1},
		} {
			dir, outside := trap(t)
			d, err := NewDisk(dir, DiskOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.Prepare([]byte(key), &e); !errors.Is(err, ErrKey) {
				t.Errorf("Prepare %.40q type %d: %v", key, e.Type, err)
			}
			if err := d.WriteFile([]byte(key), &e, []byte("x")); err == nil {
				t.Errorf("WriteFile %.40q type %d succeeded", key, e.Type)
			}
			if _, err := d.Create([]byte(key), &e); err == nil {
				t.Errorf("Create %.40q type %d succeeded", key, e.Type)
			}
			if err := d.MakeOther([]byte(key), &e); err == nil {
				t.Errorf("MakeOther %.40q type %d succeeded", key, e.Type)
			}
			if err := d.Keep([]byte(key), &e); err == nil {
				t.Errorf("Keep %.40q type %d succeeded", key, e.Type)
			}
			if _, err := d.Open([]byte(key)); err == nil {
				t.Errorf("Open %.40q succeeded", key)
			}
			d.Close()
			wantTree(t, dir)
			wantUntouched(t, outside)
		}
	}
	for _, key := range []string{"a", "../", "./", "/", "a//", "a/../", "\x00/", "//"} {
		e := directory("").entry
		if _, err := kindOf([]byte(key), &e); !errors.Is(err, ErrKey) {
			t.Errorf("directory %q: %v", key, err)
		}
	}
	for _, key := range []string{"...", "..a", "a..", ".a", " ", "-", "a\nb", "\\", "C:"} {
		if err := checkKey([]byte(key), false); err != nil {
			t.Errorf("%q is refused: %v", key, err)
		}
	}
}

// A tree whose entries lie below a link of its own, in each order of calls.
func TestHostileLinkThenBelow(t *testing.T) {
	for _, target := range []string{"../outside", "OUTSIDE", ".", "..", "/"} {
		dir, outside := trap(t)
		if target == "OUTSIDE" {
			target = outside
		}
		link, below, dirBelow := symlink("a", target), file("a/secret", "evil"), directory("a/sub/")
		belowThat := file("a/sub/f", "evil")

		restoreItems(t, dir, DiskOptions{}, link, below, dirBelow, belowThat)
		wantUntouched(t, outside)

		dir, outside = trap(t)
		d, err := NewDisk(dir, DiskOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Prepare([]byte(link.key), &link.entry); err != nil {
			t.Fatal(err)
		}
		if err := d.MakeOther([]byte(link.key), &link.entry); err != nil {
			t.Fatal(err)
		}
		// Not prepared: the link is there and must not be followed.
		for _, x := range []item{below, belowThat} {
			if err := d.WriteFile([]byte(x.key), &x.entry, []byte(x.content)); err == nil {
				t.Errorf("wrote %s through a link", x.key)
			}
			if f, err := d.Create([]byte(x.key), &x.entry); err == nil {
				f.Abort()
				t.Errorf("created %s through a link", x.key)
			}
			if _, err := d.Open([]byte(x.key)); err == nil {
				t.Errorf("opened %s through a link", x.key)
			}
		}
		// Prepared: a directory takes the link's place.
		for _, x := range []item{below, dirBelow, belowThat} {
			plan, err := d.Prepare([]byte(x.key), &x.entry)
			if err != nil {
				t.Errorf("%s: %v", x.key, err)
			}
			if plan.Action == Write {
				if err := d.WriteFile([]byte(x.key), &x.entry, []byte(x.content)); err != nil {
					t.Errorf("%s: %v", x.key, err)
				}
			}
		}
		d.Close()
		wantUntouched(t, outside)
		wantTree(t, dir, "a/", "a/secret = evil", "a/sub/", "a/sub/f = evil")
	}
}

// Links that are in the target beforehand, for each overwrite mode.
func TestExistingLinks(t *testing.T) {
	for mode := OverwriteAlways; mode <= OverwriteNever; mode++ {
		for _, walk := range []bool{false, true} {
			t.Run(mode.String(), func(t *testing.T) {
				forceWalk(t, walk)
				dir, outside := trap(t)
				put(t, dir, "d -> ../outside", "f -> ../outside/secret", "x", "x/y -> ../../outside/sub")
				items := []item{
					directory("d/"), file("d/secret", "evil"), directory("d/sub/"), file("d/sub/f", "evil"),
					file("f", "evil"), directory("x/"), file("x/y/f", "evil"), file("x/y/z/f", "evil"),
				}
				for i := range items {
					items[i].entry.MTime = 5e9 // newer than anything
				}
				restoreItems(t, dir, DiskOptions{Overwrite: mode, Owner: os.Geteuid() == 0, Xattrs: true}, items...)
				wantUntouched(t, outside)
				switch mode {
				case OverwriteNever:
					wantTree(t, dir, "d -> ../outside", "f -> ../outside/secret", "x/", "x/y -> ../../outside/sub")
				case OverwriteIfNewer: // a directory without entry has no time: what is there is kept
					wantTree(t, dir, "d/", "d/secret = evil", "d/sub/", "d/sub/f = evil", "f = evil", "x/",
						"x/y -> ../../outside/sub")
				default:
					wantTree(t, dir, "d/", "d/secret = evil", "d/sub/", "d/sub/f = evil", "f = evil", "x/",
						"x/y/", "x/y/f = evil", "x/y/z/", "x/y/z/f = evil")
				}
			})
		}
	}
}

// What takes a directory's place while the restore runs is noticed.
func TestExchangedDirectory(t *testing.T) {
	dir, outside := trap(t)
	d, err := NewDisk(dir, DiskOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.folders.limit = 1 // forget descriptors at once
	for _, x := range []item{directory("a/"), directory("b/")} {
		if _, err := d.Prepare([]byte(x.key), &x.entry); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Rename(dir+"/a", dir+"/a.old"); err != nil {
		t.Fatal(err)
	}
	x := file("a/secret", "evil")
	put(t, dir, "a -> "+outside)
	if err := d.WriteFile([]byte(x.key), &x.entry, []byte(x.content)); !isNotFolder(err) {
		t.Errorf("link in place of a directory: %v", err)
	}
	if err := os.Remove(dir + "/a"); err != nil {
		t.Fatal(err)
	}
	put(t, dir, "a")
	if err := d.WriteFile([]byte(x.key), &x.entry, []byte(x.content)); !errors.Is(err, ErrMoved) {
		t.Errorf("other directory in place of a directory: %v", err)
	}
	wantUntouched(t, outside)
}

// Reading back does not follow links either, not even those that stay inside.
func TestOpenFollowsNothing(t *testing.T) {
	dir, _ := trap(t)
	put(t, dir, "d", "d/real", "d/real/f = x", "d/real/sub", "d/real/sub/f = y", "d/link -> real", "f -> d/real/f", "out -> ../outside/secret")
	if err := mkfifo(dir + "/pipe"); err != nil {
		t.Fatal(err)
	}
	for _, walk := range []bool{false, true} {
		forceWalk(t, walk)
		d, err := NewDisk(dir, DiskOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		for _, key := range []string{"d/link/f", "d/link/sub/f", "f", "out", "pipe", "d", "d/real/f/g", "absent"} {
			if f, err := d.Open([]byte(key)); err == nil {
				f.Close()
				t.Errorf("opened %s", key)
			}
		}
		f, err := d.Open([]byte("d/real/f"))
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
}

// A temporary that was exchanged while it was closed is not written to.
func TestExchangedTemporary(t *testing.T) {
	dir, outside := trap(t)
	d, err := NewDisk(dir, DiskOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.files.limit = 1
	var files []*File
	for _, key := range []string{"a", "b"} {
		x := file(key, "12345678")
		if _, err := d.Prepare([]byte(key), &x.entry); err != nil {
			t.Fatal(err)
		}
		f, err := d.Create([]byte(key), &x.entry)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	temporary := filepath.Join(dir, files[0].temporary)
	for _, exchange := range []func() error{
		func() error { return os.Link(outside+"/secret", temporary) },
		func() error { return os.Symlink(outside+"/secret", temporary) },
	} {
		if err := errors.Join(os.Remove(temporary), exchange()); err != nil {
			t.Fatal(err)
		}
		if _, err := files[0].WriteAt([]byte("evil"), 0); err == nil {
			t.Error("wrote to an exchanged temporary")
		}
	}
	wantUntouched(t, outside)
}

func TestCollisions(t *testing.T) {
	dir := t.TempDir()
	o := restoreItems(t, dir, DiskOptions{}, file("a", "file"), file("a-", "1"), file("a.", "2"), directory("a/"), file("a/b", "3"),
		symlink("s", "/"), file("s/t", "4"))
	for _, key := range []string{"a", "s"} {
		if !errors.Is(o.errs[key], ErrCollision) {
			t.Errorf("%s: %v", key, o.errs[key])
		}
	}
	wantTree(t, dir, "a/", "a/b = 3", "a- = 1", "a. = 2", "s/", "s/t = 4")

	// The file is restored before the directory is met: that is told.
	dir = t.TempDir()
	o = &outcome{}
	d, err := NewDisk(dir, DiskOptions{Report: o.report})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, x := range []item{file("a", "file"), file("a-", "1"), file("a/b", "3")} {
		if _, err := d.Prepare([]byte(x.key), &x.entry); err != nil {
			t.Fatal(err)
		}
		if err := d.WriteFile([]byte(x.key), &x.entry, []byte(x.content)); err != nil {
			t.Fatal(err)
		}
	}
	wantTree(t, dir, "a/", "a/b = 3", "a- = 1")
	if len(o.events) != 1 || !strings.HasPrefix(o.events[0], "a: replace by directory") {
		t.Errorf("events %q", o.events)
	}
}

func TestOrder(t *testing.T) {
	d, err := NewDisk(t.TempDir(), DiskOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	e := file("", "").entry
	for _, step := range []struct {
		key string
		err error
	}{{"b", nil}, {"a", ErrOrder}, {"b", ErrOrder}, {"c", nil}} {
		if _, err := d.Prepare([]byte(step.key), &e); !errors.Is(err, step.err) {
			t.Errorf("%s: %v, want %v", step.key, err, step.err)
		}
	}
}

// A temporary prepared by somebody else is not written to.
