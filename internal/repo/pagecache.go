package repo

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"sync"

	"github.com/klauspost/compress/zstd"

	"firn/internal/format"
)

// pageCacheLimit bounds the tree pages kept on disk, bytes as compressed.
const pageCacheLimit = 1 << 30

// pageCache keeps tree pages in append-only files, one for each process that
// wrote some, oldest dropped first. A page is found by its ID and verified by
// it, so a torn file costs a request and nothing else.
type pageCache struct {
	dir string

	mu       sync.Mutex // guards all below
	at       map[format.ID]pageAt
	files    []*os.File
	own      *os.File // files' element this process appends to
	ownIndex int32    // its position in files
	end      int64    // length of own
	enc      *zstd.Encoder
	dec      *zstd.Decoder
}

type pageAt struct {
	file   int32
	length int32 // compressed
	offset int64
}

const pageHeader = format.IDSize + 4

// At most pageFiles files are kept; pages read from one of the older half are
// written again to the newest, so that what is in use is never dropped.
const pageFiles = 64

// openPageCache reads the list of cached pages. Whatever cannot be read is
// left out.
func openPageCache(dir string) *pageCache {
	c := &pageCache{dir: dir, at: map[format.ID]pageAt{}}
	// These constructors fail only for bad options.
	c.enc, _ = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<18))
	c.dec, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(smallLimit))
	for _, path := range c.trim() {
		c.load(path)
	}
	return c
}

// trim removes the oldest files over the limit and returns the rest.
func (c *pageCache) trim() []string {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return nil
	}
	type file struct {
		path string
		info os.FileInfo
	}
	var files []file
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			files = append(files, file{filepath.Join(c.dir, e.Name()), info})
		}
	}
	sort.Slice(files, func(i, j int) bool { return files[i].info.ModTime().After(files[j].info.ModTime()) })
	var kept []string
	var total int64
	for _, f := range files {
		total += f.info.Size()
		if total > pageCacheLimit || len(kept) >= pageFiles {
			_ = os.Remove(f.path)
			continue
		}
		kept = append(kept, f.path)
	}
	return kept
}

func (c *pageCache) load(path string) {
	f, err := os.Open(path)
	if err != nil {
		return
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return
	}
	n := int32(len(c.files))
	c.files = append(c.files, f)
	var head [pageHeader]byte
	for offset := int64(0); offset+pageHeader <= info.Size(); {
		if _, err := f.ReadAt(head[:], offset); err != nil {
			return
		}
		length := int64(binary.LittleEndian.Uint32(head[format.IDSize:]))
		offset += pageHeader
		if offset+length > info.Size() {
			return
		}
		c.at[format.ID(head[:format.IDSize])] = pageAt{file: n, length: int32(length), offset: offset}
		offset += length
	}
}

// get returns a page's plaintext, unverified.
func (c *pageCache) get(id format.ID) ([]byte, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	page, at, ok := c.read(id)
	if ok && at.file >= pageFiles/2 && c.files[at.file] != c.own {
		c.append(id, page)
	}
	return page, ok
}

// read returns a page and where it was. The caller holds mu.
func (c *pageCache) read(id format.ID) ([]byte, pageAt, bool) {
	at, ok := c.at[id]
	if !ok {
		return nil, at, false
	}
	packed := make([]byte, at.length)
	if _, err := c.files[at.file].ReadAt(packed, at.offset); err != nil {
		delete(c.at, id)
		return nil, at, false
	}
	page, err := c.dec.DecodeAll(packed, nil)
	if err != nil {
		delete(c.at, id)
		return nil, at, false
	}
	return page, at, true
}

// put keeps a page. A cache that cannot be written is no error.
func (c *pageCache) put(id format.ID, page []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.at[id]; !ok {
		c.append(id, page)
	}
}

// append writes a page to this process's file. The caller holds mu.
func (c *pageCache) append(id format.ID, page []byte) {
	if c.own == nil && !c.create() {
		return
	}
	record := make([]byte, pageHeader, pageHeader+len(page)/2)
	copy(record, id[:])
	record = c.enc.EncodeAll(page, record)
	binary.LittleEndian.PutUint32(record[format.IDSize:], uint32(len(record)-pageHeader))
	if _, err := c.own.WriteAt(record, c.end); err != nil {
		return
	}
	c.at[id] = pageAt{file: c.ownIndex, length: int32(len(record) - pageHeader), offset: c.end + pageHeader}
	c.end += int64(len(record))
}

// create makes this process's file. The caller holds mu.
func (c *pageCache) create() bool {
	if os.MkdirAll(c.dir, 0o700) != nil {
		return false
	}
	f, err := os.CreateTemp(c.dir, "pages-")
	if err != nil {
		return false
	}
	c.own, c.ownIndex = f, int32(len(c.files))
	c.files = append(c.files, f)
	return true
}

// Close closes the files.
func (c *pageCache) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dec.Close()
	var first error
	for _, f := range c.files {
		if err := f.Close(); err != nil && first == nil {
			first = fmt.Errorf("close page cache: %w", err)
		}
	}
	c.files, c.at = nil, nil
	return first
}
