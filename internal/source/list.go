package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"firn/internal/format"
)

const (
	ignoreFile = ".firnignore"
	cacheTag   = "CACHEDIR.TAG"
	// cacheSignature is what a valid cache tag begins with (bford.info/cachedir).
	cacheSignature = "Signature: 8a477f597d28d172789f06886806bc55"
)

// enter opens d for its first use and returns what it is now. The handle is in
// use until release.
func (f *Files) enter(d *dir, owner uint64) (handle, *stat, error) {
	at, name := noHandle, rootPath
	if d.parent != nil {
		var err error
		if at, err = f.handles.acquire(d.parent); err != nil {
			return noHandle, nil, err
		}
		defer f.handles.release(d.parent)
		name = d.name
	}
	var got handle
	var err error
	if d.whole {
		got, err = openList(at, name, owner, d.follow)
	} else {
		got, err = openSearch(at, name, d.follow)
	}
	if err != nil {
		return noHandle, nil, fmt.Errorf("open directory: %w", err)
	}
	now := new(stat)
	if err := got.stat(now); err != nil {
		got.close()
		return noHandle, nil, fmt.Errorf("read metadata of directory: %w", err)
	}
	d.identity = now.identity
	return f.handles.adopt(d, got), now, nil
}

// names returns what is to be read in d, in the order of keys; with an error,
// what is known of it.
func (f *Files) names(d *dir, at handle) ([]listed, error) {
	var names []listed
	var err error
	if d.whole {
		if names, err = at.list(nil); err != nil {
			err = fmt.Errorf("list directory: %w", err)
		}
		var wrong error
		names, wrong = f.choose(d, at, names)
		err = errors.Join(err, wrong)
	}
	names = d.stop.complete(names)
	slices.SortFunc(names, compareListed)
	return slices.CompactFunc(names, func(a, b listed) bool { return a.name == b.name }), err
}

// complete adds the stops in s that are missing in names: those that vanished,
// or all of them where nothing else is read.
func (s *stop) complete(names []listed) []listed {
	if s == nil {
		return names
	}
	there := make(map[string]bool)
	for _, l := range names {
		if s.child(l.name) != nil {
			there[l.name] = true
		}
	}
	for _, c := range s.children {
		if !there[c.name] {
			names = append(names, listed{name: c.name, kind: c.kind, passing: !c.root})
		}
	}
	return names
}

// choose takes out of names what is to be left out by its name.
func (f *Files) choose(d *dir, at handle, names []listed) ([]listed, error) {
	var marks mark
	for i := range names {
		marks |= markOf(names[i].name)
	}
	if marks != 0 {
		f.warnLive(d, marks)
	}
	if f.opts.ExcludeCaches && marks&markCacheTag != 0 && hasCacheSignature(at) {
		f.leaveOut(d.path, ByCacheTag)
		return slices.DeleteFunc(names, func(l listed) bool { return l.name != cacheTag }), nil
	}
	var err error
	if !f.opts.NoIgnoreFiles && marks&markIgnore != 0 {
		err = f.readIgnoreFile(d, at)
	}
	if d.stop == nil && d.scope == nil && len(f.rules.patterns) == 0 {
		return names, err
	}
	chosen := names[:0]
	for _, l := range names {
		s := d.stop.child(l.name)
		through := false // a link on the way to a root: only the way is followed
		if s != nil {
			through = l.kind == format.TypeSymlink && s.follow
			l.kind = s.kind
		}
		if s == nil || !s.root {
			reason, out := f.judge(d, &l)
			if out && s == nil {
				f.leaveOut(joinName(d.path, l.name), reason)
				continue
			}
			l.passing = out || through
		}
		chosen = append(chosen, l)
	}
	return chosen, err
}

// judge reports whether the patterns leave l out of d.
func (f *Files) judge(d *dir, l *listed) (Reason, bool) {
	options := scope{rules: f.rules, reason: ByPattern, base: len(d.root.key), next: d.scope}
	return options.judge(d.key+l.name, l.name, l.kind == format.TypeDirectory)
}

// readIgnoreFile adds the rules of d's ignore file to its scope.
func (f *Files) readIgnoreFile(d *dir, at handle) error {
	text, err := readRegular(at, ignoreFile, maxRules)
	if err != nil {
		return fmt.Errorf("read %s: %w", ignoreFile, err)
	}
	r := new(rules)
	for _, wrong := range r.addLines(text, false) {
		f.opts.Warn(joinName(d.path, ignoreFile), wrong.Error())
	}
	if len(r.patterns) > 0 {
		d.scope = &scope{rules: r, reason: ByPattern, base: len(d.key), next: d.scope}
	}
	return nil
}

// hasCacheSignature reports whether a directory's cache tag is a valid one. One
// that cannot be read protects nothing from being kept.
func hasCacheSignature(at handle) bool {
	file, _, err := openRegular(at, cacheTag, noOwner)
	if err != nil {
		return false
	}
	defer file.close()
	var head [len(cacheSignature)]byte
	n, err := file.readAt(head[:], 0)
	return err == nil && string(head[:n]) == cacheSignature
}

// noOwner is the owner of no file.
const noOwner = 1<<64 - 1

// openRegular opens a regular file and returns what it is; ErrChanged says that it is something else.
func openRegular(at handle, name string, owner uint64) (openFile, stat, error) {
	var s stat
	file, err := openContent(at, name, owner)
	if err != nil {
		return noFile, s, err
	}
	if err := file.stat(&s); err != nil {
		file.close()
		return noFile, s, err
	}
	if s.kind != format.TypeFile {
		file.close()
		return noFile, s, ErrChanged
	}
	return file, s, nil
}

// readRegular reads a regular file of at most limit bytes.
func readRegular(at handle, name string, limit int64) ([]byte, error) {
	file, _, err := openRegular(at, name, noOwner)
	if err != nil {
		return nil, err
	}
	defer file.close()
	var text bytes.Buffer
	buf := make([]byte, 4<<10)
	for {
		n, err := file.readAt(buf, int64(text.Len()))
		if err == io.EOF {
			return text.Bytes(), nil
		}
		if err != nil {
			return nil, err
		}
		text.Write(buf[:n])
		if int64(text.Len()) > limit {
			return nil, fmt.Errorf("over %d bytes of patterns", limit)
		}
	}
}
