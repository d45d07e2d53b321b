package target

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"sync"

	"firn/internal/format"
)

// allocateFrom is the size in bytes from which space is reserved at once.
const allocateFrom = 1 << 20

// File is a file that is restored piece by piece. It grows under a temporary
// name; ReadAt, WriteAt and Hole may be called concurrently for ranges that do
// not overlap. It ends with exactly one of Commit, Abort and Suspend.
type File struct {
	disk      *Disk
	key       []byte
	entry     *format.Entry
	temporary string
	resumed   bool
	created   present
	identity  status // of the temporary, to recognise it

	slot      // guarded by disk.files.mu
	end       sync.Once
	reserving sync.Mutex // held while space is taken, and while the file ends
}

// Create begins a file, or goes on with one that an interrupted run left. e
// must stay unchanged until the file ends. Reserve takes the space for it.
func (d *Disk) Create(key []byte, e *format.Entry) (*File, error) {
	f, err := d.createFile(key, e)
	if err != nil {
		return nil, entryError("restore file", key, err)
	}
	return f, nil
}

func (d *Disk) createFile(key []byte, e *format.Entry) (*File, error) {
	if err := d.isFile(key, e); err != nil {
		return nil, err
	}
	if e.Size > math.MaxInt64 {
		return nil, fmt.Errorf("%w: %d bytes", ErrSize, e.Size)
	}
	parent, _ := splitKey(key)
	p, err := d.folders.get(parent)
	if err != nil {
		return nil, err
	}
	defer d.folders.release(p)
	f := &File{disk: d, key: append([]byte(nil), key...), entry: e, temporary: temporaryName(key, e), created: unknown}
	h, err := f.openTemporary(p)
	if err != nil {
		return nil, err
	}
	if f.identity, err = h.self(); err == nil {
		err = h.truncate(int64(e.Size))
	}
	if err != nil {
		err = errors.Join(err, h.close())
		if !f.resumed {
			err = errors.Join(err, p.unlink(f.temporary))
		}
		return nil, err
	}
	d.files.insert(f, h)
	return f, nil
}

// openTemporary opens what an earlier run left, or a new file. Only a file
// that cannot be anybody else's is gone on with.
func (f *File) openTemporary(p *openFolder) (handle, error) {
	if !p.fresh {
		h, err := p.reopen(f.temporary)
		if err == nil {
			s, err := h.self()
			if err == nil && s.kind == format.TypeFile && s.links == 1 && s.mode&0o077 == 0 && isOwn(&s) {
				f.resumed = true
				return h, nil
			}
			if err := errors.Join(err, h.close()); err != nil {
				return handle{}, err
			}
		}
	}
	var h handle
	err := newTemporary(p, f.temporary, func(name string) (err error) {
		h, err = p.create(name, 0o600)
		return err
	})
	f.created = f.disk.created(p, 0o600)
	return h, err
}

// Reserve takes the space for a file at once, unless it is small or to be sparse, so
// that it lies in one piece and a target without room says so early: ErrFull. It may be
// called while the file is written, and does nothing once the file has ended.
func (f *File) Reserve() error {
	size := int64(f.entry.Size)
	if f.resumed || size < allocateFrom || f.disk.isSparse(f.entry) {
		return nil
	}
	f.reserving.Lock()
	defer f.reserving.Unlock()
	h, err := f.disk.files.acquire(f)
	if errors.Is(err, ErrClosed) {
		return nil
	}
	if err == nil {
		if err = h.allocate(size); isUnsupported(err) {
			err = nil
		}
		f.disk.files.release(f)
	}
	if err != nil {
		return entryError("restore file", f.key, err)
	}
	return nil
}

// Resumed says that the file may hold content from an earlier run: pieces
// that ReadAt shows to be right need not be written again.
func (f *File) Resumed() bool { return f.resumed }

// ReadAt reads what has been written, now or by an earlier run; all else is
// zero.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	h, err := f.disk.files.acquire(f)
	if err != nil {
		return 0, entryError("read back", f.key, err)
	}
	defer f.disk.files.release(f)
	return h.readAt(p, off)
}

