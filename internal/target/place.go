package target

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io/fs"

	"firn/internal/format"
)

// temporaryName is where an entry grows before it gets its name: the same in
// every run for the same path, size and mtime, so that a later run finds what
// an interrupted one left.
func temporaryName(key []byte, e *format.Entry) string {
	h := sha256.New()
	h.Write(key)
	var b [20]byte
	binary.LittleEndian.PutUint64(b[0:], e.Size)
	binary.LittleEndian.PutUint64(b[8:], uint64(e.MTime))
	binary.LittleEndian.PutUint32(b[16:], e.MTimeNS)
	h.Write(b[:])
	var sum [sha256.Size]byte
	return ".firn-" + hex.EncodeToString(h.Sum(sum[:0])[:16]) + ".part"
}

// newTemporary calls make with a temporary name, removing what may be there.
func newTemporary(p *openFolder, name string, make func(name string) error) error {
	err := make(name)
	if errors.Is(err, fs.ErrExist) {
		if err := p.unlink(name); err != nil {
			return err
		}
		err = make(name)
	}
	return err
}

// place gives a finished temporary its name, in the place of what is there as
// far as the overwrite mode has it. After an error the temporary still exists.
func (d *Disk) place(p *openFolder, temporary string, key []byte) error {
	_, rawName := splitKey(key)
	name := string(rawName)
	if d.opts.Overwrite == OverwriteNever {
		return d.placeNew(p, temporary, name)
	}
	err := p.rename(temporary, name)
	if err == nil || !isOccupied(err) {
		return err
	}
	if err := d.removeDirectory(p, name, key); err != nil {
		return err
	}
	return p.rename(temporary, name)
}

// placeNew places where nothing may be replaced.
func (d *Disk) placeNew(p *openFolder, temporary, name string) error {
	err := p.renameNew(temporary, name)
	if isUnsupported(err) {
		err = linkNew(p.folder, temporary, name)
	}
	return existsError(err)
}

// linkNew is renameNew for file systems that lack it: linking fails, too,
// when the name is taken.
func linkNew(f folder, from, to string) error {
	if err := f.link(f, from, to); err != nil {
		return err
	}
	return f.unlink(from)
}

func existsError(err error) error {
	if errors.Is(err, fs.ErrExist) {
		return ErrExists
	}
	return err
}

// removeDirectory removes a directory in whose place something else belongs:
// never one of this restore, and with its content only if extra entries are
// deleted.
func (d *Disk) removeDirectory(p *openFolder, name string, key []byte) error {
	below := append(append([]byte(nil), key...), '/')
	if d.folders.known(below) {
		return ErrCollision
	}
	err := p.rmdir(name)
	if err == nil || !isOccupied(err) {
		return err
	}
	if !d.opts.DeleteExtra {
		return ErrOccupied
	}
	s, err := p.stat(name)
	if err != nil {
		return err
	}
	if !d.removeTree(p.folder, name, below, s.device) {
		return ErrOccupied
	}
	return nil
}
