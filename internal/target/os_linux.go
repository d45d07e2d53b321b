package target

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"firn/internal/format"
)

const systemFoldsCase = false

// maxPath is how much of a path one system call takes, with room for NUL.
const maxPath = unix.PathMax - 1

// noOpenat2 is set when the kernel (before 5.6) or a sandbox lacks openat2.
var noOpenat2 atomic.Bool

// openBelow opens a directory some levels below f, following no symbolic link
// and never leaving f.
func (f folder) openBelow(path string) (folder, error) {
	at := f
	for {
		part, rest := path, ""
		if len(path) > maxPath {
			cut := strings.LastIndexByte(path[:maxPath], '/')
			if cut < 0 {
				return folder{}, unix.ENAMETOOLONG
			}
			part, rest = path[:cut], path[cut+1:]
		}
		next, err := at.openPart(part)
		if at != f {
			at.close()
		}
		if err != nil || rest == "" {
			return next, err
		}
		at, path = next, rest
	}
}

func (f folder) openPart(path string) (folder, error) {
	if strings.IndexByte(path, '/') < 0 {
		return f.openStep(path)
	}
	if noOpenat2.Load() {
		return f.walk(path)
	}
	how := unix.OpenHow{Flags: folderFlags | unix.O_NOFOLLOW, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS}
	below := folder{}
	err := again(func() (err error) {
		below.fd, err = unix.Openat2(f.fd, path, &how)
		return err
	})
	switch err {
	case unix.ENOSYS, unix.EPERM: // EPERM: how sandboxes deny it
		noOpenat2.Store(true)
		return f.walk(path)
	case unix.EAGAIN: // a rename came in between
		return f.walk(path)
	}
	return below, err
}

// Attributes with a meaning of their own.
const (
	aclAccess  = "system.posix_acl_access"
	aclDefault = "system.posix_acl_default"
	capability = "security.capability"
)

// hasDefaultACL says whether new items in the folder inherit an ACL.
func (f folder) hasDefaultACL() bool {
	n, err := unix.Fgetxattr(f.fd, aclDefault, nil)
	return err == nil && n > 0
}

// creationMask returns the process's umask, which the system tells without
// changing it only here.
func creationMask() (uint32, bool) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, false
	}
	_, after, found := bytes.Cut(text, []byte("\nUmask:"))
	line, _, _ := bytes.Cut(after, []byte("\n"))
	mask, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 8, 32)
	return uint32(mask), found && err == nil
}

// renameNew renames only if the new name is free.
func (f folder) renameNew(from, to string) error {
	return again(func() error { return unix.Renameat2(f.fd, from, f.fd, to, unix.RENAME_NOREPLACE) })
}

func (f folder) mknod(name string, kind uint32, rdev uint64) error {
	mode := uint32(unix.S_IFIFO)
	switch kind {
	case format.TypeCharDevice:
		mode = unix.S_IFCHR
	case format.TypeBlockDev:
		mode = unix.S_IFBLK
	}
	device := unix.Mkdev(uint32(rdev>>32), uint32(rdev))
	return again(func() error { return unix.Mknodat(f.fd, name, mode|0o600, int(device)) })
}

// allocate reserves space for the file, so that it lies in one piece and a
// full disk shows at once.
func (h handle) allocate(size int64) error {
	return again(func() error { return unix.Fallocate(h.fd, 0, 0, size) })
}

// punch makes a part of the file a hole.
func (h handle) punch(off, n int64) error {
	return again(func() error {
		return unix.Fallocate(h.fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, off, n)
	})
}

// chmodName changes the mode of something that is not a link: with
// fchmodat2 (Linux 6.6), before that through a descriptor that is only a path.
func chmodName(in folder, name string, mode uint32) error {
	err := unix.Fchmodat(in.fd, name, mode, unix.AT_SYMLINK_NOFOLLOW)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return chmodPath(in, name, mode)
	}
	return err
}

func chmodPath(in folder, name string, mode uint32) error {
	fd, err := unix.Openat(in.fd, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if s, err := (folder{fd}).self(); err != nil || s.kind == format.TypeSymlink {
		return errors.Join(err, ErrUnsupported)
	}
	return unix.Chmod(procPath(fd, ""), mode)
}

// procPath names something in the folder fd for calls that take paths only.
// A link that is the path's last name is not followed by calls that begin
// with l.
func procPath(fd int, name string) string {
	if name == "" {
		return fmt.Sprintf("/proc/self/fd/%d", fd)
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", fd, name)
}

func (n node) setTime(seconds, nanoseconds int64) error {
	mtime, err := unix.TimeToTimespec(time.Unix(seconds, nanoseconds))
	if err != nil {
		return err
	}
	times := [2]unix.Timespec{{Nsec: unix.UTIME_OMIT}, mtime}
	if !n.open {
		return again(func() error {
			return unix.UtimesNanoAt(n.in.fd, n.name, times[:], unix.AT_SYMLINK_NOFOLLOW)
		})
	}
	// futimens(3): utimensat with no path. The wrapper cannot leave it out.
	_, _, errno := unix.Syscall6(unix.SYS_UTIMENSAT, uintptr(n.file.fd), 0, uintptr(unsafe.Pointer(&times)), 0, 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}

func (n node) setAttribute(name string, value []byte) error {
	return again(func() error {
		if n.open {
			return unix.Fsetxattr(n.file.fd, name, value, 0)
		}
		return unix.Lsetxattr(procPath(n.in.fd, n.name), name, value, 0)
	})
}

func (n node) removeAttribute(name string) error {
	return again(func() error {
		if n.open {
			return unix.Fremovexattr(n.file.fd, name)
		}
		return unix.Lremovexattr(procPath(n.in.fd, n.name), name)
	})
}

// attributes lists the names of the extended attributes.
func (n node) attributes() ([]string, error) {
	list := func(p []byte) (int, error) {
		if n.open {
			return unix.Flistxattr(n.file.fd, p)
		}
		return unix.Llistxattr(procPath(n.in.fd, n.name), p)
	}
	for {
		size, err := list(nil)
		if err != nil || size == 0 {
			return nil, err
		}
		text := make([]byte, size)
		size, err = list(text)
		if err == unix.ERANGE { // grew in the meantime
			continue
		}
		if err != nil {
			return nil, err
		}
		return strings.Split(strings.TrimSuffix(string(text[:size]), "\x00"), "\x00"), nil
	}
}

func isNoAttribute(err error) bool { return errors.Is(err, unix.ENODATA) }

// syncAll brings everything of the folder's file system to stable storage.
func (f folder) syncAll() error { return again(func() error { return unix.Syncfs(f.fd) }) }
