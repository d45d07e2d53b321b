// Package alike says in what two folders differ: names, content, and all
// metadata that a backup is to bring back. It knows nothing of Firn and reads
// through the system only, so that it can judge what Firn restored.
//
// Invariant: whatever is not named as a difference was compared and found
// equal. Not compared are change and access times, inode numbers, holes in
// files, and the SELinux label, which belongs to the place and not to the file.
// The demo, the benchmarks and tests call it.
package alike

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Difference is one thing in which the folders differ.
type Difference struct {
	Path string // below both folders; "." is the folders themselves
	What string
}

func (d Difference) String() string { return fmt.Sprintf("%q: %s", d.Path, d.What) }

// Tally counts what was compared in the first folder.
type Tally struct {
	Files, Folders, Links, Others int // Others are devices, pipes, sockets
	HardLinks                     int // files that share their content with another name
	Attributes                    int // extended attributes
	Bytes                         int64
}

// maxDifferences is how many differences are worth telling.
const maxDifferences = 100

// errEnough ends a comparison that has found maxDifferences.
var errEnough = errors.New("enough differences")

// Folders compares two folders and all below them. It returns the first 100
// differences; an error means that it could not compare.
func Folders(ctx context.Context, a, b string) (Tally, []Difference, error) {
	c := &comparison{
		ctx: ctx, roots: [2]string{a, b},
		links: [2]map[inode]string{{}, {}},
		one:   make([]byte, 256<<10), two: make([]byte, 256<<10),
	}
	err := c.entry(".")
	if errors.Is(err, errEnough) {
		err = nil
	}
	return c.tally, c.differences, err
}

// comparison is one call of Folders.
type comparison struct {
	ctx         context.Context
	roots       [2]string
	links       [2]map[inode]string // first name of files with several
	one, two    []byte              // buffers for content
	tally       Tally
	differences []Difference
}

func (c *comparison) differ(path, format string, args ...any) error {
	c.differences = append(c.differences, Difference{path, fmt.Sprintf(format, args...)})
	if len(c.differences) == maxDifferences {
		return errEnough
	}
	return nil
}

// entry compares what is at a path that both folders have.
func (c *comparison) entry(path string) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	var names [2]string
	var infos [2]fs.FileInfo
	for i, root := range c.roots {
		names[i] = filepath.Join(root, path)
		var err error
		if infos[i], err = os.Lstat(names[i]); err != nil {
			return err
		}
	}
	if infos[0].Mode().Type() != infos[1].Mode().Type() {
		return c.differ(path, "kind is %v and %v", infos[0].Mode().Type(), infos[1].Mode().Type())
	}
	if err := c.metadata(path, names, infos); err != nil {
		return err
	}
	switch kind := infos[0].Mode().Type(); kind {
	case 0:
		return c.file(path, names, infos)
	case fs.ModeDir:
		c.tally.Folders++
		return c.folder(path, names)
	case fs.ModeSymlink:
		c.tally.Links++
		return c.link(path, names)
	default:
		c.tally.Others++
		return nil
	}
}

// metadata compares what all kinds of entries have.
func (c *comparison) metadata(path string, names [2]string, infos [2]fs.FileInfo) error {
	a, b := infos[0], infos[1]
	if a.Mode() != b.Mode() {
		if err := c.differ(path, "mode is %v and %v", a.Mode(), b.Mode()); err != nil {
			return err
		}
	}
	if !a.ModTime().Equal(b.ModTime()) {
		if err := c.differ(path, "mtime is %v and %v", a.ModTime().UTC(), b.ModTime().UTC()); err != nil {
			return err
		}
	}
	own, other := ownership(a), ownership(b)
	if own != other {
		if err := c.differ(path, "owner and device are %v and %v", own, other); err != nil {
			return err
		}
	}
	var sets [2]map[string]string
	for i, name := range names {
		var err error
		if sets[i], err = attributes(name); err != nil {
			return fmt.Errorf("read extended attributes of %s: %w", name, err)
		}
	}
	c.tally.Attributes += len(sets[0])
	for key, value := range sets[0] {
		if got, ok := sets[1][key]; !ok || got != value {
			if err := c.differ(path, "extended attribute %s is %q and %q", key, value, got); err != nil {
				return err
			}
		}
		delete(sets[1], key)
	}
	for key, value := range sets[1] {
		if err := c.differ(path, "extended attribute %s is %q in the second only", key, value); err != nil {
			return err
		}
	}
	return nil
}

// folder compares the names in a folder, and what is behind those in both.
func (c *comparison) folder(path string, names [2]string) error {
	var lists [2][]fs.DirEntry
	for i, name := range names {
		var err error
		if lists[i], err = os.ReadDir(name); err != nil { // sorted by name
			return err
		}
	}
	a, b := lists[0], lists[1]
	for len(a) > 0 || len(b) > 0 {
		var err error
		switch {
		case len(b) == 0 || len(a) > 0 && a[0].Name() < b[0].Name():
			err = c.differ(filepath.Join(path, a[0].Name()), "is in the first only")
			a = a[1:]
		case len(a) == 0 || b[0].Name() < a[0].Name():
			err = c.differ(filepath.Join(path, b[0].Name()), "is in the second only")
			b = b[1:]
		default:
			err = c.entry(filepath.Join(path, a[0].Name()))
			a, b = a[1:], b[1:]
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *comparison) link(path string, names [2]string) error {
	var targets [2]string
	for i, name := range names {
		var err error
		if targets[i], err = os.Readlink(name); err != nil {
			return err
		}
	}
	if targets[0] != targets[1] {
		return c.differ(path, "link is to %q and %q", targets[0], targets[1])
	}
	return nil
}

// file compares the content of files, and which names share it.
func (c *comparison) file(path string, names [2]string, infos [2]fs.FileInfo) error {
	c.tally.Files++
	c.tally.Bytes += infos[0].Size()
	var first [2]string
	for i, info := range infos {
		id, several := inodeOf(info)
		if !several {
			continue
		}
		if c.links[i][id] == "" {
			c.links[i][id] = path
		}
		first[i] = c.links[i][id]
	}
	if first[0] != "" {
		c.tally.HardLinks++
	}
	if first[0] != first[1] {
		if err := c.differ(path, "is a hard link to %q and %q", first[0], first[1]); err != nil {
			return err
		}
	}
	if infos[0].Size() != infos[1].Size() {
		return c.differ(path, "size is %d and %d", infos[0].Size(), infos[1].Size())
	}
	at, err := c.content(names)
	if err != nil || at < 0 {
		return err
	}
	return c.differ(path, "content differs from byte %d on", at)
}

// content returns the offset near which two files begin to differ; -1 if they do not.
func (c *comparison) content(names [2]string) (at int64, err error) {
	var files [2]*os.File
	for i, name := range names {
		if files[i], err = os.Open(name); err != nil {
			return 0, err
		}
		defer files[i].Close()
	}
	for {
		n, err := io.ReadFull(files[0], c.one)
		m, errToo := io.ReadFull(files[1], c.two)
		if n != m || !bytes.Equal(c.one[:n], c.two[:m]) {
			return at + firstDifference(c.one[:n], c.two[:m]), nil
		}
		for _, err := range []error{err, errToo} {
			if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				return 0, err
			}
		}
		if err != nil {
			return -1, nil
		}
		at += int64(n)
	}
}

func firstDifference(a, b []byte) int64 {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return int64(i)
		}
	}
	return int64(min(len(a), len(b)))
}
