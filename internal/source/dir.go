package source

import (
	"fmt"
	"sync"
)

// A dir is a directory of a walk. Its handle is opened when needed, shared by
// all who read in it and closed when too many stand idle; a handle opened
// again is the same directory, or ErrChanged.
type dir struct {
	parent *dir   // nil for the base, which is above all roots
	name   string // in parent
	path   string // on disk
	key    string // tree key, "/" at the end; "" for the base
	follow bool   // the way leads through a symbolic link here
	whole  bool   // all of it is read; else only what stop names
	stop   *stop  // the roots in and below it; nil when there are none
	root   *dir   // the root it is under; nil above all roots
	scope  *scope // what is left out here; set when the directory is listed

	// identity is set when the directory is opened first, before anything below it is known.
	identity identity

	// The fields below are guarded by handles.mu.
	handle     handle
	open       bool
	users      int
	next, prev *dir // the ring of idle ones
}

// handles bounds how many directories are open without being used.
type handles struct {
	mu     sync.Mutex
	idle   dir // guarded by mu: head of a ring, the newest next, the oldest previous
	count  int // guarded by mu: idle ones
	limit  int
	closed bool // guarded by mu
}

func newHandles(limit int) *handles {
	h := &handles{limit: limit}
	h.idle.next, h.idle.prev = &h.idle, &h.idle
	return h
}

// acquire returns an open handle of d, good until release.
func (h *handles) acquire(d *dir) (handle, error) {
	if got, ok := h.take(d); ok {
		return got, nil
	}
	got, err := h.reopen(d)
	if err != nil {
		return noHandle, err
	}
	return h.adopt(d, got), nil
}

// take uses d's handle if it is open.
func (h *handles) take(d *dir) (handle, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !d.open {
		return noHandle, false
	}
	if d.users == 0 {
		h.unlink(d)
	}
	d.users++
	return d.handle, true
}

// adopt makes got the handle of d, unless it has one by now, and uses it.
func (h *handles) adopt(d *dir, got handle) handle {
	h.mu.Lock()
	defer h.mu.Unlock()
	if d.open {
		got.close()
		if d.users == 0 {
			h.unlink(d)
		}
	} else {
		d.handle, d.open = got, true
	}
	d.users++
	return d.handle
}

// reopen opens a directory that was open before.
func (h *handles) reopen(d *dir) (handle, error) {
	got, err := h.find(d)
	if err != nil {
		return noHandle, fmt.Errorf("open directory: %w", err)
	}
	var now stat
	if err := got.stat(&now); err != nil {
		got.close()
		return noHandle, fmt.Errorf("read metadata of directory: %w", err)
	}
	if now.identity != d.identity {
		got.close()
		return noHandle, fmt.Errorf("open directory: %w", ErrChanged)
	}
	return got, nil
}

// find opens d by its path or, when that is too long for the system, from its parent.
func (h *handles) find(d *dir) (handle, error) {
	if len(d.path) < maxPath || d.parent == nil {
		return openSearch(noHandle, d.path, true)
	}
	at, err := h.acquire(d.parent)
	if err != nil {
		return noHandle, err
	}
	defer h.release(d.parent)
	return openSearch(at, d.name, d.follow)
}

// release ends one use of d's handle.
func (h *handles) release(d *dir) {
	h.mu.Lock()
	defer h.mu.Unlock()
	d.users--
	if d.users > 0 {
		return
	}
	d.next, d.prev = h.idle.next, &h.idle
	d.next.prev, h.idle.next = d, d
	h.count++
	for h.count > h.limit || h.closed && h.count > 0 {
		h.drop(h.idle.prev)
	}
}

// close closes the idle handles now and those in use when they are released.
func (h *handles) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for h.count > 0 {
		h.drop(h.idle.prev)
	}
}

// drop closes the handle of an idle directory. The caller holds mu.
func (h *handles) drop(d *dir) {
	h.unlink(d)
	d.handle.close()
	d.open = false
}

// unlink takes d out of the ring. The caller holds mu.
func (h *handles) unlink(d *dir) {
	d.prev.next, d.next.prev = d.next, d.prev
	d.next, d.prev = nil, nil
	h.count--
}
