package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"firn/internal/object"
)

// RequestLog tells of one request, for people who look for a fault. It holds
// no secrets.
type RequestLog struct {
	Method    string
	Host      string
	Path      string // bucket and key, or key
	Query     string
	Status    int    // 0 if no answer came
	Code      string // S3's error code, which may come with any status
	RequestID string // by which the provider finds the request
	Attempt   int    // counted from 1
	Duration  time.Duration
	Sent      int64 // bytes of the request's body
	Received  int64 // bytes of the answer's body
	Err       error // what broke on the wire; nil if nothing did
}

// wire is the round tripper under every client. It fills the exchange that the
// request's context carries, keeps the deadlines moving, turns errors that come
// with status 200 into errors, and refuses listings that are not whole.
type wire struct {
	base   *http.Transport
	debug  func(RequestLog)
	up     object.Bandwidths
	down   object.Bandwidths
	offset atomic.Pointer[time.Duration] // server's clock minus ours
}

// maxAnswer bounds the answers that are read whole: a listing's page of a
// thousand keys of 1024 bytes, escaped, is at most about 4 MB.
const maxAnswer = 16 << 20

// maxFault bounds what is read of an error answer.
const maxFault = 64 << 10

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(request *http.Request) (*http.Response, error) {
	x, ok := request.Context().Value(exchangeKey{}).(*exchange)
	if !ok {
		return nil, errors.New("request outside of a call")
	}
	log := RequestLog{
		Method: request.Method, Host: request.URL.Host, Path: request.URL.Path, Query: request.URL.RawQuery,
		Attempt: x.attempt, Sent: max(0, request.ContentLength),
	}
	outgoing := *request
	if request.Body != nil && request.Body != http.NoBody {
		outgoing.Body = &sending{body: request.Body, x: x, size: request.ContentLength, ctx: request.Context(), within: w.up}
		outgoing.GetBody = nil
	}
	x.sent = true
	begun := time.Now()
	answer, err := w.base.RoundTrip(&outgoing)
	x.received = time.Now()
	if err == nil {
		log.Status = answer.StatusCode
		w.setClock(answer.Header, begun, x.received)
		err = w.examine(request, answer, x)
	}
	if err != nil {
		x.fail(err)
		log.Duration, log.Err = time.Since(begun), err
		w.report(log)
		return nil, err
	}
	log.Code, log.RequestID = x.code, x.header.Get("X-Amz-Request-Id")
	answer.Body = &receiving{body: answer.Body, x: x, ctx: request.Context(), within: w.down, done: func(n int64, err error) {
		log.Duration, log.Received, log.Err = time.Since(begun), n, err
		w.report(log)
	}}
	return answer, nil
}

func (w *wire) report(log RequestLog) {
	if w.debug != nil {
		w.debug(log)
	}
}

// setClock compares the server's clock with the middle of the exchange.
func (w *wire) setClock(header http.Header, begun, received time.Time) {
	server, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return
	}
	offset := server.Sub(begun.Add(received.Sub(begun) / 2))
	w.offset.Store(&offset)
}

// examine records an answer. Answers that must be read to be believed are read
// here, and their bodies replaced by what was read.
func (w *wire) examine(request *http.Request, answer *http.Response, x *exchange) error {
	x.status, x.header, x.length = answer.StatusCode, answer.Header, answer.ContentLength
	x.code, x.message, x.named, x.region = "", "", "", answer.Header.Get("X-Amz-Bucket-Region")
	x.answered(answer.ContentLength)
	query := request.URL.Query()
	root := "" // what the answer's body must be
	switch {
	case answer.StatusCode >= 300:
	case request.Method == http.MethodGet && query.Has("versions"):
		root = "ListVersionsResult"
	case request.Method == http.MethodGet && (query.Has("list-type") || query.Has("max-keys")):
		root = "ListBucketResult"
	case request.Method == http.MethodPost && query.Has("delete"):
		root = "DeleteResult"
	case request.Method == http.MethodPut && request.Header.Get(headerSource) != "":
		root = "CopyObjectResult"
	case request.Method == http.MethodGet || request.Method == http.MethodHead:
		return nil // an object's bytes
	}
	limit := int64(maxFault)
	if root != "" {
		limit = maxAnswer
	}
	text, err := io.ReadAll(io.LimitReader(&receiving{body: answer.Body, x: x, ctx: request.Context(), within: w.down}, limit+1))
	if closing := answer.Body.Close(); err == nil {
		err = closing
	}
	if err != nil && answer.StatusCode < 300 {
		return fmt.Errorf("read answer: %w", err)
	}
	text = text[:min(int64(len(text)), limit)]
	answer.Body = io.NopCloser(bytes.NewReader(text))
	if answer.StatusCode >= 300 {
		x.code, x.message = errorIn(text, x)
		return nil
	}
	x.firstVersion = root == "ListBucketResult" && bytes.Contains(text, []byte("<Marker"))
	return w.believe(answer, text, root, x)
}

// believe checks the body of an answer with a status of success.
func (w *wire) believe(answer *http.Response, text []byte, root string, x *exchange) error {
	found := rootOf(text)
	switch {
	case found == "Error":
		x.code, x.message = errorIn(text, x)
		x.status = http.StatusInternalServerError
		answer.StatusCode, answer.Status = x.status, "500 Error answered with success"
	case root != "" && !wholeXML(text, root):
		return fmt.Errorf("answer is no whole %s", root)
	case root == "" && len(text) > 0 && (found == "" || strings.EqualFold(found, "html")):
		return errors.New("answer is a page: " + oneLine(string(text), 60))
	}
	return nil
}

// sending is a request's body on its way. It stops giving bytes when its
// exchange has ended, since the transport may go on reading for a moment.
type sending struct {
	body   io.ReadCloser
	x      *exchange
	size   int64
	sent   int64
	ctx    context.Context // of the request
	within object.Bandwidths
}

var errEnded = errors.New("request has ended")

func (s *sending) Read(p []byte) (int, error) {
	p = p[:s.within.Portion(len(p))]
	waited, err := s.within.Pass(s.ctx, int(min(int64(len(p)), s.size-s.sent)))
	if err != nil {
		return 0, err
	}
	if waited > 0 {
		s.x.held(waited)
	}
	s.x.mu.Lock()
	defer s.x.mu.Unlock()
	if s.x.ended {
		return 0, errEnded
	}
	n, err := s.body.Read(p)
	s.sent += int64(n)
	if s.sent < s.size {
		s.x.moved()
	} else {
		s.x.sentAll(s.size)
	}
	return n, err
}

func (s *sending) Close() error { return s.body.Close() }

// receiving is an answer's body on its way.
type receiving struct {
	body   io.ReadCloser
	x      *exchange
	n      int64
	err    error
	done   func(n int64, err error) // called once, at Close; may be nil
	ctx    context.Context          // of the request
	within object.Bandwidths
}

func (r *receiving) Read(p []byte) (int, error) {
	n, err := r.body.Read(p[:r.within.Portion(len(p))])
	r.n += int64(n)
	if n > 0 {
		waited, ended := r.within.Pass(r.ctx, n)
		if ended != nil {
			return n, ended
		}
		if waited > 0 {
			r.x.held(waited)
		}
		r.x.moved()
	}
	if err != nil && err != io.EOF {
		r.err = err
		r.x.fail(err)
	}
	return n, err
}

func (r *receiving) Close() error {
	err := r.body.Close()
	if r.done != nil {
		r.done(r.n, r.err)
		r.done = nil
	}
	return err
}
