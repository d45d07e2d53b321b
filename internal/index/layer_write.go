package index

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"firn/internal/format"
)

// The sections of a layer, in any order in the file. Its last page is the
// footer, which says where they are.
const (
	entrySection      = iota // entries of 32 bytes, ascending by ID
	filterSection            // a filter over them by layerHash
	fenceSection             // of each entry page the first 8 bytes of its first ID, u64
	packSection              // records of pack tables as in segments, ascending by kind, name and bytes
	memberPackSection        // for each member: uvarint number of its packs, their positions as uvarint differences
	memberSection            // for each member: uvarint length, name; uvarint size; uvarint length, directory
	sections
)

// An entry of a layer is that of a segment (30 bytes) with the pack's
// position in the layer, and the member it is from (u16).
const (
	layerEntry     = 32
	entriesPerPage = pagePayload / layerEntry
	maxMembers     = 1 << 16
)

const (
	footerMagic   = "FIRNLAYR"
	footerVersion = 1
	footerSize    = 8 + 4 + 4 + 3*8 + sections*16
)

// footer is the last page of a layer.
type footer struct {
	entries  uint64
	packs    uint64
	members  uint64
	sections [sections]section
}

func (f *footer) append(dst []byte) []byte {
	dst = append(dst, footerMagic...)
	dst = binary.LittleEndian.AppendUint32(dst, footerVersion)
	dst = binary.LittleEndian.AppendUint32(dst, 0)
	for _, n := range []uint64{f.entries, f.packs, f.members} {
		dst = binary.LittleEndian.AppendUint64(dst, n)
	}
	for _, s := range f.sections {
		dst = binary.LittleEndian.AppendUint64(dst, s.first)
		dst = binary.LittleEndian.AppendUint64(dst, s.size)
	}
	return dst
}

// parse reads a footer that stands on the given page.
func (f *footer) parse(b []byte, number uint64) error {
	if string(b[:8]) != footerMagic || binary.LittleEndian.Uint32(b[8:]) != footerVersion {
		return fmt.Errorf("%w: no footer", errDamaged)
	}
	integers := make([]uint64, 3+2*sections)
	for i := range integers {
		integers[i] = binary.LittleEndian.Uint64(b[16+8*i:])
	}
	f.entries, f.packs, f.members = integers[0], integers[1], integers[2]
	for i := range f.sections {
		s := section{first: integers[3+2*i], size: integers[4+2*i]}
		if s.size > number*pagePayload || s.first > number || s.pages() > number-s.first {
			return fmt.Errorf("%w: section %d lies outside", errDamaged, i)
		}
		f.sections[i] = s
	}
	entryPages := f.sections[entrySection].pages()
	if f.members == 0 || f.members > maxMembers || f.packs > f.sections[packSection].size ||
		f.entries > number*entriesPerPage || f.sections[entrySection].size != f.entries*layerEntry ||
		f.sections[filterSection].size != filterSize(f.entries) || f.sections[fenceSection].size != entryPages*8 {
		return fmt.Errorf("%w: sizes contradict each other", errDamaged)
	}
	return nil
}

// member is one segment that a layer covers. Its directory lacks FirstIDs,
// which concern the segment's own pages only.
type member struct {
	name      string
	signer    format.Host // set in open layers
	size      uint64      // bytes of the segment's object
	directory format.Directory
}

// layerWriter writes a layer: entries and packs in either order, each once,
// then the members.
type layerWriter struct {
	pages  pageWriter
	filter filterWriter
	footer footer
	fences []byte
	last   format.ShortID // ID of the last entry
	left   uint64         // entries announced and not yet written
}

func newLayerWriter(to io.WriterAt, id layerID) *layerWriter {
	w := &layerWriter{pages: pageWriter{to: to, id: id}}
	w.filter.pages = pageWriter{to: to, id: id}
	return w
}

// begin starts a section on a new page.
func (w *layerWriter) begin(which int) error {
	if err := w.pages.endPage(); err != nil {
		return err
	}
	w.footer.sections[which].first = w.pages.number()
	return nil
}

func (w *layerWriter) write(which int, p []byte) error {
	w.footer.sections[which].size += uint64(len(p))
	_, err := w.pages.Write(p)
	return err
}

