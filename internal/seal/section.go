package seal

import (
	"crypto/hpke"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"

	"github.com/zeebo/blake3"

	"firn/internal/format"
)

const (
	contextSection       = "firn v1 section"
	contextSectionSecret = "firn v1 section secret"
)

// Section seals and opens the blocks under one encapsulation. It is safe for
// concurrent use.
type Section struct {
	repository format.ID
	kind       format.Kind
	workers    sync.Pool // of *blockWorker
}

// blockWorker is what one block at a time needs, kept for reuse.
type blockWorker struct {
	hasher *blake3.Hasher // keyed with the section secret
	data   [blockDataSize]byte
	chunk  [format.IDSize + 4]byte
	key    [keySize]byte
}

// The associated data of a block: repository, kind, block number, context.
const (
	blockDataNumber  = format.IDSize + 1
	blockDataContext = blockDataNumber + 4
	blockDataSize    = blockDataContext + 16
)

// NewSection begins a section of kind KindData or KindMeta in the newest epoch:
// a fresh secret, encapsulated to that epoch's public key in the returned header of
// format.SectionHeaderSize bytes.
func (k *Keyring) NewSection(kind format.Kind) (*Section, []byte, error) {
	public := k.sealingKey(kind, k.Epoch()).public
	enc, sender, err := hpke.NewSender(public, hpke.HKDFSHA256(), hpke.ExportOnly(), k.sectionInfo(kind))
	if err != nil {
		return nil, nil, fmt.Errorf("begin section: %w", err)
	}
	secret, err := sender.Export(contextSectionSecret, keySize)
	if err != nil {
		return nil, nil, fmt.Errorf("begin section: %w", err)
	}
	header := format.AppendSectionHeader(nil, k.Epoch(), enc)
	return newSection(k.bundle.Repository, kind, [keySize]byte(secret)), header, nil
}

// OpenSection opens the section that begins with header in a pack of kind. The
// error is ErrNoKey when the role does not read that kind or does not hold the
// epoch, or ErrDamaged. A header changed in its encapsulation may open all the same; its blocks do not.
func (k *Keyring) OpenSection(kind format.Kind, header []byte) (*Section, error) {
	epoch, enc, err := format.ParseSectionHeader(header)
	if err != nil {
		return nil, broken("open section", err)
	}
	key := k.sealingKey(kind, epoch).secret
	if key == nil {
		return nil, fmt.Errorf("open section of epoch %d: %w", epoch, k.notHeld(epoch))
	}
	recipient, err := hpke.NewRecipient(enc, key, hpke.HKDFSHA256(), hpke.ExportOnly(), k.sectionInfo(kind))
	if err != nil {
		return nil, broken("open section", err)
	}
	secret, err := recipient.Export(contextSectionSecret, keySize)
	if err != nil {
		return nil, fmt.Errorf("open section: %w", err)
	}
	return newSection(k.bundle.Repository, kind, [keySize]byte(secret)), nil
}

func (k *Keyring) sectionInfo(kind format.Kind) []byte {
	return append(append([]byte(contextSection), k.bundle.Repository[:]...), byte(kind))
}

func newSection(repository format.ID, kind format.Kind, secret [keySize]byte) *Section {
	s := &Section{repository: repository, kind: kind}
	s.workers.New = func() any {
		w := &blockWorker{hasher: keyed(&secret)}
		copy(w.data[:], repository[:])
		w.data[format.IDSize] = byte(kind)
		return w
	}
	return s
}

