package target

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"

	"firn/internal/format"
)

// Action is what is to be done for an entry.
type Action int

const (
	// Done asks for nothing more: a directory that Prepare made.
	Done Action = iota
	// Skip leaves what exists, or nothing, for Plan.Reason.
	Skip
	// Keep says that the content is right: call Disk.Keep for the metadata.
	Keep
	// Write asks for the content: Disk.WriteFile, or Disk.Create.
	Write
	// Make asks for Disk.MakeOther; for hard links when the rest is done.
	Make
)

// Plan is Prepare's answer.
type Plan struct {
	Action Action
	Reason string // for people; set with Skip
	// Existing says, with Write, that a file of the entry's size is in place.
	// Who can tell by Disk.Open that its content is the entry's may call
	// Disk.Keep instead of writing it.
	Existing bool
}

// skip is a directory that was not restored, and why.
type skip struct {
	key    []byte
	reason string
}

// Prepare makes directories at once, with those above that have no entry, and
// decides what is to be done for all other entries. Keys must ascend. After
// an error nothing is to be done for this entry; the entries below it will
// fail too, but no others. e is not used after the call.
func (d *Disk) Prepare(key []byte, e *format.Entry) (Plan, error) {
	kind, err := kindOf(key, e)
	var collision []byte
	if err == nil {
		collision, err = d.order.next(key, kind == format.TypeDirectory)
	}
	if err != nil {
		d.extra.uncertain = true // what it stands for must not be deleted
		return Plan{}, entryError("restore", key, err)
	}
	d.extra.see(key)
	if d.skipped != nil && bytes.HasPrefix(key, d.skipped.key) {
		return Plan{Action: Skip, Reason: d.skipped.reason}, nil
	}
	d.skipped = nil
	plan, err := d.prepare(key, kind, e, collision)
	if err != nil {
		return Plan{}, entryError("restore", key, err)
	}
	return plan, nil
}

func (d *Disk) prepare(key []byte, kind uint32, e *format.Entry, collision []byte) (Plan, error) {
	if d.opts.DryRun {
		return d.foresee(key, kind, e)
	}
	parent, _ := splitKey(key)
	p, err := d.parent(parent, collision)
	if err != nil {
		return Plan{}, err
	}
	if p == nil {
		return Plan{Action: Skip, Reason: d.skipped.reason}, nil
	}
	defer d.folders.release(p)
	if kind == format.TypeDirectory {
		made, err := d.directory(p, key, e, collision)
		if err != nil {
			return Plan{}, err
		}
		if made == nil {
			return Plan{Action: Skip, Reason: d.skipped.reason}, nil
		}
		d.folders.release(made)
		return Plan{Action: Done}, nil
	}
	return d.decide(p, key, kind, e)
}

// parent returns a directory, made if need be; nil when the overwrite mode
// keeps something that is in its place.
func (d *Disk) parent(key, collision []byte) (*openFolder, error) {
	p, err := d.folders.get(key)
	if err == nil || !isAbsent(err) {
		return p, err
	}
	above, _ := splitKey(key)
	p, err = d.parent(above, collision)
	if err != nil || p == nil {
		return nil, err
	}
	defer d.folders.release(p)
	return d.directory(p, key, nil, collision)
}

// directory makes or finds one directory and returns it open; nil when
// something else in its place is kept. e is nil for directories without entry.
func (d *Disk) directory(p *openFolder, key []byte, e *format.Entry, collision []byte) (*openFolder, error) {
	_, rawName := splitKey(key)
	name := string(rawName)
	mode := uint32(permissions)
	if e != nil {
		mode = 0o700 // until Finish
	}
	r := &record{key: string(key), fresh: true, private: e != nil}
	err := p.mkdir(name, mode)
	if errors.Is(err, fs.ErrExist) {
		r.fresh, err = d.clearWay(p, name, key, e, collision)
		if d.skipped != nil {
			return nil, nil
		}
		if err == nil && r.fresh {
			err = p.mkdir(name, mode)
		}
	}
	if err != nil {
		return nil, err
	}
	if e != nil && (r.fresh || d.opts.Overwrite != OverwriteNever) {
		r.set = true
		r.directory = d.metadata(key, format.TypeDirectory, e)
		r.directory.keep()
	}
	return d.enter(p, name, r)
}

// enter opens a directory that exists now and remembers it.
func (d *Disk) enter(p *openFolder, name string, r *record) (*openFolder, error) {
	opened, err := p.openStep(name)
	if err != nil {
		return nil, err
	}
	f := &openFolder{folder: opened, record: r}
	if r.status, err = opened.self(); err != nil {
		opened.close()
		return nil, err
	}
	if r.fresh && r.private {
		// Somebody else's directory put here in the meantime is not private.
		r.private = r.status.mode&0o077 == 0 && isOwn(&r.status)
		r.fresh = r.private
	}
	switch {
	case !r.fresh:
		r.defaultACL = opened.hasDefaultACL()
	case p.defaultACL:
		d.disinherit(r, opened)
	}
	if d.opts.DeleteExtra && !r.fresh && r.set {
		if err := d.extra.enter(opened, []byte(r.key)); err != nil {
			d.report([]byte(r.key), "list", err)
		}
	}
	return d.folders.remember(f), nil
}

// disinherit rids a new directory of the ACL it has from its parent.
func (d *Disk) disinherit(r *record, f folder) {
	for _, name := range []string{aclDefault, aclAccess} {
		if err := f.node().removeAttribute(name); err != nil && !isNoAttribute(err) {
			d.report([]byte(r.key), "remove inherited ACL", err)
		}
	}
	if err := f.node().chmod(r.status.mode & 0o700); err != nil {
		d.report([]byte(r.key), "set mode", err)
	}
	r.defaultACL = f.hasDefaultACL()
}

// clearWay deals with what exists where a directory is to be. A directory
// stays; other things are removed, or kept: then skipped is set.
func (d *Disk) clearWay(p *openFolder, name string, key []byte, e *format.Entry, collision []byte) (cleared bool, err error) {
	s, err := p.stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if s.kind == format.TypeDirectory {
		if e == nil {
			return false, nil
		}
		return false, d.unlock(p, name, &s)
	}
	if reason := d.kept(&s, e); reason != "" {
		d.skipped = &skip{key: bytes.Clone(key), reason: reason + " in place of directory " + fmt.Sprintf("%q", key)}
		return false, nil
	}
	if err := p.unlink(name); err != nil {
		return false, err
	}
	if collision != nil {
		d.report(collision, "replace by directory", ErrCollision)
	}
	return true, nil
}

// unlock gives an ordinary user the bits needed to work in an own directory.
// Finish sets the mode it shall have.
func (d *Disk) unlock(p *openFolder, name string, s *status) error {
	if s.mode&0o700 == 0o700 || isPrivileged() || !isOwn(s) || d.opts.Overwrite == OverwriteNever {
		return nil
	}
	return node{in: p.folder, name: name}.chmod(s.mode | 0o700)
}

// kept says why the overwrite mode keeps an existing thing; "" if it does not.
// e is nil for directories that have no entry.
func (d *Disk) kept(s *status, e *format.Entry) string {
	switch d.opts.Overwrite {
	case OverwriteNever:
		return "exists"
	case OverwriteIfNewer:
		if e == nil || s.compareTime(e) >= 0 {
			return "exists and is not older"
		}
	}
	return ""
}
