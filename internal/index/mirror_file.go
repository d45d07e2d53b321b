package index

import (
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// writeError is an error of writing to a folder, as opposed to one of what is written.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }

// checkedFile tells its own errors from those of who writes to it.
type checkedFile struct{ *os.File }

func (f checkedFile) WriteAt(p []byte, offset int64) (int, error) {
	n, err := f.File.WriteAt(p, offset)
	if err != nil {
		err = &writeError{err}
	}
	return n, err
}

// fileName is the name of a mirror's file.
func fileName(id layerID, suffix string) string { return hex.EncodeToString(id[:]) + suffix }

// writeIn writes a layer or a sketch to a folder, or to memory where place is "".
func writeIn(place string, id layerID, suffix string, build func(io.WriterAt) error) (source, error) {
	if place != "" {
		return writeFile(place, id, suffix, build)
	}
	memory := new(memoryFile)
	if err := build(memory); err != nil {
		return source{}, err
	}
	return memory.source(), nil
}

// writeFile writes a file under a temporary name, renames it and opens it. It
// need not be durable: what a crash leaves of it does not pass for whole.
func writeFile(place string, id layerID, suffix string, build func(io.WriterAt) error) (source, error) {
	pattern := hex.EncodeToString(id[:]) + "-*" + partSuffix
	part, err := os.CreateTemp(place, pattern)
	if errors.Is(err, os.ErrNotExist) && os.MkdirAll(place, 0o700) == nil { // somebody deleted the folder
		part, err = os.CreateTemp(place, pattern)
	}
	if err != nil {
		return source{}, &writeError{err}
	}
	if err := build(checkedFile{part}); err != nil {
		_ = part.Close()           // the error is told already
		_ = os.Remove(part.Name()) // removed as abandoned later, if not now
		return source{}, err
	}
	path := filepath.Join(place, fileName(id, suffix))
	from, err := publishFile(part, path)
	if err != nil {
		_ = os.Remove(part.Name())
		return source{}, &writeError{err}
	}
	return from, nil
}

// publishFile gives a file that was written its name. It stays open where that
// can be, as another process may remove it at once.
func publishFile(part *os.File, path string) (source, error) {
	if os.Rename(part.Name(), path) == nil {
		return newSource(part, path)
	}
	if err := part.Close(); err != nil {
		return source{}, err
	}
	if err := os.Rename(part.Name(), path); err != nil {
		return source{}, err
	}
	return openFile(path)
}

// openFile opens a layer's file.
func openFile(path string) (source, error) {
	f, err := os.Open(path)
	if err != nil {
		return source{}, err
	}
	return newSource(f, path)
}

func newSource(f *os.File, path string) (source, error) {
	info, err := f.Stat()
	if err != nil {
		return source{}, errors.Join(err, f.Close())
	}
	return source{ReaderAt: f, size: info.Size(), path: path, close: f.Close}, nil
}

// memoryFile is a layer's bytes in memory.
type memoryFile struct{ bytes []byte }

func (f *memoryFile) WriteAt(p []byte, offset int64) (int, error) {
	if end := int(offset) + len(p); end > len(f.bytes) {
		f.bytes = append(f.bytes, make([]byte, end-len(f.bytes))...)
	}
	return copy(f.bytes[offset:], p), nil
}

// ReadAt implements io.ReaderAt.
func (f *memoryFile) ReadAt(p []byte, offset int64) (int, error) {
	if offset > int64(len(f.bytes)) {
		return 0, io.EOF
	}
	n := copy(p, f.bytes[offset:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memoryFile) source() source {
	return source{ReaderAt: f, size: int64(len(f.bytes)), close: func() error { return nil }}
}
