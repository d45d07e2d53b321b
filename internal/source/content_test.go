//go:build linux

package source

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"firn/internal/format"
)

func TestOpen(t *testing.T) {
	root := t.TempDir()
	text := bytes.Repeat([]byte("0123456789"), 10_000)
	write(t, string(text), root, "file")
	write(t, "", root, "empty")
	f := open(t, FilesOptions{}, root)
	items := collect(t, f)

	c, err := f.Open(find(t, items, root+"/file"))
	must(t, err)
	length, hole, err := c.NextRun()
	if length != uint64(len(text)) || hole || err != nil {
		t.Errorf("%d, %v, %v", length, hole, err)
	}
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, text) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, _, err := c.NextRun(); err != io.EOF {
		t.Error(err)
	}
	if changed, err := c.Changed(); changed || err != nil {
		t.Error(changed, err)
	}
	must(t, c.Close())

	c, err = f.Open(find(t, items, root+"/empty"))
	must(t, err)
	if _, _, err := c.NextRun(); err != io.EOF {
		t.Error(err)
	}
	if _, err := c.Read(make([]byte, 1)); err != io.EOF {
		t.Error(err)
	}
	must(t, c.Close())
	if _, err := f.Open(find(t, items, root)); err == nil {
		t.Error("a directory was opened")
	}
}

func TestOpenKeepsAccessTime(t *testing.T) {
	root := t.TempDir()
	path := write(t, "text", root, "file")
	long := time.Unix(1e9, 0)
	must(t, os.Chtimes(path, long, long))
	f := open(t, FilesOptions{}, root)
	item := find(t, collect(t, f), path)
	if _, err := f.ReadSmall(item, make([]byte, 9)); err != nil {
		t.Fatal(err)
	}
	c, err := f.Open(item)
	must(t, err)
	_, _, err = c.NextRun()
	must(t, err)
	_, err = io.ReadAll(c)
	must(t, err)
	must(t, c.Close())
	var s unix.Stat_t
	must(t, unix.Stat(path, &s))
	if s.Atim.Sec != 1e9 {
		t.Errorf("access time %d", s.Atim.Sec)
	}
}

func TestOpenReplaced(t *testing.T) {
	replace := map[string]func(t *testing.T, path string){
		"by a file": func(t *testing.T, path string) {
			write(t, "other", path+".new")
			must(t, os.Rename(path+".new", path))
		},
		"by a link": func(t *testing.T, path string) {
			write(t, "other", path+".target")
			must(t, os.Remove(path))
			must(t, os.Symlink(path+".target", path))
		},
		"by a pipe": func(t *testing.T, path string) {
			must(t, os.Remove(path))
			must(t, unix.Mkfifo(path, 0o600))
		},
		"by a directory": func(t *testing.T, path string) {
			must(t, os.Remove(path))
			must(t, os.Mkdir(path, 0o700))
		},
	}
	for name, change := range replace {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			path := write(t, "first", root, "file")
			keeper, err := os.Open(path) // so that the inode is not used again
			must(t, err)
			defer keeper.Close()
			f := open(t, FilesOptions{}, root)
			item := find(t, collect(t, f), path)
			change(t, path)
			if _, err := f.Open(item); !errors.Is(err, ErrChanged) {
				t.Errorf("open: %v", err)
			}
			if _, err := f.ReadSmall(item, make([]byte, 100)); err == nil {
				t.Error("read")
			}
			must(t, os.RemoveAll(path))
			if _, err := f.Open(item); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("open what is gone: %v", err)
			}
			if _, err := f.ReadSmall(item, make([]byte, 100)); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("read what is gone: %v", err)
			}
		})
	}
}

// TestOpenWritten checks that the entry describes what is read.
func TestOpenWritten(t *testing.T) {
	root := t.TempDir()
	path := write(t, "first", root, "file")
	f := open(t, FilesOptions{}, root)
	item := find(t, collect(t, f), path)
	before := *item.Entry
	must(t, os.WriteFile(path, []byte("rather longer"), 0o644))
	if _, err := f.ReadSmall(item, make([]byte, 100)); !errors.Is(err, ErrChanged) {
		t.Errorf("read: %v", err)
	}
	c, err := f.Open(item)
	must(t, err)
	defer c.Close()
	if item.Entry.Size != 13 || Same(&before, item.Entry) {
		t.Errorf("%+v", item.Entry)
	}
	length, _, err := c.NextRun()
	if err != nil || length != 13 {
		t.Error(length, err)
	}
	appendTo(t, path, " and longer")
	got, err := io.ReadAll(c)
	if err != nil || string(got) != "rather longer" {
		t.Errorf("%q, %v", got, err)
	}
	if changed, err := c.Changed(); !changed || err != nil {
		t.Error(changed, err)
	}
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = file.WriteString(text)
	must(t, err)
	must(t, file.Close())
}

