package examine

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync"
	"time"
)

// route is what a request shows of its way to the server. The request is the
// ordinary one, through the drive's own proxy, authorities and timeouts, so that
// what is seen is what every other request will meet.
type route struct {
	mu sync.Mutex // guards all below: the transport calls from goroutines of its own

	hop       string // host and port of the server, or of the proxy before it
	server    string // host and port that the request names
	addresses []string
	lookup    span
	lookupErr error

	peer       string // address connected to, "" while there is none
	connect    span
	connectErr error

	secure     bool // TLS was begun
	security   tls.ConnectionState
	securityOK bool
	securing   error

	answered bool
}

// span is a stretch of time.
type span struct{ begin, end time.Time }

func (s span) length() time.Duration { return s.end.Sub(s.begin) }

// trace returns the hooks that fill the route. What a later attempt does better
// replaces what failed before.
func (r *route) trace() *httptrace.ClientTrace {
	locked := func(note func()) {
		r.mu.Lock()
		defer r.mu.Unlock()
		note()
	}
	return &httptrace.ClientTrace{
		GetConn:  func(hop string) { locked(func() { r.hop = hop }) },
		DNSStart: func(httptrace.DNSStartInfo) { locked(func() { r.lookup.begin = time.Now() }) },
		DNSDone: func(info httptrace.DNSDoneInfo) {
			locked(func() {
				r.lookup.end, r.lookupErr, r.addresses = time.Now(), info.Err, nil
				for _, a := range info.Addrs {
					r.addresses = append(r.addresses, a.String())
				}
			})
		},
		ConnectStart: func(_, _ string) { locked(func() { r.connect.begin = time.Now() }) },
		ConnectDone: func(_, address string, err error) {
			locked(func() {
				switch {
				case err == nil:
					r.peer, r.connect.end, r.connectErr = address, time.Now(), nil
				case r.peer == "":
					r.connectErr = err
				}
			})
		},
		TLSHandshakeStart: func() { locked(func() { r.secure = true }) },
		TLSHandshakeDone: func(state tls.ConnectionState, err error) {
			locked(func() { r.security, r.securing, r.securityOK = state, err, err == nil })
		},
		WroteHeaderField: func(key string, values []string) {
			if key == "Host" {
				locked(func() { r.server = strings.Join(values, "") })
			}
		},
		GotFirstResponseByte: func() { locked(func() { r.answered = true }) },
	}
}

// chain returns the certificates that the server showed, also where they were
// refused.
func (r *route) chain() []*x509.Certificate {
	var refused *tls.CertificateVerificationError
	if errors.As(r.securing, &refused) {
		return refused.UnverifiedCertificates
	}
	return r.security.PeerCertificates
}

// proxied says that the first hop is not the server.
func (r *route) proxied() bool { return r.server != "" && hostOf(r.server) != hostOf(r.hop) }

// shown returns the first few addresses.
func (r *route) shown() string {
	const most = 4
	sorted := slices.Sorted(slices.Values(r.addresses))
	text := strings.Join(sorted[:min(len(sorted), most)], ", ")
	if len(sorted) > most {
		text += ", …"
	}
	return text
}

// hostOf takes the port off.
func hostOf(hostPort string) string {
	if i := strings.LastIndexByte(hostPort, ':'); i >= 0 && !strings.HasSuffix(hostPort, "]") {
		hostPort = hostPort[:i]
	}
	return strings.Trim(hostPort, "[]")
}
