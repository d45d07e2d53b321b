package target

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"firn/internal/format"
)

func mkfifo(path string) error { return unix.Mkfifo(path, 0o600) }

// forceWalk makes folders be opened one name at a time, as before Linux 5.6.
func forceWalk(t *testing.T, force bool) {
	before := noOpenat2.Load()
	noOpenat2.Store(force)
	t.Cleanup(func() { noOpenat2.Store(before) })
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs privileges")
	}
}

func statOf(t *testing.T, path string) unix.Stat_t {
	t.Helper()
	var s unix.Stat_t
	if err := unix.Lstat(path, &s); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return s
}

// compareStat compares all metadata of a restored item.
func compareStat(t *testing.T, dir string, x *item, owner bool) {
	t.Helper()
	s := statOf(t, filepath.Join(dir, x.key))
	e := &x.entry
	wantType := map[uint32]uint32{
		format.TypeFile: unix.S_IFREG, format.TypeDirectory: unix.S_IFDIR, format.TypeSymlink: unix.S_IFLNK,
		format.TypeCharDevice: unix.S_IFCHR, format.TypeBlockDev: unix.S_IFBLK, format.TypePipe: unix.S_IFIFO,
	}[e.Type]
	if s.Mode&unix.S_IFMT != wantType {
		t.Errorf("%s: type %o, want %o", x.key, s.Mode&unix.S_IFMT, wantType)
	}
	if e.Type != format.TypeSymlink && s.Mode&0o7777 != e.Mode {
		t.Errorf("%s: mode %o, want %o", x.key, s.Mode&0o7777, e.Mode)
	}
	if sec, ns := s.Mtim.Unix(); sec != e.MTime || ns != int64(e.MTimeNS) {
		t.Errorf("%s: mtime %d.%09d, want %d.%09d", x.key, sec, ns, e.MTime, e.MTimeNS)
	}
	if owner && (uint64(s.Uid) != e.UID || uint64(s.Gid) != e.GID) {
		t.Errorf("%s: owner %d:%d, want %d:%d", x.key, s.Uid, s.Gid, e.UID, e.GID)
	}
	if e.Rdev != 0 && (uint64(unix.Major(uint64(s.Rdev))) != e.Rdev>>32 || unix.Minor(uint64(s.Rdev)) != uint32(e.Rdev)) {
		t.Errorf("%s: device %x, want %x", x.key, s.Rdev, e.Rdev)
	}
	for _, a := range e.Attributes {
		got := make([]byte, 1000)
		n, err := unix.Lgetxattr(filepath.Join(dir, x.key), string(a.Name), got)
		if err != nil || !bytes.Equal(got[:max(n, 0)], a.Value) {
			t.Errorf("%s: attribute %s is %q, %v; want %q", x.key, a.Name, got[:max(n, 0)], err, a.Value)
		}
	}
}

// acl is a POSIX ACL as the system keeps it: owner rwx, user 1234 r-x, group
// r-x, mask r-x, others none.
var acl = []byte("\x02\x00\x00\x00" +
	"\x01\x00\x07\x00\xff\xff\xff\xff" + "\x02\x00\x05\x00\xd2\x04\x00\x00" + "\x04\x00\x05\x00\xff\xff\xff\xff" +
	"\x10\x00\x05\x00\xff\xff\xff\xff" + "\x20\x00\x00\x00\xff\xff\xff\xff")

// netBind is the file capability cap_net_bind_service=ep.
var netBind = []byte("\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")

func attribute(name string, value []byte) format.Attribute {
	return format.Attribute{Name: []byte(name), Value: value}
}

// attributesWork skips what the test's file system cannot hold.
func attributesWork(t *testing.T, dir, name string, value []byte) bool {
	t.Helper()
	path := filepath.Join(dir, "probe")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(path)
	return unix.Setxattr(path, name, value, 0) == nil
}

