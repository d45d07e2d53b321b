package check

import (
	"bytes"
	"cmp"
	"errors"
	"hash/maphash"
	"slices"

	"firn/internal/format"
	"firn/internal/repo"
	"firn/internal/snapshot"
	"firn/internal/tree"
)

// lostChunk is a needed chunk without a sound copy.
type lostChunk struct {
	finding  *Finding
	readable bool // nothing suffers yet
}

// sufferers walks the trees once more, after damage was found, to name the
// snapshots and paths that need what is lost. Pages that snapshots share are
// read once; what suffers below each is remembered.
type sufferers struct {
	checker *checker
	lost    map[format.ShortID]lostChunk
	cured   []format.ID // lost chunks with their whole IDs, as the trees have them

	at    *snapshot.Snapshot               // whose tree is being walked
	below map[format.ShortID][]*Finding    // what the pages walked suffer from
	met   map[format.ShortID]struct{}      // lost chunks in cured
	named map[uint64]struct{}              // finding and path, hashed
	seed  maphash.Seed                     // of named
	pages [format.MaxTreeDepth]format.Page // by depth
}

// maxNamed bounds the paths that are kept apart when they are counted.
const maxNamed = 1 << 20

// walk goes through all snapshots, newest first.
func (w *sufferers) walk() error {
	w.below = map[format.ShortID][]*Finding{}
	w.met = map[format.ShortID]struct{}{}
	w.named = map[uint64]struct{}{}
	w.seed = maphash.MakeSeed()
	for _, s := range w.inOrder() {
		if s.Root == nil {
			continue
		}
		w.at = s
		found, err := w.page(*s.Root, s.RootLength, nil, nil, 0)
		if err != nil {
			return err
		}
		for _, f := range found {
			switch {
			case f.Kind != Distrusted:
				w.checker.ledger.suffer(s.ID())
				f.suffers(s.ID())
			case w.checker.distrusted[s.Signer] == nil:
				f.suffers(s.ID())
			}
		}
	}
	return nil
}

// inOrder returns the snapshots, newest first, but those of distrusted hosts last: what
// others share with them is named as the others'.
func (w *sufferers) inOrder() []*snapshot.Snapshot {
	list := slices.Clone(w.checker.set.Snapshots)
	slices.Reverse(list)
	slices.SortStableFunc(list, func(a, b *snapshot.Snapshot) int {
		return cmp.Compare(w.rank(a), w.rank(b))
	})
	return list
}

func (w *sufferers) rank(s *snapshot.Snapshot) int {
	if w.checker.distrusted[s.Signer] != nil {
		return 1
	}
	return 0
}

// page returns what a page and all below it suffer from. Its keys go from
// first to end.
func (w *sufferers) page(id format.ID, length uint32, first, end []byte, depth int) ([]*Finding, error) {
	if found, ok := w.below[id.Short()]; ok {
		return found, nil
	}
	var found []*Finding
	if f := w.meet(id); f != nil {
		w.name(f, Path{Key: bytes.Clone(first), Range: true, End: bytes.Clone(end)})
		found = append(found, f)
	}
	body, err := w.read(id, length)
	if err != nil {
		return nil, err
	}
	if body != nil && depth < format.MaxTreeDepth && w.pages[depth].Decode(body) == nil {
		below, err := w.items(depth, end)
		if err != nil {
			return nil, err
		}
		found = unite(found, below)
	}
	w.below[id.Short()] = found
	return found, nil
}

// read reads a page; nil if it cannot be read or believed, which was told already.
func (w *sufferers) read(id format.ID, length uint32) ([]byte, error) {
	body, err := w.checker.pages.ReadPage(w.checker.ctx, id, length)
	if err != nil {
		if !w.checker.isGone(err) {
			return nil, err
		}
		return nil, nil
	}
	return body, nil
}

// items returns what the items of the page at a depth suffer from.
func (w *sufferers) items(depth int, end []byte) ([]*Finding, error) {
	p := &w.pages[depth]
	var found []*Finding
	for i := range p.Items {
		item := &p.Items[i]
		var suffers []*Finding
		var err error
		if p.Level == 0 {
			suffers, err = w.entry(item.Entry)
			for _, f := range suffers {
				w.name(f, Path{Key: bytes.Clone(item.Key)})
			}
		} else {
			if i%readAhead == 0 {
				w.prefetch(p.Items[i:min(i+readAhead, len(p.Items))])
			}
			childEnd := end
			if i+1 < len(p.Items) {
				childEnd = p.Items[i+1].Key
			}
			suffers, err = w.page(item.Child, item.ChildLength, item.Key, childEnd, depth+1)
		}
		if err != nil {
			return nil, err
		}
		found = unite(found, suffers)
	}
	return found, nil
}

