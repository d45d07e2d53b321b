package sim

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"sync"
	"testing/synctest"
	"time"

	"firn/internal/object"
	"firn/internal/object/objecttest"
)

// server is the drive as all clients see it. It does their requests one after the
// other, in an order and with faults drawn from the seed, whenever all clients wait
// for it: so a run does not depend on how goroutines are scheduled.
type server struct {
	mem    *object.Mem
	random *rand.Rand // used by the scheduling goroutine only
	faults faults
	began  time.Time

	traceMu sync.Mutex // held while tracing runs
	tracing func(format string, args ...any)

	wake chan struct{} // a request came in, or a client is done

	mu      sync.Mutex // guards all below, and the fields of lines and requests
	waiting []*request
	number  int // of requests so far
	running int // clients
	history history
}

// faults says how often things go wrong, as probabilities of each operation, and
// how badly.
type faults struct {
	fail, lose, late, delay, stall, crash float64

	// nap is how long machines sleep at least when they stall.
	nap time.Duration
	// conditional: the drive has conditional writes.
	conditional bool
	// listingDelay bounds how old listings are.
	listingDelay time.Duration
}

// Where the drive has no conditional writes it refuses what was signed too long ago,
// and the protocol relies on clients that do not sleep longer between a look at
// their session and the write that follows.
const (
	signatureAge = 15 * time.Minute
	longestGap   = 40 * time.Minute
)

func newServer(random *rand.Rand, f faults) *server {
	s := &server{mem: object.NewMem(), random: random, faults: f, wake: make(chan struct{}, 1), began: time.Now()}
	s.tracing = func(string, ...any) {}
	return s
}

// request is one operation that a client waits for.
type request struct {
	line   *line
	number int
	op     objecttest.Op
	name   string
	issued time.Time
	do     func() error // does it; its result is read after the answer
	answer chan error   // nil: nobody waits any more
	held   bool         // not ripe yet
}

func (s *server) trace(format string, args ...any) {
	s.traceMu.Lock()
	defer s.traceMu.Unlock()
	s.tracing("%12s "+format, append([]any{time.Since(s.began).Round(time.Millisecond)}, args...)...)
}

func (s *server) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// serve does requests until no client is left.
func (s *server) serve() {
	for {
		synctest.Wait()
		s.mu.Lock()
		running := s.running
		r, pause := s.next()
		s.mu.Unlock()
		switch {
		case r != nil:
			time.Sleep(s.latency())
			s.decide(r)
		case running == 0:
			return
		default:
			timer := time.NewTimer(pause)
			select {
			case <-s.wake:
			case <-timer.C:
			}
			timer.Stop()
		}
	}
}

func (s *server) latency() time.Duration {
	if s.random.IntN(4) == 0 {
		return time.Duration(s.random.IntN(2_000)) * time.Millisecond
	}
	return time.Duration(1+s.random.IntN(30)) * time.Millisecond
}

// next takes one of the requests that can be done now, or says how long to wait.
// The caller holds mu.
func (s *server) next() (*request, time.Duration) {
	now, pause := time.Now(), 24*time.Hour
	var ripe []*request
	for _, r := range s.waiting {
		switch left := r.line.stalled.Sub(now); {
		case left > 0:
			pause = min(pause, left)
		case !r.held:
			ripe = append(ripe, r)
		}
	}
	if len(ripe) == 0 {
		return nil, pause
	}
	slices.SortFunc(ripe, func(a, b *request) int {
		return cmp.Or(cmp.Compare(a.line.client, b.line.client), cmp.Compare(a.op, b.op), cmp.Compare(a.name, b.name),
			cmp.Compare(a.number, b.number))
	})
	return ripe[s.random.IntN(len(ripe))], 0
}

func (s *server) remove(r *request) {
	s.waiting = slices.DeleteFunc(s.waiting, func(other *request) bool { return other == r })
}

