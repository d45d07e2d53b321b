//go:build linux || darwin

package main

import "golang.org/x/sys/unix"

// freeSpace returns the bytes free in a folder, if there is one.
func freeSpace(folder string) (int64, bool) {
	var s unix.Statfs_t
	if err := unix.Statfs(folder, &s); err != nil {
		return 0, false
	}
	return int64(s.Bavail) * int64(s.Bsize), true
}

// flushDisks writes out what earlier steps left to be written, so that the
// next one does not pay for it.
func flushDisks() { unix.Sync() }
