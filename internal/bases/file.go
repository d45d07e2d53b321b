package bases

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"firn/internal/format"
)

// A file is named after its pack. It has the sealed plaintexts one behind the other,
// the sealed table, and the length of that in 4 bytes.

// maxTable bounds a file's table, bytes.
const maxTable = 16 << 20

const tableName = "table"

// Kept is a block to be kept.
type Kept struct {
	Block
	// Changing means that the block comes from content that was seen to change.
	Changing bool
	// Plaintext appends the block's plaintext to a buffer.
	Plaintext func(dst []byte) ([]byte, error)
}

// Keep takes the blocks of a pack that has arrived. Those of content that is
// not known to change are kept only if nothing has to be dropped for them.
func (c *Cache) Keep(name format.ID, blocks []Kept) error {
	if blocks = c.admitted(blocks); len(blocks) == 0 {
		return nil
	}
	p := &pack{used: time.Now(), blocks: map[format.BaseRef]*held{}, fresh: true}
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return fmt.Errorf("keep bases: %w", err)
	}
	if err := c.write(name, p, blocks); err != nil {
		return fmt.Errorf("keep bases: %w", err)
	}
	c.add(name, p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.makeRoom(0)
	return nil
}

// admitted chooses what is kept.
func (c *Cache) admitted(blocks []Kept) []Kept {
	c.mu.Lock()
	left := c.budget - c.size
	c.mu.Unlock()
	var taken []Kept
	for _, b := range blocks {
		left -= int64(b.At.Length)
		if b.Changing || left >= 0 {
			taken = append(taken, b)
		}
	}
	return taken
}

// write makes the file of a pack; what cannot be completed leaves none.
func (c *Cache) write(name format.ID, p *pack, blocks []Kept) (err error) {
	f, err := os.CreateTemp(c.dir, "new-")
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
	table := make([]held, 0, len(blocks))
	for _, b := range blocks {
		if plaintext, err = b.Plaintext(plaintext[:0]); err != nil {
			return err
		}
		sealed = c.keys.SealLocal(sealed[:0], blockName(b.At), plaintext)
		if _, err := f.Write(sealed); err != nil {
			return err
		}
		h := held{Block: b.Block, Offset: p.size, Length: len(sealed)}
		table = append(table, h)
		p.blocks[h.At] = &h
		p.size += int64(len(sealed))
	}
	text, err := json.Marshal(table)
	if err != nil {
		return err
	}
	sealed = c.keys.SealLocal(sealed[:0], tableName, text)
	sealed = binary.LittleEndian.AppendUint32(sealed, uint32(len(sealed)))
	p.size += int64(len(sealed))
	_, err = f.Write(sealed)
	return err
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
	table, err := c.readTable(f, info.Size())
	if err != nil {
		return name, nil, err
	}
	p = &pack{size: info.Size(), used: info.ModTime(), blocks: make(map[format.BaseRef]*held, len(table))}
	for i := range table {
		p.blocks[table[i].At] = &table[i]
	}
	return name, p, nil
}

// readTable reads and checks the table at the end of a file of size bytes.
func (c *Cache) readTable(f io.ReaderAt, size int64) ([]held, error) {
	var length [4]byte
	if _, err := f.ReadAt(length[:], size-int64(len(length))); err != nil {
		return nil, err
	}
	n := int64(binary.LittleEndian.Uint32(length[:]))
	if n > maxTable || n > size-int64(len(length)) {
		return nil, errors.New("cached bases are torn")
	}
	sealed := make([]byte, n)
	if _, err := f.ReadAt(sealed, size-int64(len(length))-n); err != nil {
		return nil, err
	}
	text, err := c.keys.OpenLocal(nil, tableName, sealed)
	if err != nil {
		return nil, err
	}
	var table []held
	if err := json.Unmarshal(text, &table); err != nil {
		return nil, err
	}
	return table, nil
}

// read reads one block's plaintext.
func (c *Cache) read(name format.ID, h *held) ([]byte, error) {
	f, err := os.Open(c.path(name))
	if err != nil {
		return nil, err
	}
	sealed := make([]byte, h.Length)
	_, err = f.ReadAt(sealed, h.Offset)
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return c.keys.OpenLocal(nil, blockName(h.At), sealed)
}

// blockName ties a sealed plaintext to its place.
func blockName(at format.BaseRef) string {
	return fmt.Sprintf("block %d of %s", at.Offset, at.Pack)
}

func (c *Cache) path(name format.ID) string { return filepath.Join(c.dir, name.String()) }
