//go:build unix

package source

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"firn/internal/format"
)

// A handle is an open directory, relative to which names are looked up, so that
// no path is ever too long and nobody can slip another directory in between.
type handle int

const (
	noHandle handle = -1
	// maxPath is a length in bytes below which every system takes a path.
	maxPath = 1024
	// rootPath is the directory all keys are relative to.
	rootPath = "/"
	// pathOffset is where an item's path begins in "/" + key.
	pathOffset = 0
)

// absolute returns the clean absolute path of a root and whether a symbolic
// link at its end is to be followed because "/" stands behind it.
func absolute(root string) (path string, follow bool, err error) {
	path, err = filepath.Abs(root)
	follow = strings.HasSuffix(root, "/") || strings.HasSuffix(root, "/.")
	return path, follow, err
}

// splitRoot returns the names on the way to a clean absolute path.
func splitRoot(path string) ([]string, error) {
	if path == rootPath {
		return nil, nil
	}
	return strings.Split(path[1:], "/"), nil
}

// paths makes paths from keys with "/" before each.
func paths(keys []byte) string { return string(keys) }

// again repeats what a signal broke off.
func again(do func() error) error {
	for {
		if err := do(); err != unix.EINTR {
			return err
		}
	}
}

// openAt opens name in at, or the path name when at is noHandle.
func openAt(at handle, name string, flags int) (int, error) {
	if at == noHandle {
		at = unix.AT_FDCWD
	}
	var fd int
	err := again(func() (err error) {
		fd, err = unix.Openat(int(at), name, flags|unix.O_CLOEXEC, 0)
		return err
	})
	return fd, err
}

// openSearch opens a directory for looking up names in it, which takes no right to list it.
func openSearch(at handle, name string, follow bool) (handle, error) {
	flags := openSearchFlags | unix.O_DIRECTORY
	if !follow {
		flags |= unix.O_NOFOLLOW
	}
	fd, err := openAt(at, name, flags)
	return handle(fd), err
}

// openList opens a directory of the given owner for listing.
func openList(at handle, name string, owner uint64, follow bool) (handle, error) {
	flags := unix.O_RDONLY | unix.O_DIRECTORY
	if !follow {
		flags |= unix.O_NOFOLLOW
	}
	fd, err := openQuiet(at, name, flags, owner)
	return handle(fd), err
}

// openQuiet opens without leaving a new access time behind, where that is allowed.
func openQuiet(at handle, name string, flags int, owner uint64) (int, error) {
	if user := unix.Geteuid(); quietFlag != 0 && (user == 0 || uint64(user) == owner) {
		fd, err := openAt(at, name, flags|quietFlag)
		if err != unix.EPERM {
			return fd, err
		}
	}
	return openAt(at, name, flags)
}

func (h handle) close() {
	unix.Close(int(h)) // it was only read: nothing can be lost
}

func (h handle) stat(s *stat) error { return fstat(int(h), s) }

func fstat(fd int, s *stat) error {
	var raw unix.Stat_t
	if err := again(func() error { return unix.Fstat(fd, &raw) }); err != nil {
		return err
	}
	s.set(&raw)
	return nil
}

// lstat reads the metadata of name, of what it points to with follow.
func (h handle) lstat(name string, follow bool, s *stat) error {
	flags := unix.AT_SYMLINK_NOFOLLOW
	if follow {
		flags = 0
	}
	var raw unix.Stat_t
	if err := again(func() error { return unix.Fstatat(int(h), name, &raw, flags) }); err != nil {
		return err
	}
	s.set(&raw)
	return nil
}

