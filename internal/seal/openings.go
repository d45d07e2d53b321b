package seal

import (
	"bytes"
	"crypto/sha256"
	"sync"

	"firn/internal/format"
)

// openingsSize bounds the bodies that are remembered, bytes.
const openingsSize = 8 << 20

// openings remembers what records were found to hold. Opening one takes a signature and, for
// manifests, a key exchange, and whoever prunes lists all of them several times.
//
// Invariant: an entry holds for one standing and for these very bytes under this name.
type openings struct {
	mu     sync.Mutex // guards all below
	judge  *standing  // by which the entries were judged
	size   int        // of bodies
	opened map[opening]Opened
}

// opening is an object as it was read under a name.
type opening struct {
	name string
	hash format.ID // of its bytes, SHA-256
}

func openingOf(name string, object []byte) opening { return opening{name, sha256.Sum256(object)} }

// find returns what an object held when it was opened before; nil if it was not.
func (o *openings) find(by *standing, at opening) *Opened {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.judge != by {
		return nil
	}
	found, ok := o.opened[at]
	if !ok {
		return nil
	}
	found.Body = bytes.Clone(found.Body)
	return &found
}

// keep remembers what an object holds. When there is no room all others are forgotten.
func (o *openings) keep(by *standing, at opening, found *Opened) {
	if len(found.Body) > openingsSize {
		return
	}
	own := *found
	own.Body = bytes.Clone(own.Body)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.judge != by || o.size+len(own.Body) > openingsSize {
		o.judge, o.size, o.opened = by, 0, map[opening]Opened{}
	}
	o.opened[at] = own
	o.size += len(own.Body)
}
