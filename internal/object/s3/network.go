package s3

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"firn/internal/object"
)

// networkFault explains why no whole answer came. All of it is ErrUnreachable;
// what another attempt cannot change is not tried again.
func (s *Store) networkFault(err error) *fault {
	for _, known := range networkRules {
		if known.is(err) {
			f := &fault{rule: rule{is: object.ErrUnreachable, again: known.again, advice: known.advice}, detail: known.what}
			if known.quote {
				f.detail += ": " + s.scrub(oneLine(err.Error(), 300))
			}
			if unknownHost(err) && s.inHost && s.host != "" && resolves(s.host) {
				f.detail = fmt.Sprintf("the host %s is known to DNS, and with the bucket's name before it it is not", s.host)
				f.advice = adviceToPath
			}
			return f
		}
	}
	return &fault{
		rule:   rule{is: object.ErrUnreachable, again: soon, advice: "check network and endpoint"},
		detail: s.scrub(oneLine(err.Error(), 300)),
	}
}

// resolves says whether a host is known to DNS.
func resolves(host string) bool {
	if net.ParseIP(host) != nil {
		return true
	}
	ctx, cancel := context.WithTimeout(context.Background(), resolveTime)
	defer cancel()
	found, err := net.DefaultResolver.LookupHost(ctx, host)
	return err == nil && len(found) > 0
}

// resolveTime bounds the look-up that only makes an error clearer.
const resolveTime = 2 * time.Second

const advicePlain = "this port speaks plain HTTP: write http:// in endpoint, or use_tls: false (use-ssl=false in a URL)"

const adviceServer = "check host and port of endpoint, and that the server runs"

// networkRules are tried in order.
var networkRules = []struct {
	is     func(error) bool
	what   string
	quote  bool // whether the error's own text follows
	again  again
	advice string
}{
	{isOf[x509.UnknownAuthorityError], "the server's certificate is signed by an unknown authority", false, never,
		"name the authority's certificate in ca_file"},
	{isOf[x509.HostnameError], "the server's certificate is for another name", true, never,
		"check the host in endpoint; a bucket with dots in its name needs force_path_style"},
	{isOf[x509.CertificateInvalidError], "the server's certificate is not valid", true, never,
		"renew the server's certificate, or set this machine's clock"},
	{isOf[*tls.CertificateVerificationError], "the server's certificate cannot be verified", true, never,
		"name the authority's certificate in ca_file"},
	{isOf[tls.RecordHeaderError], "the server does not speak TLS", false, never, advicePlain},
	{says("server gave HTTP response to HTTPS client"), "the server does not speak TLS", false, never, advicePlain},
	{says("proxyconnect"), "the proxy does not answer", true, soon, "check proxy"},
	{says("remote error: tls:"), "the server refused TLS", true, never, "it may want a client certificate"},
	{unknownHost, "the host is not known to DNS", true, never, "check endpoint and region, and this machine's name server"},
	{isOf[*net.DNSError], "DNS does not answer", true, soon, "check this machine's name server and network"},
	{isA(syscall.ECONNREFUSED), "connection refused", false, soon, adviceServer},
	{isA(syscall.ENETUNREACH), "no route to the network", false, soon, "check this machine's network"},
	{isA(syscall.EHOSTUNREACH), "no route to the host", false, soon, "check this machine's network and endpoint"},
	{isA(errSlow), "the transfer is too slow", true, soon, "use fewer connections, or raise the timeouts"},
	{isA(errStalled), "the server does not answer", true, soon, adviceServer},
	{isA(syscall.ECONNRESET), "connection reset", false, soon, "the server or a proxy broke the connection: try later"},
	{isA(syscall.EPIPE), "connection broken", false, soon, "the server or a proxy broke the connection: try later"},
	{isA(io.ErrUnexpectedEOF), "the answer broke off", false, soon, "the server or a proxy broke the connection: try later"},
	{isA(io.EOF), "connection closed without an answer", false, soon, "the server or a proxy broke the connection: try later"},
	{timedOut, "timed out", true, soon, adviceServer},
}

func isOf[T error](err error) bool {
	var of T
	return errors.As(err, &of)
}

func isA(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func says(text string) func(error) bool {
	return func(err error) bool { return strings.Contains(err.Error(), text) }
}

func unknownHost(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound
}

func timedOut(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, os.ErrDeadlineExceeded)
}
