package repo

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"firn/internal/format"
	"firn/internal/index"
	"firn/internal/object"
)

// Cache is the local folder that belongs to one drive: raw copies of small
// immutable objects, tree pages, the mirror of the index, and what was learnt
// about the drive. It may be deleted at any time; nothing in it is believed
// without the checks that the drive's own bytes get.
type Cache struct {
	dir    string
	remove bool // dir is temporary and goes with Close
	mirror *index.Mirror
	pages  *pageCache
}

// facts is what a cache remembers about its drive.
type facts struct {
	Location     string              `json:"location"`
	Repository   string              `json:"repository,omitempty"`
	Slot         string              `json:"slot,omitempty"`
	Probed       bool                `json:"probed"`
	Capabilities object.Capabilities `json:"capabilities"`
	DriveBehind  bool                `json:"drive_behind,omitempty"` // the last backup waited for it most of the time
}

// OpenCache opens the cache of the drive at location below root, making it
// where needed. An empty root, or one that cannot be written, gives a
// temporary cache that Close removes.
func OpenCache(root, location string) (*Cache, error) {
	sum := sha256.Sum256([]byte(location))
	c := &Cache{dir: filepath.Join(root, "drives", hex.EncodeToString(sum[:8]))}
	if root == "" || os.MkdirAll(c.dir, 0o700) != nil {
		dir, err := os.MkdirTemp("", "firn-cache-")
		if err != nil {
			return nil, fmt.Errorf("make temporary cache: %w", err)
		}
		c.dir, c.remove = dir, true
	}
	mirror, err := index.OpenMirror(filepath.Join(c.dir, "index"))
	if err != nil {
		return nil, fmt.Errorf("open index cache: %w", err)
	}
	c.mirror = mirror
	c.pages = openPageCache(filepath.Join(c.dir, "pages"))
	return c, nil
}

// Dir returns the cache's folder.
func (c *Cache) Dir() string { return c.dir }

// Close ends the use of the cache.
func (c *Cache) Close() error {
	err := errors.Join(c.mirror.Close(), c.pages.Close())
	if c.remove {
		err = errors.Join(err, os.RemoveAll(c.dir))
	}
	return err
}

// Reset forgets everything about the drive, for when a new repository is
// created there.
func (c *Cache) Reset() error {
	for _, name := range []string{"facts.json", "objects", "awaited.json", "trees", "bases", "pins.json"} {
		if err := os.RemoveAll(filepath.Join(c.dir, name)); err != nil {
			return fmt.Errorf("reset cache: %w", err)
		}
	}
	return nil
}

func (c *Cache) facts() facts {
	var f facts
	b, err := os.ReadFile(filepath.Join(c.dir, "facts.json"))
	if err != nil || json.Unmarshal(b, &f) != nil {
		return facts{}
	}
	return f
}

// learn changes the facts and keeps them. A cache that cannot be written only
// costs requests later, so that is no error.
func (c *Cache) learn(change func(*facts)) {
	f := c.facts()
	before := f
	change(&f)
	if f == before {
		return
	}
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return
	}
	_ = writeFile(filepath.Join(c.dir, "facts.json"), b)
}

// object returns the cached copy of a small immutable object.
func (c *Cache) object(name string) ([]byte, bool) {
	b, err := os.ReadFile(c.objectPath(name))
	return b, err == nil
}

func (c *Cache) keepObject(name string, body []byte) {
	_ = writeFile(c.objectPath(name), body)
}

// dropRoots drops the cached root objects.
func (c *Cache) dropRoots() {
	for _, name := range []string{format.RootName(1), format.RootCopyName(1)} {
		roots, _ := filepath.Glob(c.objectPath(name) + "*") // where the pattern is bad, nothing is cached
		for _, path := range roots {
			_ = os.Remove(path) // it costs a message that says less
		}
	}
}

// trimObjects drops cached objects under prefix that are not listed any more.
func (c *Cache) trimObjects(prefix string, listed map[string]bool) {
	dir := c.objectPath(prefix)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !listed[prefix+e.Name()] && !strings.HasPrefix(e.Name(), tempPrefix) {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

func (c *Cache) objectPath(name string) string {
	return filepath.Join(c.dir, "objects", filepath.FromSlash(name))
}

const tempPrefix = ".tmp-"

// writeFile replaces a file atomically. Without fsync: what a power cut
// leaves torn is found out by the checks on reading.
func writeFile(path string, body []byte) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, tempPrefix)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(dir, 0o700); err == nil {
			f, err = os.CreateTemp(dir, tempPrefix)
		}
	}
	if err != nil {
		return fmt.Errorf("write cache file: %w", err)
	}
	_, err = f.Write(body)
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write cache file: %w", err), os.Remove(f.Name()))
	}
	return nil
}

// getCached reads a small immutable object, from the cache when it is there
// and check accepts it, else from the drive.
func (r *Repository) getCached(ctx context.Context, name string, check func([]byte) error) error {
	return r.WithKeys(ctx, func() error { return r.tryCached(ctx, name, check) })
}

func (r *Repository) tryCached(ctx context.Context, name string, check func([]byte) error) error {
	if b, ok := r.cache.object(name); ok && check(b) == nil {
		return nil
	}
	b, _, err := r.store.Get(ctx, name, smallLimit)
	if err != nil {
		return err
	}
	if err := check(b); err != nil {
		return err
	}
	r.cache.keepObject(name, b)
	return nil
}

// hostSeed returns this machine's signing key for the repository, or nil.
func (c *Cache) hostSeed() []byte {
	b, err := os.ReadFile(filepath.Join(c.dir, "host.key"))
	if err != nil || len(b) != format.IDSize {
		return nil
	}
	return b
}

func (c *Cache) keepHostSeed(seed []byte) {
	_ = writeFile(filepath.Join(c.dir, "host.key"), seed)
}
