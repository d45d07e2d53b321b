package source

import (
	"errors"
	"fmt"

	"firn/internal/format"
)

// An examiner looks at the names of a part one after the other.
type examiner struct {
	files      *Files
	part       *part
	at         handle
	attributes *attributeReader
}

// look reads the metadata of l into entry and adds item, unless it is left out.
func (x *examiner) look(l *listed, item Item, entry *format.Entry) {
	f, p, d := x.files, x.part, x.part.dir
	stop := d.stop.child(l.name)
	follow := stop != nil && stop.follow
	var s stat
	err := x.at.lstat(l.name, follow, &s)
	switch {
	case err != nil:
		err = fmt.Errorf("read metadata: %w", err)
	case s.kind == 0:
		err = errors.New("read metadata: of no type that can be kept")
	case (s.kind == format.TypeDirectory) != (l.kind == format.TypeDirectory):
		err = fmt.Errorf("read metadata: %w", ErrChanged) // its place in the order would be another
	}
	if err != nil {
		item.Err = err
		p.items = append(p.items, item)
		return
	}
	if stop == nil {
		if reason, out := f.refuses(d, item.Path, &s); out {
			f.leaveOut(item.Path, reason)
			return
		}
	}
	item.Entry, item.identity = entry, s.identity
	s.fill(entry, f.owners)
	c := &carrier{at: x.at, path: item.Path, name: l.name, follow: follow}
	entry.Attributes, item.Err = x.attributes.read(c, &s)
	if s.kind == format.TypeSymlink {
		var failed error
		if entry.Target, failed = x.at.readlink(l.name, s.size); failed != nil {
			item.Err = errors.Join(item.Err, fmt.Errorf("read link: %w", failed))
		}
	}
	p.items = append(p.items, item)
	if s.kind == format.TypeDirectory {
		if inside := x.inside(l, stop, &s, &p.items[len(p.items)-1]); inside != nil {
			p.folders = append(p.folders, inside)
		}
	}
}

// refuses reports whether something that is no stop is left out for what it is.
func (f *Files) refuses(d *dir, path string, s *stat) (Reason, bool) {
	switch {
	case f.isOwn(path, s):
		return ByOwn, true
	case s.kind == format.TypeDirectory:
		return 0, false // it is kept, if not what it holds
	case s.kind == format.TypeFile && f.opts.ExcludeLargerThan > 0 && s.size > f.opts.ExcludeLargerThan:
		return BySize, true
	case f.opts.OneFileSystem && s.identity.device != d.root.identity.device:
		return ByFileSystem, true
	}
	return 0, false
}

// inside returns the folder for a directory, nil if nothing in it is read.
func (x *examiner) inside(l *listed, stop *stop, s *stat, item *Item) *folder {
	f, d := x.files, x.part.dir
	child := &dir{
		parent: d, name: l.name, path: item.Path, key: string(item.Key),
		follow: stop != nil && stop.follow, whole: !l.passing, stop: stop, root: d.root, scope: d.scope,
	}
	switch {
	case stop != nil && stop.root:
		child.whole, child.root = true, child
	case child.whole && s.identity.device != d.identity.device:
		if reason, out := f.refusesMount(x.at, child, s); out {
			f.leaveOut(child.path, reason)
			child.whole = false
		}
	}
	if l.passing && !child.whole {
		above(item.Entry)
	}
	if !child.whole && (stop == nil || len(stop.children) == 0) {
		return nil
	}
	return newFolder(child, item)
}

// above leaves of a directory that only leads to a root what such a directory
// is needed for. Its times belong to what else goes on in it, and would make
// every backup look new.
func above(e *format.Entry) {
	e.Flags |= format.FlagAbove
	e.MTime, e.MTimeNS, e.CTime, e.CTimeNS = 0, 0, 0, 0
	e.Inode, e.Device, e.Links = 0, 0, 0
}

// refusesMount reports whether what is mounted at a directory is left out.
func (f *Files) refusesMount(at handle, d *dir, s *stat) (Reason, bool) {
	if f.opts.OneFileSystem && s.identity.device != d.root.identity.device {
		return ByFileSystem, true
	}
	if f.opts.KeepPseudo {
		return 0, false
	}
	kind, err := at.pseudo(d.name, d.path)
	if err != nil {
		return 0, false // listing it will fail as well, and say so
	}
	return ByPseudo, kind != ""
}