func metadataItems(t *testing.T, dir string) []item {
	items := []item{
		directory("d/"), directory("d/sticky/"), directory("d/setgid/"), directory("d/closed/"), file("d/closed/f", "x"),
		file("d/plain", "1"), file("d/setuid", "2"), file("d/setgid-file", "3"), file("d/none", "4"), file("d/read", "5"),
		file("d/old", "6"), file("d/future", "7"), file("d/big", strings.Repeat("8", 5000)), symlink("d/link", "nowhere/at/all"),
		{key: "d/pipe", entry: format.Entry{Type: format.TypePipe, Mode: 0o641, MTime: 7}},
	}
	if os.Geteuid() == 0 {
		able := file("d/able", "capable")
		able.entry.Attributes = []format.Attribute{attribute(capability, netBind)}
		items = append(items, able,
			item{key: "d/null", entry: format.Entry{Type: format.TypeCharDevice, Mode: 0o666, Rdev: 1<<32 | 3, MTime: 8}},
			item{key: "d/loop", entry: format.Entry{Type: format.TypeBlockDev, Mode: 0o660, Rdev: 7<<32 | 300, MTime: 9}})
	}
	modes := map[string]uint32{
		"d/sticky/": 0o1777, "d/setgid/": 0o2775, "d/closed/": 0, "d/setuid": 0o4755, "d/setgid-file": 0o2755, "d/none": 0, "d/read": 0o444,
	}
	if os.Geteuid() != 0 {
		modes["d/closed/"], modes["d/none"] = 0o500, 0o400 // the test has to look into them
	}
	times := map[string]int64{"d/old": -1000000, "d/future": 1 << 33}
	for i := range items {
		e := &items[i].entry
		e.UID, e.GID = uint64(os.Geteuid()), uint64(os.Getegid())
		if os.Geteuid() == 0 {
			e.UID, e.GID = 1000+uint64(i), 2000+uint64(i)
		}
		if mode, ok := modes[items[i].key]; ok {
			e.Mode = mode
		}
		if when, ok := times[items[i].key]; ok {
			e.MTime = when
		}
		if attributesWork(t, dir, "user.firn", []byte("v")) && (e.Type == format.TypeFile || e.Type == format.TypeDirectory) {
			e.Attributes = append(e.Attributes, attribute("user.empty", nil), attribute("user.firn", []byte("v\x00"+items[i].key)))
		}
		if attributesWork(t, dir, aclAccess, acl) && (items[i].key == "d/plain" || items[i].key == "d/") {
			e.Attributes = append(e.Attributes, attribute(aclAccess, acl))
			e.Mode = 0o750
			if e.Type == format.TypeDirectory {
				e.Attributes = append(e.Attributes, attribute(aclDefault, acl))
			}
		}
	}
	return items
}

func TestMetadata(t *testing.T) {
	owner := os.Geteuid() == 0
	for mode := OverwriteAlways; mode <= OverwriteNever; mode++ {
		for _, umask := range []int{0, 0o022, 0o077} {
			t.Run(fmt.Sprintf("%v %03o", mode, umask), func(t *testing.T) {
				defer unix.Umask(unix.Umask(umask))
				base := t.TempDir()
				items := metadataItems(t, base)
				dir := filepath.Join(base, "new")
				t.Cleanup(func() { os.Chmod(dir+"/d/closed", 0o700) })
				opts := DiskOptions{Overwrite: mode, Owner: true, Xattrs: true, Sync: true}
				restoreItems(t, dir, opts, items...).fine(t)
				for i := range items {
					compareStat(t, dir, &items[i], owner)
				}
				if mode == OverwriteNever {
					return
				}
				// Once more over what exists, with everything different.
				for i := range items {
					e := &items[i].entry
					e.MTime, e.Mode = 1<<33+1, e.Mode^0o011
					e.Attributes = nil
					if owner {
						e.UID, e.GID = e.UID+1, e.GID+1
					}
				}
				if owner {
					restoreItems(t, dir, opts, items...).fine(t)
					for i := range items {
						compareStat(t, dir, &items[i], owner)
						wantNoAttributes(t, filepath.Join(dir, items[i].key))
					}
				}
			})
		}
	}
}

func wantNoAttributes(t *testing.T, path string) {
	t.Helper()
	list := make([]byte, 1000)
	n, err := unix.Llistxattr(path, list)
	if err == nil && n > 0 && !strings.HasPrefix(string(list[:n]), "security.") {
		t.Errorf("%s has attributes %q", path, list[:n])
	}
}

