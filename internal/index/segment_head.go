package index

import (
	"errors"
	"fmt"

	"firn/internal/format"
	"firn/internal/seal"
)

// errNoSums means that a segment says nothing by which single pages could be trusted.
var errNoSums = errors.New("segment has no sums of pages")

// segmentHead is what must be known of a segment before its pages can be read.
type segmentHead struct {
	host      format.Host // from the object's name
	header    []byte
	epoch     uint32
	trailer   format.SegmentTrailer
	directory format.Directory
	geometry  geometry
	cipher    *seal.SegmentCipher
}

// parseTrailer parses the last bytes of a segment of size bytes.
func (h *segmentHead) parseTrailer(b []byte, size uint64) (err error) {
	if h.trailer, err = format.ParseSegmentTrailer(b); err != nil {
		return err
	}
	offset, length := h.trailer.DirectoryOffset, uint64(h.trailer.DirectoryLength)
	if offset+length+format.SegmentTrailerSize != size {
		return fmt.Errorf("directory of %d bytes at %d in a segment of %d: %w", length, offset, size, format.ErrCorrupt)
	}
	return nil
}

// open opens the directory and checks all that can be told from it alone. It keeps header.
func (h *segmentHead) open(k *seal.Keyring, header, sealed []byte) error {
	parsed, _, err := format.ParseHeader(header)
	if err != nil {
		return err
	}
	if parsed.Kind != format.KindSegment {
		return fmt.Errorf("object of kind %q: %w", parsed.Kind, format.ErrCorrupt)
	}
	h.header, h.epoch = header, parsed.Epoch
	if h.cipher, err = k.SegmentCipher(h.epoch, h.trailer.ContentID); err != nil {
		return err
	}
	plain, err := h.cipher.OpenDirectory(nil, directoryPage, sealed)
	if err != nil {
		return err
	}
	d := &h.directory
	if err := d.Decode(plain); err != nil {
		return err
	}
	if format.HostOf(d.Signer.PublicKey) != h.host {
		return fmt.Errorf("signed by another host than named: %w", seal.ErrUntrusted)
	}
	if err := k.VerifySignature(&d.Signer, contextSegment, d.Signature,
		h.header, h.trailer.ContentID[:], d.AppendSigned(nil)); err != nil {
		return err
	}
	return h.measure()
}

// measure compares the directory with the segment's length.
func (h *segmentHead) measure() (err error) {
	d := &h.directory
	if h.geometry, err = newGeometry(d); err != nil {
		return err
	}
	if h.geometry.directoryOffset() != h.trailer.DirectoryOffset ||
		uint64(len(d.FirstIDs)) != pagesOf(h.geometry.entryBytes, entryPageSize) ||
		len(d.PageSums) > 0 && uint64(len(d.PageSums)) != h.geometry.pages()*format.PageSumSize {
		return fmt.Errorf("directory contradicts the segment's length: %w", format.ErrCorrupt)
	}
	return nil
}

// trustPages verifies the signature over the pages' sums. Only when it returns nil may a
// page be relied on without the others. errNoSums when there are none.
func (h *segmentHead) trustPages(k *seal.Keyring) error {
	d := &h.directory
	if len(d.PageSums) == 0 {
		return errNoSums
	}
	return k.VerifySignature(&d.Signer, contextPages, d.PageSignature,
		h.header, h.trailer.ContentID[:], d.AppendPagesSigned(nil))
}

// checkSum compares a page as sealed with its sum, if there is one.
func (h *segmentHead) checkSum(page uint32, sealed []byte) error {
	if len(h.directory.PageSums) == 0 {
		return nil
	}
	if seal.PageSum(sealed) != [format.PageSumSize]byte(h.directory.PageSums[int(page)*format.PageSumSize:]) {
		return fmt.Errorf("page %d is not the one the directory names: %w", page, format.ErrCorrupt)
	}
	return nil
}
