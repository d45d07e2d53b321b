// Package source turns what is to be backed up into entries: trees of files,
// a stream on standard input, the output of a command.
//
// Its invariant is order: a walk hands out items in strictly ascending byte
// order of their keys, over all its roots, because that is the order in which
// a tree is built. What cannot be read is an item with an error, never a
// silent gap; what is left out on purpose is counted by reason. Package backup
// calls it.
package source

import (
	"errors"

	"firn/internal/format"
)

// ErrChanged says that a file or directory is no longer the one the walk saw.
var ErrChanged = errors.New("changed since it was found")

// ErrLong says that a path is longer than a tree's key may be.
var ErrLong = errors.New("path is too long")

// maxKey bounds keys, in bytes (format.md §10).
const maxKey = 1 << 20

// An Item is one entry found by a walk. The caller owns it and may change its
// Entry, but not the bytes of Key.
type Item struct {
	// Key is the path as a tree key, directories with "/" at the end.
	Key []byte
	// Entry holds the metadata, Content unset; it is nil when there are none.
	// A directory that could not be listed in full has format.FlagUnreadable.
	Entry *format.Entry
	// Path says where it is on disk, for messages.
	Path string
	// Err says what of the metadata or of a directory's listing could not be
	// read. It wraps fs.ErrNotExist when the thing vanished under the walk.
	Err error

	dir      *dir     // holds it; nil for streams
	identity identity // of what the walk saw
}

// An identity tells two files on one machine apart.
type identity struct{ device, inode uint64 }

// Same reports whether b is the file a, unchanged, so that its content need
// not be read again: type, size, modification and change time and inode are
// equal. An entry whose content was not kept whole is never the same.
func Same(a, b *format.Entry) bool {
	const broken = format.FlagChanged | format.FlagUnreadable
	return a.Type == b.Type &&
		a.Size == b.Size &&
		a.MTime == b.MTime && a.MTimeNS == b.MTimeNS &&
		a.CTime == b.CTime && a.CTimeNS == b.CTimeNS &&
		a.Inode == b.Inode &&
		(a.Flags|b.Flags)&broken == 0
}
