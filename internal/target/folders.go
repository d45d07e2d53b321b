package target

import (
	"errors"
	"io/fs"
	"sort"
	"sync"
)

const maxFolders = 256 // open descriptors of folders

// record is what is known of a directory that Prepare made or found.
// It does not change once it has been added.
type record struct {
	key        string
	directory  metadata // what Finish sets; meaningful when set
	set        bool     // Finish sets the metadata
	fresh      bool     // made by this run: nothing is in it that this run did not put there
	private    bool     // fresh, and nobody else can look into it before Finish
	defaultACL bool     // new items inherit an ACL
	status     status   // when it was opened first
}

// openFolder is a folder with its descriptor open.
type openFolder struct {
	folder
	*record
	pins         int         // guarded by folders.mu; while over zero it stays open
	newer, older *openFolder // guarded by folders.mu
}

// folders keeps a bounded number of folders open, and those in use, and
// remembers all directories of the restore.
type folders struct {
	mu      sync.Mutex
	open    map[string]*openFolder // guarded by mu
	recent  openFolder             // guarded by mu: ring of what is open, recent.older is the latest
	records []*record              // guarded by mu; ascending by key
	closed  bool                   // guarded by mu
	limit   int
}

func newFolders(root folder, r *record, limit int) *folders {
	c := &folders{open: make(map[string]*openFolder), limit: limit}
	c.recent.newer, c.recent.older = &c.recent, &c.recent
	c.insert(&openFolder{folder: root, record: r, pins: 1})
	return c
}

// get returns the folder of a directory's key, pinned: release it. The folder
// must exist; no symbolic link on the way is followed.
func (c *folders) get(key []byte) (*openFolder, error) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil, ErrClosed
	}
	if f, ok := c.open[string(key)]; ok {
		f.pins++
		c.touch(f)
		c.mu.Unlock()
		return f, nil
	}
	above := c.nearest(key)
	r := c.find(key)
	c.mu.Unlock()
	defer c.release(above)
	opened, err := above.openBelow(string(key[len(above.key) : len(key)-1]))
	if err != nil {
		return nil, err
	}
	f := &openFolder{folder: opened, record: r, pins: 1}
	if err := f.recognise(string(key)); err != nil {
		opened.close()
		return nil, err
	}
	return c.add(f), nil
}

// recognise checks that an opened folder is the one on record, or makes a
// record for one that Prepare did not see.
func (f *openFolder) recognise(key string) error {
	s, err := f.self()
	if err != nil {
		return err
	}
	if f.record == nil {
		f.record = &record{key: key, status: s, defaultACL: f.hasDefaultACL()}
	} else if !f.status.sameAs(s) {
		return ErrMoved
	}
	return nil
}

// nearest returns the deepest open folder above key, pinned: the target
// itself is always open. The caller holds mu.
func (c *folders) nearest(key []byte) *openFolder {
	for {
		key, _ = splitKey(key)
		if f, ok := c.open[string(key)]; ok {
			f.pins++
			return f
		}
	}
}

// remember keeps the record of a directory that Prepare has just opened and
// returns it pinned.
func (c *folders) remember(f *openFolder) *openFolder {
	c.mu.Lock()
	c.records = append(c.records, f.record)
	c.mu.Unlock()
	f.pins = 1
	return c.add(f)
}

// add makes room for a folder and keeps it open. When somebody else opened
// the same in the meantime that one is returned.
func (c *folders) add(f *openFolder) *openFolder {
	c.mu.Lock()
	defer c.mu.Unlock()
	if first, ok := c.open[f.key]; ok {
		f.close()
		first.pins++
		return first
	}
	for old := c.recent.newer; len(c.open) >= c.limit && old != &c.recent; {
		next := old.newer
		if old.pins == 0 {
			c.remove(old)
		}
		old = next
	}
	c.insert(f)
	return f
}

func (c *folders) insert(f *openFolder) {
	c.open[f.key] = f
	f.newer, f.older = &c.recent, c.recent.older
	f.newer.older, f.older.newer = f, f
}

func (c *folders) touch(f *openFolder) {
	if c.recent.older == f {
		return
	}
	f.newer.older, f.older.newer = f.older, f.newer
	f.newer, f.older = &c.recent, c.recent.older
	f.newer.older, f.older.newer = f, f
}

func (c *folders) remove(f *openFolder) {
	delete(c.open, f.key)
	f.newer.older, f.older.newer = f.older, f.newer
	f.close()
}

// release ends the use of a folder that get or remember returned.
func (c *folders) release(f *openFolder) {
	c.mu.Lock()
	f.pins--
	if f.pins == 0 && (c.closed || len(c.open) > c.limit) {
		c.remove(f)
	}
	c.mu.Unlock()
}

// find returns a directory's record or nil. The caller holds mu.
func (c *folders) find(key []byte) *record {
	i := sort.Search(len(c.records), func(i int) bool { return c.records[i].key >= string(key) })
	if i < len(c.records) && c.records[i].key == string(key) {
		return c.records[i]
	}
	return nil
}

// known says whether Prepare made or found this directory.
func (c *folders) known(key []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.find(key) != nil
}

// close closes every folder, those in use when they are released.
func (c *folders) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.closed = true
	c.open[""].pins-- // newFolders' pin
	for _, f := range c.open {
		if f.pins == 0 {
			c.remove(f)
		}
	}
}

// isAbsent says that a path does not lead to a folder: something is missing,
// or something that is not a directory is in its way.
func isAbsent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || isNotFolder(err)
}
