package object

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"
)

// staleAfter is the age from which a temporary file is taken for the leavings
// of a dead process. A writer has its whole body in memory, so it is done in
// minutes; should one be stopped for a day and wake again, its Put fails.
const staleAfter = 24 * time.Hour

// placing gives the file from the name to.
type placing func(root *os.Root, from, to string) error

// writeTemporary writes a durable file under a name that nobody knows.
func (d *Dir) writeTemporary(ctx context.Context, root *os.Root, body []byte) (string, fs.FileInfo, error) {
	name, f, err := createTemporary(root)
	if err != nil {
		return "", nil, err
	}
	file, err := fill(ctx, f, body)
	if err = errors.Join(err, f.Close()); err != nil {
		return "", nil, errors.Join(err, root.Remove(name))
	}
	d.cleanOnce(root, file.ModTime().Add(-staleAfter))
	return name, file, nil
}

func createTemporary(root *os.Root) (string, *os.File, error) {
	const flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	name := tempFolder + "/" + rand.Text()
	f, err := root.OpenFile(name, flags, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		if err := root.MkdirAll(tempFolder, 0o700); err != nil {
			return "", nil, err
		}
		f, err = root.OpenFile(name, flags, 0o600)
	}
	return name, f, err
}

// fill writes and syncs a file, looking at the context now and then.
func fill(ctx context.Context, f *os.File, body []byte) (fs.FileInfo, error) {
	for part := range slices.Chunk(body, sliceSize) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if _, err := f.Write(part); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := f.Sync(); err != nil {
		return nil, err
	}
	return f.Stat()
}

// cleanOnce removes temporaries not changed since before and makes the reserve, once for
// each Dir.
// The time must come from the file system's clock. What cannot be removed is
// left to the next process that tries: it only takes up space.
func (d *Dir) cleanOnce(root *os.Root, before time.Time) {
	d.mu.Lock()
	cleaned := d.cleaned
	d.cleaned = true
	d.mu.Unlock()
	if cleaned {
		return
	}
	defer d.keepReserve(root)
	f, err := root.Open(tempFolder)
	if err != nil {
		return
	}
	defer f.Close()
	files, _ := f.ReadDir(-1)
	for _, entry := range files {
		file, err := entry.Info()
		if err == nil && file.ModTime().Before(before) {
			_ = root.Remove(tempFolder + "/" + entry.Name())
		}
	}
}

// exclusively returns the way in which this file system places a file only if
// the name is free, found out by doing. ErrUnsupported if there is none.
func (d *Dir) exclusively(root *os.Root) (placing, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.exclusive != nil {
		return d.exclusive, nil
	}
	var refusals []error
	for _, way := range []placing{(*os.Root).Link, renameExclusive} {
		refusal, err := tryPlacing(root, way)
		if err != nil {
			return nil, err
		}
		if refusal == nil {
			d.exclusive = way
			return way, nil
		}
		refusals = append(refusals, refusal)
	}
	return nil, fmt.Errorf("create without replacing: %w: %w", ErrUnsupported, errors.Join(refusals...))
}

// tryPlacing reports with refusal why a way of placing files does not work
// here, and with err why it could not be tried.
func tryPlacing(root *os.Root, way placing) (refusal, err error) {
	var names [2]string
	for i := range names {
		name, f, err := createTemporary(root)
		if err != nil {
			return nil, err
		}
		defer root.Remove(name)
		if err := f.Close(); err != nil {
			return nil, err
		}
		names[i] = name
	}
	if err := way(root, names[0], names[1]); !errors.Is(err, fs.ErrExist) {
		if err == nil {
			err = errors.New("an existing file was replaced")
		}
		return err, nil
	}
	free := tempFolder + "/" + rand.Text()
	defer root.Remove(free)
	return way(root, names[0], free), nil
}
