package target

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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

// A hard link to a file outside that lies in the target is not changed.
// fullDisk mounts a small file system.
// A file system without holes: all the same but for the space.
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
// TestOrdinaryUser runs this package's tests without privileges.
