// Package cold gives a real S3 server the archive classes of AWS, which no server
// that runs on a developer's machine has.
//
// A Server stands between the clients and the real server. Requests and bodies go
// on as they are, under the clients' own signatures; only what the real server
// would refuse, a storage class, is taken out and the request signed anew, after
// its signature was found to be right. Answers are rewritten: frozen objects are
// refused, HEAD and listings tell of classes and copies. What becomes of objects is
// decided by objecttest.Freezer, on a clock of the test's own.
//
// Invariant: bytes come from the real server or not at all, and never of a frozen
// object. Its users are the tests of object/s3 and of what thaws.
package cold

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"

	"firn/internal/object/objecttest"
	"firn/internal/object/s3/s3test"
)

// Server is a server with archive classes. Clients name the bucket in the path.
type Server struct {
	s3test.Server // as the real one, but for the endpoint
	// Freezer knows the objects as BUCKET/KEY.
	*objecttest.Freezer

	behind *url.URL // the real server
	http   *httptest.Server
	proxy  *httputil.ReverseProxy
	real   s3test.Server

	mu     sync.Mutex
	log    []Request             // guarded by mu
	limits map[s3test.Kind]limit // guarded by mu
	hides  bool                  // guarded by mu; listings do not tell of copies
}

// Start puts archive classes before a server, which go by clock, nil being the time
// of day; they end with the test.
func Start(t s3test.TB, behind s3test.Server, clock *objecttest.Clock) *Server {
	t.Helper()
	at, err := url.Parse(behind.Endpoint)
	if err != nil {
		t.Fatalf("endpoint: %v", err)
	}
	s := &Server{
		Server: behind, Freezer: objecttest.NewFreezer(clock.Now), behind: at, real: behind, limits: map[s3test.Kind]limit{},
	}
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 32}
	s.proxy = &httputil.ReverseProxy{
		Transport: transport, Rewrite: s.rewrite, ModifyResponse: s.answered,
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	s.Endpoint = s.http.URL
	t.Cleanup(func() {
		s.http.CloseClientConnections()
		s.http.Close()
		transport.CloseIdleConnections()
	})
	return s
}

// Hide has listings tell nothing of copies, as those of many servers.
func (s *Server) Hide() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hides = true
}

// Transition moves all objects of a bucket whose keys begin with prefix into a
// class, as a lifecycle rule does. An archive tier of INTELLIGENT_TIERING stands
// for the class too.
func (s *Server) Transition(ctx context.Context, bucket, prefix, class string) error {
	for query := (url.Values{"list-type": {"2"}, "prefix": {prefix}}); ; {
		text, err := s.real.Do(ctx, http.MethodGet, "/"+bucket, query, "")
		if err != nil {
			return fmt.Errorf("move to %s: %w", class, err)
		}
		var page struct {
			IsTruncated           bool
			NextContinuationToken string
			Contents              []struct{ Key string }
		}
		if err := xml.Unmarshal(text, &page); err != nil {
			return fmt.Errorf("move to %s: %w", class, err)
		}
		for _, c := range page.Contents {
			s.Lay(bucket+"/"+c.Key, class)
		}
		if !page.IsTruncated {
			return nil
		}
		query.Set("continuation-token", page.NextContinuationToken)
	}
}

// exchange is a request and what the server makes of it.
type exchange struct {
	http.ResponseWriter
	request *http.Request
	kind    s3test.Kind
	name    string // BUCKET/KEY
	class   string // that an object is written in

	bare   http.Header // in place of the client's headers, to be signed; nil: as they are
	status int
	code   string
}

type exchangeKey struct{}

// WriteHeader notes the status.
func (x *exchange) WriteHeader(status int) {
	x.status = status
	x.ResponseWriter.WriteHeader(status)
}

// Unwrap gives the standard library its own back.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	x := &exchange{ResponseWriter: w, kind: s3test.KindOf(r), name: strings.TrimPrefix(r.URL.Path, "/"), status: http.StatusOK}
	x.request = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
	defer s.note(x)
	if !s.allow(x.kind) {
		x.refuse(&objecttest.Refusal{Status: http.StatusServiceUnavailable, Code: "SlowDown", Message: "Please reduce your request rate."})
		return
	}
	switch x.kind {
	case s3test.Get:
		s.get(x)
	case s3test.Put:
		s.put(x)
	case s3test.Copy:
		s.copy(x)
	case s3test.Restore:
		s.restore(x)
	default:
		s.forward(x)
	}
}

// refuse answers with an error of S3.
func (x *exchange) refuse(r *objecttest.Refusal) {
	x.code = r.Code
	x.Header().Set("Content-Type", "application/xml")
	x.WriteHeader(r.Status)
	if x.request.Method == http.MethodHead {
		return
	}
	body := struct {
		XMLName                             xml.Name `xml:"Error"`
		Code, Message, Resource, BucketName string
	}{Code: r.Code, Message: r.Message, Resource: "/" + x.name, BucketName: strings.SplitN(x.name, "/", 2)[0]}
	text, err := xml.Marshal(body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	x.Write(append([]byte(xml.Header), text...)) // a client that has gone wants nothing
}
