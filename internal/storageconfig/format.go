package storageconfig

import (
	"bytes"
	"encoding/json"
)

// fileJSON is a .storageconfig as it is written.
type fileJSON struct {
	Entries []entryJSON `json:"blobOptions"`
}

type entryJSON struct {
	Prefix     string `json:"prefix,omitempty"`
	Class      string `json:"storageClass"`
	Encryption string `json:"serverSideEncryption,omitempty"`
	KMSKey     string `json:"ssekmsKeyId,omitempty"`
	BucketKey  bool   `json:"bucketKeyEnabled,omitempty"`
	Customer   string `json:"sseCustomerAlgorithm,omitempty"`
	Tags       string `json:"tagging,omitempty"`
	ACL        string `json:"acl,omitempty"`
}

// Format writes a configuration as Parse reads it. An entry without a class
// says so with an empty one, which Kopia understands too.
func (c *Config) Format() []byte {
	file := fileJSON{Entries: make([]entryJSON, len(c.Entries))}
	for i, e := range c.Entries {
		j := entryJSON{e.Prefix, e.Class, e.Encryption, e.KMSKey, e.BucketKey, "", e.Tags, e.ACL}
		if e.Encryption == EncryptCustomer {
			j.Encryption, j.Customer = "", EncryptS3
		}
		file.Entries[i] = j
	}
	var b bytes.Buffer
	w := json.NewEncoder(&b)
	w.SetEscapeHTML(false)
	w.SetIndent("", "  ")
	if w.Encode(file) != nil { // texts and truths can always be written
		return nil
	}
	return b.Bytes()
}
