package target

import (
	"context"
	"fmt"
)

// Finish deletes extra entries if asked to, sets the metadata of directories,
// deepest first, and brings all to stable storage if asked to. Nothing can be
// restored after it but what is compared by Open. It fails only if ctx ends or
// the storage does: what fails for one entry is reported.
func (d *Disk) Finish(ctx context.Context) error {
	if d.folders == nil {
		return nil
	}
	err := ErrClosed
	d.finished.Do(func() { err = d.finish(ctx) })
	if err != nil {
		return fmt.Errorf("finish restore: %w", err)
	}
	return nil
}

func (d *Disk) finish(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if d.opts.DeleteExtra {
		d.deleteExtra()
	}
	if d.opts.DryRun {
		return nil
	}
	systems := fileSystems{folders: d.folders, one: map[uint64]*openFolder{}}
	defer systems.release()
	for i := len(d.folders.records) - 1; i >= 0; i-- {
		if err := ctx.Err(); err != nil {
			return err
		}
		d.finishDirectory(d.folders.records[i], &systems)
	}
	if !d.opts.Sync {
		return nil
	}
	root, err := d.folders.get(nil)
	if err != nil {
		return err
	}
	systems.keep(root)
	return systems.sync()
}

func (d *Disk) finishDirectory(r *record, systems *fileSystems) {
	if !r.set && !d.opts.Sync {
		return
	}
	key := []byte(r.key)
	f, err := d.folders.get(key)
	if err != nil {
		d.report(key, "set metadata", err)
		return
	}
	defer systems.keep(f)
	if !r.set {
		return
	}
	if !r.fresh {
		d.clearAttributes(key, f.node(), &r.directory)
	}
	d.apply(key, f.node(), &r.directory, present{uid: r.status.uid, gid: r.status.gid})
}

// fileSystems holds one folder on each file system of the target open, since
// it may not be possible to open one when all have their modes.
type fileSystems struct {
	folders *folders
	one     map[uint64]*openFolder // by device
}

// keep takes over a pinned folder: it holds the first of each file system and
// releases the others.
func (s *fileSystems) keep(f *openFolder) {
	if s.one[f.status.device] != nil {
		s.folders.release(f)
		return
	}
	s.one[f.status.device] = f
}

func (s *fileSystems) release() {
	for _, f := range s.one {
		s.folders.release(f)
	}
}

// sync brings all file systems to stable storage.
func (s *fileSystems) sync() error {
	for _, f := range s.one {
		if err := f.syncAll(); err != nil {
			return fmt.Errorf("sync file system of %q: %w", f.key, err)
		}
	}
	return nil
}
