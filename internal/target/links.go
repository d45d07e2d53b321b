package target

import (
	"sync"

	"firn/internal/format"
)

// links knows the hard link groups of the restore. Members of a group whose
// size or mtime differ were not the same file when they were read, and are not
// linked.
type links struct {
	mu     sync.Mutex
	groups map[group]*leader // guarded by mu
}

type group struct {
	device, inode, size uint64
	seconds             int64
	nanoseconds         uint32
}

// leader is the member of a group that the others are linked to.
type leader struct {
	key  string
	done bool   // it has been restored
	left uint64 // names the source had that are still to be linked
}

func groupOf(e *format.Entry) group {
	return group{e.Device, e.Inode, e.Size, e.MTime, e.MTimeNS}
}

func isLinked(e *format.Entry) bool { return e.Links > 1 && e.Type == format.TypeFile }

// follows says that an entry is to be linked to an earlier one; otherwise it
// becomes the leader of its group, if it has one.
func (l *links) follows(key []byte, e *format.Entry) bool {
	if !isLinked(e) {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.groups[groupOf(e)]; ok {
		return true
	}
	if l.groups == nil {
		l.groups = make(map[group]*leader)
	}
	l.groups[groupOf(e)] = &leader{key: string(key), left: e.Links - 1}
	return false
}

// restored notes that a file is there to be linked to.
func (l *links) restored(key []byte, e *format.Entry) {
	if !isLinked(e) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if g, ok := l.groups[groupOf(e)]; ok && !g.done {
		g.key, g.done = string(key), true
	}
}

// leader returns the key of the member to link to.
func (l *links) leader(e *format.Entry) (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	g, ok := l.groups[groupOf(e)]
	if !ok || !g.done {
		return "", false
	}
	return g.key, true
}

// linked notes that one more member is done; groups that are complete are
// forgotten.
func (l *links) linked(e *format.Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g, ok := l.groups[groupOf(e)]; ok {
		if g.left--; g.left == 0 {
			delete(l.groups, groupOf(e))
		}
	}
}
