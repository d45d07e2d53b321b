package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// gate stands between firn and the server, passes everything on unaltered and
// counts it, so that the transcript does not rest on firn's own word.
type gate struct {
	url    string
	server *http.Server
	mu     sync.Mutex // guards seen
	seen   counts
}

// counts are requests by method and the bytes of bodies.
type counts struct {
	requests map[string]int
	in, out  int64 // to and from the server
}

func openGate(endpoint string) (*gate, error) {
	target, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	g := &gate{url: "http://" + listener.Addr().String(), seen: counts{requests: map[string]int{}}}
	proxy := &httputil.ReverseProxy{
		// The host header is part of what was signed and stays as it is.
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = target.Scheme, target.Host, r.In.Host
		},
		Transport:      &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
		ModifyResponse: g.pass,
		ErrorLog:       log.New(io.Discard, "", 0), // firn reports what it meets
	}
	g.server = &http.Server{ErrorLog: proxy.ErrorLog, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.add(func(c *counts) { c.requests[r.Method]++ })
		r.Body = &counted{r.Body, func(n int) { g.add(func(c *counts) { c.in += int64(n) }) }}
		proxy.ServeHTTP(w, r)
	})}
	go g.server.Serve(listener) // ends with close
	return g, nil
}

// pass counts the body of an answer.
func (g *gate) pass(r *http.Response) error {
	r.Body = &counted{r.Body, func(n int) { g.add(func(c *counts) { c.out += int64(n) }) }}
	return nil
}

func (g *gate) add(change func(*counts)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change(&g.seen)
}

// count returns what has passed so far.
func (g *gate) count() counts {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.seen
	now.requests = maps.Clone(g.seen.requests)
	return now
}

func (g *gate) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := g.server.Shutdown(ctx); err != nil {
		return g.server.Close()
	}
	return nil
}

// counted tells how many bytes are read from a body.
type counted struct {
	io.ReadCloser
	tell func(int)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.tell(n)
	return n, err
}

// since returns what passed after an earlier count.
func (c counts) since(earlier counts) counts {
	c.in -= earlier.in
	c.out -= earlier.out
	for method, n := range earlier.requests {
		if c.requests[method] -= n; c.requests[method] == 0 {
			delete(c.requests, method)
		}
	}
	return c
}

func (c counts) String() string {
	var parts []string
	total := 0
	for _, method := range slices.Sorted(maps.Keys(c.requests)) {
		total += c.requests[method]
		parts = append(parts, fmt.Sprintf("%d %s", c.requests[method], method))
	}
	if total == 0 {
		return "nothing"
	}
	noun := "requests"
	if total == 1 {
		noun = "request"
	}
	return fmt.Sprintf("%d %s (%s), %s in, %s out", total, noun, strings.Join(parts, ", "), amount(c.in), amount(c.out))
}
