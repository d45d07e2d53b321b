package index

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"sync"

	"firn/internal/format"
)

// pagePool lends pages to look-ups.
var pagePool = sync.Pool{New: func() any { return new(page) }}

// find looks an ID up and calls visit for each copy until it returns true,
// which find then returns. It reads no page when the filter denies the ID and is
// in memory, and mostly one page when not.
func (l *layer) find(id *format.ShortID, visit func(Location) bool) (bool, error) {
	if len(l.fences) == 0 {
		return false, nil
	}
	p := pagePool.Get().(*page)
	defer pagePool.Put(p)
	if may, err := l.mayHave(id, p); err != nil || !may {
		return false, err
	}
	high, low := words(id[:])
	for number := firstPage(l.fences, high); number < len(l.fences) && l.fences[number] <= high; number++ {
		if err := l.pages.read(p, l.footer.sections[entrySection].first+uint64(number)); err != nil {
			return false, err
		}
		count := min(entriesPerPage, int(l.footer.entries)-number*entriesPerPage)
		i := lowerBound(p[:], layerEntry, count, high, low)
		for ; i < count; i++ {
			e := p[i*layerEntry : (i+1)*layerEntry]
			if h, w := words(e); h != high || w != low {
				return false, nil
			}
			at, live, err := location(e, l.packs, l.live)
			if err != nil {
				return false, err
			}
			if !live {
				continue
			}
			at.Doubted = l.doubts(e, at.Pack)
			if visit(at) {
				return true, nil
			}
		}
	}
	return false, nil
}

// mayHave asks the filter, which is read through p where it is not in memory.
func (l *layer) mayHave(id *format.ShortID, p *page) (bool, error) {
	hash := layerHash(id)
	s := l.footer.sections[filterSection]
	at := blockOf(hash, s.size/filterBlock) * filterBlock
	if at < uint64(len(l.filter)) {
		return inBlock(l.filter[at:at+filterBlock], uint32(hash)), nil
	}
	if err := l.pages.read(p, s.first+at/pagePayload); err != nil {
		return false, err
	}
	at %= pagePayload
	return inBlock(p[at:at+filterBlock], uint32(hash)), nil
}

// firstPage returns the first page that can have IDs whose first 8 bytes are
// high: the one before the first whose fence is not below high. IDs are hashes
// and so evenly spread: the search begins where that puts them and
// doubles its steps, so that it ends soon even when they are not.
func firstPage(fences []uint64, high uint64) int {
	n := len(fences)
	guess, _ := bits.Mul64(high, uint64(n))
	below, from := int(guess), int(guess) // below: fences before it are below high
	for step := 1; below > 0 && fences[below-1] >= high; step *= 2 {
		from = below - 1
		below = max(0, below-step)
	}
	for step := 1; from < n && fences[from] < high; step *= 2 {
		below = from + 1
		from = min(n, from+step)
	}
	for below < from {
		middle := int(uint(below+from) >> 1)
		if fences[middle] < high {
			below = middle + 1
		} else {
			from = middle
		}
	}
	return max(0, below-1)
}

// lowerBound returns the position of the first of a page's entries, of size bytes each, that
// is not below an ID.
func lowerBound(p []byte, size, count int, high, low uint64) int {
	from, to := 0, count
	for from < to {
		middle := int(uint(from+to) >> 1)
		h, w := words(p[middle*size : (middle+1)*size])
		if h < high || h == high && w < low {
			from = middle + 1
		} else {
			to = middle
		}
	}
	return from
}

// words returns the ID an entry begins with as two integers in its order.
func words(entry []byte) (high, low uint64) {
	return binary.BigEndian.Uint64(entry), binary.BigEndian.Uint64(entry[8:])
}

// doubts reports whether an entry of a live member, which is in pack, is doubted.
func (l *layer) doubts(entry []byte, pack *format.PackInfo) bool {
	return l.judgement != nil && l.judgement.doubts(pack, l.originOf(entry))
}

// originOf returns by whose word an entry is there.
func (l *layer) originOf(entry []byte) Origin {
	return l.origin(int(binary.LittleEndian.Uint16(entry[30:])), binary.LittleEndian.Uint32(entry[16:]))
}

// location decodes an entry, given the layer's packs, and tells whether its member is live.
func location(entry []byte, packs []*format.PackInfo, live []bool) (Location, bool, error) {
	pack, member := binary.LittleEndian.Uint32(entry[16:]), binary.LittleEndian.Uint16(entry[30:])
	if int(member) >= len(live) || uint64(pack) >= uint64(len(packs)) {
		return Location{}, false, fmt.Errorf("%w: an entry points outside", errDamaged)
	}
	if !live[member] {
		return Location{}, false, nil
	}
	if packs[pack] == nil {
		return Location{}, false, fmt.Errorf("%w: an entry's pack is not its member's", errDamaged)
	}
	return Location{
		Pack:        packs[pack],
		BlockOffset: binary.LittleEndian.Uint32(entry[20:]),
		BlockLength: uint32(entry[24]) | uint32(entry[25])<<8 | uint32(entry[26])<<16,
		ChunkOffset: uint32(entry[27]) | uint32(entry[28])<<8 | uint32(entry[29])<<16,
	}, true, nil
}
