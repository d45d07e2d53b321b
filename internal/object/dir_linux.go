package object

import (
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// renameExclusive renames a file if the new name is free, for file systems
// that have no hard links.
func renameExclusive(root *os.Root, from, to string) error {
	source, err := root.Open(path.Dir(from))
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := root.Open(path.Dir(to))
	if err != nil {
		return err
	}
	defer target.Close()
	err = unix.Renameat2(int(source.Fd()), path.Base(from), int(target.Fd()), path.Base(to), unix.RENAME_NOREPLACE)
	return os.NewSyscallError("renameat2", err)
}
