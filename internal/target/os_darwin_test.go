package target

import (
	"testing"

	"golang.org/x/sys/unix"
)

func mkfifo(path string) error { return unix.Mkfifo(path, 0o600) }

// forceWalk does nothing: there is no other way here.
func forceWalk(*testing.T, bool) {}
