//go:build linux || darwin

package target

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"firn/internal/format"
)

func checkSystemName([]byte) error { return nil }

// caseFolds says that names which differ in case may be one.
const caseFolds = systemFoldsCase

func isFull(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT)
}

func isNotFolder(err error) bool {
	return errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP)
}

// isOccupied says that a rename met a directory.
func isOccupied(err error) bool {
	return errors.Is(err, unix.EISDIR) || errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, fs.ErrExist)
}

// isUnsupported says that this file system lacks an operation.
func isUnsupported(err error) bool {
	return errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENOSYS) ||
		errors.Is(err, unix.EINVAL) || errors.Is(err, ErrUnsupported)
}

// again repeats a call that a signal interrupted.
func again(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

// folder is an open directory. Every name given to it is a single checked name
// in it, never a path, and is never followed if it is a symbolic link.
type folder struct{ fd int }

const folderFlags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_CLOEXEC

// openRoot opens the target itself, whose path the user has named: links on
// it are followed.
func openRoot(path string) (folder, error) {
	fd, err := unix.Open(path, folderFlags, 0)
	if err != nil {
		return folder{}, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return folder{fd}, nil
}

// openStep opens one directory in the folder.
func (f folder) openStep(name string) (folder, error) {
	below := folder{}
	err := again(func() (err error) {
		below.fd, err = unix.Openat(f.fd, name, folderFlags|unix.O_NOFOLLOW, 0)
		return err
	})
	return below, err
}

func (f folder) close() { _ = unix.Close(f.fd) } // nothing was written through it

func (f folder) self() (status, error) {
	var s unix.Stat_t
	err := again(func() error { return unix.Fstat(f.fd, &s) })
	return statusOf(&s), err
}

func (f folder) stat(name string) (status, error) {
	var s unix.Stat_t
	err := again(func() error { return unix.Fstatat(f.fd, name, &s, unix.AT_SYMLINK_NOFOLLOW) })
	return statusOf(&s), err
}

func statusOf(s *unix.Stat_t) status {
	device := uint64(s.Rdev)
	seconds, nanoseconds := s.Mtim.Unix() // of the same width on all machines
	r := status{
		kind: format.TypeFile, mode: uint32(s.Mode) & 0o7777,
		uid: int(s.Uid), gid: int(s.Gid),
		device: uint64(s.Dev), inode: s.Ino, links: uint64(s.Nlink), size: s.Size,
		rdev:    uint64(unix.Major(device))<<32 | uint64(unix.Minor(device)),
		seconds: seconds, nanoseconds: nanoseconds,
	}
	switch s.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		r.kind = format.TypeDirectory
	case unix.S_IFLNK:
		r.kind = format.TypeSymlink
	case unix.S_IFCHR:
		r.kind = format.TypeCharDevice
	case unix.S_IFBLK:
		r.kind = format.TypeBlockDev
	case unix.S_IFIFO:
		r.kind = format.TypePipe
	case unix.S_IFSOCK:
		r.kind = format.TypeSocket
	}
	return r
}

func (f folder) mkdir(name string, mode uint32) error {
	return again(func() error { return unix.Mkdirat(f.fd, name, mode) })
}

// create makes a new file; the name must be free.
func (f folder) create(name string, mode uint32) (handle, error) {
	return f.openFile(name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL, mode)
}

// reopen opens an existing file for reading and writing.
func (f folder) reopen(name string) (handle, error) { return f.openFile(name, unix.O_RDWR, 0) }

// read opens an existing file for reading.
func (f folder) read(name string) (handle, error) { return f.openFile(name, unix.O_RDONLY, 0) }

func (f folder) openFile(name string, flags int, mode uint32) (handle, error) {
	h := handle{}
	err := again(func() (err error) {
		h.fd, err = unix.Openat(f.fd, name, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_NONBLOCK, mode)
		return err
	})
	return h, err
}

func (f folder) rename(from, to string) error {
	return again(func() error { return unix.Renameat(f.fd, from, f.fd, to) })
}

// link gives the thing called name in folder from a further name in f.
func (f folder) link(from folder, name, to string) error {
	return again(func() error { return unix.Linkat(from.fd, name, f.fd, to, 0) })
}

func (f folder) symlink(target []byte, name string) error {
	return again(func() error { return unix.Symlinkat(string(target), f.fd, name) })
}

func (f folder) readlink(name string, size int) ([]byte, error) {
	target := make([]byte, size+1)
	n := 0
	err := again(func() (err error) {
		n, err = unix.Readlinkat(f.fd, name, target)
		return err
	})
	return target[:max(n, 0)], err
}

func (f folder) unlink(name string) error {
	return again(func() error { return unix.Unlinkat(f.fd, name, 0) })
}

func (f folder) rmdir(name string) error {
	return again(func() error { return unix.Unlinkat(f.fd, name, unix.AT_REMOVEDIR) })
}

// names lists the folder.
func (f folder) names() ([]string, error) {
	h, err := f.openFile(".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	list := os.NewFile(uintptr(h.fd), "directory")
	defer list.Close()
	return list.Readdirnames(-1)
}

// handle is an open file.
type handle struct{ fd int }

func (h handle) close() error { return unix.Close(h.fd) }

func (h handle) self() (status, error) { return folder(h).self() }

func (h handle) write(p []byte) error {
	for len(p) > 0 {
		n, err := unix.Write(h.fd, p)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

func (h handle) writeAt(p []byte, off int64) error {
	for len(p) > 0 {
		n, err := unix.Pwrite(h.fd, p, off)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		p, off = p[n:], off+int64(n)
	}
	return nil
}

// readAt is an io.ReaderAt.
func (h handle) readAt(p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) {
		n, err := unix.Pread(h.fd, p[done:], off+int64(done))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return done, err
		}
		if n == 0 {
			return done, io.EOF
		}
		done += n
	}
	return done, nil
}

func (h handle) truncate(size int64) error {
	return again(func() error { return unix.Ftruncate(h.fd, size) })
}

// osFile hands the file over to the os package.
func (h handle) osFile(name string) *os.File { return os.NewFile(uintptr(h.fd), name) }

// node is something in a folder whose metadata are set: by descriptor where
// it is open, else by name without following links.
type node struct {
	in   folder
	name string
	file handle
	open bool // file is set
}

func (n node) chown(uid, gid int) error {
	return again(func() error {
		if n.open {
			return unix.Fchown(n.file.fd, uid, gid)
		}
		return unix.Fchownat(n.in.fd, n.name, uid, gid, unix.AT_SYMLINK_NOFOLLOW)
	})
}

func (n node) chmod(mode uint32) error {
	return again(func() error {
		if n.open {
			return unix.Fchmod(n.file.fd, mode)
		}
		return chmodName(n.in, n.name, mode)
	})
}

// self is the folder as something whose metadata are set.
func (f folder) node() node { return node{file: handle(f), open: true} }

var euid = os.Geteuid()

// isPrivileged says that permissions do not bind this process.
func isPrivileged() bool { return euid == 0 }

// isOwn says that something belongs to whom this process's files belong to.
func isOwn(s *status) bool { return s.uid == euid }
