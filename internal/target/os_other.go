//go:build !linux && !darwin

package target

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"time"

	"firn/internal/format"
)

// On these systems the standard library's os.Root keeps paths inside the
// target. Owners, attributes, devices, pipes and holes are not restored.

const caseFolds = true

const (
	aclAccess  = "system.posix_acl_access"
	aclDefault = "system.posix_acl_default"
	capability = "security.capability"
)

// checkSystemName refuses what has a meaning beyond a name on such a system.
func checkSystemName(name []byte) error {
	for _, c := range name {
		if c < ' ' || strings.IndexByte(`\:*?"<>|`, c) >= 0 {
			return errors.New("character that this system does not allow in names")
		}
	}
	if last := name[len(name)-1]; last == '.' || last == ' ' {
		return errors.New("name with a dot or blank at its end")
	}
	return nil
}

var errNotFolder = errors.New("not a directory")

func isFull(error) bool          { return false }
func isNotFolder(err error) bool { return errors.Is(err, errNotFolder) }
func isUnsupported(err error) bool {
	return errors.Is(err, ErrUnsupported) || errors.Is(err, errors.ErrUnsupported)
}
func isNoAttribute(error) bool     { return false }
func isPrivileged() bool           { return true }
func isOwn(*status) bool           { return true }
func creationMask() (uint32, bool) { return 0, false }

func isOccupied(err error) bool { return err != nil && !errors.Is(err, fs.ErrNotExist) }

// folder is an open directory.
type folder struct{ root *os.Root }

func openRoot(path string) (folder, error) {
	root, err := os.OpenRoot(path)
	return folder{root}, err
}

func (f folder) openStep(name string) (folder, error) {
	s, err := f.root.Lstat(name)
	if err != nil {
		return folder{}, err
	}
	if !s.IsDir() {
		return folder{}, errNotFolder
	}
	below, err := f.root.OpenRoot(name)
	return folder{below}, err
}

func (f folder) openBelow(path string) (folder, error) { return f.walk(path) }

func (f folder) close() { _ = f.root.Close() } // nothing was written through it

func (f folder) self() (status, error) { return f.stat(".") }

func (f folder) stat(name string) (status, error) {
	s, err := f.root.Lstat(name)
	if err != nil {
		return status{}, err
	}
	return statusOf(s), nil
}

func statusOf(s fs.FileInfo) status {
	r := status{
		kind: format.TypeFile, mode: uint32(s.Mode().Perm()), uid: -1, gid: -1, links: 1,
		size: s.Size(), seconds: s.ModTime().Unix(), nanoseconds: int64(s.ModTime().Nanosecond()),
	}
	switch {
	case s.IsDir():
		r.kind = format.TypeDirectory
	case s.Mode()&fs.ModeSymlink != 0:
		r.kind = format.TypeSymlink
	case !s.Mode().IsRegular():
		r.kind = format.TypeSocket // anything that no entry is equal to
	}
	return r
}

func (f folder) mkdir(name string, mode uint32) error { return f.root.Mkdir(name, fs.FileMode(mode)) }

func (f folder) create(name string, mode uint32) (handle, error) {
	return f.openFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode|0o200)
}

func (f folder) reopen(name string) (handle, error) { return f.openFile(name, os.O_RDWR, 0) }

func (f folder) read(name string) (handle, error) { return f.openFile(name, os.O_RDONLY, 0) }

func (f folder) openFile(name string, flags int, mode uint32) (handle, error) {
	if s, err := f.root.Lstat(name); err == nil && !s.Mode().IsRegular() && flags&os.O_EXCL == 0 {
		return handle{}, ErrUnsupported
	}
	file, err := f.root.OpenFile(name, flags, fs.FileMode(mode))
	return handle{file}, err
}

func (f folder) rename(from, to string) error { return f.root.Rename(from, to) }

func (f folder) renameNew(string, string) error { return ErrUnsupported }

// link works within one folder only.
func (f folder) link(from folder, name, to string) error {
	if from != f {
		return ErrUnsupported
	}
	return f.root.Link(name, to)
}

func (f folder) symlink(target []byte, name string) error {
	return f.root.Symlink(string(target), name)
}

func (f folder) readlink(name string, _ int) ([]byte, error) {
	target, err := f.root.Readlink(name)
	return []byte(target), err
}

func (f folder) unlink(name string) error { return f.root.Remove(name) }
func (f folder) rmdir(name string) error  { return f.root.Remove(name) }

func (f folder) names() ([]string, error) {
	list, err := f.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer list.Close()
	return list.Readdirnames(-1)
}

func (f folder) hasDefaultACL() bool                { return false }
func (f folder) mknod(string, uint32, uint64) error { return ErrUnsupported }
func (f folder) syncAll() error                     { return ErrUnsupported }
func (f folder) node() node                         { return node{in: f, name: "."} }

// handle is an open file.
type handle struct{ file *os.File }

func (h handle) close() error { return h.file.Close() }

func (h handle) self() (status, error) {
	s, err := h.file.Stat()
	if err != nil {
		return status{}, err
	}
	return statusOf(s), nil
}

func (h handle) write(p []byte) error {
	_, err := h.file.Write(p)
	return err
}

func (h handle) writeAt(p []byte, off int64) error {
	_, err := h.file.WriteAt(p, off)
	return err
}

func (h handle) readAt(p []byte, off int64) (int, error) { return h.file.ReadAt(p, off) }
func (h handle) truncate(size int64) error               { return h.file.Truncate(size) }
func (h handle) allocate(int64) error                    { return ErrUnsupported }
func (h handle) punch(int64, int64) error                { return ErrUnsupported }
func (h handle) osFile(string) *os.File                  { return h.file }

// node is something in a folder whose metadata are set.
type node struct {
	in   folder
	name string
	file handle
	open bool // file is set
}

func (n node) chown(int, int) error { return ErrUnsupported }

func (n node) chmod(mode uint32) error { return n.in.root.Chmod(n.name, fs.FileMode(mode&permissions)) }

// setTime leaves links alone: the system call would follow them.
func (n node) setTime(seconds, nanoseconds int64) error {
	if s, err := n.in.root.Lstat(n.name); err != nil || s.Mode()&fs.ModeSymlink != 0 {
		return err
	}
	when := time.Unix(seconds, nanoseconds)
	return n.in.root.Chtimes(n.name, when, when)
}

func (n node) setAttribute(string, []byte) error { return ErrUnsupported }
func (n node) removeAttribute(string) error      { return ErrUnsupported }
func (n node) attributes() ([]string, error)     { return nil, ErrUnsupported }
