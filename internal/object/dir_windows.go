package object

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

const openFlags = 0

// causes says which sentinel stands for what the system calls an error.
var causes = []struct{ cause, sentinel error }{
	{fs.ErrPermission, ErrAccess},
	{windows.ERROR_WRITE_PROTECT, ErrReadOnly},
	{windows.ERROR_DISK_FULL, ErrFull},
	{windows.ERROR_HANDLE_DISK_FULL, ErrFull},
	{windows.ERROR_DIRECTORY, ErrName},
	{windows.ERROR_INVALID_NAME, ErrName},
	{windows.ERROR_NOT_READY, ErrUnreachable},
	{windows.ERROR_BAD_NETPATH, ErrUnreachable},
	{windows.ERROR_NETNAME_DELETED, ErrUnreachable},
}

func isNotFolder(err error) bool { return errors.Is(err, windows.ERROR_DIRECTORY) }

// syncNames does nothing: NTFS journals names in order, and a folder's handle
// cannot be flushed without the right to write to the volume.
func syncNames(*os.File) error { return nil }

func inode(fs.FileInfo) uint64 { return 0 }
