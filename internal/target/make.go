package target

import (
	"errors"
	"fmt"
	"io/fs"

	"firn/internal/format"
)

// MakeOther restores an entry that has no content of its own: a symbolic
// link, device or pipe, or a further member of a hard link group of which one
// has been restored (else ErrNoLeader: then WriteFile and Create will do).
// Devices need privileges.
func (d *Disk) MakeOther(key []byte, e *format.Entry) error {
	if err := d.makeOther(key, e); err != nil {
		return entryError("restore", key, err)
	}
	return nil
}

func (d *Disk) makeOther(key []byte, e *format.Entry) error {
	if d.opts.DryRun {
		return errDryRun
	}
	kind, err := kindOf(key, e)
	if err != nil {
		return err
	}
	parent, _ := splitKey(key)
	p, err := d.folders.get(parent)
	if err != nil {
		return err
	}
	defer d.folders.release(p)
	switch kind {
	case format.TypeSymlink:
		return d.make(p, key, kind, e, func(name string) error { return p.symlink(e.Target, name) })
	case format.TypePipe, format.TypeCharDevice, format.TypeBlockDev:
		return d.make(p, key, kind, e, func(name string) error { return p.mknod(name, kind, e.Rdev) })
	case format.TypeFile:
		return d.makeLink(p, key, e)
	}
	return fmt.Errorf("%w: entries of type %d", ErrUnsupported, e.Type)
}

// make makes something by create, sets its metadata and places it.
func (d *Disk) make(p *openFolder, key []byte, kind uint32, e *format.Entry, create func(name string) error) error {
	m := d.metadata(key, kind, e)
	now := d.created(p, 0o600)
	if d.direct(p) {
		_, name := splitKey(key)
		err := create(string(name))
		if err == nil {
			d.apply(key, node{in: p.folder, name: string(name)}, &m, now)
		}
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	name := temporaryName(key, e)
	if err := newTemporary(p, name, create); err != nil {
		return err
	}
	d.apply(key, node{in: p.folder, name: name}, &m, now)
	if err := d.place(p, name, key); err != nil {
		return errors.Join(err, p.unlink(name))
	}
	return nil
}

func (d *Disk) makeLink(p *openFolder, key []byte, e *format.Entry) error {
	leader, ok := d.links.leader(e)
	if !ok || !isLinked(e) {
		return ErrNoLeader
	}
	parent, rawFrom := splitKey([]byte(leader))
	from := string(rawFrom)
	lp, err := d.folders.get(parent)
	if err != nil {
		return err
	}
	defer d.folders.release(lp)
	s, err := lp.stat(from)
	if err != nil {
		return err
	}
	if s.kind != format.TypeFile {
		return ErrNoLeader
	}
	if err := d.placeLink(p, lp, from, &s, key, e); err != nil {
		return err
	}
	d.links.linked(e)
	return nil
}

// placeLink links the leader, called from in lp, into the place of key.
func (d *Disk) placeLink(p, lp *openFolder, from string, s *status, key []byte, e *format.Entry) error {
	_, rawName := splitKey(key)
	name := string(rawName)
	err := p.link(lp.folder, from, name)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	// Renaming a file over another name of itself does nothing, and would
	// leave the temporary.
	if existing, err := p.stat(name); err == nil && existing.sameAs(*s) {
		return nil
	}
	temporary := temporaryName(key, e)
	err = newTemporary(p, temporary, func(name string) error { return p.link(lp.folder, from, name) })
	if err != nil {
		return err
	}
	if err := d.place(p, temporary, key); err != nil {
		return errors.Join(err, p.unlink(temporary))
	}
	return nil
}

// Keep sets the metadata of something that exists and needs nothing else:
// what Prepare has answered Keep for, or a file whose content was found equal.
func (d *Disk) Keep(key []byte, e *format.Entry) error {
	if err := d.keepNode(key, e); err != nil {
		return entryError("restore metadata of", key, err)
	}
	d.links.restored(key, e)
	return nil
}

func (d *Disk) keepNode(key []byte, e *format.Entry) error {
	if d.opts.DryRun {
		return errDryRun
	}
	kind, err := kindOf(key, e)
	if err != nil {
		return err
	}
	parent, rawName := splitKey(key)
	p, err := d.folders.get(parent)
	if err != nil {
		return err
	}
	defer d.folders.release(p)
	name := string(rawName)
	s, err := p.stat(name)
	if err != nil {
		return err
	}
	if s.kind != kind || kind == format.TypeFile && !isSameFile(&s, e) {
		return ErrMoved
	}
	m := d.metadata(key, kind, e)
	n := node{in: p.folder, name: name}
	d.clearAttributes(key, n, &m)
	d.apply(key, n, &m, present{uid: s.uid, gid: s.gid, mode: s.mode, modeKnown: true})
	return nil
}
