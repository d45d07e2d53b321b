package index

import (
	"bytes"
	"hash/maphash"
	"slices"
	"sync"

	"firn/internal/format"
)

// packTable holds one PackInfo for each pack a view knows, so that equal packs
// have equal pointers however many segments list them.
type packTable struct {
	mu      sync.Mutex
	seed    maphash.Seed                // guarded by mu
	records map[uint64]*format.PackInfo // guarded by mu: by slot; what it points at is never changed
	revised bool                        // guarded by mu: a record was replaced
}

// slot returns where a pack's record is, or belongs: at the hash of its name or behind it. Names
// themselves as keys would take half of the table's memory. The caller holds mu.
func (t *packTable) slot(name format.PackName) uint64 {
	at := maphash.Comparable(t.seed, name)
	for t.records[at] != nil && t.records[at].Name != name {
		at++
	}
	return at
}

// intern returns the table's record of a pack, which it adds if need be. Where the
// two differ, which honest writers do not cause, a record that is safe by
// both replaces them.
func (t *packTable) intern(info *format.PackInfo) *format.PackInfo {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.records == nil {
		t.seed, t.records = maphash.MakeSeed(), make(map[uint64]*format.PackInfo)
	}
	slot := t.slot(info.Name)
	known := t.records[slot]
	switch {
	case known != nil && equalPacks(known, info):
		return known
	case known != nil:
		info = unite(known, info)
		t.revised = true
	default:
		own := *info
		own.BasePacks = slices.Clone(info.BasePacks)
		info = &own
	}
	t.records[slot] = info
	return info
}

// revise replaces outdated records of a list; the list itself is left as it is.
func (t *packTable) revise(list []*format.PackInfo) []*format.PackInfo {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.revised {
		return list
	}
	revised := make([]*format.PackInfo, len(list))
	for i, info := range list {
		if info != nil { // of a dead member
			revised[i] = t.records[t.slot(info.Name)]
		}
	}
	return revised
}

func equalPacks(a, b *format.PackInfo) bool {
	return a.Name == b.Name && a.Size == b.Size && a.Used == b.Used && a.Host == b.Host &&
		a.Written == b.Written && a.Content == b.Content && slices.Equal(a.BasePacks, b.BasePacks)
}

// unite returns what is safe to believe of a pack that is described in two
// ways: it needs all bases that either names, and is the larger and the younger
// of the two. The order of a and b does not matter.
func unite(a, b *format.PackInfo) *format.PackInfo {
	united := *a
	united.Size = max(a.Size, b.Size)
	united.Used = max(a.Used, b.Used)
	united.Written = max(a.Written, b.Written)
	united.Content = max(a.Content, b.Content)
	if bytes.Compare(b.Host[:], a.Host[:]) > 0 {
		united.Host = b.Host
	}
	united.BasePacks = slices.Concat(a.BasePacks, b.BasePacks)
	slices.SortFunc(united.BasePacks, func(x, y format.ID) int { return bytes.Compare(x[:], y[:]) })
	united.BasePacks = slices.Compact(united.BasePacks)
	return &united
}

// comparePacks orders pack records as pack tables do, and records of one pack by their bytes.
func comparePacks(a, b *packRecord) int {
	if c := a.name.Compare(b.name); c != 0 {
		return c
	}
	return bytes.Compare(a.bytes, b.bytes)
}

// packRecord is a record of a pack table as it is encoded.
type packRecord struct {
	name  format.PackName
	bytes []byte
}
