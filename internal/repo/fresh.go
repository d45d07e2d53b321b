package repo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"firn/internal/index"
)

const (
	freshPrefix = "fresh-"
	// freshAbandoned is after which time a fresh cache is nobody's any more.
	freshAbandoned = 7 * 24 * time.Hour
)

// Fresh returns the same repository seen through an empty cache, so that all
// that is read through it comes from the drive and is verified anew. It is as
// large on disk as the index; Close removes it.
func (r *Repository) Fresh() (*Repository, error) {
	r.cache.dropAbandoned(r.now())
	// Beside the cache there is room for an index; a temporary folder may be memory.
	dir, err := os.MkdirTemp(r.cache.dir, freshPrefix)
	if err != nil {
		if dir, err = os.MkdirTemp("", "firn-"+freshPrefix); err != nil {
			return nil, fmt.Errorf("make temporary cache: %w", err)
		}
	}
	mirror, err := index.OpenMirror(filepath.Join(dir, "index"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open index cache: %w", err), os.RemoveAll(dir))
	}
	cache := &Cache{dir: dir, remove: true, mirror: mirror, pages: openPageCache(filepath.Join(dir, "pages"))}
	return &Repository{store: r.store, keys: r.keys, cache: cache, now: r.now, newKeys: r.newKeys, slot: r.slot}, nil
}

// dropAbandoned removes fresh caches that a process left behind when it was killed.
func (c *Cache) dropAbandoned(now time.Time) {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return // it costs space only
	}
	for _, e := range entries {
		if matched, _ := filepath.Match(freshPrefix+"*", e.Name()); !matched {
			continue
		}
		if info, err := e.Info(); err == nil && now.Sub(info.ModTime()) > freshAbandoned {
			_ = os.RemoveAll(filepath.Join(c.dir, e.Name()))
		}
	}
}

// DropIndex deletes the cached copy of the index, for when segments turned out
// damaged on the drive: what is known of them from before must not be relied on.
func (c *Cache) DropIndex() error {
	dir := filepath.Join(c.dir, "index")
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("drop cached index: %w", err)
	}
	var all error
	for _, e := range entries {
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil && !errors.Is(err, os.ErrNotExist) {
			all = errors.Join(all, fmt.Errorf("drop cached index: %w", err))
		}
	}
	return all
}

// ReaderWith is NewReader for a caller that has read the records itself.
func (r *Repository) ReaderWith(ctx context.Context, records *Records) (*Reader, []*index.BadSegment, error) {
	view, bad, err := r.loadView(ctx, records.Judge(r.keys.Host(), TrustAll), walked)
	if err != nil {
		return nil, nil, err
	}
	rd := r.newReader(view, records)
	rd.ownView = true
	return rd, bad, nil
}