func (w *sufferers) prefetch(items []format.PageItem) {
	var ids []format.ID
	for i := range items {
		if _, done := w.below[items[i].Child.Short()]; !done {
			ids = append(ids, items[i].Child)
		}
	}
	w.checker.pages.Prefetch(ids)
}

// readAhead is the number of pages read ahead.
const readAhead = 16

// entry returns what an entry's content and attributes suffer from.
func (w *sufferers) entry(e *format.Entry) ([]*Finding, error) {
	var found []*Finding
	for i := range e.Content {
		if !e.Content[i].Hole {
			found = w.uniteLost(found, e.Content[i].ID)
		}
	}
	spills := []*format.Spill{e.Spilled}
	for _, list := range [...][]format.Attribute{e.Attributes, e.Properties} {
		for i := range list {
			spills = append(spills, list[i].Spilled)
		}
	}
	for _, s := range spills {
		if s == nil || s.Level >= format.MaxTreeDepth {
			continue
		}
		suffers, err := w.sequence(s.Root, s.Length, s.Level)
		if err != nil {
			return nil, err
		}
		found = unite(found, suffers)
	}
	return found, nil
}

// sequence returns what a page of a content list and all below it suffer from.
func (w *sufferers) sequence(id format.ID, length, level uint32) ([]*Finding, error) {
	if found, ok := w.below[id.Short()]; ok {
		return found, nil
	}
	var found []*Finding
	if f := w.meet(id); f != nil {
		found = append(found, f)
	}
	body, err := w.read(id, length)
	if err != nil {
		return nil, err
	}
	var p format.SequencePage
	if body != nil && p.Decode(body) == nil && uint32(p.Level) == level {
		for i := range p.Items {
			item := &p.Items[i]
			if level == 0 {
				if !item.Piece.Hole {
					found = w.uniteLost(found, item.Piece.ID)
				}
				continue
			}
			suffers, err := w.sequence(item.Child, item.ChildLength, level-1)
			if err != nil {
				return nil, err
			}
			found = unite(found, suffers)
		}
	}
	w.below[id.Short()] = found
	return found, nil
}

// meet notes a chunk if it is lost and returns the finding that somebody
// suffers from; nil when it can still be read.
func (w *sufferers) meet(id format.ID) *Finding {
	lost, ok := w.lost[id.Short()]
	if !ok {
		return nil
	}
	if _, ok := w.met[id.Short()]; !ok && lost.finding.Kind != Distrusted {
		w.met[id.Short()] = struct{}{}
		w.cured = append(w.cured, id)
	}
	if lost.readable {
		return nil
	}
	return lost.finding
}

func (w *sufferers) uniteLost(found []*Finding, id format.ID) []*Finding {
	if f := w.meet(id); f != nil && !slices.Contains(found, f) {
		return append(found, f)
	}
	return found
}

func unite(found, more []*Finding) []*Finding {
	for _, f := range more {
		if !slices.Contains(found, f) {
			found = append(found, f)
		}
	}
	return found
}

// name enters a path that suffers, unless it was named for an older or newer
// state of it.
func (w *sufferers) name(f *Finding, path Path) {
	if f.Kind == Distrusted && w.rank(w.at) > 0 {
		return // its own
	}
	var h maphash.Hash
	h.SetSeed(w.seed)
	_, _ = h.WriteString(f.Object) // a hash does not fail
	_ = h.WriteByte(0)
	_, _ = h.Write(path.Key)
	if _, known := w.named[h.Sum64()]; known {
		return
	}
	if len(w.named) < maxNamed {
		w.named[h.Sum64()] = struct{}{}
	}
	f.PathCount++
	if len(f.Paths) < maxPaths {
		path.Snapshot = w.at.ID()
		f.Paths = append(f.Paths, path)
	}
}

// isGone reports whether an error means that a page cannot be read because of
// what is stored.
func (c *checker) isGone(err error) bool {
	return c.isDamage(err) || errors.Is(err, tree.ErrDamaged) || errors.Is(err, repo.ErrNoChunk)
}
