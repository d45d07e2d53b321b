package repo

import (
	"time"

	"firn/internal/format"
)

// Defaults of writing.
const (
	defaultPackSize  = 32 << 20 // bytes
	metaPackSize     = 8 << 20
	pageBlockSize    = 1 << 20   // content that a block of tree pages aims at
	blockSize        = 4 << 20   // that a block of small files does; less in small packs
	ownBlock         = 512 << 10 // from which size a chunk of a big file has a block of its own
	defaultUploads   = 8
	segmentEvery     = time.Minute
	segmentMaxChunks = 1 << 17 // chunks that wait for a segment at most
)

// ColdPackSize is that of data packs where these must be thawed to be read, bytes:
// requests to put and to thaw them, and what is charged with each object, become a
// third fewer. Two of them in memory are half as much again as usual; a part
// of a pack cannot be thawed, so that larger ones would make small restores dearer.
const ColdPackSize = 48 << 20

// Compression says how much work goes into making blocks smaller.
type Compression int

// The levels of compression.
const (
	// CompressAuto is default, fastest for big files where more would save hardly anything, and
	// better for all as long as the drive is what a backup waits for.
	CompressAuto Compression = iota
	CompressDefault
	CompressOff
	CompressFastest
	CompressBetter
	CompressMax
)

// WriterOptions tunes how a session writes packs. The zero value is the default.
type WriterOptions struct {
	// PackSize is that of data packs, bytes; 0 for the default, and less where a link is
	// filled only by several packs on their way at once.
	PackSize     int
	MetaPackSize int // bytes of a metadata pack
	Uploads      int // packs of all kinds on their way at once, at most
	Compression  Compression
	// DeltaCache bounds what is kept on this machine of stored content, so that
	// new content can be written as a delta on it, bytes. Less than 0: no deltas.
	DeltaCache int64
	// Debug is told in words what costs bytes or time and nothing else; nil for nobody.
	Debug func(string)
	// SegmentEvery is the time between index segments of a long session.
	SegmentEvery time.Duration
}

// FullPack returns the bytes of a full pack as these options have it.
func (o WriterOptions) FullPack(kind format.Kind) uint64 {
	o = o.withDefaults()
	if kind == format.KindMeta {
		return uint64(o.MetaPackSize)
	}
	return uint64(o.PackSize)
}

func (o WriterOptions) withDefaults() WriterOptions {
	if o.PackSize == 0 {
		o.PackSize = defaultPackSize
	}
	if o.MetaPackSize == 0 {
		o.MetaPackSize = metaPackSize
	}
	if o.Uploads == 0 {
		o.Uploads = defaultUploads
	}
	if o.DeltaCache == 0 {
		o.DeltaCache = defaultDeltaCache
	}
	if o.Debug == nil {
		o.Debug = func(string) {}
	}
	if o.SegmentEvery == 0 {
		o.SegmentEvery = segmentEvery
	}
	return o
}
