package snapshot

import (
	"slices"

	"firn/internal/format"
	"firn/internal/repo"
)

// Pin remembers the ends of all chains on this machine, and finds out which of those it
// saw before are gone without a record. An end that a later snapshot names is looked after
// by that.
func (set *Set) Pin(cache *repo.Cache, forgotten map[string]bool) {
	there := map[string]format.ID{}
	for _, s := range slices.Concat(set.Snapshots, set.Forgotten) {
		there[s.Session] = s.Hash
	}
	pins := repo.Pins{}
	set.Gone = nil
	for session, hash := range cache.Pins() {
		if forgotten[session] || slices.Contains(set.Revoked, session) {
			continue
		}
		if now, ok := there[session]; !ok || now != hash {
			set.Gone = append(set.Gone, session)
			pins[session] = hash
		}
	}
	slices.Sort(set.Gone)
	for _, head := range set.heads() {
		if pins[head.Session] == (format.ID{}) {
			pins[head.Session] = head.Manifest
		}
	}
	cache.KeepPins(pins)
}

// heads returns the ends of the chains of all sources.
func (set *Set) heads() []format.Head {
	named := map[string]bool{}
	for _, s := range set.Snapshots {
		for _, h := range s.Previous {
			named[h.Session] = true
		}
	}
	var heads []format.Head
	for _, s := range set.Snapshots {
		if !named[s.Session] {
			heads = append(heads, format.Head{Session: s.Session, Manifest: s.Hash})
		}
	}
	return heads
}
