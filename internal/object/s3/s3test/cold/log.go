package cold

import (
	"slices"
	"time"

	"firn/internal/object/s3/s3test"
)

// Request is one that the server was asked, and what became of it.
type Request struct {
	Kind   s3test.Kind
	Name   string // BUCKET/KEY, or BUCKET
	Status int    // of HTTP
	Code   string // of S3's error, "" for none
}

// note keeps a request.
func (s *Server) note(x *exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, Request{x.kind, x.name, x.status, x.code})
}

// Requests returns all requests so far, in the order in which they were answered.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

// Count returns how many requests of each kind there were so far.
func (s *Server) Count() map[s3test.Kind]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	count := map[s3test.Kind]int{}
	for _, r := range s.log {
		count[r.Kind]++
	}
	return count
}

// Vain returns the names of frozen objects that were to be read or copied, in order.
func (s *Server) Vain() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for _, r := range s.log {
		if (r.Kind == s3test.Get || r.Kind == s3test.Copy) && r.Code == refusedState.Code {
			names = append(names, r.Name)
		}
	}
	return names
}

// limit bounds how many requests pass in a span of time.
type limit struct {
	most   int
	span   time.Duration
	passed []time.Time
}

// Limit has requests of a kind answered with SlowDown if more than most came within
// a span of the time of day.
func (s *Server) Limit(kind s3test.Kind, most int, span time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limits[kind] = limit{most: most, span: span}
}

// allow says whether a request is within the limit of its kind.
func (s *Server) allow(kind s3test.Kind) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, limited := s.limits[kind]
	if !limited {
		return true
	}
	now := time.Now()
	l.passed = slices.DeleteFunc(l.passed, func(at time.Time) bool { return now.Sub(at) > l.span })
	allowed := len(l.passed) < l.most
	if allowed {
		l.passed = append(l.passed, now)
	}
	s.limits[kind] = l
	return allowed
}
