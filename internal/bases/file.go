package bases

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"firn/internal/format"
)

// A file is named after its pack. It has the sealed plaintexts one behind the other,
// the sealed table, and the length of that in 4 bytes.

// maxTable bounds the blocks in a file's table, bytes.
const maxTable = 16 << 20

// table is what is known of a file's blocks.
type table struct {
	Kept   time.Time
	Blocks []held
}

// Bounds on what a table takes, bytes.
const (
	tableSize    = 256 // without its blocks, sealed
	tableBlock   = 900 // without its features
	tableFeature = 11
)

// entrySize is what a block takes in a table at most, bytes.
func (b *Block) entrySize() int { return tableBlock + tableFeature*len(b.Sketch) }

// temporary is what the name of a file that is being written begins with.
const temporary = "new-"

// abandoned is how long nobody has written to a temporary file that is nobody's any more.
const abandoned = time.Hour

// Kept is a block to be kept.
type Kept struct {
	Block
	// Rank says what may be dropped for the block.
	Rank Rank
	// Plaintext appends the block's plaintext to a buffer.
	Plaintext func(dst []byte) ([]byte, error)
}

// Keep takes the blocks of a pack that has arrived, as far as there is room for
// blocks of their rank.
func (c *Cache) Keep(name format.ID, blocks []Kept) error {
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return fmt.Errorf("keep bases: %w", err)
	}
	if blocks = c.admit(blocks); len(blocks) == 0 {
		return nil
	}
	c.mu.Lock()
	kept := c.tick()
	c.mu.Unlock()
	p := &pack{kept: kept, used: kept, mine: true, blocks: map[format.BaseRef]*held{}}
	if err := c.write(name, p, blocks); err != nil {
		return fmt.Errorf("keep bases: %w", err)
	}
	rank := slices.MaxFunc(blocks, func(a, b Kept) int { return cmp.Compare(a.Rank, b.Rank) }).Rank
	c.mu.Lock()
	defer c.mu.Unlock()
	c.add(name, p)
	if c.size-c.yields(rank) > c.limit() {
		c.drop(name) // others were kept at the same time
	}
	c.makeRoom()
	return nil
}

// write makes the file of a pack; what cannot be completed leaves none.
func (c *Cache) write(name format.ID, p *pack, blocks []Kept) (err error) {
	f, err := os.CreateTemp(c.dir, temporary)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err == nil {
			err = os.Rename(f.Name(), c.path(name))
		}
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	var plaintext, sealed []byte
	t := table{Kept: p.kept, Blocks: make([]held, 0, len(blocks))}
	for _, b := range blocks {
		if plaintext, err = b.Plaintext(plaintext[:0]); err != nil {
			return err
		}
		sealed = c.keys.SealLocal(sealed[:0], blockName(b.At), plaintext)
		if _, err := f.Write(sealed); err != nil {
			return err
		}
		h := held{Block: b.Block, Offset: p.size, Length: len(sealed)}
		t.Blocks = append(t.Blocks, h)
		p.blocks[h.At] = &h
		p.size += int64(len(sealed))
	}
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	sealed = c.keys.SealLocal(sealed[:0], tableName(name), text)
	sealed = binary.LittleEndian.AppendUint32(sealed, uint32(len(sealed)))
	p.size += int64(len(sealed))
	_, err = f.Write(sealed)
	return err
}

// loadAll reads the tables of all files and removes those of no use: torn, foreign, or
// left behind by a process that was killed while it wrote.
func (c *Cache) loadAll() map[format.ID]*pack {
	loaded := map[format.ID]*pack{}
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return loaded // there is none, or none that can be read
	}
	for _, e := range entries {
		path := filepath.Join(c.dir, e.Name())
		if name, p, err := c.load(path); err == nil {
			loaded[name] = p
		} else if !beingWritten(e) {
			_ = os.Remove(path) // if it stays, the next process tries again
		}
	}
	return loaded
}

// beingWritten reports whether an entry may be another process's temporary file.
func beingWritten(e os.DirEntry) bool {
	info, err := e.Info()
	return err == nil && strings.HasPrefix(e.Name(), temporary) && time.Since(info.ModTime()) < abandoned
}

// load reads the table of a file.
func (c *Cache) load(path string) (name format.ID, p *pack, err error) {
	if name, err = format.ParseID(filepath.Base(path)); err != nil {
		return name, nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return name, nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return name, nil, err
	}
	p, err = c.describe(name, f, info.Size())
	if err == nil {
		p.used = info.ModTime()
	}
	return name, p, err
}

// describe reads what a file of size bytes says of a pack.
func (c *Cache) describe(name format.ID, f io.ReaderAt, size int64) (*pack, error) {
	t, end, err := c.readTable(name, f, size)
	if err != nil {
		return nil, err
	}
	p := &pack{size: size, kept: t.Kept, blocks: make(map[format.BaseRef]*held, len(t.Blocks))}
	for i := range t.Blocks {
		h := &t.Blocks[i]
		if h.At.Pack != name || h.Offset < 0 || h.Length < 0 || h.Offset > end || int64(h.Length) > end-h.Offset {
			return nil, errTorn
		}
		p.blocks[h.At] = h
	}
	return p, nil
}

var errTorn = errors.New("cached bases are torn")

// readTable reads the table at the end of a file of size bytes and says where it begins.
func (c *Cache) readTable(name format.ID, f io.ReaderAt, size int64) (t table, start int64, err error) {
	var length [4]byte
	end := size - int64(len(length))
	if end < 0 {
		return t, 0, errTorn
	}
	if _, err := f.ReadAt(length[:], end); err != nil {
		return t, 0, err
	}
	n := int64(binary.LittleEndian.Uint32(length[:]))
	if n > maxTable+tableSize || n > end {
		return t, 0, errTorn
	}
	sealed := make([]byte, n)
	if _, err := f.ReadAt(sealed, end-n); err != nil {
		return t, 0, err
	}
	text, err := c.keys.OpenLocal(nil, tableName(name), sealed)
	if err != nil {
		return t, 0, err
	}
	return t, end - n, json.Unmarshal(text, &t)
}

// read appends one block's plaintext to dst.
func (c *Cache) read(dst []byte, name format.ID, h *held) ([]byte, error) {
	f, err := os.Open(c.path(name))
	if err != nil {
		return nil, err
	}
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	*buf = slices.Grow((*buf)[:0], h.Length)[:h.Length]
	_, err = f.ReadAt(*buf, h.Offset)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	plaintext, err := c.keys.OpenLocal(dst, blockName(h.At), *buf)
	if err != nil {
		return nil, err
	}
	return plaintext, nil
}

// buffers are for sealed blocks that are read.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// tableName ties a sealed table to its pack.
func tableName(name format.ID) string { return "table of " + name.String() }

// blockName ties a sealed plaintext to its place.
func blockName(at format.BaseRef) string {
	return fmt.Sprintf("block %d of %s", at.Offset, at.Pack)
}

func (c *Cache) path(name format.ID) string { return filepath.Join(c.dir, name.String()) }
