package index

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	layerSuffix = ".layer1" // the number changes with the layout of layers
	partSuffix  = ".part"   // of a layer that is being written

	// abandoned is after which time a part is nobody's any more.
	abandoned = 24 * time.Hour
)

// Mirror is a folder of layers: decoded segments of one repository on one
// drive. The folder may be deleted at any time and used by several processes
// at once; what is in it is never trusted unchecked. When it cannot be written, a
// private temporary folder takes its place, and memory the place of that.
// A Mirror is safe for concurrent use.
type Mirror struct {
	mu      sync.Mutex
	folder  string // guarded by mu; "" once it failed
	private string // guarded by mu; temporary folder, "" if there is none
	failure error  // guarded by mu; why the folder is not used
	memory  bool   // guarded by mu; no folder works
}

// OpenMirror opens the cache folder dir, which it creates if need be. One
// folder serves one repository on one drive. With "" the mirror is private and
// lasts until Close. A folder that cannot be used is no error; see Degraded.
func OpenMirror(dir string) (*Mirror, error) {
	if dir == "" {
		return new(Mirror), nil
	}
	m := &Mirror{folder: filepath.Clean(dir)}
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		return nil, fmt.Errorf("open index cache %s: not a folder", dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		m.folder, m.failure = "", fmt.Errorf("create index cache: %w", err)
		return m, nil
	}
	m.removeAbandoned()
	return m, nil
}

// Degraded returns why the cache folder could not be written, or nil if it could.
func (m *Mirror) Degraded() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failure
}

// Close removes what is private to the mirror. Its views must be closed before.
func (m *Mirror) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	private := m.private
	m.private = ""
	if private == "" {
		return nil
	}
	if err := os.RemoveAll(private); err != nil {
		return fmt.Errorf("remove temporary index: %w", err)
	}
	return nil
}

// removeAbandoned removes parts that a process left behind when it was killed.
func (m *Mirror) removeAbandoned() {
	parts, _ := filepath.Glob(filepath.Join(escape(m.folder), "*"+partSuffix)) // the pattern is valid
	for _, part := range parts {
		if info, err := os.Stat(part); err == nil && time.Since(info.ModTime()) > abandoned {
			_ = os.Remove(part) // waste of space at worst
		}
	}
}

// escape makes a path a pattern that matches only it.
func escape(path string) string {
	return strings.NewReplacer(`*`, `[*]`, `?`, `[?]`, `[`, `[[]`).Replace(path)
}

// layerOf names the layer that covers just these segments.
func layerOf(members []string) layerID {
	sum := sha256.Sum256([]byte(strings.Join(slices.Sorted(slices.Values(members)), "\n")))
	return layerID(sum[:])
}

// place returns the folder to write to; "" means memory.
func (m *Mirror) place() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.folder != "" {
		return m.folder
	}
	if m.private == "" && !m.memory {
		private, err := os.MkdirTemp("", "firn-index-")
		m.private, m.memory = private, err != nil
		if err != nil && m.failure == nil {
			m.failure = fmt.Errorf("create temporary index: %w", err)
		}
	}
	return m.private
}

// fail gives up writing to a folder.
func (m *Mirror) fail(place string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.failure == nil {
		m.failure = err
	}
	switch place { // neither, when another call gave it up already
	case m.folder:
		m.folder = ""
	case m.private:
		m.private, m.memory = "", true
		_ = os.RemoveAll(place) // layers in it that are open stay readable, or it stays
	}
}

// write creates the layer id by what build writes, in the first place that
// takes it. An error is build's own.
func (m *Mirror) write(id layerID, build func(io.WriterAt) error) (*layer, error) {
	for {
		l, err := m.writeOnce(id, build)
		var cause *writeError
		if !errors.As(err, &cause) {
			return l, err
		}
	}
}

// writeOnce does as write, but when the first place does not take the layer it
// gives the place up and returns a *writeError.
func (m *Mirror) writeOnce(id layerID, build func(io.WriterAt) error) (*layer, error) {
	place := m.place()
	from, err := writeIn(place, id, layerSuffix, build)
	if place == "" {
		if err != nil {
			return nil, err
		}
		return openLayer(from, id)
	}
	var cause *writeError
	if errors.As(err, &cause) {
		m.fail(place, err)
	}
	if err != nil {
		return nil, err
	}
	l, err := openLayer(from, id)
	if err != nil {
		err = &writeError{errors.Join(err, from.close())}
		m.fail(place, err)
		return nil, err
	}
	return l, nil
}

// layers opens all layers there are and removes those that are damaged.
func (m *Mirror) layers() []*layer {
	m.mu.Lock()
	folders := []string{m.folder, m.private}
	m.mu.Unlock()
	var layers []*layer
	for _, folder := range folders {
		if folder == "" {
			continue
		}
		seen := make(map[string]bool)
		for range 3 { // again when another process replaced layers meanwhile
			missed := false
			files, _ := os.ReadDir(folder) // what cannot be listed is fetched
			for _, file := range files {
				id, isLayer := parseLayerName(file.Name())
				if !isLayer || seen[file.Name()] {
					continue
				}
				l, err := openCached(filepath.Join(folder, file.Name()), id)
				if err == nil {
					layers = append(layers, l)
				}
				vanished := errors.Is(err, os.ErrNotExist)
				seen[file.Name()] = !vanished
				missed = missed || vanished
			}
			if !missed {
				break
			}
		}
	}
	return layers
}

// openCached opens a layer's file and removes it if it is damaged.
func openCached(path string, id layerID) (*layer, error) {
	from, err := openFile(path)
	if err != nil {
		return nil, err
	}
	l, err := openLayer(from, id)
	if err != nil {
		_ = from.close()
		_ = os.Remove(path) // found damaged again next time, if not
		return nil, err
	}
	return l, nil
}

func parseLayerName(name string) (layerID, bool) {
	digits, found := strings.CutSuffix(name, layerSuffix)
	id, err := hex.DecodeString(digits)
	if !found || err != nil || len(id) != len(layerID{}) {
		return layerID{}, false
	}
	return layerID(id), true
}
