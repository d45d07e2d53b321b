package s3

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

const (
	socketBuffer = 256 << 10        // bytes, per connection and direction
	idleTime     = 45 * time.Second // less than servers and balancers keep connections
)

// newTransport builds the HTTP transport of a drive. It speaks HTTP/1.1 only:
// with HTTP/2 all requests would share one connection and its flow control, and
// a proxy that drops it would break them all.
func newTransport(c *Config) (*http.Transport, error) {
	security, err := tlsConfig(c)
	if err != nil {
		return nil, err
	}
	proxy := http.ProxyFromEnvironment
	switch c.Proxy {
	case "":
	case "none":
		proxy = nil
	default:
		through, err := url.Parse(c.Proxy)
		if err != nil || through.Host == "" {
			return nil, errors.New("proxy is not a URL") // url.Error would repeat a password in it
		}
		proxy = http.ProxyURL(through)
	}
	dialer := &net.Dialer{Timeout: c.Timeouts.Connect, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  proxy,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        security,
		TLSHandshakeTimeout:    c.Timeouts.Connect,
		TLSNextProto:           map[string]func(string, *tls.Conn) http.RoundTripper{},
		MaxIdleConns:           c.Connections,
		MaxIdleConnsPerHost:    c.Connections,
		IdleConnTimeout:        idleTime,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: 256 << 10,
		WriteBufferSize:        socketBuffer,
		ReadBufferSize:         socketBuffer,
		DisableCompression:     true, // objects come as they are stored
	}, nil
}

func tlsConfig(c *Config) (*tls.Config, error) {
	security := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: c.InsecureTLS}
	if c.CAFile != "" {
		authorities, err := x509.SystemCertPool()
		if err != nil {
			authorities = x509.NewCertPool()
		}
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read ca_file: %w", err)
		}
		if !authorities.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca_file %s holds no certificate in PEM form", c.CAFile)
		}
		security.RootCAs = authorities
	}
	if c.ClientCert != "" {
		own, err := tls.LoadX509KeyPair(c.ClientCert, c.ClientKey)
		if err != nil {
			return nil, fmt.Errorf("read client certificate: %w", err)
		}
		security.Certificates = []tls.Certificate{own}
	}
	return security, nil
}

// secrets lists what must never be shown.
func (c *Config) secrets() []string {
	var found []string
	for _, secret := range []string{c.SecretKey, c.SessionToken} {
		if secret != "" {
			found = append(found, secret)
		}
	}
	if through, err := url.Parse(c.Proxy); err == nil && through.User != nil {
		if password, ok := through.User.Password(); ok && password != "" {
			found = append(found, password, url.QueryEscape(password))
		}
	}
	return found
}
