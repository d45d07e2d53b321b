package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// Measured is how quickly a server answers.
type Measured struct {
	Endpoint string
	Connect  time.Duration // from nothing to the first answer: name, TCP, TLS, request
	Answer   time.Duration // a request on a connection that is there already, the shortest of some
	Err      error         // why there is nothing to tell; then both are zero
}

const (
	measuredAtOnce = 8               // servers; more would disturb each other
	measuredFor    = 8 * time.Second // one server, at most
	measuredTimes  = 3               // requests on one connection
)

// MeasureAll measures how long servers take to answer a request without keys
// that names no bucket. Proxies are used as for drives. The quickest comes
// first, those that failed come last.
func MeasureAll(ctx context.Context, endpoints []string) []Measured {
	found := make([]Measured, len(endpoints))
	slots := make(chan struct{}, measuredAtOnce)
	var all sync.WaitGroup
	for i, endpoint := range endpoints {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			found[i] = measure(ctx, endpoint)
		})
	}
	all.Wait()
	slices.SortStableFunc(found, func(a, b Measured) int {
		switch {
		case (a.Err == nil) != (b.Err == nil):
			if a.Err == nil {
				return -1
			}
			return 1
		case a.Answer < b.Answer:
			return -1
		case a.Answer > b.Answer:
			return 1
		}
		return 0
	})
	return found
}

// measure measures one server.
func measure(ctx context.Context, endpoint string) Measured {
	m := Measured{Endpoint: endpoint}
	ctx, cancel := context.WithTimeout(ctx, measuredFor)
	defer cancel()
	c := Config{Connections: 1, Timeouts: Timeouts{Connect: measuredFor}}
	transport, err := newTransport(&c)
	if err != nil {
		m.Err = err
		return m
	}
	defer transport.CloseIdleConnections()
	for n := range measuredTimes + 1 {
		took, err := ask(ctx, transport, endpoint)
		switch {
		case err != nil:
			return Measured{Endpoint: endpoint, Err: err}
		case n == 0:
			m.Connect = took
		case m.Answer == 0 || took < m.Answer:
			m.Answer = took
		}
	}
	return m
}

// ask sends one request. Whatever the server answers is an answer.
func ask(ctx context.Context, transport *http.Transport, endpoint string) (time.Duration, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, endpoint+"/", nil)
	if err != nil {
		return 0, fmt.Errorf("measure server: %w", err)
	}
	begun := time.Now()
	answer, err := transport.RoundTrip(request)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return 0, fmt.Errorf("measure server: %w", err)
	}
	took := time.Since(begun)
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, maxFault))
	if err = errors.Join(err, answer.Body.Close()); err != nil {
		return 0, fmt.Errorf("measure server: %w", err)
	}
	return took, nil
}
