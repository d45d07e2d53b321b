package object

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

const (
	ownFolder  = ".firn"          // what the drive keeps for itself; no object's name begins so
	markerFile = ".firn/identity" // random text that tells this folder from any other
	tempFolder = ".firn/tmp"      // files being written
	markerSize = 26               // bytes
	emptyHint  = "is the right file system mounted there? a new drive has to be created first"
	movedHint  = "the folder is not the one that was opened: was it unmounted or replaced?"
)

// Dir is a local folder as a Store, safe under power loss.
//
// An object is a file of that name. It is written under another name, synced,
// and then linked (IfAbsent) or renamed to its own, so it is there whole or
// not at all, and a race has one winner, among processes too; then its folder
// is synced, so it stays. That is two syncs for an object; a folder's own entry
// is synced once in each process that writes into it. What Put found to exist
// is durable when it says ErrExists.
//
// A marker file tells the folder from the empty mount point that is left when
// a file system goes away: every call looks at it, and ErrNoBucket is the
// answer if it is gone or another. A folder without one (a copy made by other
// programs) is recognised by the file system's identity of it for as long as
// the Dir lives. No handle is kept open between calls, so the file system can
// be unmounted.
//
// IfMatch is not offered: no file system has a compare-and-swap. IfAbsent is
// where the file system can link files or rename them without replacing.
// Classes are ignored. Symbolic links are followed only within the folder, and
// a listing that meets one is an error. An object cannot be named like a folder
// ("a" beside "a/b"): ErrName.
type Dir struct {
	path   string      // absolute
	marker string      // what markerFile holds, "" if there is none
	folder fs.FileInfo // what the folder was when opened, if there is no marker

	mu        sync.Mutex
	settled   map[string]bool // guarded by mu; folders that exist durably
	exclusive placing         // guarded by mu; nil until known
	cleaned   bool            // guarded by mu; whether stale temporaries were looked for
}

// OpenDir opens the folder at path as a drive. With create it is made if need
// be and given a marker; without, a folder that does not exist, or exists with
// nothing in it, is ErrNoBucket.
func OpenDir(path string, create bool) (*Dir, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open folder: %w", err)
	}
	d := &Dir{path: absolute, settled: make(map[string]bool)}
	if create {
		if err := makeRoot(absolute); err != nil {
			return nil, fmt.Errorf("create folder: %w", d.mapped("open", "", err))
		}
	}
	root, err := d.openRoot()
	if err != nil {
		return nil, d.mapped("open", "", err)
	}
	defer root.Close()
	if err := d.learnIdentity(root, create); err != nil {
		return nil, d.mapped("open", "", err)
	}
	return d, nil
}

// learnIdentity reads the marker, or makes one, or does without.
func (d *Dir) learnIdentity(root *os.Root, create bool) error {
	marker, err := readMarker(root)
	if errors.Is(err, fs.ErrNotExist) && create {
		if err := d.putMarker(root); err != nil {
			return fmt.Errorf("mark folder: %w", err)
		}
		marker, err = readMarker(root)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		d.marker = marker
		return err
	}
	empty, err := isEmpty(root)
	if err != nil {
		return err
	}
	if empty {
		return &Error{Op: "open", Name: d.path, Err: fmt.Errorf("%w: there is nothing in it", ErrNoBucket), Advice: emptyHint}
	}
	d.folder, err = root.Stat(".")
	return err
}

// putMarker writes a new marker. If another process does so at the same time,
// one of the two stays.
func (d *Dir) putMarker(root *os.Root) error {
	opts := PutOptions{IfAbsent: true}
	if _, err := d.exclusively(root); errors.Is(err, ErrUnsupported) {
		opts.IfAbsent = false
	}
	_, err := d.write(context.Background(), root, markerFile, []byte(rand.Text()), opts)
	if errors.Is(err, ErrExists) {
		return nil
	}
	return err
}

func readMarker(root *os.Root) (string, error) {
	f, err := root.Open(markerFile)
	if err != nil {
		return "", err
	}
	defer f.Close()
	marker := make([]byte, markerSize)
	if _, err := io.ReadFull(f, marker); err != nil {
		return "", fmt.Errorf("read %s: %w", markerFile, err)
	}
	return string(marker), nil
}

// isEmpty says whether the folder holds nothing but what belongs to drives and
// file systems themselves.
func isEmpty(root *os.Root) (bool, error) {
	f, err := root.Open(".")
	if err != nil {
		return false, err
	}
	defer f.Close()
	for {
		names, err := f.Readdirnames(16)
		for _, name := range names {
			if !reserved(name) {
				return false, nil
			}
		}
		if err == io.EOF {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
}

// enter opens the folder for one call, if it is still the same.
func (d *Dir) enter() (*os.Root, error) {
	root, err := d.openRoot()
	if err != nil {
		return nil, err
	}
	if err := d.recognise(root); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return root, nil
}

func (d *Dir) openRoot() (*os.Root, error) {
	root, err := os.OpenRoot(d.path)
	if err == nil {
		return root, nil
	}
	folder, statErr := os.Stat(d.path)
	switch {
	case statErr == nil && !folder.IsDir():
		return nil, noFolder(d.path)
	case errors.Is(absence(statErr), ErrNotFound):
		return nil, &Error{Op: "open", Name: d.path, Err: ErrNoBucket}
	}
	return nil, err
}

func (d *Dir) recognise(root *os.Root) error {
	moved := &Error{Op: "open", Name: d.path, Err: ErrNoBucket, Advice: movedHint}
	if d.marker == "" {
		folder, err := root.Stat(".")
		if err == nil && !os.SameFile(folder, d.folder) {
			return moved
		}
		return err
	}
	marker, err := readMarker(root)
	if errors.Is(err, fs.ErrNotExist) || err == nil && marker != d.marker {
		return moved
	}
	return err
}

// Capabilities implements Store. The first call finds out by doing, in the
// drive's own folder.
func (d *Dir) Capabilities() Capabilities {
	c := Capabilities{Attests: true}
	if root, err := d.enter(); err == nil {
		defer root.Close()
		_, err = d.exclusively(root)
		c.IfAbsent = err == nil
	}
	return c
}

// Location implements Store.
func (d *Dir) Location() string { return d.path }

// mapped is the error of an operation: cause with this package's sentinels.
func (d *Dir) mapped(op, name string, cause error) error {
	if cause == nil {
		return nil
	}
	var known *Error
	if errors.As(cause, &known) && known.Op == "open" { // by openRoot, recognise or learnIdentity
		if op == known.Op {
			return known
		}
		return &Error{Op: op, Name: name, Err: cause, Advice: known.Advice}
	}
	for _, c := range causes {
		if errors.Is(cause, c.cause) && !errors.Is(cause, c.sentinel) {
			return &Error{Op: op, Name: name, Err: fmt.Errorf("%w: %w", c.sentinel, cause)}
		}
	}
	return fail(op, name, cause)
}
