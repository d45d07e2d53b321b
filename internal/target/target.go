// Package target holds the places a restore goes to: a folder on disk (Disk),
// or a stream in the form of a tar (Tar) or zip (Zip) archive.
//
// Invariant: the repository is not trusted. Whatever keys, link targets and
// types its entries have, nothing outside the target is created, changed,
// linked to or removed. Disk keeps this by never handing the system more than
// a single checked name beside the descriptor of an already open folder, and
// by opening folders without following symbolic links.
//
// A key is an entry's path as in docs/format.md §8: names divided by '/',
// no '/' in front, one behind directories.
//
// Package restore is the user: it plans, fetches content and hands it over in
// any order.
package target

import (
	"errors"
	"fmt"
	"io"

	"firn/internal/format"
)

// Sentinel errors of one entry; a restore goes on after them.
var (
	ErrKey         = errors.New("not a valid path")
	ErrOrder       = errors.New("entries are not in ascending order")
	ErrCollision   = errors.New("another entry of the snapshot has the same name")
	ErrOccupied    = errors.New("a directory that is not empty is in its place")
	ErrExists      = errors.New("exists already")
	ErrMoved       = errors.New("directory was exchanged while it was restored to")
	ErrSize        = errors.New("content and size differ")
	ErrUnsupported = errors.New("not supported here")
	ErrNoLeader    = errors.New("no member of its hard link group has been restored")
	ErrClosed      = errors.New("closed already")
)

// ErrFull says that the target has no space left; more of the same is to be
// expected.
var ErrFull = errors.New("no space left in the target")

// Event is something worth telling about one entry that does not keep it from
// being restored.
type Event struct {
	Key []byte // valid during the call only
	Op  string // what was done or tried: "set owner", "delete", …
	Err error  // nil: it was done
}

// Archive is a target that takes whole entries one after the other.
type Archive interface {
	// Add writes an entry; keys ascend. content is read only for files whose
	// content the archive stores: not for further members of a hard link
	// group that the archive can express as a link. It must yield e.Size
	// bytes, or Add fails with ErrSize and the archive is broken.
	Add(key []byte, e *format.Entry, content io.Reader) error
	// Close writes what belongs at the end; it does not close the stream.
	Close() error
}

// entryError names the entry that something failed on.
func entryError(op string, key []byte, err error) error {
	if isFull(err) {
		return fmt.Errorf("%s %q: %w: %w", op, key, ErrFull, err)
	}
	return fmt.Errorf("%s %q: %w", op, key, err)
}
