package object

import (
	"errors"
	"fmt"
)

// Sentinel errors. Implementations return *Error values that wrap one of
// them where one applies.
var (
	ErrNotFound    = errors.New("object not found")
	ErrExists      = errors.New("object exists already")
	ErrChanged     = errors.New("object has changed")
	ErrTooLarge    = errors.New("object is larger than it may be")
	ErrShort       = errors.New("object is shorter than it should be")
	ErrFrozen      = errors.New("object is in cold storage and must be thawed first")
	ErrNoCapacity  = errors.New("the drive has no capacity for this just now")
	ErrAccess      = errors.New("access denied")
	ErrCredentials = errors.New("credentials refused")
	ErrNoBucket    = errors.New("bucket or folder does not exist")
	ErrUnsupported = errors.New("not supported by this drive")
	ErrReadOnly    = errors.New("drive is read-only")
	ErrUnreachable = errors.New("drive cannot be reached")
	ErrCorrupt     = errors.New("bytes differ from what was written")
	ErrFull        = errors.New("no space left on the drive")
	ErrName        = errors.New("not a valid object name")
)

// Error says which operation failed on which object of which store.
type Error struct {
	Op     string // "get", "put", "head", "delete", "list"
	Name   string // object or prefix
	Err    error  // cause; wraps a sentinel where one applies
	Advice string // what to do about it, one line, "" when there is none
}

func (e *Error) Error() string {
	if e.Name == "" {
		return fmt.Sprintf("%s: %v", e.Op, e.Err)
	}
	return fmt.Sprintf("%s %s: %v", e.Op, e.Name, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
