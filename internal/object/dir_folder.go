package object

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// settle makes a folder and those above it, and makes sure that they stay:
// a folder that exists may have been made by another process a moment ago and
// not be durable yet. Each folder costs one sync of its parent, once.
func (d *Dir) settle(root *os.Root, folder string) error {
	if folder == "." {
		return nil
	}
	d.mu.Lock()
	settled := d.settled[folder]
	d.mu.Unlock()
	if settled {
		return nil
	}
	if err := d.settle(root, path.Dir(folder)); err != nil {
		return err
	}
	if err := makeFolder(root, folder); err != nil {
		return err
	}
	d.mu.Lock()
	d.settled[folder] = true
	d.mu.Unlock()
	return nil
}

// unsettle forgets which folders exist.
func (d *Dir) unsettle() {
	d.mu.Lock()
	clear(d.settled)
	d.mu.Unlock()
}

// makeFolder makes one folder, durably.
func makeFolder(root *os.Root, folder string) error {
	if err := root.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := syncFolder(root, path.Dir(folder)); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return nil
}

// makeRoot makes a drive's folder and those above it, durably.
func makeRoot(absolute string) error {
	if folder, err := os.Stat(absolute); err == nil {
		if !folder.IsDir() {
			return noFolder(absolute)
		}
		return nil
	}
	above := filepath.Dir(absolute)
	if above == absolute {
		return fmt.Errorf("%s: %w", absolute, ErrNoBucket)
	}
	if err := makeRoot(above); err != nil {
		return err
	}
	root, err := os.OpenRoot(above)
	if err != nil {
		return err
	}
	defer root.Close()
	return makeFolder(root, filepath.Base(absolute))
}

// fileError says that a file is where a folder should be. It is ErrNoBucket:
// there is no drive.
type fileError struct{}

func (fileError) Error() string { return "it is a file, not a folder" }
func (fileError) Unwrap() error { return ErrNoBucket }

func noFolder(path string) error {
	return &Error{Op: "open", Name: path, Err: fileError{}, Advice: "name a folder, or move the file out of the way"}
}

// syncFolder makes the names in a folder durable.
func syncFolder(root *os.Root, folder string) error {
	f, err := root.Open(folder)
	if err != nil {
		return err
	}
	defer f.Close()
	return syncNames(f)
}