// beginEntries announces how many entries follow, which decides where the filter goes.
func (w *layerWriter) beginEntries(count uint64) error {
	if err := w.begin(entrySection); err != nil {
		return err
	}
	w.footer.entries, w.left = count, count
	entries := section{first: w.pages.number(), size: count * layerEntry}
	at := section{first: entries.first + entries.pages(), size: filterSize(count)}
	w.footer.sections[filterSection] = at
	w.filter.blocks = at.size / filterBlock
	return w.filter.pages.jump(at.first)
}

// entry writes the next entry, in ascending order of IDs.
func (w *layerWriter) entry(e *[layerEntry]byte) error {
	id := format.ShortID(e[:16])
	if w.left == 0 || bytes.Compare(id[:], w.last[:]) < 0 {
		return fmt.Errorf("%w: more entries than announced, or not in order", format.ErrCorrupt)
	}
	w.left--
	w.last = id
	if w.footer.sections[entrySection].size%pagePayload == 0 {
		w.fences = binary.LittleEndian.AppendUint64(w.fences, binary.BigEndian.Uint64(id[:8]))
	}
	if err := w.filter.add(layerHash(&id)); err != nil {
		return err
	}
	return w.write(entrySection, e[:])
}

// endEntries writes what follows from the entries: filter and fences.
func (w *layerWriter) endEntries() error {
	if w.left != 0 {
		return fmt.Errorf("%w: %d entries are missing", format.ErrCorrupt, w.left)
	}
	if err := w.filter.end(); err != nil {
		return err
	}
	filter := w.footer.sections[filterSection]
	if err := w.pages.jump(filter.first + filter.pages()); err != nil {
		return err
	}
	if err := w.begin(fenceSection); err != nil {
		return err
	}
	err := w.write(fenceSection, w.fences)
	w.fences = nil
	return err
}

// pack writes the next record of the pack table, in ascending order.
func (w *layerWriter) pack(record []byte) error {
	w.footer.packs++
	return w.block(packSection, record)
}

// block writes bytes preceded by their length.
func (w *layerWriter) block(which int, p []byte) error {
	if err := w.uvarint(which, uint64(len(p))); err != nil {
		return err
	}
	return w.write(which, p)
}

func (w *layerWriter) uvarint(which int, n uint64) error {
	var buffer [binary.MaxVarintLen64]byte
	return w.write(which, binary.AppendUvarint(buffer[:0], n))
}

// finish writes the members and the footer.
func (w *layerWriter) finish(members []member) error {
	w.footer.members = uint64(len(members))
	if err := w.begin(memberSection); err != nil {
		return err
	}
	var buffer []byte
	for i := range members {
		m := &members[i]
		if err := w.block(memberSection, []byte(m.name)); err != nil {
			return err
		}
		if err := w.uvarint(memberSection, m.size); err != nil {
			return err
		}
		buffer = m.directory.Append(buffer[:0])
		if err := w.block(memberSection, buffer); err != nil {
			return err
		}
	}
	if err := w.pages.endPage(); err != nil {
		return err
	}
	if _, err := w.pages.Write(w.footer.append(buffer[:0])); err != nil {
		return err
	}
	if err := w.pages.endPage(); err != nil {
		return err
	}
	return w.pages.flush()
}

// filterWriter writes a filter over ascending hashes, a page at a time.
type filterWriter struct {
	pages  pageWriter
	blocks uint64
	done   uint64 // blocks before window
	window [pagePayload]byte
}

// windowBlocks is how many blocks of a filter stand on a page.
const windowBlocks = pagePayload / filterBlock

func (w *filterWriter) add(hash uint64) error {
	block := blockOf(hash, w.blocks)
	for block >= w.done+windowBlocks {
		if err := w.slide(windowBlocks); err != nil {
			return err
		}
	}
	at := (block - w.done) * filterBlock
	addToBlock(w.window[at:at+filterBlock], uint32(hash))
	return nil
}

// slide writes the first count blocks of the window and starts the next.
func (w *filterWriter) slide(count uint64) error {
	_, err := w.pages.Write(w.window[:count*filterBlock])
	clear(w.window[:])
	w.done += count
	return err
}

func (w *filterWriter) end() error {
	for w.done < w.blocks {
		if err := w.slide(min(windowBlocks, w.blocks-w.done)); err != nil {
			return err
		}
	}
	if err := w.pages.endPage(); err != nil {
		return err
	}
	return w.pages.flush()
}