// SealBlock appends a sealed block to dst: 24 clear bytes, plaintext under the block's
// own key, 16 bytes of tag. Of b it takes Number, Codec, IDs, Lengths and
// Base*; no number may be used twice in a section. sectionOffset is where the section's header
// stands in the pack. plaintext must not overlap dst.
func (s *Section) SealBlock(dst []byte, b *format.Block, sectionOffset uint32, plaintext []byte) []byte {
	w := s.workers.Get().(*blockWorker)
	defer s.workers.Put(w)
	w.setContext(b, len(plaintext))
	w.setKey()
	header := format.BlockHeader{
		SectionOffset: sectionOffset,
		Number:        b.Number,
		Context:       [16]byte(w.data[blockDataContext:]),
	}
	dst = slices.Grow(dst, format.BlockHeaderSize+len(plaintext)+tagSize)
	dst = header.Append(dst)
	return aead(&w.key).Seal(dst, zeroNonce[:], plaintext, w.data[:])
}

// OpenBlock appends a block's plaintext to dst, which may be block[24:24] to
// open it in place. The error is ErrDamaged, and dst is returned as it was.
func (s *Section) OpenBlock(dst, block []byte) ([]byte, error) {
	header, err := format.ParseBlockHeader(block)
	if err != nil {
		return dst, broken("open block", err)
	}
	w := s.workers.Get().(*blockWorker)
	defer s.workers.Put(w)
	binary.LittleEndian.PutUint32(w.data[blockDataNumber:], header.Number)
	copy(w.data[blockDataContext:], header.Context[:])
	w.setKey()
	plaintext, err := aead(&w.key).Open(dst, zeroNonce[:], block[format.BlockHeaderSize:], w.data[:])
	if err != nil {
		return dst, fmt.Errorf("open block %d: %w", header.Number, ErrDamaged)
	}
	return plaintext, nil
}

// setKey computes the block key from number and context in the associated data.
func (w *blockWorker) setKey() {
	w.hasher.Reset()
	w.hasher.WriteString("key")
	w.hasher.Write(w.data[blockDataNumber:])
	w.hasher.Sum(w.key[:0])
}

// setContext computes number and context in the associated data. The context
// ties the block key to what the block holds, so that a machine woken twice from one
// memory image does not use a key for two contents.
func (w *blockWorker) setContext(b *format.Block, size int) {
	binary.LittleEndian.PutUint32(w.data[blockDataNumber:], b.Number)
	w.hasher.Reset()
	w.hasher.WriteString("context")
	w.hasher.Write(w.data[blockDataNumber:blockDataContext])
	w.chunk[0] = byte(b.Codec)
	binary.LittleEndian.PutUint32(w.chunk[1:], payloadLength(b, size))
	w.hasher.Write(w.chunk[:5])
	for i := range b.IDs {
		copy(w.chunk[:], b.IDs[i][:])
		binary.LittleEndian.PutUint32(w.chunk[format.IDSize:], b.Lengths[i])
		w.hasher.Write(w.chunk[:])
	}
	if b.Codec == format.CodecDelta {
		w.chunk[0] = byte(len(b.Bases))
		w.hasher.Write(w.chunk[:1])
		for i := range b.Bases {
			copy(w.chunk[:], b.Bases[i].Pack[:])
			binary.LittleEndian.PutUint32(w.chunk[format.IDSize:], b.Bases[i].Offset)
			w.hasher.Write(w.chunk[:])
		}
	}
	w.hasher.Sum(w.key[:0])
	copy(w.data[blockDataContext:], w.key[:])
}

// payloadLength is the length of the payload in a block plaintext of size
// bytes: what the codec, the lengths and the base in front leave of it.
func payloadLength(b *format.Block, size int) uint32 {
	var content uint64
	for _, n := range b.Lengths {
		content += uint64(n)
	}
	size -= 1 + uvarintSize(content)
	if b.Codec == format.CodecDelta {
		size -= uvarintSize(uint64(len(b.Bases)))
		for i := range b.Bases {
			size -= format.IDSize + uvarintSize(uint64(b.Bases[i].Offset)) + uvarintSize(uint64(b.Bases[i].Length))
		}
	}
	return uint32(size)
}

// uvarintSize is the encoded size of n in bytes.
func uvarintSize(n uint64) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}
