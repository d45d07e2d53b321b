package target

import (
	"errors"
	"strings"

	"golang.org/x/sys/unix"
)

const systemFoldsCase = true

// openBelow opens a directory some levels below f, following no symbolic link.
func (f folder) openBelow(path string) (folder, error) { return f.walk(path) }

// Attributes with a meaning of their own; they exist on Linux only.
const (
	aclAccess  = "system.posix_acl_access"
	aclDefault = "system.posix_acl_default"
	capability = "security.capability"
)

func (f folder) hasDefaultACL() bool { return false }

func creationMask() (uint32, bool) { return 0, false }

// renameNew renames only if the new name is free.
func (f folder) renameNew(from, to string) error {
	return again(func() error { return unix.RenameatxNp(f.fd, from, f.fd, to, unix.RENAME_EXCL) })
}

// mknod cannot be done relative to a folder on this system.
func (f folder) mknod(string, uint32, uint64) error { return ErrUnsupported }

func (h handle) allocate(int64) error { return ErrUnsupported }

func (h handle) punch(int64, int64) error { return ErrUnsupported }

func chmodName(in folder, name string, mode uint32) error {
	return unix.Fchmodat(in.fd, name, mode, unix.AT_SYMLINK_NOFOLLOW)
}

// openLink opens a node that has no descriptor, links themselves.
func (n node) openLink(call func(fd int) error) error {
	if n.open {
		return again(func() error { return call(n.file.fd) })
	}
	fd, err := unix.Openat(n.in.fd, n.name, unix.O_RDONLY|unix.O_SYMLINK|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return again(func() error { return call(fd) })
}

func (n node) setTime(seconds, nanoseconds int64) error {
	if n.open && n.name == "" { // a folder
		when := []unix.Timeval{{Sec: seconds, Usec: int32(nanoseconds / 1000)}, {Sec: seconds, Usec: int32(nanoseconds / 1000)}}
		return unix.Futimes(n.file.fd, when)
	}
	when := []unix.Timespec{{Sec: seconds, Nsec: nanoseconds}, {Sec: seconds, Nsec: nanoseconds}}
	return unix.UtimesNanoAt(n.in.fd, n.name, when, unix.AT_SYMLINK_NOFOLLOW)
}

func (n node) setAttribute(name string, value []byte) error {
	return n.openLink(func(fd int) error { return unix.Fsetxattr(fd, name, value, 0) })
}

func (n node) removeAttribute(name string) error {
	return n.openLink(func(fd int) error { return unix.Fremovexattr(fd, name) })
}

func (n node) attributes() (names []string, err error) {
	err = n.openLink(func(fd int) error {
		size, err := unix.Flistxattr(fd, nil)
		if err != nil || size == 0 {
			return err
		}
		text := make([]byte, size)
		if size, err = unix.Flistxattr(fd, text); err != nil {
			return err
		}
		names = strings.Split(strings.TrimSuffix(string(text[:size]), "\x00"), "\x00")
		return nil
	})
	return names, err
}

func isNoAttribute(err error) bool { return errors.Is(err, unix.ENOATTR) }

func (f folder) syncAll() error { return unix.Sync() }
