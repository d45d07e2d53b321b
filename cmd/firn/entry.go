package main

import (
	"fmt"
	"time"

	"firn/internal/format"
)

// entryJSON is an entry as --json shows it. A path that is not UTF-8 is escaped,
// and also stands, byte for byte, in PathBytes.
type entryJSON struct {
	Path      string    `json:"path"`
	PathBytes []byte    `json:"path_bytes,omitempty"`
	Kind      string    `json:"kind"`
	Mode      string    `json:"mode"`
	UID       uint64    `json:"uid"`
	GID       uint64    `json:"gid"`
	User      string    `json:"user,omitempty"`
	Group     string    `json:"group,omitempty"`
	Size      uint64    `json:"size"`
	ModTime   time.Time `json:"mtime"`
	Target    string    `json:"target,omitempty"`
	Links     uint64    `json:"links,omitempty"`
	Flags     []string  `json:"flags,omitempty"`
}

var typeNames = map[uint32]string{
	format.TypeFile: "file", format.TypeDirectory: "dir", format.TypeSymlink: "symlink",
	format.TypeCharDevice: "chardev", format.TypeBlockDev: "blockdev", format.TypePipe: "pipe",
	format.TypeSocket: "socket", format.TypeS3Object: "s3object", format.TypeStream: "stream",
}

// typeLetters are as in ls -l.
var typeLetters = map[uint32]byte{
	format.TypeFile: '-', format.TypeDirectory: 'd', format.TypeSymlink: 'l', format.TypeCharDevice: 'c',
	format.TypeBlockDev: 'b', format.TypePipe: 'p', format.TypeSocket: 's', format.TypeS3Object: '-', format.TypeStream: '-',
}

func entryToJSON(key []byte, e *format.Entry) entryJSON {
	j := entryJSON{
		Path: exact("/" + string(key)), Kind: typeNames[e.Type], Mode: fmt.Sprintf("%04o", e.Mode),
		UID: e.UID, GID: e.GID, User: e.User, Group: e.Group, Size: e.Size,
		ModTime: time.Unix(e.MTime, int64(e.MTimeNS)).UTC(), Target: exact(e.Target), Links: e.Links,
	}
	if j.Path != "/"+string(key) {
		j.PathBytes = key
	}
	for _, f := range []struct {
		bit  uint32
		name string
	}{{format.FlagSparse, "sparse"}, {format.FlagChanged, "changed"}, {format.FlagUnreadable, "unreadable"}, {format.FlagAbove, "above"}} {
		if e.Flags&f.bit != 0 {
			j.Flags = append(j.Flags, f.name)
		}
	}
	return j
}

// longLine is an entry as ls -l would show it.
func longLine(key []byte, e *format.Entry) string {
	owner, group := e.User, e.Group
	if owner == "" {
		owner = fmt.Sprint(e.UID)
	}
	if group == "" {
		group = fmt.Sprint(e.GID)
	}
	line := fmt.Sprintf("%c%s %-8s %-8s %12d %s %s", typeLetters[e.Type], permissions(e.Mode), printable(owner), printable(group), e.Size,
		time.Unix(e.MTime, 0).Format("2006-01-02 15:04:05"), printable("/"+string(key)))
	if e.Type == format.TypeSymlink {
		line += " -> " + printable(e.Target)
	}
	return line
}

func permissions(mode uint32) string {
	text := []byte("rwxrwxrwx")
	for i := range text {
		if mode&(1<<(8-i)) == 0 {
			text[i] = '-'
		}
	}
	for _, special := range []struct {
		bit       uint32
		at        int
		set, bare byte
	}{{04000, 2, 's', 'S'}, {02000, 5, 's', 'S'}, {01000, 8, 't', 'T'}} {
		if mode&special.bit == 0 {
			continue
		}
		if text[special.at] == 'x' {
			text[special.at] = special.set
		} else {
			text[special.at] = special.bare
		}
	}
	return string(text)
}
