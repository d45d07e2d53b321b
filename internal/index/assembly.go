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

// sumsFrom is from which directory offset on segments carry the sums of their
// pages: smaller ones are read whole at once.
const sumsFrom = 4 << 20

const contextPages = "firn v1 segment pages"

// assembly is a segment in the making. Its pages stand where they will stand in
// the object, as plaintext until seal, so that it takes hardly more memory than the object.
type assembly struct {
	directory format.Directory
	geometry  geometry
	table     []byte // pack table
	body      []byte // up to the directory
	sumsFrom  int    // from which size on pages have sums
}

// newAssembly makes room for so many entries and a pack table behind what body has.
func newAssembly(body []byte, entries, packs uint64, table []byte) (*assembly, error) {
	a := &assembly{body: body, table: table, sumsFrom: sumsFrom, directory: format.Directory{
		Entries: entries, Packs: packs, PackBytes: uint64(len(table)), FilterBytes: filterSize(entries),
	}}
	var err error
	if a.geometry, err = newGeometry(&a.directory); err != nil {
		return nil, err
	}
	size := int(a.geometry.directoryOffset())
	a.reach(size, size/2000+8192) // with room for directory and trailer
	return a, nil
}

// reach makes the body size bytes long, with room for more.
func (a *assembly) reach(size, more int) {
	if cap(a.body) < size {
		grown := make([]byte, len(a.body), size+more)
		copy(grown, a.body)
		a.body = grown
	}
	a.body = a.body[:size]
}

// grown returns the room of entry number i, the next one.
func (a *assembly) grown(i uint64) []byte {
	end := format.HeaderSize + i/format.EntriesPerPage*(entryPageSize+tagSize) + (i%format.EntriesPerPage+1)*format.IndexEntrySize
	a.reach(int(end), int(end/4)+entryPageSize)
	return a.entryAt(i)
}

// entryAt returns the room of entry number i.
func (a *assembly) entryAt(i uint64) []byte {
	page, within := i/format.EntriesPerPage, i%format.EntriesPerPage
	at := format.HeaderSize + page*(entryPageSize+tagSize) + within*format.IndexEntrySize
	return a.body[at : at+format.IndexEntrySize]
}

// seal makes an object of what was assembled, its name and its bytes. inputs are the
// names of the segments merged into it, now is when.
func (a *assembly) seal(k *seal.Keyring, inputs []string, now time.Time) (name string, body []byte, err error) {
	d := &a.directory
	d.Inputs, d.Signer, d.Created = slices.Sorted(slices.Values(inputs)), k.Certificate(), now.Unix()
	hash, err := k.SegmentContent(k.Epoch())
	if err != nil {
		return "", nil, err
	}
	bloom := make(filter, d.FilterBytes)
	a.eachPage(a.geometry.entryBytes, entryPageSize, format.HeaderSize, func(page []byte) {
		hash.Write(page)
		d.FirstIDs = append(d.FirstIDs, binary.BigEndian.Uint64(page))
		for at := 0; at < len(page); at += format.IndexEntrySize {
			bloom.add(segmentHash((*format.ShortID)(page[at:])))
		}
	})
	hash.Write(a.table)
	content := format.ID(hash.Sum(nil))
	header := format.AppendHeader(a.body[:0], format.Header{Kind: format.KindSegment, Epoch: k.Epoch()})
	sums, err := a.sealPages(k, content, bloom)
	if err != nil {
		return "", nil, err
	}
	d.Signature = k.Sign(contextSegment, header, content[:], d.AppendSigned(nil))
	if len(a.body) >= a.sumsFrom && len(sums) > 0 {
		d.PageSums = sums
		d.PageSignature = k.Sign(contextPages, header, content[:], d.AppendPagesSigned(nil))
	}
	return a.end(k, content)
}

// eachPage visits the rooms of pages that hold so many bytes of plaintext, from offset on,
// and returns the offset behind them.
func (a *assembly) eachPage(left, size, offset uint64, visit func(page []byte)) uint64 {
	for left > 0 {
		n := min(left, size)
		visit(a.body[offset : offset+n])
		left -= n
		offset += n + tagSize
	}
	return offset
}

// sealPages puts pack table and filter into their places, seals all pages where they
// stand and returns their sums.
func (a *assembly) sealPages(k *seal.Keyring, content format.ID, bloom filter) (sums []byte, err error) {
	cipher, err := k.SegmentCipher(k.Epoch(), content)
	if err != nil {
		return nil, err
	}
	number := uint32(0)
	put := func(page []byte) {
		sealed := cipher.Seal(page[:0], number, page)
		sum := seal.PageSum(sealed)
		sums = append(sums, sum[:]...)
		number++
	}
	from := func(rest []byte) func(page []byte) {
		return func(page []byte) {
			rest = rest[copy(page, rest):]
			put(page)
		}
	}
	offset := a.eachPage(a.geometry.entryBytes, entryPageSize, format.HeaderSize, put)
	offset = a.eachPage(a.geometry.packBytes, format.SegmentPageSize, offset, from(a.table))
	a.eachPage(a.geometry.filterBytes, format.SegmentPageSize, offset, from(bloom))
	return sums, nil
}

// end appends directory and trailer.
func (a *assembly) end(k *seal.Keyring, content format.ID) (name string, body []byte, err error) {
	cipher, err := k.SegmentCipher(k.Epoch(), content)
	if err != nil {
		return "", nil, err
	}
	directory := a.directory.Append(nil)
	if len(directory)+2*format.IDSize > format.MaxRecord {
		return "", nil, fmt.Errorf("directory of %d bytes: %w", len(directory), format.ErrCorrupt)
	}
	offset := uint64(len(a.body))
	body = cipher.SealDirectory(a.body, directoryPage, directory)
	trailer := format.SegmentTrailer{
		ContentID: content, DirectoryOffset: offset, DirectoryLength: uint32(uint64(len(body)) - offset),
	}
	body = trailer.Append(body)
	return format.SegmentName(k.Host(), sha256.Sum256(body)), body, nil
}
