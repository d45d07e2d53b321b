// Package storageconfig decides how objects are stored: in which class, under
// which encryption of the server's, with which tags and ACL, each by the
// beginning of its name.
//
// What is wanted stands in a drive's settings and in the object .storageconfig
// beside the repository, in the form that Kopia gave it, so that one file means
// the same to both programs. Config is that file; Rules are file and settings
// together; Store reads the file when it is first needed and compares what the
// server kept with what was asked for.
//
// Invariants: nothing but data packs is ever put into an archive class, from
// which it could not be read at once; a file that is not understood stops the
// writing before the first data, it is never guessed at; what a server drops or
// refuses is said.
//
// Its user is cmd/firn: opening a drive, init, drive storage-config.
package storageconfig

import (
	"slices"
	"strings"

	"firn/internal/format"
)

// Params is how an object is to be stored. The zero value leaves everything to
// the server. Its fields are those of s3.PutParams.
type Params struct {
	// Class is the storage class.
	Class string
	// Encryption is the server's own: EncryptS3, EncryptKMS, EncryptDSSE or EncryptCustomer.
	Encryption string
	// KMSKey is the ID of the key in the key management service; "" for the
	// bucket's or the account's.
	KMSKey string
	// BucketKey asks for one key of the bucket in place of one for each object.
	BucketKey bool
	// Tags are the object's, as NAME=VALUE&NAME=VALUE.
	Tags string
	// ACL is a canned access control list.
	ACL string
}

// The kinds of encryption by the server.
const (
	EncryptS3   = "AES256"       // with keys of the server's own
	EncryptKMS  = "aws:kms"      // with a key of the key management service
	EncryptDSSE = "aws:kms:dsse" // the same twice
	// EncryptCustomer is encryption with a key that each request brings along.
	EncryptCustomer = "customer"
)

// fill takes over from other what p leaves open. What belongs to the encryption
// goes with it.
func (p *Params) fill(other Params) {
	if p.Class == "" {
		p.Class = other.Class
	}
	if p.Encryption == "" {
		p.Encryption, p.KMSKey, p.BucketKey = other.Encryption, other.KMSKey, other.BucketKey
	}
	if p.Tags == "" {
		p.Tags = other.Tags
	}
	if p.ACL == "" {
		p.ACL = other.ACL
	}
}

// Entry is how objects are stored whose names begin with a prefix.
type Entry struct {
	Prefix string // "" matches all
	Params

	line, column int // where it begins in a file; 0 if it is from none
}

// Config is a list of entries, of which the first that matches a name holds. A
// name that none matches is left to the server.
type Config struct {
	Entries []Entry
	Remarks []Remark // on what was passed over while it was read
}

// Match returns how an object is to be stored.
func (c *Config) Match(name string) Params {
	if c != nil {
		for i := range c.Entries {
			if c.Entries[i].matches(name) {
				return c.Entries[i].Params
			}
		}
	}
	return Params{}
}

// matches says whether a name begins with the entry's prefix, as it is or as an
// ID: p0 is the beginning of p/0a/0a17… as in Kopia, which has no folders.
func (e *Entry) matches(name string) bool {
	return strings.HasPrefix(name, e.Prefix) || strings.HasPrefix(idOf(name), e.Prefix)
}

// idOf is a name without slashes, and without the folder that repeats the
// first two digits of a pack's hash.
func idOf(name string) string {
	if pack, err := format.ParsePackName(name); err == nil {
		return string([]byte{byte(pack.Kind)}) + pack.Hash.String()
	}
	return strings.ReplaceAll(name, "/", "")
}

// Kind is a kind of objects in a repository.
type Kind struct {
	Prefix string // of the names
	Name   string // for people, in the plural
}

// kinds are the kinds of objects, data packs first. All others are read in every
// run.
var kinds = []Kind{
	{format.PrefixData, "data packs"},
	{format.PrefixMeta, "metadata packs"},
	{format.PrefixSegments, "index segments"},
	{format.PrefixManifests, "snapshots"},
	{format.PrefixSessions, "sessions"},
	{format.PrefixHeartbeats, "heartbeats"},
	{format.PrefixRecords, "records of forget and prune"},
	{format.PrefixKeys, "key slots"},
	{"firn.", "the repository's root"},
}

// meets says whether an entry can match names of a kind.
func (e *Entry) meets(k *Kind) bool {
	for _, begin := range []string{k.Prefix, strings.TrimSuffix(k.Prefix, "/")} {
		if strings.HasPrefix(e.Prefix, begin) || strings.HasPrefix(begin, e.Prefix) {
			return true
		}
	}
	return false
}

// covers says whether an entry matches all names of a kind.
func (e *Entry) covers(k *Kind) bool {
	return strings.HasPrefix(k.Prefix, e.Prefix) || strings.HasPrefix(strings.TrimSuffix(k.Prefix, "/"), e.Prefix)
}

// of returns how the objects of a kind are stored that no entry for a longer
// prefix takes out, and whether there is such an entry.
func (c *Config) of(k *Kind) (p Params, more bool) {
	if c == nil {
		return p, false
	}
	for i := range c.Entries {
		e := &c.Entries[i]
		if e.covers(k) {
			return e.Params, more
		}
		more = more || e.meets(k)
	}
	return p, more
}

// archives are the classes from which objects must be thawed before they can be read.
var archives = []string{"GLACIER", "DEEP_ARCHIVE", "ARCHIVE", "COLD_ARCHIVE", "DEEP_COLD_ARCHIVE"}

// Archive says that objects of a storage class must be thawed before they can
// be read, by what the class is called; a vendor may know better.
func Archive(class string) bool { return slices.Contains(archives, strings.ToUpper(class)) }