// What is kept gets its metadata without its content being touched.
func TestKeepMetadata(t *testing.T) {
	dir := t.TempDir()
	f, l := file("f", "x"), symlink("l", "f")
	restoreItems(t, dir, DiskOptions{Xattrs: true}, f, l).fine(t)
	if attributesWork(t, dir, "user.firn", []byte("v")) {
		if err := unix.Setxattr(dir+"/f", "user.stray", []byte("v"), 0); err != nil {
			t.Fatal(err)
		}
		f.entry.Attributes = []format.Attribute{attribute("user.firn", []byte("v"))}
	}
	before := statOf(t, dir+"/f")
	f.entry.Mode, l.entry.MTime = 0o640, 77
	o := restoreItems(t, dir, DiskOptions{Overwrite: OverwriteIfChanged, Xattrs: true}, f, l).fine(t)
	if o.plans["f"].Action != Keep || o.plans["l"].Action != Keep {
		t.Errorf("plans %+v", o.plans)
	}
	compareStat(t, dir, &f, false)
	compareStat(t, dir, &l, false)
	if statOf(t, dir+"/f").Ino != before.Ino {
		t.Error("the file was written again")
	}
	if n, err := unix.Lgetxattr(dir+"/f", "user.stray", nil); err == nil {
		t.Errorf("attribute the entry does not have is still there: %d bytes", n)
	}
}

// A default ACL of the target must not come to entries that have none.
func TestInheritedACL(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "t")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setxattr(dir, aclDefault, acl, 0); err != nil {
		t.Skip("no ACLs here:", err)
	}
	items := []item{directory("d/"), file("d/f", "x"), file("f", "y"), directory("d/e/"), file("d/e/f", "z"), file("d/e/big", strings.Repeat("z", 5000))}
	restoreItems(t, dir, DiskOptions{Xattrs: true}, items...).fine(t)
	for i := range items {
		compareStat(t, dir, &items[i], false)
		wantNoAttributes(t, filepath.Join(dir, items[i].key))
	}
}

func TestSetuidNeedsOwner(t *testing.T) {
	dir := t.TempDir()
	x, y := file("f", "x"), file("big", strings.Repeat("y", 5000))
	x.entry.Mode, y.entry.Mode = 0o6755, 0o4711
	x.entry.Attributes = []format.Attribute{attribute(capability, netBind)}
	o := restoreItems(t, dir, DiskOptions{Xattrs: true}, x, y)
	if len(o.events) != 3 || len(o.errs) > 0 {
		t.Errorf("events %q, errors %v", o.events, o.errs)
	}
	if mode := statOf(t, dir+"/f").Mode & 0o7777; mode != 0o755 {
		t.Errorf("mode %o", mode)
	}
	if mode := statOf(t, dir+"/big").Mode & 0o7777; mode != 0o711 {
		t.Errorf("mode %o", mode)
	}
	wantNoAttributes(t, dir+"/f")
	if _, err := unix.Lgetxattr(dir+"/f", capability, nil); err == nil {
		t.Error("file capability was restored")
	}
}

func TestOwnerByName(t *testing.T) {
	needRoot(t)
	d := &Disk{users: userNames(), groups: groupNames()}
	highest := uint32(1<<32 - 2)
	for _, c := range []struct {
		name    string
		number  uint64
		want    int
		numeric bool
	}{
		{"root", 4711, 0, false}, {"root", 4711, 4711, true}, {"no-such-user-here", 4711, 4711, false}, {"", 5, 5, false},
		{"no-such-user-here", 1<<32 - 1, -1, false}, {"", uint64(highest), int(highest), false}, {strings.Repeat("x", 5000), 7, 7, false},
	} {
		names := d.users
		if c.numeric {
			names = &numbersOnly
		}
		if got := d.owner(nil, "set owner", names, c.name, c.number); got != c.want {
			t.Errorf("%s (%d): %d, want %d", c.name, c.number, got, c.want)
		}
	}
	dir := t.TempDir()
	x := file("f", "x")
	x.entry.User, x.entry.Group, x.entry.UID, x.entry.GID = "root", "root", 4711, 4712
	restoreItems(t, dir, DiskOptions{Owner: true}, x).fine(t)
	if s := statOf(t, dir+"/f"); s.Uid != 0 || s.Gid != 0 {
		t.Errorf("by name: %d:%d", s.Uid, s.Gid)
	}
	restoreItems(t, dir, DiskOptions{Owner: true, NumericOwner: true}, x).fine(t)
	if s := statOf(t, dir+"/f"); s.Uid != 4711 || s.Gid != 4712 {
		t.Errorf("by number: %d:%d", s.Uid, s.Gid)
	}
}

var numbersOnly names

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

// A hard link to a file outside that lies in the target is not changed.
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

