package target

import (
	"errors"
	"fmt"
	"io/fs"

	"firn/internal/format"
)

// WriteFile restores a whole file at once. Where this run made the directory
// the file gets its name at once, too: should the run break off, a half
// written file there lacks the entry's mtime and is not kept by a later run.
func (d *Disk) WriteFile(key []byte, e *format.Entry, content []byte) error {
	if err := d.writeFile(key, e, content); err != nil {
		return entryError("restore file", key, err)
	}
	d.links.restored(key, e)
	return nil
}

func (d *Disk) writeFile(key []byte, e *format.Entry, content []byte) error {
	if err := d.isFile(key, e); err != nil {
		return err
	}
	if uint64(len(content)) != e.Size {
		return fmt.Errorf("%w: %d bytes of %d", ErrSize, len(content), e.Size)
	}
	parent, _ := splitKey(key)
	p, err := d.folders.get(parent)
	if err != nil {
		return err
	}
	defer d.folders.release(p)
	m := d.metadata(key, format.TypeFile, e)
	if d.direct(p) {
		err := d.writeDirect(p, key, e, &m, content)
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	var h handle
	temporary := temporaryName(key, e)
	err = newTemporary(p, temporary, func(name string) (err error) {
		h, err = p.create(name, 0o600)
		return err
	})
	if err != nil {
		return err
	}
	if err = d.fill(p, key, e, h, temporary, 0o600, &m, content); err == nil {
		err = d.place(p, temporary, key)
	}
	if err != nil {
		return errors.Join(err, p.unlink(temporary))
	}
	return nil
}

// direct says that things in p may get their names before they are complete:
// nothing is replaced, and no later run with the same mode would keep a half
// written one, which has the time of its making.
func (d *Disk) direct(p *openFolder) bool {
	return p.fresh && (d.opts.Overwrite == OverwriteAlways || d.opts.Overwrite == OverwriteIfChanged)
}

// writeDirect creates a file under its name. Where nobody else can look, it
// has its mode from the start.
func (d *Disk) writeDirect(p *openFolder, key []byte, e *format.Entry, m *metadata, content []byte) error {
	_, rawName := splitKey(key)
	name, mode := string(rawName), uint32(0o600)
	if p.private && m.mode&identity == 0 && len(m.attributes) == 0 {
		mode = m.mode & permissions
	}
	h, err := p.create(name, mode)
	if err != nil {
		return err
	}
	if err := d.fill(p, key, e, h, name, mode, m, content); err != nil {
		return errors.Join(err, p.unlink(name))
	}
	return nil
}

// fill writes content and metadata of a file just created, and closes it.
func (d *Disk) fill(p *openFolder, key []byte, e *format.Entry, h handle, name string, mode uint32, m *metadata, content []byte) error {
	err := d.writeContent(h, e, content)
	if err == nil {
		d.apply(key, node{in: p.folder, name: name, file: h, open: true}, m, d.created(p, mode))
	}
	return errors.Join(err, h.close())
}

func (d *Disk) writeContent(h handle, e *format.Entry, content []byte) error {
	if !d.isSparse(e) || len(content) < holeSize {
		return h.write(content)
	}
	if err := h.truncate(int64(len(content))); err != nil {
		return err
	}
	return writeRuns(content, 0, h.writeAt, func(int64, int64) error { return nil })
}

// created says what metadata a file has that was just created in p.
func (d *Disk) created(p *openFolder, mode uint32) present {
	now := unknown
	now.mode, now.modeKnown, now.inheritedACL = mode&^d.umask, d.umaskKnown, p.defaultACL
	if p.fresh {
		// Owners are given as they were given to the directory, which was
		// itself just made, whatever rule the file system has.
		now.uid, now.gid = p.status.uid, p.status.gid
	}
	return now
}

func (d *Disk) isSparse(e *format.Entry) bool {
	return d.opts.Sparse || e.Flags&format.FlagSparse != 0
}

// isFile checks that an entry may be restored as a file.
func (d *Disk) isFile(key []byte, e *format.Entry) error {
	if d.opts.DryRun {
		return errDryRun
	}
	kind, err := kindOf(key, e)
	if err != nil {
		return err
	}
	if kind != format.TypeFile {
		return fmt.Errorf("%w: not a file", ErrUnsupported)
	}
	return nil
}

var errDryRun = errors.New("nothing is restored in a dry run")