func TestReadShrunk(t *testing.T) {
	root := t.TempDir()
	path := write(t, "0123456789", root, "file")
	f := open(t, FilesOptions{}, root)
	c, err := f.Open(find(t, collect(t, f), path))
	must(t, err)
	defer c.Close()
	_, _, err = c.NextRun()
	must(t, err)
	must(t, os.Truncate(path, 4))
	got, err := io.ReadAll(c)
	if string(got) != "0123" || err != io.ErrUnexpectedEOF {
		t.Errorf("%q, %v", got, err)
	}
}

// TestChangedByLink checks that a new hard link is no false alarm.
func TestChangedByLink(t *testing.T) {
	root := t.TempDir()
	path := write(t, "0123456789", root, "file")
	f := open(t, FilesOptions{}, root)
	c, err := f.Open(find(t, collect(t, f), path))
	must(t, err)
	defer c.Close()
	must(t, os.Link(path, path+".2"))
	if changed, err := c.Changed(); changed || err != nil {
		t.Error(changed, err)
	}
}

func TestSparse(t *testing.T) {
	root := t.TempDir()
	const size = 10 << 20
	path := root + "/sparse"
	file, err := os.Create(path)
	must(t, err)
	want := make([]byte, size)
	for _, at := range []int64{1 << 20, 5 << 20} {
		copy(want[at:], "data in between")
		_, err = file.WriteAt(want[at:at+1<<16], at)
		must(t, err)
	}
	must(t, file.Truncate(size))
	must(t, file.Close())
	must(t, os.WriteFile(root+"/dense", want[:1<<20], 0o644))
	var raw unix.Stat_t
	must(t, unix.Stat(path, &raw))
	if raw.Blocks*512 >= size {
		t.Skip("no holes on this file system")
	}

	f := open(t, FilesOptions{}, root)
	items := collect(t, f)
	if find(t, items, root+"/dense").Entry.Flags&format.FlagSparse != 0 {
		t.Error("a dense file is called sparse")
	}
	item := find(t, items, path)
	if item.Entry.Flags&format.FlagSparse == 0 {
		t.Error("a sparse file is not")
	}
	c, err := f.Open(item)
	must(t, err)
	defer c.Close()
	var got []byte
	holes := 0
	for {
		length, hole, err := c.NextRun()
		if err == io.EOF {
			break
		}
		must(t, err)
		if length == 0 {
			t.Fatal("an empty run")
		}
		if !hole {
			data, err := io.ReadAll(c)
			if err != nil || uint64(len(data)) != length {
				t.Fatalf("%d of %d bytes, %v", len(data), length, err)
			}
			got = append(got, data...)
			continue
		}
		holes++
		if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
			t.Errorf("read in a hole: %d, %v", n, err)
		}
		got = append(got, make([]byte, length)...)
	}
	if !bytes.Equal(got, want) || holes != 3 {
		t.Errorf("%d bytes, %d holes", len(got), holes)
	}
}

// TestRunsSkipped checks that NextRun leaves out what was not read.
func TestRunsSkipped(t *testing.T) {
	root := t.TempDir()
	path := root + "/file"
	must(t, os.WriteFile(path, []byte("data"), 0o644))
	must(t, os.Truncate(path, 1<<20))
	f := open(t, FilesOptions{}, root)
	c, err := f.Open(find(t, collect(t, f), path))
	must(t, err)
	defer c.Close()
	var total uint64
	for {
		length, _, err := c.NextRun()
		if err == io.EOF {
			break
		}
		must(t, err)
		total += length
	}
	if total != 1<<20 {
		t.Errorf("%d bytes", total)
	}
}

func TestReadSmall(t *testing.T) {
	root := t.TempDir()
	write(t, "some text", root, "file")
	write(t, "", root, "empty")
	f := open(t, FilesOptions{}, root)
	items := collect(t, f)
	item := find(t, items, root+"/file")
	buf := make([]byte, 9)
	if n, err := f.ReadSmall(item, buf); err != nil || string(buf[:n]) != "some text" {
		t.Errorf("%q, %v", buf[:n], err)
	}
	if _, err := f.ReadSmall(item, buf[:8]); !errors.Is(err, ErrChanged) {
		t.Errorf("too small: %v", err)
	}
	if n, err := f.ReadSmall(find(t, items, root+"/empty"), nil); n != 0 || err != nil {
		t.Error(n, err)
	}
	if allocations := testing.AllocsPerRun(100, func() {
		if _, err := f.ReadSmall(item, buf); err != nil {
			t.Error(err)
		}
	}); allocations > 1 { // the name for the system call
		t.Errorf("%v allocations", allocations)
	}
	if _, err := f.ReadSmall(find(t, items, root), buf); err == nil {
		t.Error("a directory was read")
	}
	must(t, f.Close())
	if n, err := f.ReadSmall(item, buf); err != nil || n != 9 {
		t.Errorf("after close: %d, %v", n, err)
	}
}
