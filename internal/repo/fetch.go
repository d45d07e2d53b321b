package repo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"

	"firn/internal/format"
)

// Ranges of a pack are read in one request when the gap between them is small. Runs
// of more than rangeMax are cut into parts of about the same length, of no more than
// rangeMax and a block: a usual pack into two.
const (
	rangeGap = 1 << 20 // bytes
	rangeMax = 33 << 19
)

// BlockAt names a block of a pack.
type BlockAt struct {
	Offset, Length uint32
}

// Blocks reads blocks of one pack, in order of their offsets, with as few
// requests as it can, and calls visit with the content of each; the content is
// good until visit returns. A block that is damaged is given to visit with the
// error, and the rest goes on; any other failure, or an error from visit, ends
// the reading.
func (rd *Reader) Blocks(ctx context.Context, pack format.PackName, blocks []BlockAt, visit func(at BlockAt, content []byte, damage error) error) error {
	if err := rd.mayRead(pack); err != nil {
		return err
	}
	slices.SortFunc(blocks, compareAt)
	for len(blocks) > 0 {
		start := blocks[0].Offset
		if !rd.open.knows(pack) && start <= rangeGap {
			start = format.HeaderSize
		}
		n := coalesce(start, len(blocks), func(i int) BlockAt { return blocks[i] })
		if err := rd.readRange(ctx, pack, start, blocks[:n], visit); err != nil {
			return err
		}
		blocks = blocks[n:]
	}
	return nil
}

func compareAt(a, b BlockAt) int {
	return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Length, b.Length))
}

// coalesce returns how many of n blocks, ascending by offset, are read with one request
// from start on.
func coalesce(start uint32, n int, block func(int) BlockAt) int {
	run, end := 0, start
	for run < n {
		b := block(run)
		if run > 0 && uint64(b.Offset) > uint64(end)+rangeGap {
			break
		}
		end = max(end, b.Offset+b.Length)
		run++
	}
	parts := (end - start + rangeMax - 1) / rangeMax
	if parts <= 1 {
		return run
	}
	share := (end - start) / parts
	for i := 1; i < run; i++ {
		if b := block(i); b.Offset-start+b.Length/2 > share {
			return i
		}
	}
	return run
}

// buffers for ranges and contents, shared by all readers.
var rangeBuffers = sync.Pool{New: func() any { return new([]byte) }}

func (rd *Reader) readRange(ctx context.Context, pack format.PackName, start uint32, blocks []BlockAt, visit func(BlockAt, []byte, error) error) error {
	last := blocks[len(blocks)-1]
	raw := rangeBuffers.Get().(*[]byte)
	defer rangeBuffers.Put(raw)
	*raw = resize(*raw, int(last.Offset+last.Length-start))
	if err := rd.repo.store.GetRange(ctx, pack.Object(), *raw, int64(start)); err != nil {
		if !isDamage(err) {
			return fmt.Errorf("read %s: %w", pack.Object(), err)
		}
		return visitDamaged(blocks, err, visit)
	}
	content := rangeBuffers.Get().(*[]byte)
	defer rangeBuffers.Put(content)
	for _, b := range blocks {
		out, err := rd.open.content(ctx, pack, window{*raw, start}, b, (*content)[:0], 0)
		if err != nil && !isDamage(err) {
			return err
		}
		if err == nil {
			*content = out[:0]
		}
		if err := visit(b, out, err); err != nil {
			return err
		}
	}
	return nil
}

func visitDamaged(blocks []BlockAt, damage error, visit func(BlockAt, []byte, error) error) error {
	for _, b := range blocks {
		if err := visit(b, nil, damage); err != nil {
			return err
		}
	}
	return nil
}

// resize returns b with n bytes, whatever they are.
func resize(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}
