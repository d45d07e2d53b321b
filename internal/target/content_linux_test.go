package target

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"firn/internal/format"
)

func TestHardLinks(t *testing.T) {
	member := func(key, content string) item {
		x := file(key, content)
		x.entry.Links, x.entry.Device, x.entry.Inode = 3, 5, 99
		return x
	}
	for mode := OverwriteAlways; mode <= OverwriteNever; mode++ {
		dir := t.TempDir()
		other := member("d/z", "changed")
		other.entry.MTime++
		items := []item{member("a", "same"), directory("d/"), member("d/b", "same"), member("d/c", "same"), other}
		opts := DiskOptions{Overwrite: mode}
		for range 2 { // the second time over what exists
			restoreItems(t, dir, opts, items...).fine(t)
			a := statOf(t, dir+"/a")
			if a.Nlink != 3 || a.Ino != statOf(t, dir+"/d/b").Ino || a.Ino != statOf(t, dir+"/d/c").Ino {
				t.Errorf("%v: group is not linked: %d links", mode, a.Nlink)
			}
			if statOf(t, dir+"/d/z").Ino == a.Ino {
				t.Errorf("%v: a file that differs was linked", mode)
			}
			wantTree(t, dir, "a = same", "d/", "d/b = same", "d/c = same", "d/z = changed")
		}
	}

	dir := t.TempDir()
	d, err := NewDisk(dir, DiskOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	items := []item{member("a", "same"), member("b", "same"), member("c", "same")}
	for i := range items {
		plan, err := d.Prepare([]byte(items[i].key), &items[i].entry)
		if err != nil || (plan.Action == Write) != (i == 0) {
			t.Fatalf("plan %+v, %v", plan, err)
		}
	}
	// The leader fails: a member that is asked for says so, and can lead.
	if err := d.MakeOther([]byte("b"), &items[1].entry); !errors.Is(err, ErrNoLeader) {
		t.Errorf("link without leader: %v", err)
	}
	if err := d.WriteFile([]byte("b"), &items[1].entry, []byte("same")); err != nil {
		t.Error(err)
	}
	if err := d.MakeOther([]byte("c"), &items[2].entry); err != nil {
		t.Error(err)
	}
	if statOf(t, dir+"/b").Ino != statOf(t, dir+"/c").Ino {
		t.Error("not linked to the new leader")
	}
}

func TestExistingHardLink(t *testing.T) {
	dir, outside := trap(t)
	if err := os.Link(outside+"/secret", dir+"/f"); err != nil {
		t.Fatal(err)
	}
	x := file("f", "keep")
	x.entry.Mode = 0o600
	s := statOf(t, outside+"/secret")
	sec, ns := s.Mtim.Unix()
	x.entry.MTime, x.entry.MTimeNS = sec, uint32(ns)
	restoreItems(t, dir, DiskOptions{Overwrite: OverwriteIfChanged}, x).fine(t)
	wantUntouched(t, outside)
	compareStat(t, dir, &x, false)
}

func TestSparse(t *testing.T) {
	const size = 8 << 20
	content := make([]byte, size)
	copy(content[5<<20:], "data")
	content[size-1] = 1
	for _, c := range []struct {
		sparse bool
		flags  uint32
		holes  bool
	}{{false, 0, false}, {true, 0, true}, {false, format.FlagSparse, true}} {
		for _, whole := range []bool{true, false} {
			dir := t.TempDir()
			x := item{"f", format.Entry{Type: format.TypeFile, Mode: 0o644, Size: size, Flags: c.flags}, string(content)}
			d, err := NewDisk(dir, DiskOptions{Sparse: c.sparse})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.Prepare([]byte("f"), &x.entry); err != nil {
				t.Fatal(err)
			}
			if whole {
				err = d.WriteFile([]byte("f"), &x.entry, content)
			} else {
				err = carryOut(d, Write, &x)
			}
			if err != nil {
				t.Fatal(err)
			}
			d.Close()
			got, err := os.ReadFile(dir + "/f")
			if err != nil || !bytes.Equal(got, content) {
				t.Errorf("%+v: content differs (%v)", c, err)
			}
			stored := statOf(t, dir+"/f").Blocks * 512
			if (stored < size/2) != c.holes {
				t.Errorf("%+v, whole %v: %d bytes stored of %d", c, whole, stored, size)
			}
		}
	}
}

func fullDisk(t *testing.T, size string) string {
	needRoot(t)
	dir := t.TempDir()
	if err := unix.Mount("firn-test", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skip("cannot mount:", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestFullDisk(t *testing.T) {
	dir := fullDisk(t, "1m")
	d, err := NewDisk(dir, DiskOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	small := file("a", strings.Repeat("x", 600<<10))
	if err := d.WriteFile([]byte("a"), &small.entry, []byte(small.content)); err != nil {
		t.Fatal(err)
	}
	if err := d.WriteFile([]byte("b"), &small.entry, []byte(small.content)); !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), `"b"`) {
		t.Errorf("WriteFile: %v", err)
	}
	big := format.Entry{Type: format.TypeFile, Size: 2 << 20}
	tooBig, err := d.Create([]byte("c"), &big)
	if err != nil {
		t.Fatal(err)
	}
	if err := tooBig.Reserve(); !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), `"c"`) {
		t.Errorf("Reserve: %v", err)
	}
	if err := tooBig.Abort(); err != nil {
		t.Fatal(err)
	}
	if err := tooBig.Reserve(); err != nil {
		t.Errorf("Reserve of a file that has ended: %v", err)
	}
	wantTree(t, dir, "a = "+small.content)

	// A sparse file finds out later, and its temporary stays or goes.
	big.Flags = format.FlagSparse
	for _, keep := range []bool{true, false} {
		f, err := d.Create([]byte("c"), &big)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(bytes.Repeat([]byte{1}, 1<<20), 0); !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), `"c"`) {
			t.Errorf("WriteAt: %v", err)
		}
		if keep {
			err = f.Suspend()
		} else {
			err = f.Abort()
		}
		if err != nil {
			t.Error(err)
		}
		if got := len(tree(t, dir)); (got == 2) != keep {
			t.Errorf("%d files after the end, keep %v", got, keep)
		}
	}
}

