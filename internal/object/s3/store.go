// Package s3 keeps objects in a bucket of an S3-compatible server.
//
// Requests are made with one of two libraries behind the interface client;
// everything that decides about right and wrong is here and the same for both:
// deadlines, retries, what an answer means, whether it may be believed.
//
// Invariants: an answer that contradicts itself or the request is an error,
// never data; success is reported only for what the server has confirmed; a
// body is sent whole or not at all; no secret is in an error or a log.
//
// Its user is whoever opens a drive (cmd/firn, over package config).
package s3

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"firn/internal/object"
)

// Store is a drive in a bucket. It implements object.Store.
type Store struct {
	bucket   string
	prefix   string // of keys; "" or ending in "/"
	location string
	params   func(name string) PutParams // may be nil
	customer *CustomerKey                // nil: none
	archive  func(class string) bool     // classes that must be thawed before they are read; nil: those of AWS
	readOnly bool
	noSums   bool
	retries  int
	times    Timeouts
	secrets  []string // never to be shown

	client  client
	redress *redress
	wire    *wire
	gate    *gate
	follow  bool                     // the region is not given: go to the one that the server says
	advice  func(code string) string // of the provider; may be nil
	host    string                   // of the endpoint as it is given, without the bucket; "" for AWS's own
	inHost  bool                     // the bucket stands in the host's name

	caps     atomic.Pointer[object.Capabilities] // nil: not known yet
	known    atomic.Bool                         // keys and bucket have been seen to be right
	oneByOne atomic.Bool                         // the server cannot delete several at once
	listV1   atomic.Bool                         // the server lists with the first version of the call
	telling  telling                             // what its listings tell of thawed objects
}

// Open prepares a drive from its configuration. It sends nothing to the bucket
// and so finds mistakes in the configuration only.
func Open(ctx context.Context, c Config) (*Store, error) {
	p, err := c.resolve()
	if err != nil {
		return nil, fmt.Errorf("configure s3 drive: %w", err)
	}
	base, err := newTransport(&c)
	if err != nil {
		return nil, fmt.Errorf("configure s3 drive: %w", err)
	}
	s := &Store{
		bucket: c.Bucket, prefix: p.prefix, params: c.Params, customer: c.CustomerKey, archive: c.Archive, readOnly: c.ReadOnly, noSums: c.NoChecksums,
		retries: c.MaxRetries, times: c.Timeouts, secrets: c.secrets(),
		wire: &wire{base: base, debug: c.Debug, up: c.Up, down: c.Down}, gate: newGate(c.Connections), follow: p.follow, inHost: !p.pathStyle, advice: c.Advice,
	}
	s.listV1.Store(c.ListV1)
	host := "AWS"
	if p.endpoint != nil {
		host, s.host = p.endpoint.Host, p.endpoint.Hostname()
	}
	s.location = fmt.Sprintf("s3://%s at %s", strings.TrimSuffix(c.Bucket+"/"+p.prefix, "/"), host)

	shared, err := loadAWS(ctx, &c, p)
	if err != nil {
		return nil, fmt.Errorf("configure s3 drive: %w", err)
	}
	if c.Role.ARN != "" {
		shared.Credentials = c.Role.assume(&c, p, shared.Credentials, s.wire)
	}
	s.redress = &redress{wire: s.wire, keys: shared.Credentials, conditions: c.Conditions, onAWS: p.onAWS, region: c.Region}
	var under http.RoundTripper = s.redress
	if c.CustomerKey != nil {
		under = unlocking{under, c.CustomerKey, shared.Credentials, s.redress.current}
	}
	if c.Client == clientMinIO {
		s.client, err = newMinIO(&c, p, shared, under)
	} else {
		s.client = newAWS(&c, p, shared, under)
	}
	if err != nil {
		return nil, fmt.Errorf("configure s3 drive: %w", err)
	}
	return s, nil
}

// Location implements object.Store.
func (s *Store) Location() string { return s.location }

// Capabilities implements object.Store.
func (s *Store) Capabilities() object.Capabilities {
	if known := s.caps.Load(); known != nil {
		return *known
	}
	return object.Capabilities{}
}

// SetCapabilities tells the store what its server was found to be able to do.
// Before that, conditions are sent and left to the server; after it, those the
// server does not honour are refused with ErrUnsupported.
func (s *Store) SetCapabilities(known object.Capabilities) { s.caps.Store(&known) }

// Probe finds out by doing what the server can do and remembers it.
func (s *Store) Probe(ctx context.Context) (object.Capabilities, error) {
	found, err := object.Probe(ctx, asking{s})
	if err == nil {
		s.SetCapabilities(found)
	}
	return found, err
}

// asking sends conditions whatever is known, so that they can be probed anew.
type asking struct{ *Store }

func (a asking) Put(ctx context.Context, name string, body []byte, opts object.PutOptions) (object.Info, error) {
	return a.put(ctx, name, body, opts)
}

// ServerTime returns the time by the server's clock, to about a second, and
// false before the first answer.
func (s *Store) ServerTime() (time.Time, bool) {
	offset := s.wire.offset.Load()
	if offset == nil {
		return time.Time{}, false
	}
	return time.Now().Add(*offset), true
}

// Close closes the connections that are not in use. The store stays usable.
func (s *Store) Close() error {
	s.wire.base.CloseIdleConnections()
	return nil
}

// key returns an object's key in the bucket.
func (s *Store) key(name string) string { return s.prefix + name }

// begin is what every operation on one object does first.
func (s *Store) begin(ctx context.Context, op, name string, writes bool) error {
	if writes && s.readOnly {
		return fail(op, name, object.ErrReadOnly)
	}
	if ctx.Err() != nil {
		return fail(op, name, ctx.Err())
	}
	return fail(op, name, object.CheckName(name))
}

// scrub takes the secrets out of a text that may be shown.
func (s *Store) scrub(text string) string {
	for _, secret := range s.secrets {
		text = strings.ReplaceAll(text, secret, "***")
	}
	return text
}
