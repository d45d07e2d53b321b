// Package repo is a repository on one drive: creating and opening it, the
// sessions that write to it, and reading chunks back.
//
// It owns the key layout of docs/format.md and the order of requests of
// docs/protocol.md. Its invariants:
//
//   - A session object exists before anything else of that session is
//     written, and prune records are read after it and before the index is.
//   - A segment lists a pack only after that pack was stored; a manifest is
//     stored only after every segment its tree needs.
//   - A chunk in a masked or damaged pack counts as absent for writing.
//   - Nothing read from the drive is believed before it was authenticated.
//
// The verbs (backup, restore, check, prune, replicate) and snapshot call it.
package repo

import (
	"errors"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/seal"
)

// Errors callers tell apart.
var (
	ErrNoRepository = errors.New("no repository there")
	ErrExists       = errors.New("a repository exists there already")
	ErrOther        = errors.New("another repository than the one seen there before")
	ErrFenced       = errors.New("session was closed by a maintainer because it looked abandoned")
	ErrNoChunk      = errors.New("chunk is not in the index")
	ErrDamaged      = errors.New("stored bytes are damaged")
	ErrFeature      = errors.New("repository needs a newer version of Firn")
	ErrRole         = errors.New("this key may not do that")
)

// Program names this version of Firn in objects it writes.
var Program = "firn"

// smallLimit bounds every object that is not a pack or a segment, bytes.
const smallLimit = 64 << 20

// Repository is an opened repository on one drive. It is safe for concurrent
// use; Close releases its cache.
type Repository struct {
	store   object.Store
	keys    *seal.Keyring
	cache   *Cache
	now     func() time.Time
	newKeys *newKeys
	// slot is the key slot the repository was opened with.
	slot [16]byte
}

// Store returns the drive the repository is on.
func (r *Repository) Store() object.Store { return r.store }

// Keys returns the opened key ring.
func (r *Repository) Keys() *seal.Keyring { return r.keys }

// ID returns the repository's identity.
func (r *Repository) ID() format.ID { return r.keys.Repository() }

// Cache returns the local cache of this drive.
func (r *Repository) Cache() *Cache { return r.cache }

// Slot returns the ID of the key slot the repository was opened with.
func (r *Repository) Slot() [16]byte { return r.slot }

// Now returns the time by the repository's clock (the machine's, except in
// simulations).
func (r *Repository) Now() time.Time { return r.now() }

// Close releases the cache.
func (r *Repository) Close() error { return r.cache.Close() }
