package index

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// sketchSuffix is that of files of sketches; the number changes with their layout.
const sketchSuffix = ".sketch1"

// sketch is what the mirror keeps of a far segment: its end, so that the segment opens without
// a request, and its filter, so that most look-ups of what it lacks need none. The
// file consists of pages as layers do: uvarint length of the end; the end; from the next page on the filter.
type sketch struct {
	source source
	pages  pageFile
	filter section
	memory filter // the first bytes of the filter
}

// mayHave asks the filter, a page of which is read where it is not in memory.
func (k *sketch) mayHave(hash uint64) (bool, error) {
	if k.filter.size == 0 {
		return false, nil
	}
	at := blockOf(hash, k.filter.size/filterBlock) * filterBlock
	if at < uint64(len(k.memory)) {
		return inBlock(k.memory[at:at+filterBlock], uint32(hash)), nil
	}
	p := pagePool.Get().(*page)
	defer pagePool.Put(p)
	if err := k.pages.read(p, k.filter.first+at/pagePayload); err != nil {
		return false, err
	}
	at %= pagePayload
	return inBlock(p[at:at+filterBlock], uint32(hash)), nil
}

// load takes at most limit bytes of memory for the filter. Damage is noticed when it is needed.
func (k *sketch) load(limit uint64) {
	s := k.filter
	if s.size > limit {
		s.size = limit / pagePayload * pagePayload
	}
	memory := make(filter, s.size)
	if _, err := io.ReadFull(k.pages.open(s, loadBatch), memory); err == nil {
		k.memory = memory
	}
}

// openSketch opens a sketch and returns the segment's end.
func openSketch(from source, id layerID) (*sketch, []byte, error) {
	k := &sketch{source: from, pages: pageFile{bytes: from, id: id}}
	if from.size < pageSize || from.size%pageSize != 0 {
		return nil, nil, fmt.Errorf("%w: a sketch of %d bytes", errDamaged, from.size)
	}
	pages := uint64(from.size / pageSize)
	r := k.pages.open(section{size: pages * pagePayload}, 1)
	tail, err := r.block(nil)
	if err != nil {
		return nil, nil, err
	}
	k.filter.first = r.number
	return k, tail, nil
}

// fits sets where the filter ends, and reports whether the sketch is long enough.
func (k *sketch) fits(g geometry) bool {
	k.filter.size = g.filterBytes
	return uint64(k.source.size/pageSize) == k.filter.first+k.filter.pages()
}

// writeSketch writes a sketch: a segment's end, and what filter yields.
func writeSketch(to io.WriterAt, id layerID, tail []byte, filter func(w io.Writer) error) error {
	w := &pageWriter{to: to, id: id}
	if _, err := w.Write(binary.AppendUvarint(nil, uint64(len(tail)))); err != nil {
		return err
	}
	if _, err := w.Write(tail); err != nil {
		return err
	}
	if err := w.endPage(); err != nil {
		return err
	}
	if err := filter(w); err != nil {
		return err
	}
	if err := w.endPage(); err != nil {
		return err
	}
	return w.flush()
}

// sketchSegment keeps the end of a far segment and its filter, which it reads from the drive.
func (m *Mirror) sketchSegment(ctx context.Context, s *farSegment, tail []byte) error {
	id := layerOf([]string{s.name})
	for {
		place := m.place()
		from, err := writeIn(place, id, sketchSuffix, func(to io.WriterAt) error {
			return writeSketch(to, id, tail, func(w io.Writer) error {
				return s.read(ctx, s.geometry.filterSpan(), func(page []byte) error {
					_, err := w.Write(page)
					return err
				})
			})
		})
		if err == nil {
			if s.sketch, _, err = openSketch(from, id); err == nil && s.fits(s.geometry) {
				return nil
			}
			err = &writeError{errors.Join(errDamaged, err, from.close())}
		}
		var cause *writeError
		if !errors.As(err, &cause) || place == "" {
			return err
		}
		m.fail(place, err)
	}
}

// sketchOf returns the sketch of a segment and the segment's end, if the folder has it.
func (m *Mirror) sketchOf(name string) (*sketch, []byte, bool) {
	m.mu.Lock()
	folder := m.folder
	m.mu.Unlock()
	if folder == "" {
		return nil, nil, false
	}
	id := layerOf([]string{name})
	path := filepath.Join(folder, fileName(id, sketchSuffix))
	from, err := openFile(path)
	if err != nil {
		return nil, nil, false
	}
	k, tail, err := openSketch(from, id)
	if err != nil {
		_ = from.close()
		_ = os.Remove(path) // found damaged again next time, if not
		return nil, nil, false
	}
	return k, tail, true
}

// dropSketches removes all sketches but those of segments that are far.
func (m *Mirror) dropSketches(far []*farSegment) {
	m.mu.Lock()
	folder := m.folder
	m.mu.Unlock()
	if folder == "" {
		return
	}
	keep := make(map[string]bool)
	for _, s := range far {
		keep[fileName(layerOf([]string{s.name}), sketchSuffix)] = true
	}
	files, _ := os.ReadDir(folder) // what cannot be listed stays
	for _, f := range files {
		if strings.HasSuffix(f.Name(), sketchSuffix) && !keep[f.Name()] {
			_ = os.Remove(filepath.Join(folder, f.Name())) // waste of space at worst
		}
	}
}
