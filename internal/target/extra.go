package target

import (
	"bytes"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"firn/internal/format"
)

// extra finds what is in the target's directories and not in the snapshot.
// Since keys ascend, only the listings of directories on the way to the
// present key are held.
type extra struct {
	open      []listing
	found     []string // keys, without '/' at the end
	uncertain bool     // not all entries were seen
}

// listing is what a directory held before the restore.
type listing struct {
	key   []byte
	names []string // ascending
	seen  []bool
}

// enter begins a directory that existed before.
func (x *extra) enter(f folder, key []byte) error {
	names, err := f.names()
	if err != nil {
		return err
	}
	slices.Sort(names)
	x.open = append(x.open, listing{key: bytes.Clone(key), names: names, seen: make([]bool, len(names))})
	return nil
}

// see marks what an entry stands for in the innermost listing it is below.
func (x *extra) see(key []byte) {
	for len(x.open) > 0 {
		l := &x.open[len(x.open)-1]
		if bytes.HasPrefix(key, l.key) {
			l.see(key[len(l.key):])
			return
		}
		x.leave()
	}
}

func (l *listing) see(path []byte) {
	name, _, _ := bytes.Cut(path, slash)
	if i, ok := slices.BinarySearch(l.names, string(name)); ok {
		l.seen[i] = true
		return
	}
	if caseFolds {
		for i := range l.names {
			l.seen[i] = l.seen[i] || strings.EqualFold(l.names[i], string(name))
		}
	}
}

// leave ends the innermost directory: what was not seen is extra.
func (x *extra) leave() {
	last := len(x.open) - 1
	l := x.open[last]
	x.open = x.open[:last]
	for i, name := range l.names {
		if !l.seen[i] {
			x.found = append(x.found, string(l.key)+name)
		}
	}
}

// KeepExtra makes Finish delete nothing: for a restore that did not get to
// see all entries.
func (d *Disk) KeepExtra() { d.extra.uncertain = true }

// deleteExtra deletes what was found to be extra.
func (d *Disk) deleteExtra() {
	for len(d.extra.open) > 0 {
		d.extra.leave()
	}
	if d.extra.uncertain && len(d.extra.found) > 0 {
		d.report(nil, "delete", errUncertain)
		return
	}
	for _, key := range d.extra.found {
		parent, name := splitKey([]byte(key))
		p, err := d.folders.get(parent)
		if err != nil {
			d.report([]byte(key), "delete", err)
			continue
		}
		d.deleteItem(p.folder, string(name), []byte(key), p.status.device)
		d.folders.release(p)
	}
}

// deleteItem deletes one thing and all below it as far as Extra allows, links
// as such, and nothing on another file system. It says whether it is gone.
func (d *Disk) deleteItem(in folder, name string, key []byte, device uint64) bool {
	s, err := in.stat(name)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			d.report(key, "delete", err)
		}
		return true
	}
	if s.kind == format.TypeDirectory {
		return d.removeTree(in, name, append(bytes.Clone(key), '/'), device)
	}
	if d.opts.Extra != nil && !d.opts.Extra(key) {
		return false
	}
	return d.deleted(key, func() error { return in.unlink(name) })
}

// removeTree deletes a directory. Directories of the restore are kept.
func (d *Disk) removeTree(in folder, name string, key []byte, device uint64) bool {
	if d.folders.known(key) {
		return false
	}
	f, err := in.openStep(name)
	if err != nil {
		d.report(key, "delete", err)
		return false
	}
	defer f.close()
	s, err := f.self()
	if err == nil && s.device != device {
		err = errOtherFileSystem
	}
	var names []string
	if err == nil {
		names, err = f.names()
	}
	if err != nil {
		d.report(key, "delete", err)
		return false
	}
	empty := true
	for _, below := range names {
		if !d.deleteItem(f, below, append(bytes.Clone(key), below...), device) {
			empty = false
		}
	}
	if !empty || d.opts.Extra != nil && !d.opts.Extra(key) {
		return false
	}
	return d.deleted(key, func() error { return in.rmdir(name) })
}

var errUncertain = errors.New("extra entries are kept, since not all entries of the snapshot were seen")

var errOtherFileSystem = errors.New("on another file system")

// deleted deletes, unless this is a dry run, and tells of it.
func (d *Disk) deleted(key []byte, remove func() error) bool {
	if !d.opts.DryRun {
		if err := remove(); err != nil {
			d.report(key, "delete", err)
			return false
		}
	}
	d.report(key, "delete", nil)
	return true
}
