//go:build linux

package source

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"os/user"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"firn/internal/format"
)

func TestMetadata(t *testing.T) {
	root := t.TempDir()
	file := write(t, "content", root, "file")
	must(t, os.Chown(file, 12345678, 87654321))
	must(t, os.Chmod(file, 0o751|os.ModeSetuid))
	must(t, os.Chtimes(file, time.Time{}, time.Unix(-5, 123456789)))
	must(t, os.Symlink("some/where\xff", root+"/link"))
	must(t, unix.Lchown(root+"/link", 1, 2))
	when := []unix.Timespec{{Sec: 1, Nsec: 2}, {Sec: 1234567890, Nsec: 987654321}}
	must(t, unix.UtimesNanoAt(unix.AT_FDCWD, root+"/link", when, unix.AT_SYMLINK_NOFOLLOW))
	must(t, os.Symlink(strings.Repeat("x", 3000), root+"/long"))
	must(t, unix.Mkfifo(root+"/pipe", 0o640))
	must(t, os.Mkdir(root+"/sticky", 0o700))
	must(t, os.Chmod(root+"/sticky", 0o777|os.ModeSticky))
	socket, err := net.Listen("unix", root+"/socket")
	must(t, err)
	defer socket.Close()

	items := collect(t, open(t, FilesOptions{}, root))
	for _, item := range items {
		if item.Err != nil {
			t.Errorf("%s: %v", item.Path, item.Err)
		}
	}
	e := find(t, items, file).Entry
	var raw unix.Stat_t
	must(t, unix.Lstat(file, &raw))
	want := format.Entry{
		Type: format.TypeFile, Mode: 0o4751, UID: 12345678, GID: 87654321, MTime: -5, MTimeNS: 123456789,
		CTime: raw.Ctim.Sec, CTimeNS: uint32(raw.Ctim.Nsec), Inode: raw.Ino, Size: 7,
	}
	if got, want := e.Append(nil), want.Append(nil); !bytes.Equal(got, want) {
		t.Errorf("file: %+v", e)
	}
	e = find(t, items, root+"/link").Entry
	if e.Type != format.TypeSymlink || string(e.Target) != "some/where\xff" || e.UID != 1 || e.GID != 2 ||
		e.MTime != 1234567890 || e.MTimeNS != 987654321 || e.Size != 0 {
		t.Errorf("link: %+v", e)
	}
	if e := find(t, items, root+"/long").Entry; len(e.Target) != 3000 {
		t.Errorf("long link: %d bytes", len(e.Target))
	}
	if e := find(t, items, root+"/pipe").Entry; e.Type != format.TypePipe || e.Mode != 0o640 {
		t.Errorf("pipe: %+v", e)
	}
	if e := find(t, items, root+"/socket").Entry; e.Type != format.TypeSocket {
		t.Errorf("socket: %+v", e)
	}
	if e := find(t, items, root+"/sticky").Entry; e.Type != format.TypeDirectory || e.Mode != 0o1777 || e.Links != 0 || e.Size != 0 {
		t.Errorf("directory: %+v", e)
	}
	me, err := user.Current()
	must(t, err)
	if e := find(t, items, root).Entry; e.User != me.Username || e.Group == "" {
		t.Errorf("owner %q, group %q", e.User, e.Group)
	}
}

func TestDevices(t *testing.T) {
	root := t.TempDir()
	device := unix.Mkdev(300, 70000)
	if err := unix.Mknod(root+"/char", unix.S_IFCHR|0o600, int(device)); err != nil {
		t.Skip("cannot make devices:", err)
	}
	must(t, unix.Mknod(root+"/block", unix.S_IFBLK|0o660, int(unix.Mkdev(8, 1))))
	must(t, os.Chmod(root+"/block", 0o660))
	items := collect(t, open(t, FilesOptions{}, root))
	if e := find(t, items, root+"/char").Entry; e.Type != format.TypeCharDevice || e.Rdev != 300<<32|70000 {
		t.Errorf("%+v", e)
	}
	if e := find(t, items, root+"/block").Entry; e.Type != format.TypeBlockDev || e.Rdev != 8<<32|1 || e.Mode != 0o660 {
		t.Errorf("%+v", e)
	}
}

func TestHardLinks(t *testing.T) {
	root := t.TempDir()
	write(t, "x", root, "a/one")
	must(t, os.Mkdir(root+"/b", 0o755))
	must(t, os.Link(root+"/a/one", root+"/b/two"))
	write(t, "x", root, "single")
	items := collect(t, open(t, FilesOptions{}, root))
	one, two, single := find(t, items, root+"/a/one").Entry, find(t, items, root+"/b/two").Entry, find(t, items, root+"/single").Entry
	if one.Links != 2 || one.Inode != two.Inode || one.Device != two.Device || one.Device == 0 {
		t.Errorf("%+v, %+v", one, two)
	}
	if single.Links != 0 || single.Device != 0 || single.Inode == 0 {
		t.Errorf("%+v", single)
	}
}

