package object

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	maxName    = 1024 // bytes; what S3 allows
	maxSegment = 255  // bytes; what file systems allow
)

// CheckName reports whether name may name an object on every kind of drive:
// 1 to 1024 bytes of UTF-8 without control characters or backslashes, made of
// segments of 1 to 255 bytes separated by "/", none of them "." or "..". The
// first segments ".firn" and "lost+found" belong to folder drives themselves.
// The error wraps ErrName.
func CheckName(name string) error {
	if len(name) > maxName {
		return fmt.Errorf("%w: longer than %d bytes", ErrName, maxName)
	}
	if !utf8.ValidString(name) {
		return fmt.Errorf("%w: %q is not UTF-8", ErrName, name)
	}
	if i := strings.IndexFunc(name, forbidden); i >= 0 {
		return fmt.Errorf("%w: %q has a forbidden character at byte %d", ErrName, name, i)
	}
	first, _, _ := strings.Cut(name, "/")
	if reserved(first) {
		return fmt.Errorf("%w: %q belongs to the drive itself", ErrName, first)
	}
	for segment := range strings.SplitSeq(name, "/") {
		switch {
		case segment == "" || segment == "." || segment == "..":
			return fmt.Errorf("%w: %q has a segment %q", ErrName, name, segment)
		case len(segment) > maxSegment:
			return fmt.Errorf("%w: a segment is longer than %d bytes", ErrName, maxSegment)
		}
	}
	return nil
}

func forbidden(r rune) bool { return r < 0x20 || r == 0x7f || r == '\\' }

// reserved says whether a first segment is kept from objects: ".firn" holds a
// folder drive's marker and temporaries, and "lost+found" is what a file
// system puts into its root, readable by root alone.
func reserved(first string) bool { return first == ".firn" || first == "lost+found" }
