package restore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"firn/internal/format"
	"firn/internal/repo"
	"firn/internal/target"
	"firn/internal/tree"
)

// ToArchive restores into an archive, entry after entry. Since an archive
// cannot take anything back, an entry whose content turns out damaged after it
// was begun ends the restore.
func ToArchive(ctx context.Context, rd *repo.Reader, root tree.Root, archive target.Archive, opts Options) error {
	if opts.Progress == nil {
		opts.Progress = new(Progress)
	}
	p, err := newPart(ctx, rd, root, &opts)
	if err != nil {
		return err
	}
	sums := p.sums(ctx)
	opts.Progress.TotalFiles.Store(sums.Files)
	opts.Progress.TotalBytes.Store(sums.Bytes)
	r := &diskRestore{ctx: ctx, reader: rd.Behind(opts.Gate), opts: &opts}
	err = p.each(ctx, func(key []byte, e *format.Entry) error {
		return r.archiveEntry(ctx, archive, key, e)
	})
	if err != nil {
		return err
	}
	if err := archive.Close(); err != nil {
		return fmt.Errorf("finish archive: %w", err)
	}
	return nil
}

func (r *diskRestore) archiveEntry(ctx context.Context, archive target.Archive, key []byte, e *format.Entry) error {
	p := r.opts.Progress
	if e.Flags&format.FlagUnreadable != 0 && isFile(e) {
		p.problem(key, errors.New("its content could not be read when it was backed up"))
		return nil
	}
	e, err := r.withAttributes(e)
	if err != nil {
		return err
	}
	content := NewContent(ctx, r.reader, e)
	defer content.Close()
	if err := archive.Add(key, e, content); err != nil {
		if content.err != nil && !errors.Is(content.err, io.EOF) {
			return fmt.Errorf("read content of %q: %w", key, content.err)
		}
		if errors.Is(err, target.ErrUnsupported) || errors.Is(err, target.ErrKey) {
			p.problem(key, err)
			return nil
		}
		return err
	}
	p.entry(key, e)
	if !isFile(e) {
		p.Other.Add(1)
		return nil
	}
	p.Files.Add(1)
	p.Bytes.Add(e.Size)
	return nil
}

// Content reads an entry's content from its first byte to its last, fetching
// a few chunks ahead. It is an io.ReadCloser for one goroutine.
type Content struct {
	ctx    context.Context // ends the fetches
	cancel context.CancelFunc
	reader *repo.Reader
	next   func() (tree.Extent, error, bool)
	stop   func()

	ahead   []chan fetched // in order
	done    bool           // no more pieces
	current []byte
	zeros   uint64 // of a hole, still to be read
	err     error
}

type fetched struct {
	chunk []byte
	hole  uint64
	err   error
}

// chunksAhead are fetched before they are read.
const chunksAhead = 4

// NewContent returns a reader of an entry's content. Behind a gate it waits for
// each chunk until it can be read.
func NewContent(ctx context.Context, rd *repo.Reader, e *format.Entry) *Content {
	c := &Content{reader: rd}
	c.ctx, c.cancel = context.WithCancel(ctx)
	c.next, c.stop = iter.Pull2(tree.ContentFrom(c.ctx, rd, e, 0))
	return c
}

// Close ends what is still being fetched.
func (c *Content) Close() {
	c.cancel()
	for _, f := range c.ahead {
		<-f
	}
	c.ahead = nil
	c.stop()
}

// Read reads on; every byte of it belongs to a verified chunk.
func (c *Content) Read(p []byte) (int, error) {
	for len(c.current) == 0 && c.zeros == 0 {
		if c.err != nil {
			return 0, c.err
		}
		c.err = c.advance()
	}
	if c.zeros > 0 {
		n := int(min(uint64(len(p)), c.zeros))
		clear(p[:n])
		c.zeros -= uint64(n)
		return n, nil
	}
	n := copy(p, c.current)
	c.current = c.current[n:]
	return n, nil
}

// advance makes the next piece current.
func (c *Content) advance() error {
	c.fill()
	if len(c.ahead) == 0 {
		return io.EOF
	}
	f := <-c.ahead[0]
	c.ahead = c.ahead[1:]
	c.current, c.zeros = f.chunk, f.hole
	return f.err
}

// fill begins to fetch pieces until enough are under way.
func (c *Content) fill() {
	for !c.done && len(c.ahead) < chunksAhead {
		x, err, ok := c.next()
		if !ok {
			c.done = true
			return
		}
		result := make(chan fetched, 1)
		c.ahead = append(c.ahead, result)
		switch {
		case err != nil:
			c.done = true
			result <- fetched{err: err}
		case x.Hole:
			result <- fetched{hole: x.Length}
		default:
			go func() {
				chunk, err := c.chunk(x.ID, uint32(x.Length))
				result <- fetched{chunk: chunk, err: err}
			}()
		}
	}
}

// chunk reads a chunk once it can be read.
func (c *Content) chunk(id format.ID, length uint32) ([]byte, error) {
	for {
		chunk, err := c.reader.Chunk(c.ctx, format.KindData, id, length)
		if err == nil || repo.IsDamage(err) || !errors.Is(err, repo.ErrNotReady) {
			return chunk, err
		}
		if err := c.reader.Gate().Wait(c.ctx); err != nil {
			return nil, err
		}
	}
}
