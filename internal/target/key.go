package target

import (
	"bytes"
	"errors"
	"fmt"

	"firn/internal/format"
)

const (
	maxKey   = 1 << 20 // bytes, docs/format.md §10
	maxDepth = 4096    // names in a key
)

var errNUL = errors.New("NUL in name")

// checkKey refuses every key that is not a plain path below the target.
// Directories, and only they, end with '/'.
func checkKey(key []byte, directory bool) error {
	if len(key) == 0 || len(key) > maxKey {
		return fmt.Errorf("%w: %d bytes", ErrKey, len(key))
	}
	rest := key
	if directory {
		if key[len(key)-1] != '/' {
			return fmt.Errorf("%w: directory without / at its end", ErrKey)
		}
		rest = key[:len(key)-1]
	}
	for depth := 1; ; depth++ {
		if depth > maxDepth {
			return fmt.Errorf("%w: over %d names deep", ErrKey, maxDepth)
		}
		name, below, more := bytes.Cut(rest, slash)
		if err := checkName(name); err != nil {
			return fmt.Errorf("%w: %w", ErrKey, err)
		}
		if !more {
			return nil
		}
		rest = below
	}
}

var slash = []byte{'/'}

// checkName refuses names that would not name something in a folder itself.
// Names that the system finds too long are left for it to refuse.
func checkName(name []byte) error {
	switch {
	case len(name) == 0:
		return errors.New("empty name")
	case name[0] == '.' && (len(name) == 1 || len(name) == 2 && name[1] == '.'):
		return errors.New("name . or .. in it")
	case bytes.IndexByte(name, 0) >= 0:
		return errNUL
	}
	return checkSystemName(name)
}

// splitKey divides a checked key into its parent's key ("" for the target
// itself, else with '/' at its end) and its name.
func splitKey(key []byte) (parent, name []byte) {
	path := bytes.TrimSuffix(key, slash)
	cut := bytes.LastIndexByte(path, '/') + 1
	return path[:cut], path[cut:]
}

// kindOf says what an entry becomes in a target, as one of the format's
// types: objects and streams become files, marker objects directories.
func kindOf(key []byte, e *format.Entry) (uint32, error) {
	kind := e.Type
	switch e.Type {
	case format.TypeStream:
		kind = format.TypeFile
	case format.TypeS3Object:
		kind = format.TypeFile
		if e.Size == 0 && bytes.HasSuffix(key, slash) {
			kind = format.TypeDirectory
		}
	case format.TypeFile, format.TypeDirectory, format.TypeSymlink, format.TypeCharDevice,
		format.TypeBlockDev, format.TypePipe, format.TypeSocket:
	default:
		return 0, fmt.Errorf("%w: entries of type %d", ErrUnsupported, e.Type)
	}
	if err := checkKey(key, kind == format.TypeDirectory); err != nil {
		return 0, err
	}
	if kind == format.TypeSymlink && bytes.IndexByte(e.Target, 0) >= 0 {
		return 0, fmt.Errorf("%w: %w", ErrKey, errNUL)
	}
	return kind, nil
}

// sequence checks that keys ascend and finds names that are used both for a
// directory and for something else.
//
// Between the file "a" and the directory "a/" other keys may come ("a-b",
// "a.c"), but they all begin with "a" and go on with a byte below '/'. So the
// names that can still collide are prefixes of one another.
type sequence struct {
	last       []byte
	candidates []int // lengths of prefixes of names
	names      []byte
}

// next takes the following key. It returns the name that collides with the
// key or with a directory above it, or nil.
func (s *sequence) next(key []byte, directory bool) (collision []byte, err error) {
	if s.last != nil && bytes.Compare(key, s.last) <= 0 {
		return nil, ErrOrder
	}
	s.last = append(s.last[:0], key...)
	for len(s.candidates) > 0 {
		name := s.names[:s.candidates[len(s.candidates)-1]]
		if bytes.HasPrefix(key, name) && key[len(name)] < '/' {
			break
		}
		if bytes.HasPrefix(key, name) && key[len(name)] == '/' {
			collision = bytes.Clone(name)
		}
		s.candidates = s.candidates[:len(s.candidates)-1]
	}
	if !directory {
		s.names = append(s.names[:0], key...)
		s.candidates = append(s.candidates, len(key))
	}
	return collision, nil
}
