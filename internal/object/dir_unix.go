//go:build unix

package object

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// openFlags keeps the opening of a pipe from waiting for its other end.
const openFlags = syscall.O_NONBLOCK

// causes says which sentinel stands for what the system calls an error.
var causes = []struct{ cause, sentinel error }{
	{syscall.EACCES, ErrAccess},
	{syscall.EPERM, ErrAccess},
	{syscall.EROFS, ErrReadOnly},
	{syscall.ENOSPC, ErrFull},
	{syscall.EDQUOT, ErrFull},
	{syscall.ENOTDIR, ErrName},
	{syscall.EISDIR, ErrName},
	{syscall.ENAMETOOLONG, ErrName},
	{syscall.EILSEQ, ErrName},
	{syscall.ESTALE, ErrUnreachable},
	{syscall.ENODEV, ErrUnreachable},
	{syscall.ENXIO, ErrUnreachable},
	{syscall.ENOTCONN, ErrUnreachable},
	{syscall.EHOSTDOWN, ErrUnreachable},
	{syscall.EHOSTUNREACH, ErrUnreachable},
	{syscall.ETIMEDOUT, ErrUnreachable},
}

func isNotFolder(err error) bool { return errors.Is(err, syscall.ENOTDIR) }

// syncNames syncs an open folder. Some network file systems cannot, and those
// keep names durable by themselves.
func syncNames(folder *os.File) error {
	err := folder.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

func inode(file fs.FileInfo) uint64 {
	if stat, ok := file.Sys().(*syscall.Stat_t); ok {
		return uint64(stat.Ino)
	}
	return 0
}
