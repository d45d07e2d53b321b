package main

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// plantForSystem makes what Linux has besides: names that are not UTF-8,
// pipes, extended attributes where the file system takes them.
func plantForSystem(folder string) error {
	at := func(name string) string { return filepath.Join(folder, name) }
	if err := os.WriteFile(at("not UTF-8: \xff\xfe"), []byte("odd"), 0o644); err != nil {
		return err
	}
	if err := unix.Mkfifo(at("pipe"), 0o620); err != nil {
		return err
	}
	for _, link := range []string{"link", "dangling link"} {
		stamp, err := unix.TimeToTimespec(planted)
		if err != nil {
			return err
		}
		if err := unix.UtimesNanoAt(unix.AT_FDCWD, at(link), []unix.Timespec{stamp, stamp}, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return err
		}
	}
	err := unix.Setxattr(at("program"), "user.origin", []byte("planted for the demonstration"), 0)
	if errors.Is(err, unix.ENOTSUP) {
		return nil
	}
	return err
}