func (s *stat) set(raw *unix.Stat_t) {
	device := uint64(raw.Rdev)
	*s = stat{
		kind:      kindOf(uint32(raw.Mode)),
		mode:      uint32(raw.Mode) & 0o7777,
		uid:       uint64(raw.Uid),
		gid:       uint64(raw.Gid),
		size:      uint64(raw.Size),
		allocated: uint64(raw.Blocks) * 512, // POSIX leaves the unit open; it is 512 everywhere
		links:     uint64(raw.Nlink),
		rdev:      uint64(unix.Major(device))<<32 | uint64(unix.Minor(device)),
		identity:  identity{device: uint64(raw.Dev), inode: uint64(raw.Ino)},
		mtime:     int64(raw.Mtim.Sec),
		mtimeNS:   uint32(raw.Mtim.Nsec),
		ctime:     int64(raw.Ctim.Sec),
		ctimeNS:   uint32(raw.Ctim.Nsec),
	}
}

func kindOf(mode uint32) uint32 {
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		return format.TypeFile
	case unix.S_IFDIR:
		return format.TypeDirectory
	case unix.S_IFLNK:
		return format.TypeSymlink
	case unix.S_IFCHR:
		return format.TypeCharDevice
	case unix.S_IFBLK:
		return format.TypeBlockDev
	case unix.S_IFIFO:
		return format.TypePipe
	case unix.S_IFSOCK:
		return format.TypeSocket
	}
	return 0
}

// readlink returns where the symbolic link name points to; size is a guess of its length.
func (h handle) readlink(name string, size uint64) ([]byte, error) {
	for room := min(max(size+1, 64), maxKey); ; room *= 2 {
		target := make([]byte, room)
		var n int
		err := again(func() (err error) {
			n, err = unix.Readlinkat(int(h), name, target)
			return err
		})
		if err != nil {
			return nil, err
		}
		if uint64(n) < room {
			return bytes.Clone(target[:n]), nil
		}
		if room > maxKey {
			return nil, fmt.Errorf("read link: %w", ErrLong)
		}
	}
}

// An openFile is a regular file open for reading.
type openFile int

const noFile openFile = -1

// leasePatience is how long an open waits for another program to give up a lease on the file.
const leasePatience = 5 * time.Second

// openContent opens name in h for reading. It never waits for a writer of a
// pipe that has taken the file's place.
func openContent(h handle, name string, owner uint64) (openFile, error) {
	const flags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK
	fd, err := openQuiet(h, name, flags, owner)
	for pause := time.Millisecond; err == unix.EAGAIN && pause < leasePatience; pause *= 2 {
		time.Sleep(pause)
		fd, err = openQuiet(h, name, flags, owner)
	}
	if err == unix.ELOOP {
		return noFile, ErrChanged // a symbolic link has taken its place
	}
	return openFile(fd), err
}

// readAt reads at an offset; at the end of the file it returns io.EOF.
func (f openFile) readAt(p []byte, offset int64) (int, error) {
	var n int
	err := again(func() (err error) {
		n, err = unix.Pread(int(f), p, offset)
		return err
	})
	if err != nil {
		return 0, err
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

func (f openFile) stat(s *stat) error { return fstat(int(f), s) }

func (f openFile) close() error { return unix.Close(int(f)) }

// data returns where the next data begin at or after offset, and end, which is
// not beyond size; begin is size when only a hole is left.
func (f openFile) data(offset, size uint64) (begin, end uint64) {
	from, err := unix.Seek(int(f), int64(offset), unix.SEEK_DATA)
	if err == unix.ENXIO {
		return size, size
	}
	if err != nil {
		return offset, size // no such question here: all is data
	}
	to, err := unix.Seek(int(f), from, unix.SEEK_HOLE)
	if err != nil || to == from { // the latter where a hole was made in between
		to = int64(size)
	}
	return min(uint64(from), size), min(uint64(to), size)
}

// openLimit is how many idle directories may be kept open.
func openLimit() int {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return 64
	}
	return int(min(max(uint64(limit.Cur)/4, 8), 512))
}

// separator stands between the names of a path.
const separator = '/'

// joinName returns the path of a name in a directory.
func joinName(directory, name string) string {
	if directory == rootPath {
		return rootPath + name
	}
	return directory + "/" + name
}
