package index

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"firn/internal/format"
	"firn/internal/seal"
)

// Seal returns the builder's packs as a whole segment object and its name. inputs
// are the names of the segments merged into it, now is when. The same packs and entries
// give the same bytes up to the directory, in whatever order they were added.
func (b *Builder) Seal(k *seal.Keyring, inputs []string, now time.Time) (name string, body []byte, err error) {
	if err := b.settle(); err != nil {
		return "", nil, err
	}
	var table []byte
	for i := range b.packs {
		table = format.AppendPackRecord(table, &b.packs[i])
	}
	d := format.Directory{
		Entries:     uint64(len(b.records)),
		Packs:       uint64(len(b.packs)),
		PackBytes:   uint64(len(table)),
		FilterBytes: filterSize(uint64(len(b.records))),
		Inputs:      slices.Sorted(slices.Values(inputs)),
		Signer:      k.Certificate(),
		Created:     now.Unix(),
	}
	content, err := k.SegmentContent(k.Epoch())
	if err != nil {
		return "", nil, fmt.Errorf("seal segment: %w", err)
	}
	bloom := make(filter, d.FilterBytes)
	for page := range b.entryPages() {
		content.Write(page)
		d.FirstIDs = append(d.FirstIDs, binary.BigEndian.Uint64(page))
		for at := 0; at < len(page); at += format.IndexEntrySize {
			bloom.add(segmentHash((*format.ShortID)(page[at:])))
		}
	}
	content.Write(table)
	body, err = b.sealPages(k, format.ID(content.Sum(nil)), &d, table, bloom)
	if err != nil {
		return "", nil, fmt.Errorf("seal segment: %w", err)
	}
	return format.SegmentName(k.Host(), sha256.Sum256(body)), body, nil
}

// sealPages writes the object, once everything of the directory but its signature is known.
func (b *Builder) sealPages(k *seal.Keyring, content format.ID, d *format.Directory, table []byte, bloom filter) ([]byte, error) {
	cipher, err := k.SegmentCipher(k.Epoch(), content)
	if err != nil {
		return nil, err
	}
	g, err := newGeometry(d)
	if err != nil {
		return nil, err
	}
	header := format.AppendHeader(nil, format.Header{Kind: format.KindSegment, Epoch: k.Epoch()})
	d.Signature = k.Sign(contextSegment, header, content[:], d.AppendSigned(nil))
	directory := d.Append(nil)
	if len(directory)+2*format.IDSize > format.MaxRecord {
		return nil, fmt.Errorf("directory of %d bytes: %w", len(directory), format.ErrCorrupt)
	}

	offset := g.directoryOffset()
	body := make([]byte, 0, int(offset)+len(directory)+2*format.IDSize+format.SegmentTrailerSize)
	body = append(body, header...)
	number := uint32(0)
	put := func(page []byte) {
		body = cipher.Seal(body, number, page)
		number++
	}
	b.entryPages()(func(page []byte) bool { put(page); return true })
	for page := range slices.Chunk(table, format.SegmentPageSize) {
		put(page)
	}
	for page := range slices.Chunk(bloom, format.SegmentPageSize) {
		put(page)
	}
	body = cipher.SealDirectory(body, directoryPage, directory)
	trailer := format.SegmentTrailer{
		ContentID: content, DirectoryOffset: offset, DirectoryLength: uint32(uint64(len(body)) - offset),
	}
	return trailer.Append(body), nil
}

// entryPages yields the plaintext of the entry pages, each valid until the next.
func (b *Builder) entryPages() func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		page := make([]byte, 0, entryPageSize)
		for records := range slices.Chunk(b.records, format.EntriesPerPage) {
			page = page[:0]
			for i := range records {
				page = records[i].append(page)
			}
			if !yield(page) {
				return
			}
		}
	}
}
