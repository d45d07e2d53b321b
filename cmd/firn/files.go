package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"firn/internal/config"
	"firn/internal/format"
	"firn/internal/source"
)

// foresight counts what there is to back up, ahead of the backup and beside it,
// so that progress has an end to show.
type foresight struct {
	files, bytes atomic.Uint64
	done         atomic.Bool
	stop         func()
}

// foresee begins counting, for a progress bar only: it costs a second walk.
func (f *backupFlags) foresee(ctx context.Context, a *app, drives []*drive, args []string) *foresight {
	p := &foresight{stop: func() {}}
	if f.stdin || f.fromCommand || !a.out.bars() {
		return p
	}
	opts, err := f.options(a, drives)
	if err != nil {
		return p
	}
	opts.Warn, opts.Report = nil, nil // the backup itself tells
	files, err := source.NewFiles(args, opts)
	if err != nil {
		return p
	}
	ctx, cancel := context.WithCancel(ctx)
	var counting sync.WaitGroup
	counting.Go(func() {
		for item, err := range files.Walk(ctx) {
			if err != nil {
				return
			}
			if e := item.Entry; e != nil && e.Type == format.TypeFile {
				p.files.Add(1)
				p.bytes.Add(e.Size)
			}
		}
		p.done.Store(true)
	})
	p.stop = func() {
		cancel()
		counting.Wait()
		_ = files.Close() // it was read from only
	}
	return p
}

// files builds the source of files from the flags, and notes for the manifest
// on what they leave out.
func (f *backupFlags) files(a *app, drives []*drive, args []string) (*source.Files, []string, error) {
	opts, err := f.options(a, drives)
	if err != nil {
		return nil, nil, err
	}
	files, err := source.NewFiles(args, opts)
	if err != nil {
		return nil, nil, err
	}
	return files, f.notes(&opts), nil
}

func (f *backupFlags) options(a *app, drives []*drive) (source.FilesOptions, error) {
	opts := source.FilesOptions{
		Exclude: f.exclude, IExclude: f.iexclude, ExcludeFiles: f.excludeFile, NoIgnoreFiles: f.noIgnore,
		Preset: f.preset, ExcludeCaches: !f.keepCaches, OneFileSystem: f.oneFS, KeepPseudo: f.pseudo,
		LeaveOut: a.ownPaths(drives),
		Warn:     func(path, message string) { a.out.warn("%s: %s", printable(path), message) },
		Report:   func(path string, reason source.Reason) { a.out.detail("left out %s: %s", printable(path), reason) },
	}
	if f.larger != "" {
		limit, err := parseSize(f.larger)
		if err != nil {
			return opts, err
		}
		opts.ExcludeLargerThan = limit
	}
	return opts, nil
}

// ownPaths are Firn's own folders, which are no part of what is backed up.
func (a *app) ownPaths(drives []*drive) []string {
	var paths []string
	if root := a.cacheRoot(); root != "" {
		paths = append(paths, root)
	}
	for _, d := range drives {
		if d.set.Provider == config.Local {
			paths = append(paths, d.set.Path)
		}
	}
	return paths
}

// notes says in words what the options leave out.
func (f *backupFlags) notes(o *source.FilesOptions) []string {
	var notes []string
	for _, p := range o.Exclude {
		notes = append(notes, "exclude "+p)
	}
	for _, p := range o.IExclude {
		notes = append(notes, "iexclude "+p)
	}
	for _, p := range o.ExcludeFiles {
		notes = append(notes, "exclude-file "+p)
	}
	if o.ExcludeLargerThan > 0 {
		notes = append(notes, fmt.Sprintf("exclude-larger-than %d", o.ExcludeLargerThan))
	}
	for _, flag := range []struct {
		set  bool
		name string
	}{
		{o.NoIgnoreFiles, "no-ignore-files"}, {!o.ExcludeCaches, "include-caches"},
		{o.OneFileSystem, "one-file-system"}, {o.KeepPseudo, "include-pseudo"},
	} {
		if flag.set {
			notes = append(notes, flag.name)
		}
	}
	if o.Preset != "" {
		notes = append(notes, "preset "+o.Preset)
	}
	return notes
}
