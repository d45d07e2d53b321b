package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrChanged says that somebody else wrote the file since it was read.
var ErrChanged = errors.New("the file was changed meanwhile")

// Save writes the file, for its owner only, so that after a crash either the
// old or the new one is there. A symbolic link is followed.
func (e *Edit) Save() error {
	path := e.path
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	now, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read configuration: %w", err)
	}
	if !bytes.Equal(now, e.was) {
		return fmt.Errorf("write configuration %s: %w", path, ErrChanged)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	if err := writeFile(path, e.text); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	e.was = bytes.Clone(e.text)
	return nil
}

// writeFile replaces a file by way of a temporary one beside it.
func writeFile(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".firn-config-*") // has mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes a rename in a folder last.
func syncFolder(path string) error {
	if windows {
		return nil // folders cannot be synced there
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
