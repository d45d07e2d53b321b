package cold

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"
	"time"

	"firn/internal/object/objecttest"
)

// headerHash is the SHA-256 of the body, over which the signature is.
const headerHash = "X-Amz-Content-Sha256"

const (
	signedStamp = "20060102T150405Z" // of the header X-Amz-Date
	skew        = 15 * time.Minute   // that clocks may differ
)

// verified says whether a request that the real server will not see as it is bears
// a right signature, and refuses it if not.
func (s *Server) verified(x *exchange) bool {
	r := x.request
	refuse := func(status int, code, message string) bool {
		x.refuse(&objecttest.Refusal{Status: status, Code: code, Message: message})
		return false
	}
	fields := authorization(r.Header.Get("Authorization"))
	scope := strings.Split(fields["Credential"], "/")
	at, err := time.Parse(signedStamp, r.Header.Get("X-Amz-Date"))
	switch {
	case fields == nil || len(scope) != 5 || err != nil:
		return refuse(http.StatusForbidden, "AccessDenied", "Access Denied")
	case scope[0] != s.AccessKey:
		return refuse(http.StatusForbidden, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
	case time.Since(at).Abs() > skew:
		return refuse(http.StatusForbidden, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
	case strings.HasPrefix(r.Header.Get(headerHash), "STREAMING-"):
		return refuse(http.StatusNotImplemented, "NotImplemented", "bodies signed in chunks are not taken beside a storage class")
	}
	names := strings.Split(fields["SignedHeaders"], ";")
	for name := range r.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") && !slices.Contains(names, lower) {
			return refuse(http.StatusForbidden, "AccessDenied", "There were headers present in the request which were not signed")
		}
	}
	wanted := authorization(s.real.Authorization(r, names, scope[2], "s3", at))["Signature"]
	if !hmac.Equal([]byte(wanted), []byte(fields["Signature"])) {
		return refuse(http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided.")
	}
	return true
}

// authorization reads the header of AWS Signature Version 4, nil if it is none.
func authorization(header string) map[string]string {
	list, ok := strings.CutPrefix(header, "AWS4-HMAC-SHA256 ")
	if !ok {
		return nil
	}
	fields := map[string]string{}
	for field := range strings.SplitSeq(list, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		fields[name] = value
	}
	return fields
}

// rewrite sends a request to the real server: as it is, with the host that the
// client signed, or with other headers and the server's keys.
func (s *Server) rewrite(p *httputil.ProxyRequest) {
	p.Out.URL.Scheme, p.Out.URL.Host = s.behind.Scheme, s.behind.Host
	p.Out.Host = p.In.Host
	if !strings.Contains(authorization(p.In.Header.Get("Authorization"))["SignedHeaders"], "accept-encoding") {
		p.Out.Header.Set("Accept-Encoding", "identity") // listings are rewritten
	}
	x := p.In.Context().Value(exchangeKey{}).(*exchange)
	if x.bare == nil {
		return
	}
	p.Out.Host = s.behind.Host
	p.Out.Header = x.bare
	now := time.Now().UTC()
	x.bare.Del("X-Amz-Security-Token")
	x.bare.Set("X-Amz-Date", now.Format(signedStamp))
	names := []string{"host"}
	for name := range x.bare {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-amz-") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	x.bare.Set("Authorization", s.real.Authorization(p.Out, names, s.Region, "s3", now))
}

func hexSum(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
