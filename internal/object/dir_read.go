package object

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
)

// sliceSize is how many bytes are read or written between two looks at the
// context.
const sliceSize = 4 << 20

// Get implements Store.
func (d *Dir) Get(ctx context.Context, name string, limit int64) ([]byte, Info, error) {
	var body []byte
	var info Info
	err := d.read(ctx, "get", name, func(f *os.File, present Info) error {
		if info = present; info.Size > limit {
			return tooLarge(info.Size, limit)
		}
		body = make([]byte, info.Size)
		return readFull(ctx, f, body, 0)
	})
	if err != nil {
		return nil, Info{}, err
	}
	return body, info, nil
}

// GetRange implements Store.
func (d *Dir) GetRange(ctx context.Context, name string, p []byte, offset int64) error {
	return d.read(ctx, "get", name, func(f *os.File, present Info) error {
		if err := checkRange(present.Size, int64(len(p)), offset); err != nil {
			return err
		}
		return readFull(ctx, f, p, offset)
	})
}

// read opens the object's file for use.
func (d *Dir) read(ctx context.Context, op, name string, use func(*os.File, Info) error) error {
	if err := begin(ctx, op, name); err != nil {
		return err
	}
	root, err := d.enter()
	if err != nil {
		return d.mapped(op, name, err)
	}
	defer root.Close()
	f, err := root.OpenFile(name, os.O_RDONLY|openFlags, 0)
	if err != nil {
		return d.mapped(op, name, absence(err))
	}
	defer f.Close()
	file, err := f.Stat()
	if err != nil {
		return d.mapped(op, name, err)
	}
	if err := checkFile(file); err != nil {
		return fail(op, name, err)
	}
	return d.mapped(op, name, use(f, infoOf(name, file)))
}

// Head implements Store.
func (d *Dir) Head(ctx context.Context, name string) (Info, error) {
	if err := begin(ctx, "head", name); err != nil {
		return Info{}, err
	}
	root, err := d.enter()
	if err != nil {
		return Info{}, d.mapped("head", name, err)
	}
	defer root.Close()
	file, err := root.Stat(name)
	if err != nil {
		return Info{}, d.mapped("head", name, absence(err))
	}
	if err := checkFile(file); err != nil {
		return Info{}, fail("head", name, err)
	}
	return infoOf(name, file), nil
}

// absence turns the ways in which a path can fail to exist into ErrNotFound:
// nothing of that name, or a file where a folder would have to be.
func absence(err error) error {
	if errors.Is(err, fs.ErrNotExist) || isNotFolder(err) {
		return ErrNotFound
	}
	return err
}

// checkFile says whether what has an object's name is an object.
func checkFile(file fs.FileInfo) error {
	switch {
	case file.Mode().IsRegular():
		return nil
	case file.IsDir():
		return ErrNotFound
	default:
		return fmt.Errorf("not a regular file: %w", ErrUnsupported)
	}
}

// readFull fills p from offset on, looking at the context now and then.
func readFull(ctx context.Context, f io.ReaderAt, p []byte, offset int64) error {
	for len(p) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := f.ReadAt(p[:min(len(p), sliceSize)], offset)
		p, offset = p[n:], offset+int64(n)
		if err == io.EOF && len(p) > 0 {
			return ErrShort
		}
		if err != nil && err != io.EOF {
			return err
		}
	}
	return nil
}

func infoOf(name string, file fs.FileInfo) Info {
	tag := strconv.AppendUint(make([]byte, 0, 48), inode(file), 36)
	tag = strconv.AppendInt(append(tag, '-'), file.ModTime().UnixNano(), 36)
	tag = strconv.AppendInt(append(tag, '-'), file.Size(), 36)
	return Info{Name: name, Size: file.Size(), Modified: file.ModTime(), ETag: string(tag)}
}
