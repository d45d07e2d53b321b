//go:build linux || darwin || freebsd

package bases

import "golang.org/x/sys/unix"

// spaceOf asks what the file system of a folder has.
func spaceOf(dir string) (space, bool) {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil {
		return space{}, false
	}
	unit := int64(s.Bsize)
	return space{free: int64(s.Bavail) * unit, total: int64(s.Blocks) * unit}, true
}
