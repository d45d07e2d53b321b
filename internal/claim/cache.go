package claim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"

	"firn/internal/object"
)

// cache is the file that keeps the last claim of a drive that was read, "" for
// none. What is wrong with it costs a request and nothing else.
type cache string

// cached is a claim's object and what it was known by.
type cached struct {
	Name string `json:"name"`
	ETag string `json:"etag"`
	Size int64  `json:"size"`
	Body []byte `json:"body"`
}

func cacheOf(root, location string) cache {
	if root == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(location))
	return cache(filepath.Join(root, "claims", hex.EncodeToString(sum[:8])+".json"))
}

// get returns the bytes of an object if it is the one that was kept.
func (c cache) get(info *object.Info) ([]byte, bool) {
	if c == "" || info.ETag == "" {
		return nil, false
	}
	text, err := os.ReadFile(string(c))
	var kept cached
	if err != nil || json.Unmarshal(text, &kept) != nil {
		return nil, false
	}
	return kept.Body, kept.Name == info.Name && kept.ETag == info.ETag && kept.Size == info.Size
}

// keep writes the file through a temporary one, so that it is there whole.
func (c cache) keep(info *object.Info, body []byte) {
	if c == "" {
		return
	}
	text, err := json.Marshal(cached{info.Name, info.ETag, info.Size, body})
	if err != nil || os.MkdirAll(filepath.Dir(string(c)), 0o700) != nil {
		return
	}
	f, err := os.CreateTemp(filepath.Dir(string(c)), ".tmp-")
	if err != nil {
		return
	}
	_, err = f.Write(text)
	if f.Close() != nil || err != nil || os.Rename(f.Name(), string(c)) != nil {
		_ = os.Remove(f.Name()) // a file that stays is small, and the cache may be deleted
	}
}
