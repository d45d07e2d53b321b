package index

import (
	"fmt"
	"io"
)

// writeBatch is how many pages are written at once.
const writeBatch = 64

// pageWriter writes runs of pages.
type pageWriter struct {
	to     io.WriterAt
	id     layerID
	first  uint64 // number of the first page in buffer
	whole  int    // pages in buffer that are sealed
	fill   int    // bytes of payload in the page behind them
	buffer []byte // whole pages, up to writeBatch
}

// number returns which page comes next, once the present one is sealed.
func (w *pageWriter) number() uint64 { return w.first + uint64(w.whole) }

// current returns the page that is being filled.
func (w *pageWriter) current() *page {
	at := w.whole * pageSize
	if at == len(w.buffer) {
		w.buffer = append(w.buffer, make([]byte, pageSize)...)
	}
	return (*page)(w.buffer[at:])
}

// Write implements io.Writer.
func (w *pageWriter) Write(p []byte) (int, error) {
	written := len(p)
	for len(p) > 0 {
		n := copy(w.current()[w.fill:pagePayload], p)
		w.fill += n
		p = p[n:]
		if w.fill == pagePayload {
			if err := w.endPage(); err != nil {
				return 0, err
			}
		}
	}
	return written, nil
}

// endPage seals the page that was begun, if one was.
func (w *pageWriter) endPage() error {
	if w.fill == 0 {
		return nil
	}
	p := w.current()
	clear(p[w.fill:pagePayload])
	p.seal(w.id, w.number())
	w.whole++
	w.fill = 0
	if w.whole == writeBatch {
		return w.flush()
	}
	return nil
}

// flush writes the sealed pages.
func (w *pageWriter) flush() error {
	if w.whole == 0 {
		return nil
	}
	if _, err := w.to.WriteAt(w.buffer[:w.whole*pageSize], int64(w.first)*pageSize); err != nil {
		return fmt.Errorf("write cached index: %w", err)
	}
	w.first += uint64(w.whole)
	w.whole = 0
	return nil
}

// jump ends the present page and continues at page number.
func (w *pageWriter) jump(number uint64) error {
	if err := w.endPage(); err != nil {
		return err
	}
	if err := w.flush(); err != nil {
		return err
	}
	w.first = number
	return nil
}
