package index

import (
	"context"
	"errors"
	"fmt"

	"firn/internal/format"
	"firn/internal/object"
)

const (
	// wholeBody is up to how many bytes a segment is fetched at once.
	wholeBody = 4 << 20
	// bodyWindow is how many bytes of a larger one are fetched at a time.
	bodyWindow = 2 << 20
	// maxBody is up to how many bytes segments are read: the filter of one of this
	// size has 45 MiB, which are held while it is read.
	maxBody = 1 << 30
)

// wholeSegment is a body in memory.
type wholeSegment []byte

func (b wholeSegment) size() uint64 { return uint64(len(b)) }

func (b wholeSegment) at(offset, n uint64) ([]byte, error) {
	if offset > b.size() || n > b.size()-offset {
		return nil, fmt.Errorf("segment breaks off: %w", format.ErrCorrupt)
	}
	return b[offset : offset+n], nil
}

// rangedSegment is a body on a drive, of which a window and the end are in memory.
type rangedSegment struct {
	ctx    context.Context // of the fetch that the body lives for
	store  object.Store
	name   string
	length uint64
	start  uint64 // of the window
	window []byte
	buffer []byte
	tail   []byte // the end of the segment, which is read first and last
}

func (b *rangedSegment) size() uint64 { return b.length }

func (b *rangedSegment) at(offset, n uint64) ([]byte, error) {
	if offset > b.length || n > b.length-offset {
		return nil, fmt.Errorf("segment breaks off: %w", format.ErrCorrupt)
	}
	if b.tail == nil {
		tail := make([]byte, min(tailGuess, b.length))
		if err := b.store.GetRange(b.ctx, b.name, tail, int64(b.length)-int64(len(tail))); err != nil {
			return nil, err
		}
		b.tail = tail
	}
	if start := b.length - uint64(len(b.tail)); offset >= start {
		return b.tail[offset-start:][:n], nil
	}
	if offset < b.start || offset+n > b.start+uint64(len(b.window)) {
		size := min(max(n, bodyWindow), b.length-offset)
		if uint64(cap(b.buffer)) < size {
			b.buffer = make([]byte, size)
		}
		b.window = nil
		if err := b.store.GetRange(b.ctx, b.name, b.buffer[:size], int64(offset)); err != nil {
			return nil, err
		}
		b.start, b.window = offset, b.buffer[:size]
	}
	return b.window[offset-b.start:][:n], nil
}

// openBody returns the segment called name: whole if it is small, else to be
// read in ranges, so that memory is bounded. size is that of a listing, or 0.
func openBody(ctx context.Context, store object.Store, name string, size int64) (body, error) {
	if size <= wholeBody {
		whole, _, err := store.Get(ctx, name, wholeBody)
		if err == nil {
			return wholeSegment(whole), nil
		}
		if !errors.Is(err, object.ErrTooLarge) {
			return nil, err
		}
		info, err := store.Head(ctx, name)
		if err != nil {
			return nil, err
		}
		size = info.Size
	}
	if size < 0 || size > maxBody {
		return nil, fmt.Errorf("segment of %d bytes: %w", size, object.ErrTooLarge)
	}
	return &rangedSegment{ctx: ctx, store: store, name: name, length: uint64(size)}, nil
}
