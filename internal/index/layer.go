package index

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync/atomic"

	"firn/internal/format"
)

// loadBatch is how many pages are read at once where a section is read from
// start to end.
const loadBatch = 32

// source is where a layer's bytes are: a file or memory.
type source struct {
	io.ReaderAt
	size  int64
	path  string // in the mirror's folder; "" for memory
	close func() error
}

// layer is an open layer file. It is immutable but for what setters before its
// publication in a view do, and safe for concurrent use.
type layer struct {
	source  source
	pages   pageFile
	footer  footer
	members []member

	// Set by claim and load.
	live        []bool // members that the view takes from this layer
	liveEntries uint64
	packs       []*format.PackInfo // by position; nil for packs of dead members only
	hosts       []format.Host      // by position: who wrote the pack, as this layer's table has it
	fences      []uint64           // first 8 bytes, big-endian, of each entry page's first ID
	filter      filter             // the first bytes of the filter, as many as were given memory
	release     func()             // gives filter's memory back

	judgement *judgement // set before the layer is published; nil: all is trusted

	condemned  bool // found damaged; guarded by the view's change
	references atomic.Int32
}

// openLayer reads a layer's footer and members. Every error matches errDamaged.
func openLayer(from source, id layerID) (*layer, error) {
	l := &layer{source: from, pages: pageFile{bytes: from, id: id}, release: func() {}}
	l.references.Store(1)
	if from.size < pageSize || from.size%pageSize != 0 {
		return nil, fmt.Errorf("%w: a layer of %d bytes", errDamaged, from.size)
	}
	var p page
	last := uint64(from.size/pageSize) - 1
	if err := l.pages.read(&p, last); err != nil {
		return nil, err
	}
	if err := l.footer.parse(p[:], last); err != nil {
		return nil, err
	}
	r := l.section(memberSection)
	var buffer []byte
	var sum uint64
	for range l.footer.members {
		m, err := readMember(r, &buffer)
		if err != nil {
			return nil, err
		}
		l.members = append(l.members, m)
		sum += m.directory.Entries
	}
	if sum != l.footer.entries {
		return nil, fmt.Errorf("%w: members have %d entries of %d", errDamaged, sum, l.footer.entries)
	}
	l.live = make([]bool, len(l.members))
	return l, nil
}

func readMember(r *sectionReader, buffer *[]byte) (member, error) {
	var m member
	name, err := r.block(*buffer)
	if err != nil {
		return m, err
	}
	m.name = string(name)
	if m.size, err = r.uvarint(format.MaxSegment); err != nil {
		return m, err
	}
	if *buffer, err = r.block(name); err != nil {
		return m, err
	}
	if err := m.directory.Decode(*buffer); err != nil {
		return m, fmt.Errorf("%w: %w", errDamaged, err)
	}
	m.signer = format.HostOf(m.directory.Signer.PublicKey)
	return m, nil
}

func (l *layer) section(which int) *sectionReader {
	return l.pages.open(l.footer.sections[which], loadBatch)
}

// claim marks a member as one the view takes from here.
func (l *layer) claim(i int) {
	l.live[i] = true
	l.liveEntries += l.members[i].directory.Entries
}

// liveCount returns how many members the view takes from here.
func (l *layer) liveCount() int {
	count := 0
	for _, live := range l.live {
		if live {
			count++
		}
	}
	return count
}

// names returns the members the view takes from here.
func (l *layer) names() []string {
	var names []string
	for i := range l.members {
		if l.live[i] {
			names = append(names, l.members[i].name)
		}
	}
	return names
}

// discard drops the layer and removes its file, if it has one.
func (l *layer) discard() error {
	err := l.drop()
	if l.source.path != "" {
		_ = os.Remove(l.source.path) // found useless again next time, if not
	}
	return err
}

// load reads what look-ups need in memory: the fences, and the packs of the
// members claimed.
func (l *layer) load(table *packTable) error {
	fences := l.section(fenceSection)
	for {
		cell, err := fences.cell(8)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		l.fences = append(l.fences, binary.LittleEndian.Uint64(cell))
	}
	wanted, err := l.packsOf(l.live)
	if err != nil {
		return err
	}
	var info format.PackInfo
	var buffer []byte
	packs := l.section(packSection)
	for i := range l.footer.packs {
		if buffer, err = packs.block(buffer); err != nil {
			return err
		}
		if wanted != nil && !wanted[i] {
			l.packs, l.hosts = append(l.packs, nil), append(l.hosts, format.Host{})
			continue
		}
		if err := info.Decode(buffer); err != nil {
			return fmt.Errorf("%w: %w", errDamaged, err)
		}
		l.packs, l.hosts = append(l.packs, table.intern(&info)), append(l.hosts, info.Host)
	}
	return nil
}

// packsOf returns which packs the wanted members list; nil means all.
func (l *layer) packsOf(wanted []bool) ([]bool, error) {
	if !slices.Contains(wanted, false) {
		return nil, nil
	}
	packs := make([]bool, l.footer.packs)
	err := l.eachPackList(func(member int, list []uint32) bool {
		for _, pack := range list {
			packs[pack] = packs[pack] || wanted[member]
		}
		return true
	})
	return packs, err
}

// eachPackList visits which packs each member lists, ascending, until visit
// returns false. The list is visit's until it returns.
func (l *layer) eachPackList(visit func(member int, packs []uint32) bool) error {
	var list []uint32
	if len(l.members) == 1 { // it has all, and no list
		for i := range uint32(l.footer.packs) {
			list = append(list, i)
		}
		visit(0, list)
		return nil
	}
	r := l.section(memberPackSection)
	for member := range l.members {
		count, err := r.uvarint(l.footer.packs)
		if err != nil {
			return err
		}
		list = list[:0]
		next := uint64(0) // lowest position that may come
		for range count {
			gap, err := r.uvarint(l.footer.packs)
			if err != nil {
				return err
			}
			if next += gap; next >= l.footer.packs {
				return fmt.Errorf("%w: a member lists a pack beyond the table", errDamaged)
			}
			list = append(list, uint32(next))
			next++
		}
		if !visit(member, list) {
			return nil
		}
	}
	return nil
}

// loadFilter takes at most limit bytes of memory for the filter.
func (l *layer) loadFilter(limit uint64) error {
	s := l.footer.sections[filterSection]
	if s.size > limit {
		s.size = limit / pagePayload * pagePayload
	}
	if s.size == 0 {
		return nil
	}
	memory, release := allocate(int(s.size))
	if _, err := io.ReadFull(l.pages.open(s, loadBatch), memory); err != nil {
		release()
		return err
	}
	l.filter, l.release = memory, release
	return nil
}

// retain keeps the layer open until a call of drop.
func (l *layer) retain() { l.references.Add(1) }

// drop closes the layer when nobody retains it any more.
func (l *layer) drop() error {
	if l.references.Add(-1) > 0 {
		return nil
	}
	l.release()
	if err := l.source.close(); err != nil {
		return fmt.Errorf("close cached index: %w", err)
	}
	return nil
}
