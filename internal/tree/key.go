package tree

import (
	"bytes"
	"fmt"
	"strings"

	"firn/internal/format"
)

// KeyOf returns the key of a path: without its leading slash, and for a
// directory with a slash at the end. An error matches ErrKey.
func KeyOf(path string, directory bool) ([]byte, error) {
	name := strings.TrimPrefix(path, "/")
	if directory {
		name = strings.TrimSuffix(name, "/")
	}
	if strings.HasSuffix(name, "/") {
		return nil, fmt.Errorf("%w: %q ends with a slash", ErrKey, path)
	}
	key := make([]byte, 0, len(name)+1)
	key = append(key, name...)
	if directory {
		key = append(key, '/')
	}
	if err := CheckKey(key); err != nil {
		return nil, err
	}
	return key, nil
}

// PathOf returns the relative path of a key, without a slash at the end, and
// whether it is a directory's.
func PathOf(key []byte) (path string, directory bool) {
	name, directory := bytes.CutSuffix(key, slash)
	return string(name), directory
}

// Parent returns the key of the directory a key is in, as a part of key; nil at the top.
func Parent(key []byte) []byte {
	name := bytes.TrimSuffix(key, slash)
	if i := bytes.LastIndexByte(name, '/'); i >= 0 {
		return key[: i+1 : i+1]
	}
	return nil
}

// CheckKey returns an error matching ErrKey unless key is a relative path of
// names that are neither empty nor "." nor "..", without zero bytes and of at
// most format.MaxKey bytes; a single slash may end it.
func CheckKey(key []byte) error {
	switch {
	case len(key) == 0:
		return fmt.Errorf("%w: it is empty", ErrKey)
	case len(key) > format.MaxKey:
		return fmt.Errorf("%w: it has %d bytes", ErrKey, len(key))
	case bytes.IndexByte(key, 0) >= 0:
		return fmt.Errorf("%w: %q has a zero byte", ErrKey, key)
	}
	for rest := key; len(rest) > 0; {
		name := rest
		if i := bytes.IndexByte(rest, '/'); i >= 0 {
			name, rest = rest[:i], rest[i+1:]
		} else {
			rest = nil
		}
		switch string(name) {
		case "", ".", "..":
			return fmt.Errorf("%w: %q has the name %q", ErrKey, key, name)
		}
	}
	return nil
}

var slash = []byte{'/'}

// span is the keys from low on that are below high; a nil high is no bound.
type span struct{ low, high []byte }

func (s span) contains(key []byte) bool {
	return bytes.Compare(key, s.low) >= 0 && (s.high == nil || bytes.Compare(key, s.high) < 0)
}

// spansOf returns what Range and Sum mean by a prefix: the entry itself and all
// that is below it. There are two spans for "a", because keys like "a-b" stand
// between "a" and "a/".
func spansOf(prefix []byte) []span {
	if len(prefix) == 0 {
		return []span{{}}
	}
	directory := bytes.TrimSuffix(prefix, slash)
	below := span{append(bytes.Clone(directory), '/'), append(bytes.Clone(directory), '/'+1)}
	if len(directory) < len(prefix) {
		return []span{below}
	}
	return []span{{prefix, append(bytes.Clone(prefix), 0)}, below}
}
