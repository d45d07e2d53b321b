package repo

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"firn/internal/format"
)

// Reading reads blocks of many packs, deltas and what they stand on among them,
// with few requests: it goes through packs whose deltas stand on others first, so
// that of each pack all that is needed is known when it is read, and read once.
// Deltas wait in memory for their bases; when they take too much of it, their bases
// are read at once, even if they have to be read again later.
//
// Want, then Run, again if wanted, by one goroutine; Open and Relieve may be called
// by several at once.
type Reading struct {
	reader  *Reader
	readers int
	fetched *atomic.Uint64
	waiting *waiting
	limit   int                               // bytes that deltas may take while they wait
	wanted  map[format.PackName]*wantedBlocks // not read yet
	openers chan struct{}                     // holds one for each block that is being opened

	relief sync.Mutex // held by who makes room
}

type wantedBlocks struct {
	info   *format.PackInfo
	number int // of packs that were wanted before
	blocks []BlockAt
}

// waitingMax is how much deltas that wait take in memory, bytes, before their bases are
// read out of turn.
const waitingMax = 48 << 20

// maxOpeners bounds the blocks that are opened at once, which take memory each: up to
// 30 MB, where chunks are as is usual some 5.
const maxOpeners = 8

// NewReading returns a reading that makes up to readers requests at once and opens as
// many blocks at once as there are processors, up to a bound. It calls visit, from as
// many goroutines, for each block wanted. A block that is damaged, or whose base is, is
// visited with the error, and the rest goes on. Bytes fetched are added to fetched, if it
// is not nil.
func (rd *Reader) NewReading(readers int, fetched *atomic.Uint64, visit Visit) *Reading {
	if fetched == nil {
		fetched = new(atomic.Uint64)
	}
	return &Reading{
		reader: rd, readers: readers, fetched: fetched, waiting: newWaiting(rd.open, visit), limit: waitingMax,
		wanted:  map[format.PackName]*wantedBlocks{},
		openers: make(chan struct{}, min(maxOpeners, runtime.GOMAXPROCS(0))),
	}
}

// Want adds blocks of a pack, each once, to what Run reads. It keeps blocks.
func (r *Reading) Want(pack *format.PackInfo, blocks []BlockAt) {
	w := r.wanted[pack.Name]
	if w == nil {
		r.wanted[pack.Name] = &wantedBlocks{pack, len(r.wanted), blocks}
		return
	}
	w.blocks = append(w.blocks, blocks...)
}

