package index

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"

	"firn/internal/format"
	"firn/internal/seal"
)

// body is a segment object that is being read.
type body interface {
	// at returns n bytes from offset on, valid until the next call.
	at(offset, n uint64) ([]byte, error)
	size() uint64
}

// decoder reads a segment from start to end, once, checks everything there is
// to check, and writes it as a layer. Until run returns nil, nothing written may be trusted.
type decoder struct {
	segmentHead
	keys *seal.Keyring
	from body
	to   *layerWriter
	hash format.ID // from the object's name

	object  hash.Hash // over the object
	content hash.Hash // makes the content ID
	bloom   filter    // built from the entries, to compare with the one stored
	offset  uint64    // of the next page
	page    uint32    // its number
	plain   []byte
}

// decodeSegment reads and verifies the segment called name and writes it as a layer.
// It returns the directory without what only tells of pages.
func decodeSegment(k *seal.Keyring, name string, from body, to *layerWriter) (*member, error) {
	d := decoder{keys: k, from: from, to: to, object: sha256.New()}
	var err error
	if d.host, d.hash, err = format.ParseSegmentName(name); err != nil {
		return nil, err
	}
	for _, step := range []func() error{d.readEnds, d.readEntries, d.readPacks, d.readFilter, d.readRest} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	m := member{name: name, size: from.size(), directory: d.directory}
	m.directory.FirstIDs, m.directory.PageSums, m.directory.PageSignature = nil, nil, nil
	if err := to.finish([]member{m}); err != nil {
		return nil, err
	}
	return &m, nil
}

// readEnds reads header, trailer and directory.
func (d *decoder) readEnds() error {
	size := d.from.size()
	if size < format.HeaderSize+format.SegmentTrailerSize || size > format.MaxSegment {
		return fmt.Errorf("segment of %d bytes: %w", size, format.ErrCorrupt)
	}
	b, err := d.from.at(size-format.SegmentTrailerSize, format.SegmentTrailerSize)
	if err != nil {
		return err
	}
	if err := d.parseTrailer(b, size); err != nil {
		return err
	}
	sealed, err := d.from.at(d.trailer.DirectoryOffset, uint64(d.trailer.DirectoryLength))
	if err != nil {
		return err
	}
	sealed = bytes.Clone(sealed)
	if b, err = d.from.at(0, format.HeaderSize); err != nil {
		return err
	}
	if err := d.open(d.keys, bytes.Clone(b), sealed); err != nil {
		return err
	}
	if d.content, err = d.keys.SegmentContent(d.epoch); err != nil {
		return err
	}
	// Of a revoked host the owner vouches for the other signature only; the object's hash is checked anyway.
	if err := d.trustPages(d.keys); err != nil && !errors.Is(err, errNoSums) && !errors.Is(err, seal.ErrRevoked) {
		return err
	}
	d.object.Write(d.header)
	d.offset = format.HeaderSize
	return nil
}

// nextPage opens the next page, which has n bytes of plaintext.
func (d *decoder) nextPage(n uint64) ([]byte, error) {
	sealed, err := d.from.at(d.offset, n+tagSize)
	if err != nil {
		return nil, err
	}
	d.object.Write(sealed)
	if d.plain, err = d.cipher.Open(d.plain[:0], d.page, sealed); err != nil {
		return nil, err
	}
	if err := d.checkSum(d.page, sealed); err != nil {
		return nil, err
	}
	d.offset += n + tagSize
	d.page++
	return d.plain, nil
}

