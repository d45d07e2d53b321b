package object

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
)

const (
	reserveFile = ".firn/reserve" // takes up room until that is needed
	reserveSize = 1 << 20         // bytes
)

// keepReserve makes the reserve if it is missing and there is room. Nothing depends on
// it but what can be done on a full drive. Its bytes are random, since some file systems
// keep no others.
func (d *Dir) keepReserve(root *os.Root) {
	if file, err := root.Lstat(reserveFile); err == nil && file.Size() == reserveSize {
		return
	}
	body := make([]byte, reserveSize)
	_, _ = rand.Read(body) // never fails
	temporary, f, err := createTemporary(root)
	if err != nil {
		return
	}
	_, err = fill(context.Background(), f, body)
	if errors.Join(err, f.Close()) == nil && root.Rename(temporary, reserveFile) == nil {
		return
	}
	_ = root.Remove(temporary) // else it is found again when it is old
}

// Release implements Reserver.
func (d *Dir) Release(ctx context.Context) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, fail("delete", reserveFile, err)
	}
	root, err := d.enter()
	if err != nil {
		return false, d.mapped("delete", reserveFile, err)
	}
	defer root.Close()
	err = root.Remove(reserveFile)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil {
		err = syncFolder(root, ownFolder)
	}
	return err == nil, d.mapped("delete", reserveFile, err)
}
