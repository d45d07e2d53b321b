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

func TestForeignTemporary(t *testing.T) {
	content := strings.Repeat("x", 3000)
	for name, prepare := range map[string]func(t *testing.T, path, outside string) error{
		"symlink":   func(_ *testing.T, path, outside string) error { return os.Symlink(outside+"/secret", path) },
		"hard link": func(_ *testing.T, path, outside string) error { return os.Link(outside+"/secret", path) },
		"private link": func(t *testing.T, path, outside string) error {
			put(t, filepath.Dir(outside), "target/g = old")
			return errors.Join(os.Chmod(filepath.Dir(path)+"/g", 0o600), os.Link(filepath.Dir(path)+"/g", path))
		},
		"readable": func(_ *testing.T, path, _ string) error { return os.WriteFile(path, []byte("old"), 0o644) },
		"pipe":     func(t *testing.T, path, _ string) error { return mkfifo(path) },
	} {
		for _, size := range []int{10, 3000} {
			t.Run(name, func(t *testing.T) {
				dir, outside := trap(t)
				x := file("f", content[:size])
				if err := prepare(t, filepath.Join(dir, temporaryName([]byte(x.key), &x.entry)), outside); err != nil {
					t.Fatal(err)
				}
				d, err := NewDisk(dir, DiskOptions{})
				if err != nil {
					t.Fatal(err)
				}
				defer d.Close()
				if size < 1000 {
					err = d.WriteFile([]byte("f"), &x.entry, []byte(x.content))
				} else {
					var f *File
					if f, err = d.Create([]byte("f"), &x.entry); err != nil {
						t.Fatal(err)
					}
					if f.Resumed() {
						t.Error("went on with somebody else's file")
					}
					_, err = f.WriteAt([]byte(x.content), 0)
					err = errors.Join(err, f.Commit())
				}
				if err != nil {
					t.Fatal(err)
				}
				wantUntouched(t, outside)
				want := []string{"f = " + x.content}
				if name == "private link" {
					want = append(want, "g = old")
				}
				wantTree(t, dir, want...)
			})
		}
	}
}

func TestHostileNumbers(t *testing.T) {
	dir := t.TempDir()
	x := file("f", "x")
	x.entry.MTimeNS = 1<<30 - 1 // "now" to the system
	x.entry.UID, x.entry.GID = 1<<32-1, 1<<40
	o := restoreItems(t, dir, DiskOptions{Owner: true}, x)
	if len(o.errs) > 0 || len(o.events) < 3 {
		t.Errorf("errors %v, events %q", o.errs, o.events)
	}
	d, err := NewDisk(dir, DiskOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	e := format.Entry{Type: format.TypeFile, Size: 1<<64 - 1}
	if _, err := d.Create([]byte("huge"), &e); !errors.Is(err, ErrSize) {
		t.Errorf("huge file: %v", err)
	}
	if err := d.WriteFile([]byte("g"), &x.entry, []byte("too long")); !errors.Is(err, ErrSize) {
		t.Errorf("content of the wrong length: %v", err)
	}
	f, err := d.Create([]byte("g"), &x.entry)
	if err != nil {
		t.Fatal(err)
	}
	for _, off := range []int64{-1, 1, 1<<63 - 1} {
		if _, err := f.WriteAt([]byte("y"), off); !errors.Is(err, ErrSize) {
			t.Errorf("WriteAt %d: %v", off, err)
		}
		if err := f.Hole(off, 1<<62); !errors.Is(err, ErrSize) {
			t.Errorf("Hole at %d: %v", off, err)
		}
	}
	if err := f.Abort(); err != nil {
		t.Error(err)
	}
	wantTree(t, dir, "f = x")
}

func TestLongNames(t *testing.T) {
	dir := t.TempDir()
	name := strings.Repeat("n", 200)
	var items []item
	key := ""
	for range 30 {
		key += name + "/"
		items = append(items, directory(key))
	}
	items = append(items, file(key+"deep", "down"), file(strings.Repeat("l", 256), "too long"), file(strings.Repeat("m", 255), "fits"))
	for _, walk := range []bool{false, true} {
		forceWalk(t, walk)
		o := restoreItems(t, dir, DiskOptions{Overwrite: OverwriteAlways}, items...)
		for key, err := range o.errs {
			if !strings.HasPrefix(key, "l") {
				t.Errorf("%.20q: %v", key, err)
			}
		}
		if len(o.errs) != 1 {
			t.Errorf("%d errors, want 1", len(o.errs))
		}
		d, err := NewDisk(dir, DiskOptions{})
		if err != nil {
			t.Fatal(err)
		}
		f, err := d.Open([]byte(key + "deep"))
		if err != nil {
			t.Fatal(err)
		}
		content := make([]byte, 10)
		if n, _ := f.Read(content); string(content[:n]) != "down" {
			t.Errorf("path of %d bytes holds %q", len(key), content[:n])
		}
		f.Close()
		d.Close()
	}
}
