//go:build linux || darwin

package alike

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// inode identifies a file on this machine.
type inode struct{ device, number uint64 }

// owner is who owns an entry, and which device it stands for.
type owner struct {
	uid, gid uint32
	device   uint64
}

func ownership(info fs.FileInfo) owner {
	s := info.Sys().(*syscall.Stat_t)
	o := owner{uid: s.Uid, gid: s.Gid}
	if info.Mode()&fs.ModeDevice != 0 {
		o.device = uint64(s.Rdev)
	}
	return o
}

// inodeOf identifies a file; several reports whether it has more than one name.
func inodeOf(info fs.FileInfo) (id inode, several bool) {
	s := info.Sys().(*syscall.Stat_t)
	return inode{uint64(s.Dev), s.Ino}, s.Nlink > 1
}

// attributes returns the extended attributes of an entry, not of what it
// links to; none where the file system has none.
func attributes(name string) (map[string]string, error) {
	list, err := fill(func(p []byte) (int, error) { return unix.Llistxattr(name, p) })
	if errors.Is(err, unix.ENOTSUP) || err == nil && list == "" {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	set := map[string]string{}
	for key := range strings.SplitSeq(strings.TrimSuffix(list, "\x00"), "\x00") {
		if key == "security.selinux" {
			continue
		}
		if set[key], err = fill(func(p []byte) (int, error) { return unix.Lgetxattr(name, key, p) }); err != nil {
			return nil, err
		}
	}
	return set, nil
}

// fill calls get with buffers until one is large enough.
func fill(get func([]byte) (int, error)) (string, error) {
	for size := 1 << 10; ; size *= 8 {
		p := make([]byte, size)
		n, err := get(p)
		if errors.Is(err, unix.ERANGE) && size < 1<<24 {
			continue
		}
		if err != nil {
			return "", err
		}
		return string(p[:n]), nil
	}
}