// fullDisk mounts a small file system.
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
	if _, err := d.Create([]byte("c"), &big); !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), `"c"`) {
		t.Errorf("Create: %v", err)
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

// A file system without holes: all the same but for the space.
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

// The ways of doing things on older systems.
func TestOlderSystems(t *testing.T) {
	dir, outside := trap(t)
	put(t, dir, "f = x", "g = y", "link -> ../outside/secret")
	f, err := openRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	for _, chmod := range []func(folder, string, uint32) error{chmodPath, chmodName} {
		if err := chmod(f, "f", 0o640); err != nil {
			t.Error(err)
		}
		if mode := statOf(t, dir+"/f").Mode & 0o7777; mode != 0o640 {
			t.Errorf("mode %o", mode)
		}
		if err := chmod(f, "link", 0o777); err == nil {
			t.Error("mode of a link was changed")
		}
	}
	wantUntouched(t, outside)
	if err := linkNew(f, "f", "g"); !errors.Is(err, os.ErrExist) {
		t.Errorf("linked over an existing file: %v", err)
	}
	if err := linkNew(f, "f", "h"); err != nil {
		t.Error(err)
	}
	wantTree(t, dir, "g = y", "h = x", "link -> ../outside/secret")
}

// Files are written while others are still being prepared.
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

func TestDeleteStaysOnFileSystem(t *testing.T) {
	mounted := fullDisk(t, "1m")
	put(t, mounted, "f = keep")
	dir := t.TempDir()
	put(t, dir, "extra", "extra/g = x", "extra/mount")
	if err := unix.Mount(mounted, dir+"/extra/mount", "", unix.MS_BIND, ""); err != nil {
		t.Skip("cannot mount:", err)
	}
	defer func() {
		if err := unix.Unmount(dir+"/extra/mount", 0); err != nil {
			t.Error(err)
		}
	}()
	o := restoreItems(t, dir, DiskOptions{DeleteExtra: true}, file("f", "1"))
	wantTree(t, dir, "extra/", "extra/mount/", "extra/mount/f = keep", "f = 1")
	if len(o.events) != 2 { // the mount kept, g deleted
		t.Errorf("events %q", o.events)
	}
}

// TestOrdinaryUser runs this package's tests without privileges.
func TestOrdinaryUser(t *testing.T) {
	needRoot(t)
	if os.Getenv("FIRN_TEST_USER") != "" {
		t.Skip("is that run")
	}
	dir, err := os.MkdirTemp("", "firn")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "test")
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, self, 0o755); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(context.Background(), program, "-test.run", "^Test")
	c.Dir, c.Env = dir, append(os.Environ(), "FIRN_TEST_USER=1", "TMPDIR="+dir, "HOME="+dir)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 54321, Gid: 54321}}
	out, err := c.CombinedOutput()
	if errors.Is(err, os.ErrPermission) {
		t.Skip("cannot run programs there:", err)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestOrdinaryUserReports(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("needs to be without privileges")
	}
	dir := t.TempDir()
	t.Cleanup(func() { os.Chmod(dir+"/closed", 0o700) })
	d := directory("closed/")
	d.entry.Mode = 0o500
	f := file("closed/f", "x")
	f.entry.UID, f.entry.Mode = 0, 0o4755
	d.entry.UID, d.entry.GID = uint64(os.Geteuid()), uint64(os.Getegid())
	for i := range 2 { // the second time into a directory without write permission
		f.entry.MTime += int64(i)
		o := restoreItems(t, dir, DiskOptions{Owner: true}, d, f)
		if len(o.errs) > 0 || len(o.events) != 2 {
			t.Errorf("errors %v, events %q", o.errs, o.events)
		}
	}
	if mode := statOf(t, dir+"/closed").Mode & 0o7777; mode != 0o500 {
		t.Errorf("mode %o", mode)
	}
	if mode := statOf(t, dir+"/closed/f").Mode & 0o7777; mode != 0o755 {
		t.Errorf("mode %o", mode)
	}
	// A directory that nobody may look into is finished after what is in it.
	t.Cleanup(func() { os.Chmod(dir+"/shut", 0o700) })
	shut := []item{directory("shut/")}
	shut[0].entry.Mode = 0
	for i := range maxFolders + 10 {
		shut = append(shut, directory(fmt.Sprintf("shut/%03d/", i)))
	}
	restoreItems(t, dir, DiskOptions{Sync: true}, shut...).fine(t)

	o := restoreItems(t, dir, DiskOptions{}, item{key: "dev", entry: format.Entry{Type: format.TypeCharDevice, Rdev: 1<<32 | 3}})
	if !errors.Is(o.errs["dev"], os.ErrPermission) {
		t.Errorf("device: %v", o.errs["dev"])
	}
}
