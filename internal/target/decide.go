package target

import (
	"bytes"
	"errors"
	"io/fs"

	"firn/internal/format"
)

// decide plans an entry that is not a directory.
func (d *Disk) decide(p *openFolder, key []byte, kind uint32, e *format.Entry) (Plan, error) {
	if reason := unrestorable(kind, e); reason != "" {
		return Plan{Action: Skip, Reason: reason}, nil
	}
	if p.fresh {
		return d.wanted(key, kind, e), nil
	}
	_, rawName := splitKey(key)
	name := string(rawName)
	s, err := p.stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return d.wanted(key, kind, e), nil
	}
	if err != nil {
		return Plan{}, err
	}
	if reason := d.kept(&s, e); reason != "" {
		return Plan{Action: Skip, Reason: reason}, nil
	}
	plan := d.wanted(key, kind, e)
	if d.opts.Overwrite == OverwriteIfChanged && plan.Action != Skip && unchanged(p.folder, name, &s, kind, e) {
		if kind != format.TypeFile || plan.Action == Write {
			plan.Action = Keep
		}
	}
	plan.Existing = plan.Action == Write && isSameFile(&s, e)
	return plan, nil
}

// unrestorable says why an entry is not restored anywhere; "" if it is.
func unrestorable(kind uint32, e *format.Entry) string {
	switch {
	case kind == format.TypeSocket:
		return "sockets are made by the programs that listen on them"
	case kind == format.TypeFile && e.Flags&format.FlagUnreadable != 0:
		return "content could not be read when it was backed up"
	}
	return ""
}

// wanted plans an entry that is to be restored.
func (d *Disk) wanted(key []byte, kind uint32, e *format.Entry) Plan {
	if kind != format.TypeFile || d.links.follows(key, e) {
		return Plan{Action: Make}
	}
	return Plan{Action: Write}
}

// isSameFile says that an existing file has an entry's size and may be kept
// in its place: it must have no more names than the entry, so that metadata
// are not set on a file that is known outside the target too.
func isSameFile(s *status, e *format.Entry) bool {
	return s.kind == format.TypeFile && uint64(s.size) == e.Size && s.links <= max(e.Links, 1)
}

// unchanged says that what exists is what the entry describes, metadata apart.
func unchanged(in folder, name string, s *status, kind uint32, e *format.Entry) bool {
	switch kind {
	case format.TypeFile:
		return isSameFile(s, e) && s.compareTime(e) == 0
	case format.TypeSymlink:
		if s.kind != format.TypeSymlink {
			return false
		}
		target, err := in.readlink(name, len(e.Target))
		return err == nil && bytes.Equal(target, e.Target)
	case format.TypeCharDevice, format.TypeBlockDev:
		return s.kind == kind && s.rdev == e.Rdev
	}
	return s.kind == kind
}

// foresee is prepare without changing anything.
func (d *Disk) foresee(key []byte, kind uint32, e *format.Entry) (Plan, error) {
	parent, name := splitKey(key)
	var p *openFolder
	err := fs.ErrNotExist
	if d.folders != nil {
		p, err = d.folders.get(parent)
	}
	switch {
	case err == nil:
		defer d.folders.release(p)
	case !isAbsent(err):
		return Plan{}, err
	default:
		p = &openFolder{record: &record{fresh: true}} // stands for one to be made
	}
	if kind != format.TypeDirectory {
		return d.decide(p, key, kind, e)
	}
	if p.fresh {
		return Plan{Action: Done}, nil
	}
	s, err := p.stat(string(name))
	if errors.Is(err, fs.ErrNotExist) {
		return Plan{Action: Done}, nil
	}
	if err != nil {
		return Plan{}, err
	}
	return d.foreseeDirectory(p, key, &s, e)
}

func (d *Disk) foreseeDirectory(p *openFolder, key []byte, s *status, e *format.Entry) (Plan, error) {
	if s.kind != format.TypeDirectory {
		if reason := d.kept(s, e); reason != "" {
			d.skipped = &skip{key: bytes.Clone(key), reason: reason}
			return Plan{Action: Skip, Reason: reason}, nil
		}
		return Plan{Action: Done}, nil
	}
	if !d.opts.DeleteExtra {
		return Plan{Action: Done}, nil
	}
	_, name := splitKey(key)
	f, err := p.openStep(string(name))
	if err != nil {
		return Plan{}, err
	}
	defer f.close()
	return Plan{Action: Done}, d.extra.enter(f, key)
}
