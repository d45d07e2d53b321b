package source

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"firn/internal/format"
)

// A handle is a directory, here by its path. What Unix knows of owners, inodes
// and change times is left zero.
type handle struct{ path string }

var noHandle handle

const (
	maxPath    = 1 << 15
	rootPath   = "" // above all drives
	pathOffset = 1
	separator  = '\\'
)

func absolute(root string) (path string, follow bool, err error) {
	path, err = filepath.Abs(root)
	follow = strings.HasSuffix(root, `\`) || strings.HasSuffix(root, "/")
	return path, follow, err
}

// splitRoot returns the names on the way to a clean absolute path, the drive first.
func splitRoot(path string) ([]string, error) {
	if len(filepath.VolumeName(path)) != 2 {
		return nil, errors.New("a path must begin with a drive letter")
	}
	return strings.Split(strings.TrimSuffix(path, `\`), `\`), nil
}

func paths(keys []byte) string { return strings.ReplaceAll(string(keys), "/", `\`) }

func joinName(directory, name string) string {
	if directory == rootPath {
		return name
	}
	return directory + `\` + name
}

// full returns the path of name in h as the system wants it.
func (h handle) full(name string) string {
	path := joinName(h.path, name)
	if strings.HasSuffix(path, ":") {
		path += `\`
	}
	return path
}

func openSearch(at handle, name string, _ bool) (handle, error) {
	path := joinName(at.path, name)
	if path == rootPath {
		return noHandle, nil
	}
	info, err := os.Stat(handle{}.full(path))
	if err != nil {
		return noHandle, err
	}
	if !info.IsDir() {
		return noHandle, errors.New("not a directory")
	}
	return handle{path}, nil
}

func openList(at handle, name string, _ uint64, follow bool) (handle, error) {
	return openSearch(at, name, follow)
}

func (h handle) close() {}

func (h handle) stat(s *stat) error {
	if h == noHandle {
		*s = stat{kind: format.TypeDirectory}
		return nil
	}
	return handle{}.lstat(h.path, true, s)
}

func (h handle) lstat(name string, follow bool, s *stat) error {
	look := os.Lstat
	if follow {
		look = os.Stat
	}
	info, err := look(h.full(name))
	if err != nil {
		return err
	}
	s.set(info)
	return nil
}

func (s *stat) set(info fs.FileInfo) {
	*s = stat{
		kind:      kindOf(info.Mode()),
		mode:      uint32(info.Mode().Perm()),
		size:      uint64(info.Size()),
		allocated: uint64(info.Size()),
		mtime:     info.ModTime().Unix(),
		mtimeNS:   uint32(info.ModTime().Nanosecond()),
	}
}

func kindOf(mode fs.FileMode) uint32 {
	switch mode.Type() {
	case 0:
		return format.TypeFile
	case fs.ModeDir:
		return format.TypeDirectory
	case fs.ModeSymlink:
		return format.TypeSymlink
	}
	return 0
}

func (h handle) readlink(name string, _ uint64) ([]byte, error) {
	target, err := os.Readlink(h.full(name))
	return []byte(target), err
}

func (h handle) list(dst []listed) ([]listed, error) {
	names, err := os.ReadDir(h.full(""))
	for _, n := range names {
		dst = append(dst, listed{name: n.Name(), kind: kindOf(n.Type())})
	}
	return dst, err
}

func (h handle) pseudo(string, string) (string, error) { return "", nil }

type openFile struct{ *os.File }

var noFile openFile

func openContent(h handle, name string, _ uint64) (openFile, error) {
	file, err := os.Open(h.full(name))
	return openFile{file}, err
}

func (f openFile) readAt(p []byte, offset int64) (int, error) {
	n, err := f.ReadAt(p, offset)
	if n > 0 && err == io.EOF {
		err = nil
	}
	return n, err
}

func (f openFile) stat(s *stat) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	s.set(info)
	return nil
}

func (f openFile) close() error { return f.Close() }

func (f openFile) data(offset, size uint64) (begin, end uint64) { return offset, size }

func openLimit() int { return 0 }
