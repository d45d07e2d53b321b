package storageconfig

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
)

// cache is the file that keeps what was last known of a drive, "" for none. What
// is wrong with it costs a request and nothing else.
type cache string

// known is what a cache keeps.
type known struct {
	File    []byte   `json:"file"`    // the .storageconfig; nil if there was none
	Checked []Params `json:"checked"` // what the server was seen to keep as it was asked
}

func cacheOf(root, location string) cache {
	if root == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(location))
	return cache(filepath.Join(root, "storage", hex.EncodeToString(sum[:8])+".json"))
}

// get returns what is known, nil if nothing is.
func (c cache) get() *known {
	if c == "" {
		return nil
	}
	text, err := os.ReadFile(string(c))
	k := new(known)
	if err != nil || json.Unmarshal(text, k) != nil {
		return nil
	}
	return k
}

// keep writes the file. One that is not written whole is not JSON.
func (c cache) keep(k known) {
	if c == "" || os.MkdirAll(filepath.Dir(string(c)), 0o700) != nil {
		return
	}
	if text, err := json.Marshal(k); err == nil {
		_ = os.WriteFile(string(c), text, 0o600) // the cache may be deleted, or never be there
	}
}
