package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"firn/internal/format"
	"firn/internal/repo"
	"firn/internal/restore"
	"firn/internal/snapshot"
	"firn/internal/tree"
)

// opened is a snapshot ready to be read.
type opened struct {
	drive    *drive
	set      *snapshot.Set
	snapshot *snapshot.Snapshot
	reader   *repo.Reader
	path     []byte // key without a slash at either end; nil for all
}

func (o *opened) close() error { return o.reader.Close() }

// openSnapshot opens what SNAPSHOT[:PATH] names on the one drive in use.
func (a *app) openSnapshot(ctx context.Context, d *drive, words string) (*opened, error) {
	set, err := d.snapshots(ctx)
	if err != nil {
		return nil, err
	}
	snap, path, err := findPath(set, words)
	if err != nil {
		return nil, err
	}
	rd, err := a.reader(ctx, d)
	if err != nil {
		return nil, err
	}
	return &opened{drive: d, set: set, snapshot: snap, reader: rd, path: path}, nil
}

// reader opens the index and warns of segments that cannot be read.
func (a *app) reader(ctx context.Context, d *drive) (*repo.Reader, error) {
	rd, bad, err := d.repo.ChunkReader(ctx)
	if err != nil {
		return nil, err
	}
	for _, b := range bad {
		a.out.warn("index segment %s cannot be read: %v", b.Name, b.Err)
	}
	return rd, nil
}

// findPath takes SNAPSHOT or SNAPSHOT:PATH apart. In latest:PATH, the newest
// snapshot that has PATH as a source comes first; latest:HOST and latest:HOST:PATH
// are the newest of a host.
func findPath(set *snapshot.Set, words string) (*snapshot.Snapshot, []byte, error) {
	id, path, _ := strings.Cut(words, ":")
	if id != "latest" || path == "" {
		s, err := set.Find(id)
		return s, keyPath(path), err
	}
	if s, err := set.Find(words); err == nil {
		if s.Host == path {
			path = ""
		}
		return s, keyPath(path), nil
	}
	if host, rest, ok := strings.Cut(path, ":"); ok {
		if s, err := set.Find("latest:" + host); err == nil {
			return s, keyPath(rest), nil
		}
	}
	s, err := set.Find(id)
	return s, keyPath(path), err
}

// keyPath turns a path as people write it into the key without slashes at the
// ends.
func keyPath(path string) []byte {
	return []byte(strings.Trim(path, "/"))
}

// needs lists the data packs that a restore of the path needs, and counts those
// that the index has.
func (o *opened) needs(ctx context.Context, opts restore.Options) (needs []repo.Need, stored int, err error) {
	needs, err = restore.Packs(ctx, o.reader, o.snapshot.Tree(), opts)
	return needs, len(dataPacks(o.reader)), err
}

// dataPacks lists all data packs that the index has.
func dataPacks(rd *repo.Reader) (all []repo.Need) {
	for p := range rd.View().Packs() {
		if p.Name.Kind == format.KindData {
			all = append(all, repo.Need{Pack: p.Name, Size: p.Size, Bytes: p.Size})
		}
	}
	return all
}

// within yields what is under a path: the entry itself and all below.
func (o *opened) within(ctx context.Context, visit func(tree.Item) error) error {
	found := len(o.path) == 0
	for item, err := range tree.Range(ctx, o.reader, o.snapshot.Tree(), o.path) {
		if err != nil {
			return fmt.Errorf("read snapshot %s: %w", o.snapshot.Short(), err)
		}
		found = true
		if err := visit(item); err != nil {
			return err
		}
	}
	if !found {
		return o.noPath()
	}
	return nil
}

// entry returns what is at the path, and its key: a directory's ends in a slash.
func (o *opened) entry(ctx context.Context) ([]byte, *format.Entry, error) {
	for _, key := range [][]byte{o.path, append(bytes.Clone(o.path), '/')} {
		e, err := tree.Get(ctx, o.reader, o.snapshot.Tree(), key)
		if err == nil {
			return key, e, nil
		}
		if !errors.Is(err, tree.ErrNotFound) {
			return nil, nil, fmt.Errorf("read snapshot %s: %w", o.snapshot.Short(), err)
		}
	}
	return nil, nil, o.noPath()
}

// noPath says that the path is not there.
func (o *opened) noPath() error {
	return fmt.Errorf("%w: /%s (snapshot %s)", restore.ErrPath, printable(o.path), o.snapshot.Short())
}

// pull returns a function that gives the items under the path one by one, nil
// at the end, and one that ends it.
func pull(ctx context.Context, o *opened) (next func() (*tree.Item, error), stop func()) {
	pulled, end := iter.Pull2(tree.Range(ctx, o.reader, o.snapshot.Tree(), o.path))
	return func() (*tree.Item, error) {
		item, err, ok := pulled()
		if !ok {
			return nil, nil
		}
		return &item, err
	}, end
}
