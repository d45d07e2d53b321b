package storageconfig

import (
	"errors"
	"fmt"
)

// ErrMalformed means that a .storageconfig cannot be understood.
var ErrMalformed = errors.New("not a valid .storageconfig")

// ErrArchive means that an entry would put objects that are read in every run
// where they cannot be read.
var ErrArchive = errors.New("only data packs may go into an archive class")

// Error is a mistake in a .storageconfig and where it is. It wraps ErrMalformed
// or ErrArchive.
type Error struct {
	Line, Column int // from 1, in characters; 0 if it stands in no file
	Problem      string
	is           error
}

// Error shows the mistake in the form LINE:COLUMN: PROBLEM.
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Problem
	}
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Problem)
}

// Unwrap returns the sentinel.
func (e *Error) Unwrap() error { return e.is }

// Remark is something in a .storageconfig that is no mistake and may not be
// what was meant.
type Remark struct {
	Line, Column int // from 1, in characters; 0 if it stands in no file
	Text         string
}

// String shows the remark as errors are shown.
func (r Remark) String() string {
	return (&Error{Line: r.Line, Column: r.Column, Problem: r.Text}).Error()
}
