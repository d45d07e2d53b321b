package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

const gigabyte = 1_000_000_000

// The files of the large corpus at scale 1, in bytes.
var largeFiles = []struct {
	name string
	size int64
	fill func(ctx context.Context, w io.Writer, size int64) error
}{
	{"random-1.bin", gigabyte, fillRandom(11)},
	{"random-2.bin", gigabyte / 2, fillRandom(12)},
	{"random-3.bin", gigabyte / 2, fillRandom(13)},
	{"service.log", gigabyte, fillLog},
	{"disk.img", gigabyte, fillDisk},
}

// Changes of the second state.
const (
	insertion  = 64 << 10 // bytes put into two of the files
	overwrites = 200      // blocks written anew in the disk image
	diskBlock  = 4096
)

// buildLarge fills a corpus with a few large files.
func buildLarge(ctx context.Context, c *corpus) error {
	if err := os.MkdirAll(c.tree(), 0o755); err != nil {
		return err
	}
	digest := sha256.New()
	for _, f := range largeFiles {
		size := max(int64(float64(f.size)*c.Scale), 1<<20) / diskBlock * diskBlock
		fmt.Fprintln(digest, f.name, size)
		fill := func(w io.Writer) error { return f.fill(ctx, io.MultiWriter(w, digest), size) }
		if err := create(filepath.Join(c.tree(), f.name), fill); err != nil {
			return err
		}
		c.Files++
		c.Bytes += size
	}
	c.Digest = hex.EncodeToString(digest.Sum(nil)[:6])
	for _, name := range []string{"random-2.bin", "service.log"} {
		if err := insert(c, name); err != nil {
			return err
		}
	}
	c.Change = fmt.Sprintf("%d KiB inserted in 2 files, %d blocks of 4 KiB overwritten in the disk image", insertion>>10, overwrites)
	return overwrite(c, "disk.img")
}

// create writes a file through a buffer.
func create(name string, fill func(io.Writer) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := fill(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}

func seeded(n byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{n}) }

func fillRandom(seed byte) func(context.Context, io.Writer, int64) error {
	return func(_ context.Context, w io.Writer, size int64) error {
		_, err := io.CopyN(w, seeded(seed), size)
		return err
	}
}

// fillLog writes lines as a service logs them.
func fillLog(ctx context.Context, w io.Writer, size int64) error {
	random := rand.New(seeded(21))
	levels := []string{"INFO", "INFO", "INFO", "INFO", "DEBUG", "DEBUG", "WARN", "ERROR"}
	paths := []string{"/api/v1/orders", "/api/v1/customers", "/api/v2/search", "/health", "/static/app.js", "/login"}
	methods := []string{"GET", "GET", "GET", "POST", "PUT", "DELETE"}
	now := stamp
	var line []byte
	for size > 0 && ctx.Err() == nil {
		now = now.Add(time.Duration(random.ExpFloat64() * float64(5*time.Millisecond)))
		line = now.AppendFormat(line[:0], "2006-01-02T15:04:05.000000Z07:00")
		line = fmt.Appendf(line, " %s web-%02d %s %s/%d status=%d bytes=%d duration=%.3fms client=10.%d.%d.%d trace=%016x\n",
			levels[random.IntN(len(levels))], random.IntN(12), methods[random.IntN(len(methods))], paths[random.IntN(len(paths))],
			random.IntN(100_000), 200+100*random.IntN(4), random.IntN(50_000), random.ExpFloat64()*20,
			random.IntN(4), random.IntN(256), random.IntN(256), random.Uint64())
		if _, err := w.Write(line[:min(size, int64(len(line)))]); err != nil {
			return err
		}
		size -= int64(len(line))
	}
	return ctx.Err()
}

// fillDisk writes what a disk image looks like: files that begin on blocks,
// stretches never written, and data that were compressed before.
func fillDisk(ctx context.Context, w io.Writer, size int64) error {
	source := seeded(31)
	random := rand.New(source)
	next, stop := iter.Pull2(texts(ctx))
	defer stop()
	zeros := make([]byte, 1<<20)
	for size > 0 {
		var piece []byte
		switch n := random.IntN(100); {
		case n < 5:
			piece = zeros[:(1+random.IntN(255))*diskBlock]
		case n < 10:
			piece = make([]byte, (1+random.IntN(63))*diskBlock)
			for i := 0; i < len(piece); i += 8 {
				binary.LittleEndian.PutUint64(piece[i:], source.Uint64())
			}
		default:
			t, err, ok := next()
			if err != nil {
				return err
			}
			if !ok { // all read: begin again
				stop()
				next, stop = iter.Pull2(texts(ctx))
				continue
			}
			piece = append(t.content, zeros[:(diskBlock-len(t.content)%diskBlock)%diskBlock]...)
		}
		piece = piece[:min(size, int64(len(piece)))]
		if _, err := w.Write(piece); err != nil {
			return err
		}
		size -= int64(len(piece))
	}
	return nil
}

// insert puts a copy of a file aside with random bytes in its first third.
func insert(c *corpus, name string) error {
	from, err := os.Open(filepath.Join(c.tree(), name))
	if err != nil {
		return err
	}
	defer from.Close()
	info, err := from.Stat()
	if err != nil {
		return err
	}
	c.Swaps = append(c.Swaps, name)
	return create(filepath.Join(c.aside(), name), func(w io.Writer) error {
		if _, err := io.CopyN(w, from, info.Size()/3+1234); err != nil {
			return err
		}
		if _, err := io.CopyN(w, seeded(41), insertion); err != nil {
			return err
		}
		_, err := io.Copy(w, from)
		return err
	})
}

// overwrite puts a copy of a file aside with blocks written anew here and there.
func overwrite(c *corpus, name string) error {
	from, err := os.Open(filepath.Join(c.tree(), name))
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.Create(filepath.Join(c.aside(), name))
	if err != nil {
		return err
	}
	defer to.Close()
	size, err := io.Copy(to, from)
	if err != nil {
		return err
	}
	source := seeded(51)
	random := rand.New(source)
	block := make([]byte, diskBlock)
	for range overwrites {
		if _, err := io.ReadFull(source, block); err != nil {
			return err
		}
		if _, err := to.WriteAt(block, random.Int64N(size/diskBlock)*diskBlock); err != nil {
			return err
		}
	}
	c.Swaps = append(c.Swaps, name)
	return to.Close()
}
