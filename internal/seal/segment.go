package seal

import (
	"crypto/cipher"
	"encoding/binary"
	"fmt"
	"hash"
	"sync"

	"github.com/zeebo/blake3"

	"firn/internal/format"
)

// SegmentContent returns the keyed hash whose 32-byte sum over all entries and
// the pack table is a segment's content ID. ErrNoKey when the epoch is not held.
func (k *Keyring) SegmentContent(epoch uint32) (hash.Hash, error) {
	keys, err := k.indexKeys(epoch)
	if err != nil {
		return nil, fmt.Errorf("hash segment: %w", err)
	}
	return keyed(&keys.segmentContent), nil
}

// SegmentCipher seals and opens the pages of one segment. It is safe for
// concurrent use.
type SegmentCipher struct {
	key       [keySize]byte // the epoch's segment key
	contentID format.ID
	pages     cipher.AEAD // under the page key
	scratch   sync.Pool   // of *pageScratch
}

// pageScratch holds what goes with a page: nonce and associated data.
type pageScratch struct {
	nonce [12]byte
	data  [format.IDSize + 1 + 4]byte
}

// SegmentCipher returns the cipher for the segment with the given content ID, whose header
// names epoch. Pages follow from the content ID alone: the same content gives
// the same bytes. ErrNoKey when the epoch is not held.
func (k *Keyring) SegmentCipher(epoch uint32, contentID format.ID) (*SegmentCipher, error) {
	keys, err := k.indexKeys(epoch)
	if err != nil {
		return nil, fmt.Errorf("open segment: %w", err)
	}
	key := subkey(&keys.segment, contentID[:])
	c := &SegmentCipher{key: keys.segment, contentID: contentID, pages: aead(&key)}
	repository := k.bundle.Repository
	c.scratch.New = func() any {
		s := new(pageScratch)
		copy(s.data[:], repository[:])
		s.data[format.IDSize] = byte(format.KindSegment)
		return s
	}
	return c, nil
}

// Seal appends the sealed page number page to dst: plaintext and 16 bytes of
// tag. A page number goes with one plaintext only, which the content ID must determine.
func (c *SegmentCipher) Seal(dst []byte, page uint32, plaintext []byte) []byte {
	s := c.prepare(page)
	defer c.scratch.Put(s)
	return c.pages.Seal(dst, s.nonce[:], plaintext, s.data[:])
}

// Open appends a page's plaintext to dst. The error is ErrDamaged, and dst is
// returned as it was.
func (c *SegmentCipher) Open(dst []byte, page uint32, sealed []byte) ([]byte, error) {
	s := c.prepare(page)
	defer c.scratch.Put(s)
	plaintext, err := c.pages.Open(dst, s.nonce[:], sealed, s.data[:])
	if err != nil {
		return dst, fmt.Errorf("open segment page %d: %w", page, ErrDamaged)
	}
	return plaintext, nil
}

// PageSum returns the sum by which a directory names a page as it is sealed.
func PageSum(sealed []byte) [format.PageSumSize]byte {
	sum := blake3.Sum256(sealed)
	return [format.PageSumSize]byte(sum[:])
}

// SealDirectory appends the sealed directory, page number page, to dst: a salt of 32
// bytes, plaintext, 16 bytes of tag. Unlike the pages before it, a directory does not follow
// from the content ID (it tells signer, time and inputs), so that it has a key
// of its own: hosts that write the same content would use one key and nonce
// for two plaintexts otherwise.
func (c *SegmentCipher) SealDirectory(dst []byte, page uint32, plaintext []byte) []byte {
	s := c.prepare(page)
	defer c.scratch.Put(s)
	salt := freshSalt(plaintext)
	key := subkey(&c.key, c.contentID[:], salt[:])
	dst = append(dst, salt[:]...)
	return aead(&key).Seal(dst, zeroNonce[:], plaintext, s.data[:])
}

// OpenDirectory appends the plaintext of a directory sealed as page number
// page to dst. The error is ErrDamaged, and dst is returned as it was.
func (c *SegmentCipher) OpenDirectory(dst []byte, page uint32, sealed []byte) ([]byte, error) {
	if len(sealed) < keySize {
		return dst, fmt.Errorf("open segment directory of %d bytes: %w", len(sealed), ErrDamaged)
	}
	s := c.prepare(page)
	defer c.scratch.Put(s)
	key := subkey(&c.key, c.contentID[:], sealed[:keySize])
	plaintext, err := aead(&key).Open(dst, zeroNonce[:], sealed[keySize:], s.data[:])
	if err != nil {
		return dst, fmt.Errorf("open segment directory: %w", ErrDamaged)
	}
	return plaintext, nil
}

func (c *SegmentCipher) prepare(page uint32) *pageScratch {
	s := c.scratch.Get().(*pageScratch)
	binary.LittleEndian.PutUint32(s.nonce[:], page)
	binary.LittleEndian.PutUint32(s.data[format.IDSize+1:], page)
	return s
}
