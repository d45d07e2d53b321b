package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// A layer file consists of pages of 4 KiB:
//
//	   0  4064  payload
//	4064    16  the layer's ID
//	4080     8  number of the page in the file
//	4088     4  zero
//	4092     4  CRC-32C of all bytes before
//
// so that every page can be judged by itself, and one of another file or
// another place is told from the right one. Integers are little-endian.
const (
	pageSize    = 4096
	pagePayload = 4064
)

// errDamaged means that a layer's bytes are not what was written. Its causes
// are told in text only: io.EOF among them must not pass for a section's end.
var errDamaged = errors.New("cached index is damaged")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// layerID names a layer by what it covers.
type layerID [16]byte

type page [pageSize]byte

func (p *page) seal(id layerID, number uint64) {
	copy(p[pagePayload:], id[:])
	binary.LittleEndian.PutUint64(p[4080:], number)
	binary.LittleEndian.PutUint32(p[4088:], 0)
	binary.LittleEndian.PutUint32(p[4092:], crc32.Checksum(p[:4092], castagnoli))
}

func (p *page) isWhole(id layerID, number uint64) bool {
	return binary.LittleEndian.Uint32(p[4092:]) == crc32.Checksum(p[:4092], castagnoli) &&
		layerID(p[pagePayload:]) == id && binary.LittleEndian.Uint64(p[4080:]) == number
}

// pageFile reads pages and lets only whole ones through.
type pageFile struct {
	bytes io.ReaderAt
	id    layerID
}

// read reads one page. Every error matches errDamaged: a cache that cannot be
// read is worth no more than one that reads wrong.
func (f *pageFile) read(p *page, number uint64) error {
	if _, err := f.bytes.ReadAt(p[:], int64(number)*pageSize); err != nil {
		return fmt.Errorf("%w: read page %d: %v", errDamaged, number, err)
	}
	if !p.isWhole(f.id, number) {
		return fmt.Errorf("%w: page %d", errDamaged, number)
	}
	return nil
}

// section is a run of pages whose payloads are one stream of bytes.
type section struct {
	first uint64 // page
	size  uint64 // bytes of payload
}

func (s section) pages() uint64 { return (s.size + pagePayload - 1) / pagePayload }

// sectionReader reads a section from its start, many pages at a time.
type sectionReader struct {
	file   *pageFile
	number uint64 // of the next page to check
	left   uint64 // bytes of payload behind rest
	batch  []byte // whole pages
	ready  []byte // pages of batch not yet checked
	rest   []byte // payload of the current page not yet read
}

// open returns a reader for s that reads up to batch pages at once.
func (f *pageFile) open(s section, batch int) *sectionReader {
	batch = int(min(uint64(batch), s.pages()))
	return &sectionReader{file: f, number: s.first, left: s.size, batch: make([]byte, batch*pageSize)}
}

// next makes the next page's payload the rest to be read; io.EOF at the end.
func (r *sectionReader) next() error {
	if r.left == 0 {
		return io.EOF
	}
	if len(r.ready) == 0 {
		pages := section{size: r.left}.pages()
		r.ready = r.batch[:min(uint64(len(r.batch)), pages*pageSize)]
		if _, err := r.file.bytes.ReadAt(r.ready, int64(r.number)*pageSize); err != nil {
			return fmt.Errorf("%w: read page %d: %v", errDamaged, r.number, err)
		}
	}
	p := (*page)(r.ready)
	if !p.isWhole(r.file.id, r.number) {
		return fmt.Errorf("%w: page %d", errDamaged, r.number)
	}
	r.rest = p[:min(r.left, pagePayload)]
	r.left -= uint64(len(r.rest))
	r.ready = r.ready[pageSize:]
	r.number++
	return nil
}

// cell returns the next n bytes, where n divides a page's payload. They are
// valid until the next call. io.EOF at the end of the section.
func (r *sectionReader) cell(n int) ([]byte, error) {
	if len(r.rest) == 0 {
		if err := r.next(); err != nil {
			return nil, err
		}
	}
	if len(r.rest) < n {
		return nil, fmt.Errorf("%w: section breaks off", errDamaged)
	}
	cell := r.rest[:n]
	r.rest = r.rest[n:]
	return cell, nil
}

// Read implements io.Reader.
func (r *sectionReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 && len(p) > 0 {
		if err := r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// ReadByte implements io.ByteReader.
func (r *sectionReader) ReadByte() (byte, error) {
	b, err := r.cell(1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

// uvarint reads an integer of at most limit.
func (r *sectionReader) uvarint(limit uint64) (uint64, error) {
	n, err := binary.ReadUvarint(r)
	if err != nil {
		return 0, fmt.Errorf("%w: read length: %v", errDamaged, err)
	}
	if n > limit {
		return 0, fmt.Errorf("%w: length %d is over %d", errDamaged, n, limit)
	}
	return n, nil
}

// block reads into dst, which it grows, bytes that are preceded by their
// length. The section must be long enough to hold them.
func (r *sectionReader) block(dst []byte) ([]byte, error) {
	n, err := r.uvarint(r.left + uint64(len(r.rest)))
	if err != nil {
		return nil, err
	}
	if uint64(cap(dst)) < n {
		dst = make([]byte, n)
	}
	dst = dst[:n]
	if _, err := io.ReadFull(r, dst); err != nil {
		return nil, fmt.Errorf("%w: section breaks off: %v", errDamaged, err)
	}
	return dst, nil
}
