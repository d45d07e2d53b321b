package target

import (
	"errors"
	"sync"
)

const maxFiles = 256 // open descriptors of files

// slot is what the cache knows of a File.
type slot struct {
	opened       handle
	isOpen       bool
	pins         int
	dropped      bool
	failed       error // of closing it in between: something may not have been written
	newer, older *File // in the ring of open files
}

// fileCache keeps a bounded number of unfinished files open, and those in use;
// the others are opened again when they are used.
type fileCache struct {
	mu     sync.Mutex
	recent File // guarded by mu: ring of the open files, recent.older is the latest
	open   int  // guarded by mu
	limit  int
}

func newFileCache(limit int) *fileCache {
	c := &fileCache{limit: limit}
	c.recent.newer, c.recent.older = &c.recent, &c.recent
	return c
}

// insert takes a file that has just been opened.
func (c *fileCache) insert(f *File, h handle) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.attach(f, h)
}

// attach makes f the latest of the open files. The caller holds mu.
func (c *fileCache) attach(f *File, h handle) {
	for old := c.recent.newer; c.open >= c.limit && old != &c.recent; {
		next := old.newer
		if old.pins == 0 {
			old.failed = errors.Join(old.failed, c.detach(old))
		}
		old = next
	}
	f.opened, f.isOpen = h, true
	f.newer, f.older = &c.recent, c.recent.older
	f.newer.older, f.older.newer = f, f
	c.open++
}

// detach closes f. The caller holds mu.
func (c *fileCache) detach(f *File) error {
	f.newer.older, f.older.newer = f.older, f.newer
	f.newer, f.older = nil, nil
	f.isOpen = false
	c.open--
	return f.opened.close()
}

// acquire returns the file's handle, which stays open until release.
func (c *fileCache) acquire(f *File) (handle, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case f.dropped:
		return handle{}, ErrClosed
	case f.failed != nil:
		return handle{}, f.failed
	case f.isOpen:
		f.newer.older, f.older.newer = f.older, f.newer
		f.newer, f.older = &c.recent, c.recent.older
		f.newer.older, f.older.newer = f, f
	default:
		h, err := f.open()
		if err != nil {
			return handle{}, err
		}
		c.attach(f, h)
	}
	f.pins++
	return f.opened, nil
}

func (c *fileCache) release(f *File) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.pins--
	if f.isOpen && f.pins == 0 && (f.dropped || c.open > c.limit) {
		f.failed = errors.Join(f.failed, c.detach(f))
	}
}

// drop closes the file for good and returns what closing it has ever said.
func (c *fileCache) drop(f *File) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.dropped = true
	if f.isOpen && f.pins == 0 {
		f.failed = errors.Join(f.failed, c.detach(f))
	}
	return f.failed
}

// close closes all files; those in use when they are released.
func (c *fileCache) close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for f := c.recent.newer; f != &c.recent; {
		next := f.newer
		f.dropped = true
		if f.pins == 0 {
			errs = append(errs, c.detach(f))
		}
		f = next
	}
	return errors.Join(errs...)
}

// open opens the temporary again, if it still is the same file.
func (f *File) open() (handle, error) {
	parent, _ := splitKey(f.key)
	p, err := f.disk.folders.get(parent)
	if err != nil {
		return handle{}, err
	}
	defer f.disk.folders.release(p)
	h, err := p.reopen(f.temporary)
	if err != nil {
		return handle{}, err
	}
	s, err := h.self()
	if err == nil && !s.sameAs(f.identity) {
		err = ErrMoved
	}
	if err != nil {
		return handle{}, errors.Join(err, h.close())
	}
	return h, nil
}
