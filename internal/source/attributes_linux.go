package source

import (
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// xattrArgs is struct xattr_args of linux/xattr.h.
type xattrArgs struct {
	value uint64 // address
	size  uint32
	flags uint32
}

// hasAttributesAt tells whether listxattrat(2) and getxattrat(2) exist, which
// came with Linux 6.13. A sandbox may refuse them with any error.
var hasAttributesAt = sync.OnceValue(func() bool {
	_, err := listAttributesAt(unix.AT_FDCWD, ".", 0, nil)
	return err == nil || err == unix.ENOTSUP || err == unix.EACCES
})

// hasDescriptorPaths tells whether open files have paths in /proc.
var hasDescriptorPaths = sync.OnceValue(func() bool {
	return unix.Access("/proc/self/fd", unix.X_OK) == nil
})

// listAttributes writes the names of c's attributes to dst, a zero byte behind each.
func (c *carrier) listAttributes(dst []byte) (int, error) {
	var n int
	err := again(func() (err error) {
		switch {
		case hasAttributesAt():
			n, err = listAttributesAt(int(c.at), c.name, c.flags(), dst)
		case c.follow:
			n, err = unix.Listxattr(c.longPath(), dst)
		default:
			n, err = unix.Llistxattr(c.longPath(), dst)
		}
		return err
	})
	return n, attributeError(err)
}

// getAttribute writes the value of an attribute to dst.
func (c *carrier) getAttribute(attribute string, dst []byte) (int, error) {
	var n int
	err := again(func() (err error) {
		switch {
		case hasAttributesAt():
			n, err = getAttributeAt(int(c.at), c.name, c.flags(), attribute, dst)
		case c.follow:
			n, err = unix.Getxattr(c.longPath(), attribute, dst)
		default:
			n, err = unix.Lgetxattr(c.longPath(), attribute, dst)
		}
		return err
	})
	return n, attributeError(err)
}

func (c *carrier) flags() int {
	if c.follow {
		return 0
	}
	return unix.AT_SYMLINK_NOFOLLOW
}

// longPath is a path to the file that begins at the open directory, so that it
// is never too long; without /proc it is the plain one.
func (c *carrier) longPath() string {
	if !hasDescriptorPaths() {
		return c.path
	}
	return "/proc/self/fd/" + strconv.Itoa(int(c.at)) + "/" + c.name
}

func attributeError(err error) error {
	switch err {
	case unix.ENOTSUP:
		return errNoAttributes
	case unix.ENODATA:
		return errAttributeGone
	case unix.ERANGE:
		return errAttributeRoom
	}
	return err
}

func listAttributesAt(at int, name string, flags int, dst []byte) (int, error) {
	path, err := unix.BytePtrFromString(name)
	if err != nil {
		return 0, err
	}
	n, _, errno := unix.Syscall6(unix.SYS_LISTXATTRAT, uintptr(at), uintptr(unsafe.Pointer(path)), uintptr(flags),
		uintptr(unsafe.Pointer(unsafe.SliceData(dst))), uintptr(len(dst)), 0)
	return outcome(n, errno)
}

func getAttributeAt(at int, name string, flags int, attribute string, dst []byte) (int, error) {
	path, err := unix.BytePtrFromString(name)
	if err != nil {
		return 0, err
	}
	key, err := unix.BytePtrFromString(attribute)
	if err != nil {
		return 0, err
	}
	var pin runtime.Pinner // the address goes through a number
	defer pin.Unpin()
	pin.Pin(unsafe.SliceData(dst))
	args := &xattrArgs{value: uint64(uintptr(unsafe.Pointer(unsafe.SliceData(dst)))), size: uint32(len(dst))}
	n, _, errno := unix.Syscall6(unix.SYS_GETXATTRAT, uintptr(at), uintptr(unsafe.Pointer(path)), uintptr(flags),
		uintptr(unsafe.Pointer(key)), uintptr(unsafe.Pointer(args)), unsafe.Sizeof(*args))
	return outcome(n, errno)
}

func outcome(n uintptr, errno syscall.Errno) (int, error) {
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
