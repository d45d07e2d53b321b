package repo

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/seal"
)

// Pins are the heads of chains that this machine saw on a drive, by session, each with
// the hash of its manifest. A head that is superseded or forgotten is pinned no longer; one
// that is simply gone stays.
type Pins map[string]format.ID

// Pins returns what this machine saw last; nothing without a lasting cache.
func (c *Cache) Pins() Pins {
	pins := Pins{}
	b, err := os.ReadFile(c.pinsPath())
	if err != nil {
		return pins
	}
	var text map[string]string
	if json.Unmarshal(b, &text) != nil {
		return pins
	}
	for session, digits := range text {
		if id, err := format.ParseID(digits); err == nil {
			pins[session] = id
		}
	}
	return pins
}

// KeepPins remembers pins in place of those before. A cache that cannot be written
// costs the memory of it.
func (c *Cache) KeepPins(pins Pins) {
	text := make(map[string]string, len(pins))
	for session, id := range pins {
		text[session] = id.String()
	}
	b, err := json.Marshal(text) // in the order of the sessions
	if err != nil {
		return
	}
	if before, err := os.ReadFile(c.pinsPath()); err != nil || string(before) != string(b) {
		_ = writeFile(c.pinsPath(), b)
	}
}

func (c *Cache) pinsPath() string { return filepath.Join(c.dir, "pins.json") }

// withheld enters the records of distrust that this machine saw and that the drive lists
// no longer: they are never deleted, and who takes one back makes others build on what
// they were to leave alone.
func (r *Repository) withheld(rs *Records, listed map[string]bool) error {
	for _, name := range r.cache.objectNames(format.PrefixRecords) {
		if listed[name] || strings.HasSuffix(name, format.DecisionName("")) {
			continue
		}
		b, ok := r.cache.object(name)
		if !ok {
			continue
		}
		opened, err := r.openSealed(name, b)
		record := new(format.Record)
		if err != nil || opened.Kind != format.KindRecord || record.Decode(opened.Body) != nil || record.Kind != format.RecordDistrust {
			continue // retired, or nobody's word
		}
		if err := rs.file(object.Info{Name: name}, opened.Signer, record); err != nil {
			return err
		}
		rs.Withheld = append(rs.Withheld, name)
		listed[name] = true // for the cache to keep it
	}
	return nil
}

// objectNames returns the names of cached objects under a prefix, in order.
func (c *Cache) objectNames(prefix string) []string {
	entries, err := os.ReadDir(c.objectPath(prefix))
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), tempPrefix) {
			names = append(names, prefix+e.Name())
		}
	}
	return slices.Clip(names)
}

// Signature reads an object under m/ or g/ and verifies who signed it, and that it may
// stand under its name. seal.ErrRevoked when a revoked host did.
func (r *Repository) Signature(ctx context.Context, name string) (seal.Signature, error) {
	return r.signature(ctx, name)
}