// Run reads all that is wanted, and what deltas wait for.
func (r *Reading) Run(ctx context.Context) error {
	for {
		ranges := r.next()
		if len(ranges) == 0 {
			return nil
		}
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(r.readers)
		for _, x := range ranges {
			if ctx.Err() != nil {
				break
			}
			g.Go(func() error { return r.read(ctx, x) })
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
}

// read reads a range and opens its blocks, and makes room for the next.
func (r *Reading) read(ctx context.Context, x *blockRange) error {
	if err := r.readRange(ctx, x); err != nil {
		return err
	}
	return r.Relieve(ctx)
}

func (r *Reading) readRange(ctx context.Context, x *blockRange) error {
	if err := r.reader.mayRead(x.pack); err != nil {
		return err
	}
	raw := r.reader.buffers.take(int(x.end() - x.start))
	defer func() { r.reader.buffers.giveBack(raw) }()
	var header sync.WaitGroup
	if x.start > format.HeaderSize && !r.reader.open.knows(x.pack) {
		header.Go(func() { // which the range needs and does not hold; whoever needs it asks again if this fails
			_, _ = r.reader.open.section(ctx, x.pack, format.HeaderSize, window{})
		})
	}
	err := r.reader.repo.store.GetRange(ctx, x.pack.Object(), raw, int64(x.start))
	header.Wait()
	if err != nil {
		err = fmt.Errorf("read %s: %w", x.pack.Object(), err)
		if !isDamage(err) {
			return err
		}
		for _, b := range x.blocks {
			if err := r.waiting.damaged(blockName{x.pack, b.at}, b.wanted, err); err != nil {
				return err
			}
		}
		return nil
	}
	r.fetched.Add(uint64(len(raw)))
	return r.openAll(ctx, x, window{raw, x.start})
}

// openAll opens the blocks of a range, which is in w.
func (r *Reading) openAll(ctx context.Context, x *blockRange, w window) error {
	return r.Each(ctx, len(x.blocks), func(ctx context.Context, i int) error {
		b := x.blocks[i]
		return r.open(ctx, blockName{x.pack, b.at}, w, b.wanted)
	})
}

// Each calls open for each of n blocks, for as many at once as the reading opens at once
// in all, and returns the first error; open must not call Each.
func (r *Reading) Each(ctx context.Context, n int, open func(ctx context.Context, i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	for i := range n {
		select {
		case r.openers <- struct{}{}:
		case <-ctx.Done():
			return cmp.Or(g.Wait(), ctx.Err())
		}
		g.Go(func() error {
			defer func() { <-r.openers }()
			return open(ctx, i)
		})
	}
	return g.Wait()
}

// Open opens a wanted block that lies in raw, a part of the pack that begins at
// start. A delta is visited later, when its bases have been opened too, or by Run
// at the latest.
func (r *Reading) Open(ctx context.Context, pack format.PackName, raw []byte, start uint32, at BlockAt) error {
	return r.open(ctx, blockName{pack, at}, window{raw, start}, true)
}

func (r *Reading) open(ctx context.Context, name blockName, w window, wanted bool) error {
	o := r.reader.open
	plain, content := o.plains.Get().(*[]byte), o.contents.Get().(*[]byte)
	defer o.plains.Put(plain)
	defer o.contents.Put(content)
	got, err := o.plaintext(ctx, name.pack, w, name.at, (*plain)[:0])
	if err == nil {
		*plain = got[:0]
		switch codecOf(got) {
		case format.CodecDelta:
			if err = r.waiting.add(name, got, wanted); err == nil {
				return nil
			}
		case format.CodecStored: // it need not be copied
			var b format.BlockContent
			if b, err = format.ParseBlockContent(got); err == nil {
				return r.waiting.opened(name, b.Payload, wanted)
			}
		default:
			if got, err = o.decode(ctx, name.pack.Kind, got, (*content)[:0], 0); err == nil {
				*content = got[:0]
				return r.waiting.opened(name, got, wanted)
			}
		}
	}
	if !isDamage(err) {
		return err
	}
	return r.waiting.damaged(name, wanted, fmt.Errorf("read block at %d of %s: %w", name.at.Offset, name.pack.Object(), err))
}

// codecOf returns the codec of a block's plaintext; that of whole blocks if it has none.
func codecOf(plain []byte) uint32 {
	if len(plain) == 0 {
		return format.CodecZstd
	}
	return uint32(plain[0])
}

// Relieve makes room when deltas that wait take too much memory: it reads what they
// stand on.
func (r *Reading) Relieve(ctx context.Context) error {
	if r.waiting.bytes() <= r.limit {
		return nil
	}
	r.relief.Lock()
	defer r.relief.Unlock()
	for r.waiting.bytes() > r.limit {
		var ranges []*blockRange
		for name, blocks := range r.waiting.places(true) {
			ranges = append(ranges, r.ranges(name, mergeBlocks(blocks))...)
		}
		if len(ranges) == 0 {
			return nil // the last of them are being opened
		}
		sortRanges(ranges)
		for _, x := range ranges {
			if r.waiting.bytes() <= r.limit/2 {
				return nil // the others' bases may be read in turn
			}
			if err := r.readRange(ctx, x); err != nil {
				return err
			}
		}
	}
	return nil
}
