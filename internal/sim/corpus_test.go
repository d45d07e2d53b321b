package sim

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"

	"firn/internal/format"
	"firn/internal/source"
)

// files is a source in memory: keys to contents. Nothing in it may change
// while it is backed up.
type files map[string]content

// content is what is in a file, and since when.
type content struct {
	bytes   []byte
	version int64 // as the modification time
}

// largeContent is the size from which on sessions write deltas by themselves, bytes.
const largeContent = 64 << 10

// Walk implements backup.Source.
func (f files) Walk(context.Context) iter.Seq2[*source.Item, error] {
	return func(yield func(*source.Item, error) bool) {
		folders := map[string]bool{}
		var keys []string
		for key := range f {
			keys = append(keys, key)
			for at := range len(key) {
				if folder := key[:at+1]; key[at] == '/' && !folders[folder] {
					folders[folder] = true
					keys = append(keys, folder)
				}
			}
		}
		slices.Sort(keys)
		for _, key := range keys {
			if !yield(f.item(key), nil) {
				return
			}
		}
	}
}

func (f files) item(key string) *source.Item {
	e := &format.Entry{Type: format.TypeDirectory, Mode: 0o700, MTime: 1}
	if c, ok := f[key]; ok {
		e = &format.Entry{Type: format.TypeFile, Mode: 0o600, MTime: c.version, Size: uint64(len(c.bytes)), Inode: 1}
		if len(c.bytes) >= largeContent {
			e.Type = format.TypeStream // read as big files are
		}
	}
	return &source.Item{Key: []byte(key), Path: key, Entry: e}
}

// ReadSmall implements backup.Source.
func (f files) ReadSmall(item *source.Item, buf []byte) (int, error) {
	c, ok := f[item.Path]
	if !ok {
		return 0, fs.ErrNotExist
	}
	return copy(buf, c.bytes), nil
}

// Open implements backup.Source.
func (f files) Open(item *source.Item) (source.Content, error) {
	c, ok := f[item.Path]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return &reading{Reader: bytes.NewReader(c.bytes)}, nil
}

// reading is one run of data.
type reading struct {
	*bytes.Reader
	begun bool
}

func (r *reading) NextRun() (length uint64, hole bool, err error) {
	if r.begun {
		return 0, false, io.EOF
	}
	r.begun = true
	return uint64(r.Len()), false, nil
}

func (r *reading) Changed() (bool, error) { return false, nil }
func (r *reading) Close() error           { return nil }

// compare says how restored files differ from those that were backed up, or "".
func (f files) compare(restored memory) string {
	for _, key := range slices.Sorted(maps.Keys(f)) {
		got, ok := restored[key]
		switch {
		case !ok:
			return key + " is missing"
		case !bytes.Equal(got, f[key].bytes):
			return key + " has another content"
		}
	}
	if len(restored) != len(f) {
		return fmt.Sprintf("%d files instead of %d", len(restored), len(f))
	}
	return ""
}

// memory is a target in memory: the content of files by their keys.
type memory map[string][]byte

// Add implements target.Archive.
func (m memory) Add(key []byte, e *format.Entry, content io.Reader) error {
	if e.Type == format.TypeDirectory {
		return nil
	}
	body, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	m[string(key)] = body
	return nil
}

// Close implements target.Archive.
func (m memory) Close() error { return nil }

// String lists contents for a test's log.
func (f files) String() string {
	keys := slices.SortedFunc(maps.Keys(f), cmp.Compare)
	return strings.Join(keys, " ")
}
