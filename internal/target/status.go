package target

import (
	"cmp"

	"firn/internal/format"
)

// status is what the system says of an existing thing; links are not followed.
type status struct {
	kind          uint32 // format.Type…
	mode          uint32 // 07777
	uid, gid      int
	device, inode uint64
	links         uint64
	size          int64
	rdev          uint64 // major << 32 | minor
	seconds       int64  // mtime
	nanoseconds   int64
}

func (s *status) sameAs(o status) bool { return s.device == o.device && s.inode == o.inode }

// compareTime compares the mtime with an entry's.
func (s *status) compareTime(e *format.Entry) int {
	if c := cmp.Compare(s.seconds, e.MTime); c != 0 {
		return c
	}
	return cmp.Compare(s.nanoseconds, int64(e.MTimeNS))
}
