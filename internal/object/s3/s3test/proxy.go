package s3test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
)

// Kind is what a request is about.
type Kind string

// The kinds of requests.
const (
	Get        Kind = "get"
	Head       Kind = "head"
	Put        Kind = "put"
	Delete     Kind = "delete"
	DeleteMany Kind = "delete many"
	List       Kind = "list"
	Copy       Kind = "copy"
	Restore    Kind = "restore"
	Other      Kind = "other"
)

// KindOf tells what a request is about.
func KindOf(r *http.Request) Kind {
	query := r.URL.Query()
	switch {
	case query.Has("delete"):
		return DeleteMany
	case query.Has("list-type"), r.Method == http.MethodGet && query.Has("prefix"):
		return List
	case strings.Count(strings.Trim(r.URL.Path, "/"), "/") == 0: // the bucket itself
		return Other
	case r.Method == http.MethodGet:
		return Get
	case r.Method == http.MethodHead:
		return Head
	case r.Method == http.MethodPost && query.Has("restore"):
		return Restore
	case r.Method == http.MethodPut && r.Header.Get("X-Amz-Copy-Source") != "":
		return Copy
	case r.Method == http.MethodPut:
		return Put
	case r.Method == http.MethodDelete:
		return Delete
	}
	return Other
}

// Proxy stands between a client and a real server and makes faults. Clients
// name the bucket in the path.
type Proxy struct {
	Server // as the real one, but for the endpoint

	behind *url.URL // the real server
	http   *httptest.Server
	client *http.Transport

	mu      sync.Mutex
	planned []plan       // guarded by mu
	chance  *rand.Rand   // guarded by mu
	passed  map[Kind]int // guarded by mu
	spoiled int          // guarded by mu
}

// plan is a fault to come.
type plan struct {
	kinds []Kind
	left  int // requests to meet it; negative: all
	share float64
	fault Fault
}

// NewProxy starts a proxy in front of a server; it ends with the test.
func NewProxy(t TB, server Server) *Proxy {
	t.Helper()
	behind, err := url.Parse(server.Endpoint)
	if err != nil {
		t.Fatalf("endpoint: %v", err)
	}
	p := &Proxy{
		Server: server, behind: behind, passed: map[Kind]int{}, chance: rand.New(rand.NewPCG(1, 2)),
		client: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 32},
	}
	p.http = httptest.NewServer(http.HandlerFunc(p.serve))
	p.Endpoint = p.http.URL
	t.Cleanup(p.Close)
	return p
}

// Close ends the proxy; requests under way are broken off.
func (p *Proxy) Close() {
	p.http.CloseClientConnections()
	p.http.Close()
	p.client.CloseIdleConnections()
}

// Next makes the next n requests of some kinds, or of all if none is named,
// meet a fault.
func (p *Proxy) Next(n int, fault Fault, kinds ...Kind) { p.add(plan{kinds, n, 1, fault}) }

// Often makes a share of all requests of some kinds meet a fault until Calm.
// Which ones is the same in every run with the same requests.
func (p *Proxy) Often(share float64, fault Fault, kinds ...Kind) {
	p.add(plan{kinds, -1, share, fault})
}

func (p *Proxy) add(to plan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.planned = append(p.planned, to)
}

// Calm ends all faults.
func (p *Proxy) Calm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.planned = nil
}

// Counts returns how many requests came and how many of them met a fault.
func (p *Proxy) Counts() (requests, faults int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range p.passed {
		requests += n
	}
	return requests, p.spoiled
}

// next takes the fault that a request meets, nil for none.
func (p *Proxy) next(kind Kind) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.passed[kind]++
	for i := range p.planned {
		to := &p.planned[i]
		if to.left == 0 || !to.is(kind) || to.share < 1 && p.chance.Float64() >= to.share {
			continue
		}
		to.left--
		p.spoiled++
		return to.fault
	}
	return nil
}

func (to *plan) is(kind Kind) bool {
	for _, k := range to.kinds {
		if k == kind {
			return true
		}
	}
	return len(to.kinds) == 0
}

func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	x := &Exchange{proxy: p, w: w, r: r, Kind: KindOf(r)}
	if fault := p.next(x.Kind); fault != nil {
		fault(x)
		return
	}
	if answer := x.Forward(x.Body()); answer != nil {
		x.Answer(answer)
	}
}

// Exchange is a request at the proxy, for a Fault to spoil.
type Exchange struct {
	Kind  Kind
	proxy *Proxy
	w     http.ResponseWriter
	r     *http.Request
}

// answer is what the real server said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// Body reads the request's body.
func (x *Exchange) Body() []byte {
	body, err := io.ReadAll(x.r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client has gone
	}
	return body
}

// Forward sends the request to the real server with a body and returns the
// answer, nil if there is none.
func (x *Exchange) Forward(body []byte) *answer {
	request := x.onward(body)
	request.Header = x.r.Header.Clone()
	request.Host = x.r.Host // which is signed
	return x.send(request)
}

// onward is the request as the real server shall get it, without headers.
func (x *Exchange) onward(body []byte) *http.Request {
	to := *x.r.URL
	to.Scheme, to.Host = x.proxy.behind.Scheme, x.proxy.behind.Host
	request := (&http.Request{Method: x.r.Method, URL: &to, Header: http.Header{}}).WithContext(x.r.Context())
	if len(body) > 0 {
		request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	return request
}

func (x *Exchange) send(request *http.Request) *answer {
	got, err := x.proxy.client.RoundTrip(request)
	if err != nil {
		x.Reset()
		return nil
	}
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		x.Reset()
		return nil
	}
	return &answer{got.StatusCode, got.Header, body}
}

// Answer passes an answer on.
func (x *Exchange) Answer(a *answer) {
	for name, values := range a.header {
		x.w.Header()[name] = values
	}
	x.w.WriteHeader(a.status)
	x.w.Write(a.body) // a client that has gone wants nothing
}

// Reset breaks the connection off, so that the client sees a reset.
func (x *Exchange) Reset() {
	conn, _, err := x.w.(http.Hijacker).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}
