package index

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/seal"
)

const (
	// tailGuess is read from a segment's end in the hope that the directory is in it.
	tailGuess = 64 << 10
	// farWindow is how many bytes of a far segment's filter and pack table are read at a time.
	farWindow = 2 << 20
)

// farSegment is a segment that the mirror lacks and that is looked up where it is, on the
// drive, page by page. No page is believed before its seal and its signed sum were checked.
type farSegment struct {
	segmentHead
	name  string
	size  uint64
	store object.Store
	*sketch

	mu    sync.Mutex         // guards packs
	packs []*format.PackInfo // nil until needed
}

// openFar opens a segment of size bytes by its end alone, which it returns.
// errNoSums or seal.ErrRevoked when its pages cannot be trusted one by one.
func openFar(ctx context.Context, store object.Store, k *seal.Keyring, name string, size uint64) (*farSegment, []byte, error) {
	if size < format.HeaderSize+format.SegmentTrailerSize || size > maxBody {
		return nil, nil, fmt.Errorf("segment of %d bytes: %w", size, format.ErrCorrupt)
	}
	tail := make([]byte, min(tailGuess, size))
	if err := store.GetRange(ctx, name, tail, int64(size)-int64(len(tail))); err != nil {
		return nil, nil, err
	}
	trailer, err := format.ParseSegmentTrailer(tail[len(tail)-format.SegmentTrailerSize:])
	if err != nil {
		return nil, nil, err
	}
	length := uint64(trailer.DirectoryLength) + format.SegmentTrailerSize
	if length > size {
		return nil, nil, fmt.Errorf("directory of %d bytes in a segment of %d: %w", length, size, format.ErrCorrupt)
	}
	if length > uint64(len(tail)) {
		tail = make([]byte, length)
		if err := store.GetRange(ctx, name, tail, int64(size-length)); err != nil {
			return nil, nil, err
		}
	}
	tail = tail[uint64(len(tail))-length:]
	s, err := parseFar(store, k, name, size, tail)
	return s, tail, err
}

// parseFar opens a segment of size bytes by tail: directory and trailer.
func parseFar(store object.Store, k *seal.Keyring, name string, size uint64, tail []byte) (*farSegment, error) {
	s := &farSegment{name: name, size: size, store: store}
	var err error
	if s.host, _, err = format.ParseSegmentName(name); err != nil {
		return nil, err
	}
	if len(tail) < format.SegmentTrailerSize {
		return nil, fmt.Errorf("end of a segment: %w", format.ErrCorrupt)
	}
	directory, trailer := tail[:len(tail)-format.SegmentTrailerSize], tail[len(tail)-format.SegmentTrailerSize:]
	if err := s.parseTrailer(trailer, size); err != nil {
		return nil, err
	}
	if uint64(len(directory)) != uint64(s.trailer.DirectoryLength) {
		return nil, fmt.Errorf("directory of %d bytes: %w", len(directory), format.ErrCorrupt)
	}
	// The header is not read: only the right one opens the directory, and few can be.
	for epoch := k.Newest(); ; epoch-- {
		header := format.AppendHeader(nil, format.Header{Kind: format.KindSegment, Epoch: epoch})
		err := s.open(k, header, directory)
		if err == nil {
			return s, s.trustPages(k)
		}
		if epoch <= 1 || !errors.Is(err, seal.ErrDamaged) && !errors.Is(err, seal.ErrNoKey) {
			return nil, err
		}
	}
}

// span is a run of pages of a segment: of size bytes of plaintext each, the last one shorter.
type span struct {
	offset uint64 // of the first page as sealed
	number uint32 // of the first page
	bytes  uint64 // of plaintext
	size   uint64
}

func (g geometry) entrySpan() span {
	return span{format.HeaderSize, 0, g.entryBytes, entryPageSize}
}

func (g geometry) packSpan() span { return g.entrySpan().next(g.packBytes) }

func (g geometry) filterSpan() span { return g.packSpan().next(g.filterBytes) }

// next returns the span of so many bytes that follows.
func (s span) next(bytes uint64) span {
	pages := pagesOf(s.bytes, s.size)
	return span{s.offset + s.bytes + pages*tagSize, s.number + uint32(pages), bytes, format.SegmentPageSize}
}

// one returns the span of page number i of s.
func (s span) one(i uint64) span {
	return span{s.offset + i*(s.size+tagSize), s.number + uint32(i), min(s.size, s.bytes-i*s.size), s.size}
}

