//go:build unix && !linux

package source

import (
	"os"

	"golang.org/x/sys/unix"
)

const (
	openSearchFlags = unix.O_SEARCH
	quietFlag       = 0
)

// list appends the names in the directory to dst, in no order; after an error
// those read before it. The handle must come from openList.
func (h handle) list(dst []listed) ([]listed, error) {
	fd, err := openAt(h, ".", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return dst, err
	}
	directory := os.NewFile(uintptr(fd), ".")
	defer directory.Close()
	names, err := directory.Readdirnames(-1)
	for _, name := range names {
		var s stat
		if h.lstat(name, false, &s) != nil {
			s.kind = 0
		}
		dst = append(dst, listed{name: name, kind: s.kind})
	}
	return dst, err
}

// pseudoTypes are the file systems that hold no data of their own.
var pseudoTypes = map[string]bool{
	"autofs": true, "devfs": true, "fdescfs": true, "linprocfs": true, "linsysfs": true, "procfs": true,
}

// pseudo names the pseudo file system mounted at name in h, "" when it is none.
func (h handle) pseudo(name, _ string) (string, error) {
	got, err := openSearch(h, name, false)
	if err != nil {
		return "", err
	}
	defer got.close()
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(got), &fs); err != nil {
		return "", err
	}
	kind := unix.ByteSliceToString(fs.Fstypename[:])
	if pseudoTypes[kind] {
		return kind, nil
	}
	return "", nil
}