// readEntries reads the entry pages.
func (d *decoder) readEntries() error {
	if err := d.to.beginEntries(d.directory.Entries); err != nil {
		return err
	}
	d.bloom = make(filter, d.geometry.filterBytes)
	var last [format.IndexEntrySize]byte
	left := d.geometry.entryBytes
	for i := 0; left > 0; i++ {
		page, err := d.nextPage(min(left, entryPageSize))
		if err != nil {
			return err
		}
		if binary.BigEndian.Uint64(page) != d.directory.FirstIDs[i] {
			return fmt.Errorf("entry page %d begins with another ID than the directory says: %w", i, format.ErrCorrupt)
		}
		first := left == d.geometry.entryBytes
		left -= uint64(len(page))
		d.content.Write(page)
		for ; len(page) > 0; page = page[format.IndexEntrySize:] {
			entry := page[:format.IndexEntrySize]
			if !first && bytes.Compare(entry, last[:]) <= 0 {
				return fmt.Errorf("entries are out of order: %w", format.ErrCorrupt)
			}
			first = false
			copy(last[:], entry)
			if err := d.entry(entry); err != nil {
				return err
			}
		}
	}
	return d.to.endEntries()
}

// entry takes one entry over.
func (d *decoder) entry(entry []byte) error {
	var e [layerEntry]byte // of member 0
	copy(e[:], entry)
	if uint64(binary.LittleEndian.Uint32(e[16:])) >= d.directory.Packs {
		return fmt.Errorf("entry names a pack beyond the table: %w", format.ErrCorrupt)
	}
	d.bloom.add(segmentHash((*format.ShortID)(e[:16])))
	return d.to.entry(&e)
}

// readPacks reads the pages of the pack table. Records may lie across pages.
func (d *decoder) readPacks() error {
	if err := d.to.begin(packSection); err != nil {
		return err
	}
	var last format.PackName
	var table []byte // not yet taken apart
	var count uint64
	for left := d.geometry.packBytes; left > 0; {
		page, err := d.nextPage(min(left, format.SegmentPageSize))
		if err != nil {
			return err
		}
		left -= uint64(len(page))
		d.content.Write(page)
		table = append(table, page...)
		rest, err := d.packs(table, &last, &count)
		if err != nil {
			return err
		}
		if len(rest) > format.MaxRecord {
			return fmt.Errorf("pack record of over %d bytes: %w", format.MaxRecord, format.ErrCorrupt)
		}
		if len(rest) < len(table) {
			table = append(table[:0], rest...)
		}
	}
	if len(table) > 0 || count != d.directory.Packs {
		return fmt.Errorf("pack table breaks off or has %d records of %d: %w", count, d.directory.Packs, format.ErrCorrupt)
	}
	return nil
}

// packs takes over the records that table holds whole and returns the rest.
func (d *decoder) packs(table []byte, last *format.PackName, count *uint64) ([]byte, error) {
	var info format.PackInfo
	for {
		record, rest, err := format.NextPackRecord(table)
		if err != nil { // goes on in the next page, or else is found missing at the end
			return table, nil
		}
		if err := info.Decode(record); err != nil {
			return nil, err
		}
		if *count > 0 && info.Name.Compare(*last) <= 0 {
			return nil, fmt.Errorf("pack table is out of order: %w", format.ErrCorrupt)
		}
		*last = info.Name
		*count++
		if err := d.to.pack(record); err != nil {
			return nil, err
		}
		table = rest
	}
}

// readFilter compares the filter with the one the entries give.
func (d *decoder) readFilter() error {
	for want := d.bloom; len(want) > 0; {
		page, err := d.nextPage(min(uint64(len(want)), format.SegmentPageSize))
		if err != nil {
			return err
		}
		if !bytes.Equal(page, want[:len(page)]) {
			return fmt.Errorf("filter is not that of the entries: %w", format.ErrCorrupt)
		}
		want = want[len(page):]
	}
	return nil
}

// readRest checks content ID and name, for which directory and trailer are read again.
func (d *decoder) readRest() error {
	if format.ID(d.content.Sum(nil)) != d.trailer.ContentID {
		return fmt.Errorf("content ID: %w", format.ErrCorrupt)
	}
	rest, err := d.from.at(d.offset, d.from.size()-d.offset)
	if err != nil {
		return err
	}
	d.object.Write(rest)
	if format.ID(d.object.Sum(nil)) != d.hash {
		return fmt.Errorf("name is not the hash of the bytes: %w", format.ErrCorrupt)
	}
	return nil
}
