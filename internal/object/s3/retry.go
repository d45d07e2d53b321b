package s3

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"regexp"
	"time"

	"firn/internal/object"
)

// The operations, as object.Error names them.
const (
	opGet    = "get"
	opHead   = "head"
	opPut    = "put"
	opDelete = "delete"
	opList   = "list"
	opBucket = "create bucket"
)

// call makes attempts at one request that sends size bytes until one succeeds,
// fails for good, or the budgets are spent: MaxRetries for failures, SlowDown
// for being asked to slow down. do gets the context and the exchange of its
// attempt. The error is an *object.Error.
func (s *Store) call(ctx context.Context, op, name string, size int64, do func(context.Context, *exchange) error) error {
	var slow time.Time // end of the budget for slowing down; zero: not asked yet
	failures, slowdowns, moves := 0, 0, 0
	for attempt := 1; ; attempt++ {
		cuts, err := s.gate.enter(ctx)
		if err != nil {
			return fail(op, name, ctxFault(ctx))
		}
		tried, x := newExchange(ctx, s.times, attempt, size)
		x.signed = s.redress.current()
		err = do(tried, x)
		cause := context.Cause(tried)
		x.end()
		if err == nil || x.code == "NoSuchKey" {
			s.known.Store(true)
		}
		if err == nil {
			s.gate.leave(cuts, false)
			return nil
		}
		f := s.judge(ctx, op, x, cause, err)
		s.gate.leave(cuts, f.again == slowly || errors.Is(cause, errSlow) || errors.Is(cause, errStalled))
		if moves < maxMoves && s.relocate(x) {
			moves++
			continue
		}
		wait := retryAfter(x.header, x.received)
		switch f.again {
		case never:
			return fail(op, name, f)
		case soon:
			if failures++; failures > s.retries {
				return fail(op, name, f)
			}
			wait = max(wait, s.pause(failures))
		case slowly:
			if slowdowns++; slow.IsZero() {
				slow = time.Now().Add(s.times.SlowDown)
			}
			wait = max(wait, s.pause(slowdowns))
			if time.Now().Add(wait).After(slow) {
				return fail(op, name, f)
			}
		}
		if !sleep(ctx, wait) {
			return fail(op, name, ctxFault(ctx))
		}
	}
}

// relocate goes to the region that the server says the bucket is in, if none is
// given, and says whether the request may be made again there. An answer that
// names a region is a refusal: nothing has been done.
func (s *Store) relocate(x *exchange) bool {
	wrong := x.status == http.StatusMovedPermanently || x.status == http.StatusTemporaryRedirect || x.status == http.StatusBadRequest
	if !s.follow || !wrong || !regionName.MatchString(x.region) || x.region == x.signed {
		return false
	}
	s.redress.found.Store(&x.region)
	return true
}

// maxMoves bounds how often one call follows a server from region to region.
const maxMoves = 2

// regionName is what a region may be called, so that it can stand in a host's name.
var regionName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

// judge explains a failed attempt. cause is what ended its context, if
// anything did.
func (s *Store) judge(ctx context.Context, op string, x *exchange, cause, err error) *fault {
	var f *fault
	switch {
	case ctx.Err() != nil:
		return ctxFault(ctx)
	case errors.As(err, &f):
		return f
	case cause != nil:
		return s.networkFault(cause)
	case x.status >= 300:
		return s.answerFault(op, x)
	case x.wireFailure() != nil:
		return s.networkFault(x.wireFailure())
	case errors.Is(err, errRole):
		return s.roleFault(err)
	case errors.Is(err, errNoCredentials):
		return s.keysFault(err)
	case !x.sent:
		return &fault{detail: s.scrub(oneLine(err.Error(), 300))} // refused by the library itself
	}
	return wrongAnswer(s.scrub(oneLine(err.Error(), 300)))
}

// keysFault is the failure to find keys.
func (s *Store) keysFault(err error) *fault {
	return &fault{
		rule:   rule{is: object.ErrCredentials, advice: "give access_key and secret_key, or a profile that has them"},
		detail: s.scrub(oneLine(err.Error(), 300)),
	}
}

// pause returns how long to wait before the n-th further attempt: between half
// and all of a bound that doubles.
func (s *Store) pause(n int) time.Duration {
	bound := s.times.Longest
	if n <= 16 {
		bound = min(bound, s.times.Pause<<(n-1))
	}
	return bound/2 + rand.N(bound/2+1)
}

// sleep waits and says whether the context lived on.
func sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// ctxFault is the end of the caller's own context.
func ctxFault(ctx context.Context) *fault { return &fault{rule: rule{is: ctx.Err()}} }

// fail wraps what went wrong, and its advice, in the contract's error.
func fail(op, name string, err error) error {
	if err == nil {
		return nil
	}
	failed := &object.Error{Op: op, Name: name, Err: err}
	var f *fault
	if errors.As(err, &f) {
		failed.Advice = f.advice
	}
	return failed
}
