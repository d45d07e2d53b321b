package target

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"firn/internal/format"
)

// Disk restores into a folder. Prepare is called for each entry in ascending
// order of keys by one goroutine; the methods that restore an entry may be
// called concurrently, in any order, for entries that Prepare has answered;
// Finish comes when all is done, Close always.
type Disk struct {
	opts    DiskOptions
	folders *folders // nil: a dry run whose target does not exist
	files   *fileCache
	links   links
	users   *names
	groups  *names

	umask      uint32
	umaskKnown bool

	order    sequence // used by Prepare only
	skipped  *skip    // used by Prepare only: directory below which nothing is restored
	extra    extra    // used by Prepare and Finish only
	finished sync.Once
}

// NewDisk opens the folder dir as a target, making it if it does not exist.
func NewDisk(dir string, opts DiskOptions) (*Disk, error) {
	d := &Disk{opts: opts, files: newFileCache(maxFiles), users: userNames(), groups: groupNames()}
	if opts.NumericOwner {
		d.users.find, d.groups.find = nil, nil
	}
	d.umask, d.umaskKnown = creationMask()
	root, made, err := openTarget(dir, opts.DryRun)
	if err != nil {
		if opts.DryRun && errors.Is(err, fs.ErrNotExist) {
			return d, nil
		}
		return nil, fmt.Errorf("open target: %w", err)
	}
	s, err := root.self()
	if err != nil {
		root.close()
		return nil, fmt.Errorf("open target %s: %w", dir, err)
	}
	r := &record{fresh: made, status: s, defaultACL: root.hasDefaultACL()}
	d.folders = newFolders(root, r, maxFolders)
	if opts.DeleteExtra && !made {
		if err := d.extra.enter(root, nil); err != nil {
			d.folders.close()
			return nil, fmt.Errorf("list target %s: %w", dir, err)
		}
	}
	return d, nil
}

// openTarget opens the target itself and says whether it was made.
func openTarget(dir string, dryRun bool) (folder, bool, error) {
	root, err := openRoot(dir)
	if !errors.Is(err, fs.ErrNotExist) || dryRun {
		return root, false, err
	}
	if err := os.MkdirAll(dir, permissions); err != nil {
		return folder{}, false, err
	}
	root, err = openRoot(dir)
	return root, true, err
}

// Open opens a regular file of the target for reading, to compare or verify
// it. No symbolic link below the target is followed.
func (d *Disk) Open(key []byte) (*os.File, error) {
	if err := checkKey(key, false); err != nil {
		return nil, entryError("open", key, err)
	}
	if d.folders == nil {
		return nil, entryError("open", key, fs.ErrNotExist)
	}
	parent, name := splitKey(key)
	p, err := d.folders.get(parent)
	if err != nil {
		return nil, entryError("open", key, err)
	}
	defer d.folders.release(p)
	h, err := p.read(string(name))
	if err != nil {
		return nil, entryError("open", key, err)
	}
	s, err := h.self()
	if err == nil && s.kind != format.TypeFile {
		err = fmt.Errorf("%w: not a regular file", ErrUnsupported)
	}
	if err != nil {
		return nil, entryError("open", key, errors.Join(err, h.close()))
	}
	return h.osFile(string(key)), nil
}

// Close lets go of all descriptors. Files that were neither committed nor
// aborted leave their temporaries for a later run.
func (d *Disk) Close() error {
	if d.folders != nil {
		d.folders.close()
	}
	return d.files.close()
}
