package index

import (
	"errors"
	"fmt"
	"io"
	"os"

	"firn/internal/format"
)

// binBuffer is how many bytes of a bin are in memory while it is filled.
const binBuffer = 64 << 10 / format.IndexEntrySize * format.IndexEntrySize

// compactBins holds the entries of segments to be made, each bin's in ascending order of IDs.
type compactBins struct {
	folder string // for files; "": the system's
	list   []compactBin
}

// compactBin is the entries of some parts, with the parts' numbers for packs.
type compactBin struct {
	parts   []int32
	entries uint64
	memory  []byte
	file    *os.File // what memory did not hold, or nil
}

// add appends an entry to a bin.
func (b *compactBins) add(number int32, e *format.IndexEntry) error {
	bin := &b.list[number]
	if len(bin.memory) == binBuffer {
		if err := bin.spill(b.folder); err != nil {
			return fmt.Errorf("write temporary file for entries: %w", err)
		}
	}
	bin.memory = format.AppendIndexEntry(bin.memory, e)
	bin.entries++
	return nil
}

// spill moves to the bin's file what is in memory.
func (b *compactBin) spill(folder string) (err error) {
	if b.file == nil {
		if b.file, err = os.CreateTemp(folder, "merge-*"+partSuffix); err != nil {
			return err
		}
	}
	_, err = b.file.Write(b.memory)
	b.memory = b.memory[:0]
	return err
}

// each visits the entries, each valid until visit returns.
func (b *compactBin) each(visit func(entry []byte) error) error {
	if b.file != nil {
		if _, err := b.file.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("read temporary file of entries: %w", err)
		}
		buffer := make([]byte, binBuffer)
		for {
			n, err := io.ReadFull(b.file, buffer)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil { // files have whole buffers
				return fmt.Errorf("read temporary file of entries: %w", err)
			}
			if err := eachEntry(buffer[:n], visit); err != nil {
				return err
			}
		}
	}
	return eachEntry(b.memory, visit)
}

func eachEntry(entries []byte, visit func(entry []byte) error) error {
	for ; len(entries) > 0; entries = entries[format.IndexEntrySize:] {
		if err := visit(entries[:format.IndexEntrySize]); err != nil {
			return err
		}
	}
	return nil
}

// free gives back what the bin holds.
func (b *compactBin) free() error {
	b.memory = nil
	if b.file == nil {
		return nil
	}
	err := errors.Join(b.file.Close(), os.Remove(b.file.Name()))
	b.file = nil
	return err
}

// close removes the files.
func (b *compactBins) close() error {
	var all error
	for i := range b.list {
		all = errors.Join(all, b.list[i].free())
	}
	return all
}
