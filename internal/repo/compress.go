package repo

import (
	"runtime"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"
)

// compressor makes blocks smaller. All workers of a session share it.
type compressor struct {
	usual *zstd.Encoder // nil: nothing is compressed
	fast  *zstd.Encoder // for big files that the usual level makes hardly smaller; nil: it is not tried

	effort *effort       // says when hard is used; nil: never
	hard   *zstd.Encoder // nil without effort
}

// newCompressor returns a compressor of a level. If that is chosen as it goes, it begins with more effort
// or without, and tell is told when that changes.
func newCompressor(c Compression, more bool, tell func(string)) *compressor {
	switch c {
	case CompressOff:
		return &compressor{}
	case CompressFastest:
		return &compressor{usual: newEncoder(zstd.SpeedFastest)}
	case CompressDefault:
		return &compressor{usual: newEncoder(zstd.SpeedDefault)}
	case CompressBetter:
		return &compressor{usual: newEncoder(zstd.SpeedBetterCompression)}
	case CompressMax:
		return &compressor{usual: newEncoder(zstd.SpeedBestCompression)}
	}
	return &compressor{
		usual: newEncoder(zstd.SpeedDefault), fast: newEncoder(zstd.SpeedFastest),
		hard: newEncoder(zstd.SpeedBetterCompression), effort: &effort{tell: tell, more: more},
	}
}

// waited notes that a worker waited so long for the drive.
func (c *compressor) waited(d time.Duration) {
	if c.effort != nil && d > 0 {
		c.effort.wait(d)
	}
}

// newEncoder makes an encoder of whole blocks, as many at a time as there are
// processors.
func newEncoder(level zstd.EncoderLevel) *zstd.Encoder {
	// It fails only for bad options. A window of 4 MiB holds a whole block.
	e, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(runtime.GOMAXPROCS(0)),
		zstd.WithWindowSize(4<<20), zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true))
	return e
}

// Origin is the big file that chunks come from. What is learnt from some of them
// serves the others. It must not be copied once it is used.
type Origin struct {
	// Changing means that the file was another at the last backup.
	Changing bool

	chunks   atomic.Uint32 // compressed so far
	thorough atomic.Bool   // the usual level pays
}

const (
	// tryEvery is how many chunks of a big file go by one trial of both levels.
	tryEvery = 16
	// worthwhile is the part of a chunk's size, one in so many, that the usual
	// level must save for it to be worth about twice the time.
	worthwhile = 32
)

// arrived notes that a pack is on the drive.
func (c *compressor) arrived() {
	if c.effort != nil {
		c.effort.land()
	}
}

// append compresses content behind dst.
func (c *compressor) append(dst, content []byte, from *Origin) []byte {
	if c.effort == nil {
		return c.usual.EncodeAll(content, dst)
	}
	begun := time.Now()
	if c.effort.harder() {
		dst = c.hard.EncodeAll(content, dst)
	} else {
		dst = c.appendUsual(dst, content, from)
	}
	c.effort.work(time.Since(begun), len(content))
	return dst
}

// appendUsual compresses at the usual level, or the fastest. Logs, dumps and what does not compress
// at all come out alike from both levels, source code does not: so a big file's
// first chunk, and one now and then, are compressed by both.
func (c *compressor) appendUsual(dst, content []byte, from *Origin) []byte {
	if from == nil {
		return c.usual.EncodeAll(content, dst)
	}
	if (from.chunks.Add(1)-1)%tryEvery != 0 {
		if from.thorough.Load() {
			return c.usual.EncodeAll(content, dst)
		}
		return c.fast.EncodeAll(content, dst)
	}
	head := len(dst)
	dst = c.fast.EncodeAll(content, dst)
	fast := len(dst) - head
	dst = c.usual.EncodeAll(content, dst)
	usual := len(dst) - head - fast
	from.thorough.Store(usual < fast-fast/worthwhile)
	if usual < fast {
		copy(dst[head:], dst[head+fast:])
		return dst[:head+usual]
	}
	return dst[:head+fast]
}
