package source

import (
	"os/user"
	"strconv"
	"sync"

	"firn/internal/format"
)

// A stat is what the operating system says about a file, in one shape for all systems.
type stat struct {
	kind             uint32 // an entry type of package format; 0 for what has none
	mode             uint32 // permission bits, 07777
	uid, gid         uint64
	size             uint64
	allocated        uint64 // bytes the file takes on its device
	links            uint64
	rdev             uint64 // major << 32 | minor
	identity         identity
	mtime, ctime     int64
	mtimeNS, ctimeNS uint32
}

// sameContent reports whether two looks at one file show no sign of a write
// between them. The change time does not count: a new hard link or other
// permissions alter it, and would raise a false alarm.
func (s *stat) sameContent(t *stat) bool {
	return s.size == t.size && s.mtime == t.mtime && s.mtimeNS == t.mtimeNS
}

// fill writes what s says into e and leaves the rest of e alone. The device is
// kept for hard links only: many file systems get another number at each
// mount, which would make every entry look changed.
func (s *stat) fill(e *format.Entry, o *owners) {
	e.Type, e.Mode = s.kind, s.mode
	e.UID, e.GID = s.uid, s.gid
	e.User, e.Group = o.user(s.uid), o.group(s.gid)
	e.MTime, e.MTimeNS = s.mtime, s.mtimeNS
	e.CTime, e.CTimeNS = s.ctime, s.ctimeNS
	e.Inode, e.Device, e.Links = s.identity.inode, 0, 0
	e.Size, e.Rdev = 0, 0
	e.Flags &^= format.FlagSparse
	if s.links > 1 && s.kind != format.TypeDirectory {
		e.Links, e.Device = s.links, s.identity.device
	}
	switch s.kind {
	case format.TypeFile:
		e.Size = s.size
		if s.allocated < s.size {
			e.Flags |= format.FlagSparse
		}
	case format.TypeCharDevice, format.TypeBlockDev:
		e.Rdev = s.rdev
	}
}

// owners looks up names of users and groups, each number once. A number
// without a name has the name "": the number stands for itself.
type owners struct {
	mu     sync.RWMutex
	users  map[uint64]string // guarded by mu
	groups map[uint64]string // guarded by mu
}

func newOwners() *owners {
	return &owners{users: make(map[uint64]string), groups: make(map[uint64]string)}
}

func (o *owners) user(id uint64) string {
	return o.name(o.users, id, func(number string) string {
		u, err := user.LookupId(number)
		if err != nil {
			return "" // no such user, or no way to tell: the number is kept in any case
		}
		return u.Username
	})
}

func (o *owners) group(id uint64) string {
	return o.name(o.groups, id, func(number string) string {
		g, err := user.LookupGroupId(number)
		if err != nil {
			return ""
		}
		return g.Name
	})
}

func (o *owners) name(known map[uint64]string, id uint64, look func(string) string) string {
	o.mu.RLock()
	name, ok := known[id]
	o.mu.RUnlock()
	if ok {
		return name
	}
	name = look(strconv.FormatUint(id, 10))
	o.mu.Lock()
	known[id] = name
	o.mu.Unlock()
	return name
}
