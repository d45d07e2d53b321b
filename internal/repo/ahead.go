package repo

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"firn/internal/format"
)

// Bases of deltas lie near one another in few packs, in about the order in
// which the deltas that stand on them are read, and each is asked for by
// itself. So once two are asked for that lie near each other, all around is
// read along with the next.
const (
	aheadSize = 4 << 20  // bytes read at once, from multiples of it on
	aheadKept = 16 << 20 // bytes of all stretches in memory
)

// maxBlock bounds a block's length, bytes (docs/format.md §6.1).
const maxBlock = 1<<24 - 1

// readAhead reads blocks one by one with few requests. It is safe for
// concurrent use.
type readAhead struct {
	repo *Repository
	// size returns how large a pack is, bytes; 0 if that is not known, and then nothing
	// is read ahead of it.
	size func(format.PackName) uint64

	mu     sync.Mutex // guards all below
	packs  map[format.PackName]*packReading
	recent []*stretch // oldest first
}

// packReading is how a pack is being read.
type packReading struct {
	last    uint32 // the offset asked for last; 0: none yet
	ordered bool   // two were near each other
}

// stretch is a range of a pack in memory, or on its way there.
type stretch struct {
	pack   format.PackName
	window window
	end    uint32
	ready  chan struct{} // closed when window or err is set
	err    error
}

func newReadAhead(r *Repository, size func(format.PackName) uint64) *readAhead {
	return &readAhead{repo: r, size: size, packs: map[format.PackName]*packReading{}}
}

// read returns a part of a pack that holds the range asked for.
func (a *readAhead) read(ctx context.Context, pack format.PackName, at BlockAt) (window, error) {
	if !isPlace(at) {
		return window{}, fmt.Errorf("read %s: %w: no block has %d bytes from %d on", pack.Object(), ErrDamaged, at.Length, at.Offset)
	}
	s, mine := a.claim(pack, at)
	if mine {
		return a.fill(ctx, s, at)
	}
	select {
	case <-s.ready:
	case <-ctx.Done():
		return window{}, ctx.Err()
	}
	if s.err != nil {
		// Whoever read it asked for more, or was interrupted: this one asks for itself.
		return a.exactly(ctx, pack, at)
	}
	return s.window, nil
}

// claim finds a stretch that holds a range, or makes one that is the caller's to fill.
func (a *readAhead) claim(pack format.PackName, at BlockAt) (s *stretch, mine bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := a.packs[pack]
	if p == nil {
		p = &packReading{}
		a.packs[pack] = p
	}
	first := p.last == 0
	p.ordered = !first && max(p.last, at.Offset)-min(p.last, at.Offset) <= aheadSize
	p.last = at.Offset
	for i, s := range a.recent {
		if s.pack == pack && s.window.start <= at.Offset && at.Offset+at.Length <= s.end {
			a.recent = append(slices.Delete(a.recent, i, i+1), s)
			return s, false
		}
	}
	s = &stretch{pack: pack, window: window{start: at.Offset}, end: at.Offset + at.Length, ready: make(chan struct{})}
	switch {
	case first && at.Offset <= rangeGap:
		s.window.start = format.HeaderSize // the first section's header is needed too
	case p.ordered:
		if size := a.size(pack); size > 0 && size <= format.MaxPack {
			s.widen(uint32(size), a.recent)
		}
	}
	a.recent = append(a.recent, s)
	a.trim()
	return s, true
}

// widen makes a stretch of a pack of size bytes as large as is read at once,
// but for what the stretches given have already.
func (s *stretch) widen(size uint32, others []*stretch) {
	start := s.window.start / aheadSize * aheadSize
	end := max(s.end, min((s.end+aheadSize-1)/aheadSize*aheadSize, size))
	for _, o := range others {
		if o.pack != s.pack {
			continue
		}
		if o.window.start <= s.window.start && s.window.start < o.end {
			start = s.window.start
		}
		if o.window.start < s.end && s.end <= o.end {
			end = s.end
		}
	}
	s.window.start, s.end = start, end
}

// trim drops the stretches used longest ago. The caller holds mu.
func (a *readAhead) trim() {
	held := 0
	for i := len(a.recent) - 1; i >= 0; i-- {
		held += int(a.recent[i].end - a.recent[i].window.start)
		if held > aheadKept {
			a.recent = slices.Delete(a.recent, 0, min(i+1, len(a.recent)-1))
			return
		}
	}
}

// fill reads a stretch; when it is longer than asked for and cannot be had,
// what was asked for.
func (a *readAhead) fill(ctx context.Context, s *stretch, at BlockAt) (window, error) {
	s.window.bytes = make([]byte, s.end-s.window.start)
	s.err = a.repo.store.GetRange(ctx, s.pack.Object(), s.window.bytes, int64(s.window.start))
	close(s.ready)
	if s.err == nil {
		return s.window, nil
	}
	a.mu.Lock()
	a.recent = slices.DeleteFunc(a.recent, func(other *stretch) bool { return other == s })
	a.mu.Unlock()
	if s.window.start == at.Offset && s.end == at.Offset+at.Length {
		return window{}, fmt.Errorf("read %s: %w", s.pack.Object(), s.err)
	}
	return a.exactly(ctx, s.pack, at)
}

// again reads a range anew and forgets all that was read of its pack before.
func (a *readAhead) again(ctx context.Context, pack format.PackName, at BlockAt) (window, error) {
	a.mu.Lock()
	a.recent = slices.DeleteFunc(a.recent, func(s *stretch) bool { return s.pack == pack })
	a.mu.Unlock()
	return a.exactly(ctx, pack, at)
}

func (a *readAhead) exactly(ctx context.Context, pack format.PackName, at BlockAt) (window, error) {
	raw := make([]byte, at.Length)
	if err := a.repo.store.GetRange(ctx, pack.Object(), raw, int64(at.Offset)); err != nil {
		return window{}, fmt.Errorf("read %s: %w", pack.Object(), err)
	}
	return window{raw, at.Offset}, nil
}
