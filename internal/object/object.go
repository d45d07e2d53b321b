// Package object is the contract between Firn and the places where objects
// live: buckets, folders, memory.
//
// A Store is a flat map from names to immutable bytes with a listing in some
// order. The contract is small on purpose: bodies are whole byte slices,
// because everything Firn writes is built in memory and bounded, and a body
// that can be sent again from its start is what makes retrying safe.
//
// Invariants every implementation keeps, and objecttest checks:
//
//   - Put is atomic: a reader sees the whole body or nothing of it.
//   - After Put returns nil, Get, Head and List by anyone see the object.
//   - An error from Put says nothing: the object may or may not exist.
//   - A listing that breaks off yields an error, never a short list.
//   - GetRange returns exactly the bytes asked for or an error.
//   - Every error matches one of this package's sentinels where one applies.
//
// What only some stores can do is in contracts of their own: Thawer for archive
// classes, Copier for moving objects into another class, Browser, Prober.
//
// The packages above (repo, prune, check, …) are its users; stores are Mem and
// Dir here and package object/s3.
package object

import (
	"context"
	"crypto/sha256"
	"iter"
	"time"
)

// Store is a place where objects live. All methods are safe for concurrent
// use. A cancelled context ends a call promptly with the context's error.
type Store interface {
	// Get returns a whole object. An object of more than limit bytes is
	// refused with ErrTooLarge before it is read. ErrNotFound if absent,
	// ErrFrozen if it must be thawed first.
	Get(ctx context.Context, name string, limit int64) ([]byte, Info, error)

	// GetRange fills p with the object's bytes from offset on. An object that
	// ends before p is full is ErrShort.
	GetRange(ctx context.Context, name string, p []byte, offset int64) error

	// Head returns what is known of an object without reading it.
	Head(ctx context.Context, name string) (Info, error)

	// Put writes an object. With IfAbsent it fails with ErrExists when the
	// name is taken; with IfMatch it fails with ErrChanged unless the present
	// object has that ETag. A store whose Capabilities say it cannot do the
	// condition asked for answers ErrUnsupported and writes nothing.
	Put(ctx context.Context, name string, body []byte, opts PutOptions) (Info, error)

	// Delete removes objects; absent names are not an error. When several
	// fail, the error joins one *Error for each.
	Delete(ctx context.Context, names ...string) error

	// List yields all objects whose names begin with prefix, in no promised
	// order. After an error it yields nothing more.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]

	// Capabilities says what the store was found to be able to do. What has
	// not been probed is false.
	Capabilities() Capabilities

	// Location names the store for people, without secrets:
	// "s3://bucket/prefix at host", "/var/backups".
	Location() string
}

// Info describes one object.
type Info struct {
	Name     string
	Size     int64     // bytes
	Modified time.Time // by the store's clock
	ETag     string    // opaque; never to be taken for a hash
	Version  string    // version ID where the store keeps versions, else ""
	Class    string    // storage class, "" where the store has none
}

// PutOptions says how an object is to be written. The zero value overwrites.
type PutOptions struct {
	// IfAbsent creates only.
	IfAbsent bool
	// IfMatch replaces only the object with this ETag.
	IfMatch string
	// Class is a storage class; "" leaves the choice to the store.
	Class string
	// RetainUntil asks for Object Lock retention; zero asks for none.
	RetainUntil time.Time
	// SHA256 is the body's hash when the caller knows it, so that nobody
	// hashes it again and the store can attest it.
	SHA256 *[sha256.Size]byte
}

// Capabilities are facts about a store that were probed, never assumed.
type Capabilities struct {
	IfAbsent bool // PutOptions.IfAbsent is honoured, races have one winner
	IfMatch  bool // PutOptions.IfMatch is honoured
	Versions bool // overwritten and deleted objects are kept as versions
	Retain   bool // PutOptions.RetainUntil is honoured
	Attests  bool // Put's bytes are verified by the store against SHA256
}
