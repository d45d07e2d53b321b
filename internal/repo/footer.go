package repo

import (
	"context"
	"fmt"

	"firn/internal/format"
)

// footerGuess is read from a pack's end in the hope that the footer is in it.
const footerGuess = 64 << 10

// maxFooter bounds footers (docs/format.md §10).
const maxFooter = 64 << 20

// ReadFooter reads and verifies the footer of a pack of size bytes.
func (r *Repository) ReadFooter(ctx context.Context, pack format.PackName, size int64) (*format.Footer, error) {
	footer, err := r.readFooter(ctx, pack, size, func(p []byte, offset int64) error {
		return r.store.GetRange(ctx, pack.Object(), p, offset)
	})
	if err != nil {
		return nil, fmt.Errorf("read footer of %s: %w", pack.Object(), err)
	}
	return footer, nil
}

// readFooter does so through read, which fills p with what the pack has at an offset.
func (r *Repository) readFooter(ctx context.Context, pack format.PackName, size int64, read func(p []byte, offset int64) error) (*format.Footer, error) {
	if size < format.HeaderSize+format.PackTrailerSize {
		return nil, fmt.Errorf("%w: %d bytes are no pack", ErrDamaged, size)
	}
	tail := make([]byte, min(size-format.HeaderSize, footerGuess))
	if err := read(tail, size-int64(len(tail))); err != nil {
		return nil, err
	}
	trailer, err := format.ParsePackTrailer(tail[len(tail)-format.PackTrailerSize:])
	if err != nil {
		return nil, err
	}
	length := trailer.FooterLength
	whole := int64(length) + format.PackTrailerSize
	if length > maxFooter || whole > size-format.HeaderSize {
		return nil, fmt.Errorf("%w: a footer of %d bytes", ErrDamaged, length)
	}
	if whole > int64(len(tail)) {
		tail = make([]byte, whole)
		if err := read(tail, size-whole); err != nil {
			return nil, err
		}
	}
	sealed := tail[int64(len(tail))-whole : len(tail)-format.PackTrailerSize]
	head := make([]byte, format.HeaderSize)
	if err := read(head, 0); err != nil {
		return nil, err
	}
	h, _, err := format.ParseHeader(head)
	if err != nil {
		return nil, err
	}
	var footer *format.Footer
	err = r.WithKeys(ctx, func() error {
		footer, err = r.keys.OpenFooter(pack.Kind, h.Epoch, sealed)
		return err
	})
	return footer, err
}