// read reads a span from the drive and calls visit with the plaintext of each page, valid until it returns.
func (s *farSegment) read(ctx context.Context, from span, visit func(page []byte) error) error {
	perWindow := max(1, farWindow/(from.size+tagSize))
	var window []byte
	for done := uint64(0); done < from.bytes; {
		bytes := min(perWindow*from.size, from.bytes-done)
		sealedSize := bytes + pagesOf(bytes, from.size)*tagSize
		if uint64(cap(window)) < sealedSize {
			window = make([]byte, sealedSize)
		}
		window := window[:sealedSize]
		first := done / from.size
		if err := s.store.GetRange(ctx, s.name, window, int64(from.offset+first*(from.size+tagSize))); err != nil {
			return err
		}
		for number := from.number + uint32(first); len(window) > 0; number++ {
			sealed := window[:min(uint64(len(window)), from.size+tagSize)]
			if err := s.checkSum(number, sealed); err != nil {
				return err
			}
			page, err := s.cipher.Open(sealed[:0], number, sealed)
			if err != nil {
				return err
			}
			if err := visit(page); err != nil {
				return err
			}
			window = window[len(sealed):]
		}
		done += bytes
	}
	return nil
}

// find looks an ID up and calls visit for each copy until it returns true, which find
// then returns. page reads entry pages by number.
func (s *farSegment) find(ctx context.Context, id *format.ShortID, table *packTable,
	page func(number int) ([]byte, error), visit func(Location) bool) (bool, error) {
	may, err := s.mayHave(segmentHash(id))
	if err != nil || !may {
		return false, err
	}
	high, low := words(id[:])
	fences := s.directory.FirstIDs
	for number := firstPage(fences, high); number < len(fences) && fences[number] <= high; number++ {
		entries, err := page(number)
		if err != nil {
			return false, err
		}
		count := len(entries) / format.IndexEntrySize
		for i := lowerBound(entries, format.IndexEntrySize, count, high, low); i < count; i++ {
			e := entries[i*format.IndexEntrySize:][:format.IndexEntrySize]
			if h, w := words(e); h != high || w != low {
				return false, nil
			}
			at, err := s.location(ctx, e, table)
			if err != nil {
				return false, err
			}
			if visit(at) {
				return true, nil
			}
		}
	}
	return false, nil
}

// pageFor returns the first entry page that an ID may be in, if there is one.
func (s *farSegment) pageFor(id *format.ShortID) (number int, inside bool) {
	high, _ := words(id[:])
	fences := s.directory.FirstIDs
	number = firstPage(fences, high)
	return number, number < len(fences) && fences[number] <= high
}

// location decodes an entry.
func (s *farSegment) location(ctx context.Context, entry []byte, table *packTable) (Location, error) {
	packs, err := s.packTable(ctx, table)
	if err != nil {
		return Location{}, err
	}
	e, err := format.ParseIndexEntry(entry)
	if err != nil {
		return Location{}, err
	}
	if uint64(e.Pack) >= uint64(len(packs)) {
		return Location{}, fmt.Errorf("entry names a pack beyond the table: %w", format.ErrCorrupt)
	}
	return Location{
		Pack: packs[e.Pack], BlockOffset: e.BlockOffset, BlockLength: e.BlockLength, ChunkOffset: e.ChunkOffset,
	}, nil
}

// packTable returns the segment's packs, read when they are first needed.
func (s *farSegment) packTable(ctx context.Context, table *packTable) ([]*format.PackInfo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.packs != nil {
		return s.packs, nil
	}
	var raw []byte
	if err := s.read(ctx, s.geometry.packSpan(), func(page []byte) error {
		raw = append(raw, page...)
		return nil
	}); err != nil {
		return nil, err
	}
	packs := make([]*format.PackInfo, 0, min(s.directory.Packs, uint64(len(raw))))
	var info format.PackInfo
	for len(raw) > 0 {
		record, rest, err := format.NextPackRecord(raw)
		if err != nil {
			return nil, err
		}
		if err := info.Decode(record); err != nil {
			return nil, err
		}
		packs = append(packs, table.intern(&info))
		raw = rest
	}
	if uint64(len(packs)) != s.directory.Packs {
		return nil, fmt.Errorf("pack table has %d records of %d: %w", len(packs), s.directory.Packs, format.ErrCorrupt)
	}
	s.packs = packs
	return packs, nil
}

// knowsPacks reports whether the segment's packs were read.
func (s *farSegment) knowsPacks() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.packs != nil
}

// entryPage reads one page of entries from the drive, of which the first is as the directory says.
func (s *farSegment) entryPage(ctx context.Context, number int) ([]byte, error) {
	var entries []byte
	err := s.read(ctx, s.geometry.entrySpan().one(uint64(number)), func(page []byte) error {
		entries = page
		return nil
	})
	if err != nil {
		return nil, err
	}
	if binary.BigEndian.Uint64(entries) != s.directory.FirstIDs[number] {
		return nil, fmt.Errorf("entry page %d begins with another ID than the directory says: %w", number, format.ErrCorrupt)
	}
	return entries, nil
}