// WriteAt writes a piece of the content.
func (f *File) WriteAt(p []byte, off int64) (int, error) {
	if err := f.within(off, int64(len(p))); err != nil {
		return 0, entryError("restore file", f.key, err)
	}
	h, err := f.disk.files.acquire(f)
	if err != nil {
		return 0, entryError("restore file", f.key, err)
	}
	defer f.disk.files.release(f)
	if f.disk.isSparse(f.entry) && len(p) >= holeSize {
		err = writeRuns(p, off, h.writeAt, func(off, n int64) error { return f.zero(h, off, n) })
	} else {
		err = h.writeAt(p, off)
	}
	if err != nil {
		return 0, entryError("restore file", f.key, err)
	}
	return len(p), nil
}

// Hole makes n bytes at off zero, without taking space where possible. Holes
// of the entry must be given too: an earlier run may have left something there.
func (f *File) Hole(off, n int64) error {
	if err := f.within(off, n); err != nil {
		return entryError("restore file", f.key, err)
	}
	if !f.resumed || n == 0 {
		return nil
	}
	h, err := f.disk.files.acquire(f)
	if err == nil {
		err = f.zero(h, off, n)
		f.disk.files.release(f)
	}
	if err != nil {
		return entryError("restore file", f.key, err)
	}
	return nil
}

func (f *File) within(off, n int64) error {
	if off < 0 || n < 0 || off > int64(f.entry.Size)-n {
		return fmt.Errorf("%w: %d bytes at %d of %d", ErrSize, n, off, f.entry.Size)
	}
	return nil
}

func (f *File) zero(h handle, off, n int64) error {
	err := h.punch(off, n)
	if err == nil || !isUnsupported(err) {
		return err
	}
	if !f.resumed { // nothing has been written there
		return nil
	}
	for n > 0 {
		part := min(n, int64(len(zeros)))
		if err := h.writeAt(zeros[:part], off); err != nil {
			return err
		}
		off, n = off+part, n-part
	}
	return nil
}

// Commit gives the file its metadata and its name. After an error the
// temporary is left for a later run.
func (f *File) Commit() error {
	return f.finish(func(p *openFolder) error {
		err := f.complete(p)
		if err = errors.Join(err, f.disk.files.drop(f)); err != nil {
			return err
		}
		if err := f.disk.place(p, f.temporary, f.key); err != nil {
			return err
		}
		f.disk.links.restored(f.key, f.entry)
		return nil
	})
}

// complete sets size and metadata of the temporary.
func (f *File) complete(p *openFolder) error {
	h, err := f.disk.files.acquire(f)
	if err != nil {
		return err
	}
	defer f.disk.files.release(f)
	if err := h.truncate(int64(f.entry.Size)); err != nil {
		return err
	}
	m := f.disk.metadata(f.key, format.TypeFile, f.entry)
	f.disk.apply(f.key, node{in: p.folder, name: f.temporary, file: h, open: true}, &m, f.created)
	return nil
}

// Abort gives the file up and removes the temporary.
func (f *File) Abort() error {
	return f.finish(func(p *openFolder) error {
		err := f.disk.files.drop(f)
		if gone := p.unlink(f.temporary); !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
		return err
	})
}

// Suspend closes the file and leaves the temporary for a later run.
func (f *File) Suspend() error {
	return f.finish(func(*openFolder) error { return f.disk.files.drop(f) })
}

// finish ends the file once.
func (f *File) finish(last func(p *openFolder) error) error {
	err := ErrClosed
	f.end.Do(func() {
		f.reserving.Lock()
		defer f.reserving.Unlock()
		parent, _ := splitKey(f.key)
		var p *openFolder
		if p, err = f.disk.folders.get(parent); err != nil {
			err = errors.Join(err, f.disk.files.drop(f))
			return
		}
		defer f.disk.folders.release(p)
		err = last(p)
	})
	if err != nil {
		return entryError("restore file", f.key, err)
	}
	return nil
}
