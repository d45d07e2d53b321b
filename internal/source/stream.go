package source

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"firn/internal/format"
)

// ErrName says that a stream's name cannot be a key.
var ErrName = errors.New("not a valid name for a stream")

// A Stream is one entry whose content is read to its end, wherever it comes
// from. One goroutine uses it at a time.
type Stream struct {
	items  []*Item
	read   func(p []byte) (int, error)
	finish func() error
}

// FromReader makes a stream of what r yields, such as standard input. The name is a
// path without "/" at its beginning or end.
func FromReader(name string, r io.Reader) (*Stream, error) {
	items, err := streamItems(name, time.Now())
	if err != nil {
		return nil, err
	}
	return &Stream{items: items, read: r.Read, finish: func() error { return nil }}, nil
}

// Items returns the entries in the order of keys: the directories of the name,
// then the stream itself, whose size is left to whoever reads it.
func (s *Stream) Items() []*Item { return s.items }

// Read reads on. At the end of a command's output it returns io.EOF only when
// the command succeeded, else a *CommandError.
func (s *Stream) Read(p []byte) (int, error) { return s.read(p) }

// Close ends the stream; a command that still runs is killed.
func (s *Stream) Close() error { return s.finish() }

// streamItems makes the entries for a stream's name.
func streamItems(name string, now time.Time) ([]*Item, error) {
	if len(name) > maxKey {
		return nil, fmt.Errorf("name stream: %w", ErrLong)
	}
	var items []*Item
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part == "." || part == ".." || strings.Contains(part, "\x00") {
			return nil, fmt.Errorf("name stream %q: %w", name, ErrName)
		}
	}
	at := func(key, path string, kind, mode uint32) *Item {
		return &Item{Key: []byte(key), Path: path, Entry: &format.Entry{
			Type: kind, Mode: mode, MTime: now.Unix(), MTimeNS: uint32(now.Nanosecond()),
		}}
	}
	for i := range len(name) {
		if name[i] == '/' {
			items = append(items, at(name[:i+1], name[:i], format.TypeDirectory, 0o755))
		}
	}
	return append(items, at(name, name, format.TypeStream, 0o600)), nil
}
