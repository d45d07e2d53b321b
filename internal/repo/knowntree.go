package repo

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"

	"firn/internal/format"
)

// KnownTree is a snapshot's tree as far as a next backup needs it.
type KnownTree struct {
	Session    string      `json:"session"`
	Root       *format.ID  `json:"root"`
	RootLength uint32      `json:"root_length"`
	Sums       format.Sums `json:"sums"`
	Manifest   format.ID   `json:"manifest"` // SHA-256 of the object
}

// KnownTree returns the last tree this machine committed for a source. Writers,
// who cannot read snapshots, find their parent by it.
func (c *Cache) KnownTree(source [16]byte) (*KnownTree, bool) {
	b, err := os.ReadFile(c.treePath(source))
	if err != nil {
		return nil, false
	}
	t := new(KnownTree)
	if json.Unmarshal(b, t) != nil {
		return nil, false
	}
	return t, true
}

// KeepTree remembers a tree for KnownTree.
func (c *Cache) KeepTree(source [16]byte, t *KnownTree) {
	if b, err := json.Marshal(t); err == nil {
		_ = writeFile(c.treePath(source), b)
	}
}

func (c *Cache) treePath(source [16]byte) string {
	return filepath.Join(c.dir, "trees", hex.EncodeToString(source[:])+".json")
}