// setAttribute sets an extended attribute or skips the test.
func setAttribute(t *testing.T, path, name string, value []byte) {
	t.Helper()
	err := unix.Lsetxattr(path, name, value, 0)
	if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.EPERM) {
		t.Skipf("cannot set %s here: %v", name, err)
	}
	must(t, err)
}

// acl encodes a POSIX ACL as linux/posix_acl_xattr.h has it: version 2, then
// tag, permissions and number of each entry.
func acl(entries ...[3]uint32) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range entries {
		b = binary.LittleEndian.AppendUint16(b, uint16(e[0]))
		b = binary.LittleEndian.AppendUint16(b, uint16(e[1]))
		b = binary.LittleEndian.AppendUint32(b, e[2])
	}
	return b
}

func TestAttributes(t *testing.T) {
	root := t.TempDir()
	file := write(t, "x", root, "file")
	must(t, os.Mkdir(root+"/dir", 0o755))
	must(t, os.Symlink("file", root+"/link"))
	const none = 1<<32 - 1
	access := acl([3]uint32{1, 6, none}, [3]uint32{2, 4, 1000}, [3]uint32{4, 4, none}, [3]uint32{16, 4, none}, [3]uint32{32, 4, none})
	large := bytes.Repeat([]byte("v"), 3500)
	setAttribute(t, file, "user.z", []byte("last"))
	setAttribute(t, file, "user.empty", nil)
	setAttribute(t, file, "user.large", large[:3000])
	setAttribute(t, file, "system.posix_acl_access", access)
	setAttribute(t, root+"/dir", "system.posix_acl_default", access)
	setAttribute(t, root+"/link", "trusted.link", []byte("of the link"))
	f := open(t, FilesOptions{}, root)
	check := func(t *testing.T) {
		items := collect(t, f)
		attributes := func(path string) map[string]string {
			item := find(t, items, root+path)
			must(t, item.Err)
			m := make(map[string]string)
			if !slices.IsSortedFunc(item.Entry.Attributes, func(a, b format.Attribute) int { return bytes.Compare(a.Name, b.Name) }) {
				t.Errorf("%s: not in order", path)
			}
			for _, a := range item.Entry.Attributes {
				if !strings.HasPrefix(string(a.Name), "security.") {
					m[string(a.Name)] = string(a.Value)
				}
			}
			return m
		}
		equal := func(path string, want map[string]string) {
			got := attributes(path)
			if len(got) != len(want) {
				t.Errorf("%s has %d attributes", path, len(got))
			}
			for name, value := range want {
				if got[name] != value {
					t.Errorf("%s: %s is %q", path, name, got[name])
				}
			}
		}
		equal("/file", map[string]string{
			"system.posix_acl_access": string(access), "user.empty": "", "user.large": string(large[:3000]), "user.z": "last",
		})
		equal("/dir", map[string]string{"system.posix_acl_default": string(access)})
		equal("/link", map[string]string{"trusted.link": "of the link"})
	}
	t.Run("as the system offers", check)
	atSyscalls, descriptors := hasAttributesAt, hasDescriptorPaths
	defer func() { hasAttributesAt, hasDescriptorPaths = atSyscalls, descriptors }()
	hasAttributesAt = func() bool { return false }
	t.Run("by descriptor", check)
	hasDescriptorPaths = func() bool { return false }
	t.Run("by path", check)
}

// TestAttributesGrow reads names and values larger than the buffer.
func TestAttributesGrow(t *testing.T) {
	file := write(t, "x", t.TempDir(), "file")
	value := bytes.Repeat([]byte("v"), 3000)
	setAttribute(t, file, "user.value", value)
	at, err := openSearch(noHandle, file[:strings.LastIndexByte(file, '/')], true)
	must(t, err)
	defer at.close()
	r := attributeReader{without: new(deviceSet), buf: make([]byte, 3)}
	got, err := r.read(&carrier{at: at, path: file, name: "file"}, new(stat))
	must(t, err)
	if i := slices.IndexFunc(got, func(a format.Attribute) bool { return string(a.Name) == "user.value" }); i < 0 || !bytes.Equal(got[i].Value, value) {
		t.Errorf("%d attributes", len(got))
	}
}

func TestAttributesUnsupported(t *testing.T) {
	r := attributeReader{without: new(deviceSet), buf: make([]byte, 64)}
	at, err := openSearch(noHandle, "/proc", true)
	if err != nil {
		t.Skip(err)
	}
	defer at.close()
	var s stat
	must(t, at.lstat("version", false, &s))
	if _, err := r.read(&carrier{at: at, path: "/proc/version", name: "version"}, &s); err != nil {
		t.Error(err)
	}
	r.without.add(s.identity.device)
	if got, err := r.read(&carrier{at: noHandle, name: "no such file"}, &s); got != nil || err != nil {
		t.Error("asked again") // it would have failed
	}
}
