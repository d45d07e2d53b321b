package index

import (
	"fmt"

	"firn/internal/format"
)

const (
	tagSize        = 16 // bytes a sealed page has more than its plaintext
	entryPageSize  = format.EntriesPerPage * format.IndexEntrySize
	contextSegment = "firn v1 segment"

	// directoryPage is the page number the directory is sealed under. It is no
	// page's, because a reader must open the directory to learn how many pages there are.
	directoryPage = 1<<32 - 1
)

// geometry says how many bytes of plaintext the parts of a segment have.
type geometry struct {
	entryBytes, packBytes, filterBytes uint64
}

// newGeometry takes the sizes from a directory and checks them against each other and all bounds.
func newGeometry(d *format.Directory) (geometry, error) {
	if d.Entries > format.MaxSegment/format.IndexEntrySize || d.PackBytes > format.MaxSegment ||
		d.Packs > d.PackBytes || d.FilterBytes != filterSize(d.Entries) {
		return geometry{}, fmt.Errorf("directory's sizes: %w", format.ErrCorrupt)
	}
	return geometry{d.Entries * format.IndexEntrySize, d.PackBytes, d.FilterBytes}, nil
}

// pagesOf returns how many pages of at most size bytes hold so many.
func pagesOf(bytes, size uint64) uint64 { return (bytes + size - 1) / size }

// pages returns how many pages there are before the directory.
func (g geometry) pages() uint64 {
	return pagesOf(g.entryBytes, entryPageSize) +
		pagesOf(g.packBytes, format.SegmentPageSize) + pagesOf(g.filterBytes, format.SegmentPageSize)
}

// directoryOffset returns where the directory is, in bytes from the object's start.
func (g geometry) directoryOffset() uint64 {
	return format.HeaderSize + g.entryBytes + g.packBytes + g.filterBytes + g.pages()*tagSize
}
