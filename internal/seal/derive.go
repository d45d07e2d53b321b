package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"sync"

	"github.com/zeebo/blake3"
)

// keySize is the size of all symmetric keys, seeds and salts in bytes.
const keySize = 32

// The contexts under which keys are derived (docs/format.md §3).
const (
	contextDataID         = "firn v1 data chunk id"
	contextMetadataID     = "firn v1 metadata chunk id"
	contextGear           = "firn v1 gear table"
	contextPageCut        = "firn v1 tree page cut"
	contextLocal          = "firn v1 local cache"
	contextRecord         = "firn v1 record"
	contextFooter         = "firn v1 footer"
	contextSegment        = "firn v1 segment"
	contextSegmentContent = "firn v1 segment content"
	contextSlotSecret     = "firn v1 slot secret"
	contextSlotKey        = "firn v1 slot key"
	contextSlotCommitment = "firn v1 slot commitment"
	contextHostSeed       = "firn v1 host seed"
	contextRenewal        = "firn v1 renewal"
	contextEpochDedup     = "firn v1 epoch dedup"
	contextEpochIndex     = "firn v1 epoch index"
	contextEpochData      = "firn v1 epoch data"
	contextEpochMetadata  = "firn v1 epoch metadata"
)

// derive is D(context; parts): BLAKE3's key derivation mode.
func derive(context string, parts ...[]byte) (key [keySize]byte) {
	h := blake3.NewDeriveKey(context)
	for _, part := range parts {
		h.Write(part)
	}
	h.Sum(key[:0])
	return key
}

// keyed makes a hasher for H(key; …): BLAKE3's keyed mode.
func keyed(key *[keySize]byte) *blake3.Hasher {
	h, err := blake3.NewKeyed(key[:])
	if err != nil {
		panic(err) // not reached: the key has the one size allowed
	}
	return h
}

// subkey is H(key; parts).
func subkey(key *[keySize]byte, parts ...[]byte) (sum [keySize]byte) {
	h := keyed(key)
	for _, part := range parts {
		h.Write(part)
	}
	h.Sum(sum[:0])
	return sum
}

// hashers keeps hashers of one key for reuse, since each weighs over 10 KiB.
type hashers struct{ pool sync.Pool }

func newHashers(key [keySize]byte) *hashers {
	return &hashers{sync.Pool{New: func() any { return keyed(&key) }}}
}

// sum is H(key; data).
func (p *hashers) sum(data []byte) (sum [keySize]byte) {
	h := p.pool.Get().(*blake3.Hasher)
	h.Reset()
	h.Write(data)
	h.Sum(sum[:0])
	p.pool.Put(h)
	return sum
}

// zeroNonce goes with keys that seal one message only.
var zeroNonce [12]byte

// aead is AES-256-GCM under key.
func aead(key *[keySize]byte) cipher.AEAD {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err) // not reached: the key has an allowed size
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // not reached: AES has the block size GCM wants
	}
	return gcm
}

// tagSize is what sealing adds to a plaintext, in bytes.
const tagSize = 16

// random returns n fresh random bytes.
func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails: the runtime ends the program instead
	return b
}

// freshSalt is H(32 random bytes || body): two machines woken from one memory
// image that draw the same random bytes still get different salts for
// different bodies.
func freshSalt(body []byte) [keySize]byte {
	h := blake3.New()
	h.Write(random(keySize))
	h.Write(body)
	var salt [keySize]byte
	h.Sum(salt[:0])
	return salt
}
