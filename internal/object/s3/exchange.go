package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// exchange is one attempt at a request: what it is about, its deadlines, and
// what the wire said. The round tripper fills it; when the client's call has
// returned, its caller reads it.
type exchange struct {
	attempt int // counted from 1
	times   Timeouts
	cancel  context.CancelCauseFunc
	total   *time.Timer // ends the attempt when it takes too long, at due
	idle    *time.Timer // ends the attempt when nothing moves

	signed  string      // region that the request is signed for
	sent    bool        // a request went out
	status  int         // of the answer; 0: none came
	header  http.Header // of the answer; nil: none came
	length  int64       // of the answer's body; -1: unknown
	code    string      // of an error answer: S3's own, "" if it gave none
	message string      // of an error answer
	named   string      // bucket that an error answer is about, "" if it does not say
	// firstVersion: the answer is a listing in the first version of the call.
	firstVersion bool
	region       string    // where the server says the bucket is
	received     time.Time // of the answer, by the local clock

	mu       sync.Mutex
	due      time.Time // guarded by mu
	ended    bool      // guarded by mu; the request's body may not be read any more
	wireFail error     // guarded by mu; why the connection failed
}

type exchangeKey struct{}

// errStalled and errSlow end attempts that take too long.
var (
	errStalled = errors.New("nothing was transferred")
	errSlow    = errors.New("transfer took too long")
)

// newExchange begins an attempt that sends size bytes.
func newExchange(ctx context.Context, times Timeouts, attempt int, size int64) (context.Context, *exchange) {
	ctx, cancel := context.WithCancelCause(ctx)
	limit, wait := times.transfer(size), max(times.Stall, times.Connect)
	x := &exchange{attempt: attempt, times: times, cancel: cancel, header: http.Header{}, due: time.Now().Add(limit)}
	if size == 0 {
		wait = limit
	}
	x.total = time.AfterFunc(limit, func() { cancel(fmt.Errorf("%w: under %d bytes per second", errSlow, times.Rate)) })
	x.idle = time.AfterFunc(wait, func() { cancel(fmt.Errorf("%w in time", errStalled)) })
	return context.WithValue(ctx, exchangeKey{}, x), x
}

// end releases what the attempt holds. After it nothing reads the request's
// body, which is the caller's to use again.
func (x *exchange) end() {
	x.mu.Lock()
	x.ended = true
	x.mu.Unlock()
	x.total.Stop()
	x.idle.Stop()
	x.cancel(nil)
}

// moved notes that bytes were transferred.
func (x *exchange) moved() { x.idle.Reset(x.times.Stall) }

// allow gives the attempt so much time from now on.
func (x *exchange) allow(limit time.Duration) {
	x.mu.Lock()
	x.due = time.Now().Add(limit)
	x.mu.Unlock()
	x.total.Reset(limit)
}

// held notes that the attempt was held back for a while on purpose, which counts for nothing.
func (x *exchange) held(back time.Duration) {
	x.mu.Lock()
	x.due = x.due.Add(back)
	left := time.Until(x.due)
	x.mu.Unlock()
	x.total.Reset(left)
	x.idle.Reset(x.times.Stall)
}

// kernelBuffer is what the system may have taken of a body and not have sent over a slow link, bytes: it keeps
// about twice of what is in flight.
const kernelBuffer = 512 << 10

// sentAll notes that the body of size bytes has left for the kernel, whose
// buffers may hold the last of it for a while before the server can answer.
func (x *exchange) sentAll(size int64) {
	x.idle.Reset(x.times.transfer(min(size, kernelBuffer)))
}

// works notes that the server has size bytes to move before it answers.
func (x *exchange) works(size int64) {
	limit := x.times.transfer(size)
	x.allow(limit)
	x.idle.Reset(limit)
}

// answered begins the time for an answer's body of length bytes.
func (x *exchange) answered(length int64) {
	x.idle.Reset(x.times.Stall)
	if length > 0 {
		x.allow(x.times.transfer(length))
	}
}

// fail notes the first thing that broke on the wire.
func (x *exchange) fail(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.wireFail == nil {
		x.wireFail = err
	}
}

func (x *exchange) wireFailure() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.wireFail
}

// renew forgets an answer that another request of the same attempt replaces.
func (x *exchange) renew() {
	x.status, x.code, x.message, x.header = 0, "", "", http.Header{}
}

// refused says that the server certainly did not do what it was asked.
func (x *exchange) refused() bool { return x.status >= 400 && x.status < 500 }
