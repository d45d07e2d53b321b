package object

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
)

// Put implements Store.
func (d *Dir) Put(ctx context.Context, name string, body []byte, opts PutOptions) (Info, error) {
	if err := begin(ctx, "put", name); err != nil {
		return Info{}, err
	}
	if opts.IfMatch != "" || !opts.RetainUntil.IsZero() {
		return Info{}, fail("put", name, fmt.Errorf("IfMatch and retention: %w", ErrUnsupported))
	}
	if opts.SHA256 != nil && sha256.Sum256(body) != *opts.SHA256 {
		return Info{}, fail("put", name, fmt.Errorf("SHA-256 of the body: %w", ErrCorrupt))
	}
	root, err := d.enter()
	if err != nil {
		return Info{}, d.mapped("put", name, err)
	}
	defer root.Close()
	info, err := d.write(ctx, root, name, body, opts)
	return info, d.mapped("put", name, err)
}

// write makes the object durable under its name.
func (d *Dir) write(ctx context.Context, root *os.Root, name string, body []byte, opts PutOptions) (Info, error) {
	naming := placing((*os.Root).Rename)
	if opts.IfAbsent {
		if _, err := root.Lstat(name); err == nil {
			return Info{}, d.taken(root, name)
		}
		var err error
		if naming, err = d.exclusively(root); err != nil {
			return Info{}, err
		}
	}
	temporary, file, err := d.writeTemporary(ctx, root, body)
	if err != nil {
		return Info{}, err
	}
	// Where the file was linked or not placed at all its first name has to
	// go. A name that stays behind does no harm and is cleaned up later.
	defer root.Remove(temporary)

	err = d.place(root, naming, temporary, name)
	if errors.Is(err, fs.ErrExist) {
		return Info{}, d.taken(root, name)
	}
	if err != nil {
		return Info{}, err
	}
	if err := syncFolder(root, path.Dir(name)); err != nil {
		return Info{}, fmt.Errorf("sync folder: %w", err)
	}
	return infoOf(name, file), nil
}

// taken is the error of a conditional Put whose name is taken. Whoever took it
// may not have synced the folder yet, and the caller may rely on the object.
func (d *Dir) taken(root *os.Root, name string) error {
	file, err := root.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return ErrExists // it did, and was deleted since
	}
	if err != nil {
		return err
	}
	if file.IsDir() {
		return fmt.Errorf("%w: there is a folder of that name", ErrName)
	}
	if err := d.settle(root, path.Dir(name)); err != nil {
		return err
	}
	if err := syncFolder(root, path.Dir(name)); err != nil {
		return fmt.Errorf("sync folder: %w", err)
	}
	return ErrExists
}

// place gives the temporary file its own name, making folders as needed.
func (d *Dir) place(root *os.Root, naming placing, temporary, name string) error {
	folder := path.Dir(name)
	if err := d.settle(root, folder); err != nil {
		return err
	}
	err := naming(root, temporary, name)
	if errors.Is(err, fs.ErrNotExist) { // somebody tidied up empty folders
		d.unsettle()
		if err := d.settle(root, folder); err != nil {
			return err
		}
		err = naming(root, temporary, name)
	}
	if errors.Is(err, fs.ErrExist) && sameFile(root, temporary, name) {
		return nil // a network file system repeated a link whose answer was lost
	}
	return err
}

func sameFile(root *os.Root, a, b string) bool {
	fileA, errA := root.Lstat(a)
	fileB, errB := root.Lstat(b)
	return errA == nil && errB == nil && os.SameFile(fileA, fileB)
}

// Delete implements Store. Each folder is synced once for all its names.
func (d *Dir) Delete(ctx context.Context, names ...string) error {
	var failures []error
	root, err := d.enter()
	if err != nil {
		for _, name := range names {
			failures = append(failures, d.mapped("delete", name, err))
		}
		return errors.Join(failures...)
	}
	defer root.Close()
	removed := make(map[string][]string) // folder → names
	for _, name := range names {
		err := begin(ctx, "delete", name)
		if err == nil {
			err = d.mapped("delete", name, remove(root, name))
		}
		if err != nil {
			failures = append(failures, err)
			continue
		}
		folder := path.Dir(name)
		removed[folder] = append(removed[folder], name)
	}
	for folder, names := range removed {
		if strings.HasPrefix(folder, probeFolder) {
			_ = root.Remove(folder) // a probe's own, which nobody else will use; it stays while it holds more
		}
		err := syncFolder(root, folder)
		if err == nil || errors.Is(absence(err), ErrNotFound) {
			continue
		}
		for _, name := range names {
			failures = append(failures, d.mapped("delete", name, fmt.Errorf("sync folder: %w", err)))
		}
	}
	return errors.Join(failures...)
}

// remove deletes a file; absence and folders are no error.
func remove(root *os.Root, name string) error {
	file, err := root.Lstat(name)
	if err == nil && !file.IsDir() {
		err = root.Remove(name)
	}
	if errors.Is(absence(err), ErrNotFound) {
		return nil
	}
	return err
}
