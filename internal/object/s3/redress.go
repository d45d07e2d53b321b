package s3

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"firn/internal/object"
)

// Conditions says in which words a server takes the conditions of a Put.
type Conditions string

// The ways to say a condition.
const (
	Quoted   Conditions = ""         // If-None-Match: *, If-Match: "ETag", as AWS has it
	Unquoted Conditions = "unquoted" // If-Match: ETag (DigitalOcean, Ceph)
	// Google's own x-goog-if-generation-match: 0 instead of If-None-Match, which it
	// passes over. It does not stand beside headers named x-amz-, so that such a
	// request is signed in Google's way. There is nothing for If-Match.
	Google Conditions = "google"
)

// redress is the round tripper between the libraries and the wire. It changes
// what both libraries say in a way that the server does not understand, and
// signs anew.
type redress struct {
	wire       http.RoundTripper
	keys       aws.CredentialsProvider
	conditions Conditions
	onAWS      bool
	region     string                 // that the libraries sign for
	found      atomic.Pointer[string] // region of the bucket, if it is another; nil if not known
}

// RoundTrip implements http.RoundTripper.
func (r *redress) RoundTrip(request *http.Request) (*http.Response, error) {
	found := r.found.Load()
	none, match := request.Header.Get("If-None-Match"), request.Header.Get("If-Match")
	puts := request.Method == http.MethodPut
	toGoogle := r.conditions == Google && puts && none != ""
	unquotes := r.conditions == Unquoted && puts && match != ""
	if found == nil && !toGoogle && !unquotes {
		return r.wire.RoundTrip(request)
	}
	keys, err := r.keys.Retrieve(request.Context())
	if err != nil {
		return nil, err
	}
	request = request.Clone(request.Context())
	region := r.region
	if found != nil {
		region = *found
		r.move(request, region)
	}
	if toGoogle {
		request.Header.Del("If-None-Match")
		request.Header.Set("X-Goog-If-Generation-Match", "0")
		if err := signGoogle(request, keys, region, time.Now()); err != nil {
			return nil, err
		}
		return r.wire.RoundTrip(request)
	}
	if unquotes {
		request.Header.Set("If-Match", strings.Trim(match, `"`))
	}
	if err := signAgain(request.Context(), request, keys, region); err != nil {
		return nil, err
	}
	return r.wire.RoundTrip(request)
}

// current returns the region that requests are signed for.
func (r *redress) current() string {
	if found := r.found.Load(); found != nil {
		return *found
	}
	return r.region
}

// move sends a request to another region. AWS has it in the host's name.
func (r *redress) move(request *http.Request, region string) {
	if r.onAWS {
		from, to := "."+r.region+".", "."+region+"."
		request.URL.Host = strings.Replace(request.URL.Host, from, to, 1)
		request.Host = strings.Replace(request.Host, from, to, 1)
	}
}

// signAgain replaces a request's signature.
func signAgain(ctx context.Context, request *http.Request, keys aws.Credentials, region string) error {
	for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token"} {
		request.Header.Del(name)
	}
	sign := signer{v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })}
	err := sign.SignHTTP(ctx, keys, request, request.Header.Get("X-Amz-Content-Sha256"), "s3", region, time.Now())
	if err != nil {
		return fmt.Errorf("sign request: %w", err)
	}
	return nil
}

// googleNames are Google's names for headers of AWS, "" for those it can do
// without in a request that it signs itself.
var googleNames = map[string]string{
	"X-Amz-Content-Sha256": "X-Goog-Content-Sha256", "X-Amz-Storage-Class": "X-Goog-Storage-Class",
	"X-Amz-Date": "", "X-Amz-Checksum-Sha256": "", "X-Amz-Sdk-Checksum-Algorithm": "",
}

// signGoogle signs a request with Google's variant of AWS's version 4
// (GOOG4-HMAC-SHA256, "V4 signing process with your own program" in the Cloud
// Storage documentation). What else it asks for in AWS's words is
// ErrUnsupported: it must not get lost.
func signGoogle(request *http.Request, keys aws.Credentials, region string, now time.Time) error {
	request.Header.Del("Authorization")
	for name, values := range request.Header {
		if !strings.HasPrefix(name, "X-Amz-") {
			continue
		}
		own, known := googleNames[name]
		if !known {
			return &fault{rule: rule{is: object.ErrUnsupported}, detail: name + " beside a condition in Google's words"}
		}
		request.Header.Del(name)
		if own != "" {
			request.Header[own] = values
		}
	}
	request.Header.Set("X-Goog-Date", now.UTC().Format("20060102T150405Z"))
	scheme{"GOOG4", "storage", "goog4_request"}.sign(request, keys, region, request.Header.Get("X-Goog-Content-Sha256"), now)
	return nil
}

// scheme is what tells the variants of signature version 4 apart.
type scheme struct{ name, service, end string }

// sign adds the header Authorization over the host and all headers that the
// service gives a meaning of its own.
func (s scheme) sign(request *http.Request, keys aws.Credentials, region, hash string, now time.Time) {
	host := request.Host
	if host == "" {
		host = request.URL.Host
	}
	headers := map[string]string{"host": host}
	for name, values := range request.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-goog-") || strings.HasPrefix(name, "x-amz-") {
			headers[name] = strings.TrimSpace(strings.Join(values, ","))
		}
	}
	names := make([]string, 0, len(headers))
	for name := range headers {
		names = append(names, name)
	}
	slices.Sort(names)
	var canonical strings.Builder
	fmt.Fprintf(&canonical, "%s\n%s\n%s\n", request.Method, request.URL.EscapedPath(), strings.ReplaceAll(request.URL.Query().Encode(), "+", "%20"))
	for _, name := range names {
		fmt.Fprintf(&canonical, "%s:%s\n", name, headers[name])
	}
	signed := strings.Join(names, ";")
	fmt.Fprintf(&canonical, "\n%s\n%s", signed, hash)

	day := now.UTC().Format("20060102")
	scope := strings.Join([]string{day, region, s.service, s.end}, "/")
	sum := sha256.Sum256([]byte(canonical.String()))
	text := strings.Join([]string{s.name + "-HMAC-SHA256", now.UTC().Format("20060102T150405Z"), scope, hex.EncodeToString(sum[:])}, "\n")
	key := []byte(s.name + keys.SecretAccessKey)
	for _, part := range []string{day, region, s.service, s.end, text} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	request.Header.Set("Authorization", fmt.Sprintf("%s-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%x",
		s.name, keys.AccessKeyID, scope, signed, key))
}