// decide draws what becomes of a request, and does it.
func (s *server) decide(r *request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	writes := r.op == objecttest.Put || r.op == objecttest.Delete
	unreachable := &object.Error{Op: string(r.op), Name: r.name, Err: object.ErrUnreachable}
	switch f, draw := &s.faults, s.random.Float64(); {
	case r.answer == nil:
		s.reply(r, "happens late", s.perform(r))
	case f.below(&draw, f.crash):
		s.crash(r.line)
	case f.below(&draw, f.stall):
		s.stall(r)
	case f.below(&draw, f.fail):
		s.reply(r, "fails", unreachable)
	case f.below(&draw, f.lose):
		_ = s.perform(r)
		s.reply(r, "loses its answer", unreachable)
	case f.below(&draw, f.late) && writes:
		s.reply(r, "fails and will happen", unreachable)
		s.later(&request{line: &line{client: r.line.client}, op: r.op, name: r.name, issued: r.issued, do: r.do}, s.span(time.Second, signatureAge-time.Minute))
	case f.below(&draw, f.delay):
		s.trace("%s: %s %s is held up", r.line.client, r.op, r.name)
		s.remove(r)
		s.later(r, s.span(time.Second, 10*time.Minute))
	default:
		err := s.perform(r)
		s.reply(r, "", err)
	}
}

// below takes p off a draw and reports whether it was in that range.
func (f *faults) below(draw *float64, p float64) bool {
	*draw -= p
	return *draw < 0 && *draw >= -p
}

// span draws a duration, short ones as often as long ones.
func (s *server) span(from, to time.Duration) time.Duration {
	d := from
	for d < to && s.random.IntN(3) > 0 {
		d += d / 2 * time.Duration(1+s.random.IntN(3))
	}
	return min(d, to)
}

// perform does what is asked. The caller holds mu.
func (s *server) perform(r *request) error {
	if !s.faults.conditional && r.op == objecttest.Put && time.Since(r.issued) > signatureAge {
		return &object.Error{Op: string(r.op), Name: r.name, Err: object.ErrUnreachable}
	}
	return r.do()
}

func (s *server) reply(r *request, fate string, err error) {
	s.remove(r)
	if err != nil && fate == "" {
		fate = err.Error()
	}
	s.trace("%s: %s %s %s", r.line.client, r.op, r.name, fate)
	if r.answer != nil {
		r.answer <- err
	}
}

// later lets a request wait for its time.
func (s *server) later(r *request, d time.Duration) {
	r.held = true
	s.waiting = append(s.waiting, r)
	s.running++ // the run is not over before it has happened
	go func() {
		time.Sleep(d)
		s.mu.Lock()
		r.held = false
		s.running--
		s.mu.Unlock()
		s.wakeUp()
	}()
}

// crash ends a client's machine. What it has under way may happen or not.
func (s *server) crash(l *line) {
	s.trace("%s crashes", l.client)
	l.dead = true
	for _, r := range slices.Clone(s.waiting) {
		if r.line != l {
			continue
		}
		if s.random.IntN(2) == 0 {
			_ = s.perform(r)
		}
		s.reply(r, "was under way", &object.Error{Op: string(r.op), Name: r.name, Err: objecttest.ErrStopped})
	}
	l.hangUp()
}

// stall lets a client's machine sleep: before the request or between it and its answer.
func (s *server) stall(r *request) {
	d := s.span(s.faults.nap, 40*24*time.Hour)
	if s.random.IntN(2) == 0 {
		s.trace("%s sleeps for %v before %s %s", r.line.client, d, r.op, r.name)
		r.line.stalled = time.Now().Add(d)
		return
	}
	if !s.faults.conditional && r.op == objecttest.Head {
		d = min(d, longestGap)
	}
	err := s.perform(r)
	s.trace("%s sleeps for %v after %s %s", r.line.client, d, r.op, r.name)
	r.line.stalled = time.Now().Add(d)
	r.do, r.issued = func() error { return err }, r.line.stalled
}
