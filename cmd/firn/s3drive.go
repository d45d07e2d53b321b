package main

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"

	"firn/internal/config"
	"firn/internal/object/s3"
)

// s3Config turns a drive's settings into those of the S3 package.
func (a *app) s3Config(ctx context.Context, set *config.Drive) (s3.Config, error) {
	at, err := set.Resolve()
	if err != nil {
		return s3.Config{}, usage(err)
	}
	keys, err := set.Credentials(ctx, &at)
	if err != nil {
		return s3.Config{}, err
	}
	customer, err := customerKey(ctx, set)
	if err != nil {
		return s3.Config{}, err
	}
	region := at.Region.Value
	if region == "" {
		region = "not known yet"
	}
	a.out.detail("region %s (%s), keys from %s", region, at.Region.From, keys.From)
	c := s3.Config{
		Endpoint: at.Endpoint.Value, Region: at.Region.Value, Bucket: set.Bucket, Prefix: set.KeyPrefix(),
		AccessKey: keys.AccessKey.Reveal(), SecretKey: keys.SecretKey.Reveal(), SessionToken: keys.SessionToken.Reveal(),
		Role:    s3.Role{ARN: set.RoleARN, ExternalID: set.ExternalID, Session: sessionName(a.host())},
		Profile: set.Profile, PathStyle: &at.PathStyle, CAFile: set.CAFile,
		InsecureTLS: set.VerifySSL != nil && !*set.VerifySSL, ClientCert: set.ClientCert, ClientKey: set.ClientKey,
		Proxy: set.Proxy.Reveal(), Connections: set.Connections, CustomerKey: customer,
		ReadOnly: set.ReadOnly, Client: set.Client, MaxRetries: retries(set), NoChecksums: at.Vendor.Checksums == "no",
		Conditions: conditions(at.Vendor), ListV1: at.Vendor.Listing == 1, Advice: at.Vendor.AdviceFor,
		Archive: archiveAt(at.Vendor),
		Timeouts: s3.Timeouts{
			Connect: time.Duration(set.ConnectTimeout), Request: time.Duration(set.RequestTimeout),
			Stall: time.Duration(set.StallTimeout), SlowDown: time.Duration(set.SlowDownTimeout),
			Rate: int64(set.MinimumRate),
		},
	}
	c.Up, c.Down = a.limits(set)
	if a.flags.debug {
		c.Debug = a.tellRequest
	}
	return c, nil
}

// conditions says how a vendor's server takes the conditions of a PUT.
func conditions(v *config.Vendor) s3.Conditions {
	switch {
	case v.Name == "google":
		return s3.Google
	case v.Conditional == "unquoted":
		return s3.Unquoted
	}
	return s3.Quoted
}

// sessionName names this host in the logs of who lends keys for a role, with the
// characters and the length that are allowed there.
func sessionName(host string) string {
	name := "firn-" + strings.Map(func(r rune) rune {
		if r <= unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("=,.@-_", r)) {
			return r
		}
		return '-'
	}, host)
	return name[:min(len(name), 64)]
}

// retries of one call, as the S3 package counts them: zero is its default.
func retries(set *config.Drive) int {
	switch {
	case set.HTTPRetries == nil:
		return 0
	case *set.HTTPRetries == 0:
		return -1
	}
	return *set.HTTPRetries
}

// requestJSON is a request to a bucket as --debug shows it with --json.
type requestJSON struct {
	Method   string  `json:"method"`
	Host     string  `json:"host"`
	Path     string  `json:"path"`
	Query    string  `json:"query"`
	Status   int     `json:"status"`
	Code     string  `json:"code,omitempty"`
	ID       string  `json:"request_id,omitempty"`
	Attempt  int     `json:"attempt"`
	Sent     int64   `json:"bytes_out"`
	Received int64   `json:"bytes_in"`
	Error    string  `json:"error,omitempty"`
	Seconds  float64 `json:"seconds"`
}

// tellRequest shows a request for --debug, on standard error.
func (a *app) tellRequest(l s3.RequestLog) {
	problem := ""
	if l.Err != nil {
		problem = l.Err.Error()
	}
	if a.out.json {
		a.out.emitTo(a.out.stderr, "request", requestJSON{
			l.Method, l.Host, l.Path, l.Query, l.Status, l.Code, l.RequestID, l.Attempt, l.Sent, l.Received, problem, l.Duration.Seconds(),
		})
		return
	}
	text := fmt.Sprintf("request: %s %s%s", l.Method, l.Host, l.Path)
	if l.Query != "" {
		text += "?" + l.Query
	}
	text += fmt.Sprintf("  %d %s %s, sent %s, received %s", l.Status, l.Code, span(l.Duration), size(uint64(l.Sent)), size(uint64(l.Received)))
	if l.Attempt > 1 {
		text += fmt.Sprintf(", attempt %d", l.Attempt)
	}
	if l.RequestID != "" {
		text += ", ID " + l.RequestID
	}
	if problem != "" {
		text += ": " + problem
	}
	a.out.line(a.out.stderr, printable(text))
}