func TestWithoutHoles(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	if err := unix.Mount("firn-test", dir, "ramfs", 0, ""); err != nil {
		t.Skip("cannot mount:", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	testResume(t, func() string {
		dir, err := os.MkdirTemp(dir, "resume")
		if err != nil {
			t.Fatal(err)
		}
		return dir
	})
	put(t, dir, "zeros")
	testResumeSparseZeros(t, dir+"/zeros")
}

func TestConcurrent(t *testing.T) {
	d, err := NewDisk(t.TempDir(), DiskOptions{Owner: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.folders.limit = 4
	work := make(chan item)
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for x := range work {
				if err := carryOut(d, Write, &x); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range 300 {
		x := directory(fmt.Sprintf("%03d/", i/10))
		if i%10 > 0 {
			x = file(fmt.Sprintf("%03d/f%d", i/10, i), strings.Repeat("x", i*7))
		}
		x.entry.UID, x.entry.GID = uint64(os.Geteuid()), uint64(os.Getegid())
		if _, err := d.Prepare([]byte(x.key), &x.entry); err != nil {
			t.Error(err)
		} else if i%10 > 0 {
			work <- x
		}
	}
	close(work)
	workers.Wait()
	if err := d.Finish(t.Context()); err != nil {
		t.Error(err)
	}
	for i := range 300 {
		if i%10 == 0 {
			continue
		}
		f, err := d.Open(fmt.Appendf(nil, "%03d/f%d", i/10, i))
		if err != nil {
			t.Error(err)
			continue
		}
		if s, err := f.Stat(); err != nil || s.Size() != int64(i*7) {
			t.Errorf("%d: size %d, %v", i, s.Size(), err)
		}
		f.Close()
	}
}
