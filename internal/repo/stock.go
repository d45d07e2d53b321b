package repo

import "sync"

// rangeStock keeps the buffers that ranges are read into, so that there are no more
// of them than were in use at once. It is safe for concurrent use.
type rangeStock struct {
	mu   sync.Mutex // guards free
	free [][]byte
}

const (
	stockMax  = 8       // buffers kept
	stockStep = 1 << 20 // their lengths are multiples of it, bytes
)

// take returns a buffer of n bytes, whatever they are.
func (s *rangeStock) take(n int) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	best := -1
	for i, b := range s.free {
		if cap(b) >= n && (best < 0 || cap(b) < cap(s.free[best])) {
			best = i
		}
	}
	if best < 0 {
		if len(s.free) > 0 {
			s.free = s.free[:len(s.free)-1] // a larger one takes its place
		}
		return make([]byte, n, (n+stockStep-1)/stockStep*stockStep)
	}
	b := s.free[best]
	s.free[best] = s.free[len(s.free)-1]
	s.free = s.free[:len(s.free)-1]
	return b[:n]
}

func (s *rangeStock) giveBack(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.free) < stockMax {
		s.free = append(s.free, b)
	}
}
