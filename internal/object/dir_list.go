package object

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"strings"
)

// listBatch is how many names of a folder are read at a time.
const listBatch = 1024

// List implements Store. Only folders that can hold such names are read.
func (d *Dir) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		err := d.list(ctx, prefix, func(info Info) bool { return yield(info, nil) })
		if err != nil && !errors.Is(err, errEnough) {
			yield(Info{}, d.mapped("list", prefix, err))
		}
	}
}

// errEnough ends a walk whose consumer wants no more.
var errEnough = errors.New("consumer stopped")

func (d *Dir) list(ctx context.Context, prefix string, visit func(Info) bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	root, err := d.enter()
	if err != nil {
		return err
	}
	defer root.Close()
	folder, start := ".", prefix
	if slash := strings.LastIndexByte(prefix, '/'); slash >= 0 {
		folder, start = prefix[:slash], prefix[slash+1:]
		if CheckName(folder) != nil {
			return nil // no name begins so
		}
	}
	w := walk{ctx: ctx, root: root, visit: visit}
	walked := w.folder(folder, start)
	if errors.Is(walked, errEnough) {
		return walked
	}
	// If the drive went away meanwhile, some of it may have been missed.
	again, err := d.enter()
	if err != nil {
		return err
	}
	return errors.Join(walked, again.Close())
}

// walk is one listing.
type walk struct {
	ctx   context.Context
	root  *os.Root
	visit func(Info) bool
}

// folder visits all objects in a folder whose path below it begins with start.
// Subfolders come last, so that one folder is open at a time.
func (w *walk) folder(folder, start string) error {
	f, err := w.root.Open(folder)
	if errors.Is(absence(err), ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	subfolders, err := w.files(f, folder, start)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	for _, subfolder := range subfolders {
		if err := w.folder(subfolder, ""); err != nil {
			return err
		}
	}
	return nil
}

// files visits the objects directly in a folder and returns its subfolders.
func (w *walk) files(f *os.File, folder, start string) (subfolders []string, err error) {
	for {
		entries, err := f.ReadDir(listBatch)
		if errors.Is(absence(err), ErrNotFound) {
			return subfolders, nil // deleted since it was opened, or no folder but an object
		}
		for _, entry := range entries {
			name := entry.Name()
			if folder != "." {
				name = folder + "/" + name
			}
			if !strings.HasPrefix(entry.Name(), start) || CheckName(name) != nil {
				continue
			}
			if entry.IsDir() {
				subfolders = append(subfolders, name)
			} else if err := w.file(name, entry); err != nil {
				return nil, err
			}
		}
		if err == io.EOF {
			return subfolders, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func (w *walk) file(name string, entry fs.DirEntry) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	file, err := entry.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil // deleted since the folder was read
	}
	if err != nil {
		return err
	}
	if err := checkFile(file); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if !w.visit(infoOf(name, file)) {
		return errEnough
	}
	return nil
}
