package s3

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"firn/internal/object"
)

// troubles are what can go wrong with a drive, as an answer of the server or as
// what the network says, and a part of why and of what to do that must be told.
var troubles = []struct {
	name        string
	answer      *exchange
	network     error
	why, advice string
}{
	{name: "access key not known", answer: denied("InvalidAccessKeyId"), why: "InvalidAccessKeyId", advice: "access_key"},
	{name: "secret key wrong", answer: denied("SignatureDoesNotMatch"), why: "SignatureDoesNotMatch", advice: "secret_key"},
	{name: "account not enabled", answer: denied("NotSignedUp"), why: "NotSignedUp", advice: "enable it"},
	{name: "right is missing", answer: denied("AccessDenied"), why: "AccessDenied", advice: "permission"},
	{name: "bucket disabled", answer: denied("AllAccessDisabled"), why: "AllAccessDisabled", advice: "support"},
	{name: "object is locked", answer: denied("ObjectLocked"), why: "ObjectLocked", advice: "retention"},
	{name: "object is in cold storage", answer: denied("InvalidObjectState"), why: "InvalidObjectState", advice: "thaw"},
	{name: "clocks differ", answer: denied("RequestTimeTooSkewed"), why: "RequestTimeTooSkewed", advice: "clock"},
	{name: "token has expired", answer: replied(400, "ExpiredToken"), why: "ExpiredToken", advice: "fresh temporary credentials"},
	{name: "token is of other keys", answer: replied(400, "InvalidToken"), why: "InvalidToken", advice: "of one set"},
	{name: "no such bucket", answer: replied(404, "NoSuchBucket"), why: "NoSuchBucket", advice: "create the bucket"},
	{name: "bucket's name is taken", answer: replied(409, "BucketAlreadyExists"), why: "BucketAlreadyExists", advice: "choose another"},
	{name: "bucket's name is not allowed", answer: replied(400, "InvalidBucketName"), why: "InvalidBucketName", advice: "3 to 63 characters"},
	{name: "too many buckets", answer: replied(400, "TooManyBuckets"), why: "TooManyBuckets", advice: "limit"},
	{name: "wrong region, named", answer: &exchange{status: 301, code: "PermanentRedirect", region: "eu-west-1"}, why: "wrong region", advice: `"eu-west-1"`},
	{name: "wrong region in signature", answer: &exchange{status: 400, code: "AuthorizationHeaderMalformed", region: "eu-west-1"}, why: "wrong region", advice: `"eu-west-1"`},
	{name: "wrong region, not named", answer: &exchange{status: 301}, why: "wrong region or endpoint", advice: "set region"},
	{name: "wrong location of a new bucket", answer: replied(400, "IllegalLocationConstraintException"), why: "IllegalLocation", advice: "set region"},
	{name: "new bucket not known everywhere", answer: replied(307, "TemporaryRedirect"), why: "TemporaryRedirect", advice: "try later"},
	{name: "bucket belongs in the path", answer: &exchange{status: 404, code: "NoSuchBucket", named: "backups"}, why: `took "backups" for the bucket`, advice: "force_path_style: true"},
	{name: "bucket belongs in the host's name", answer: denied("SecondLevelDomainForbidden"), why: "SecondLevelDomainForbidden", advice: "force_path_style: false"},
	{name: "storage class not known", answer: replied(400, "InvalidStorageClass"), why: "InvalidStorageClass", advice: "storage_class"},
	{name: "quota", answer: denied("QuotaExceeded"), why: "QuotaExceeded", advice: "quota"},
	{name: "disk of the server full", answer: replied(507, "XMinioStorageFull"), why: "XMinioStorageFull", advice: "make room"},
	{name: "too large for a proxy", answer: replied(413, ""), why: "413", advice: "proxy"},
	{name: "slow down", answer: replied(503, "SlowDown"), why: "SlowDown", advice: "fewer connections"},
	{name: "too many requests", answer: replied(429, ""), why: "429", advice: "fewer connections"},
	{name: "trouble at the server", answer: replied(500, "InternalError"), why: "InternalError", advice: "later"},
	{name: "bytes changed on the way", answer: replied(400, "XAmzContentSHA256Mismatch"), why: "Mismatch", advice: "https"},
	{name: "names like folders", answer: replied(409, "ObjectParentIsFile"), why: "ObjectParentIsFile", advice: "both a and a/b"},
	{name: "proxy wants a password", answer: replied(407, ""), why: "407", advice: "proxy"},
	{name: "plain HTTP on a TLS port", answer: &exchange{status: 400, message: "Client sent an HTTP request to an HTTPS server."}, why: "HTTPS", advice: "https://"},
	{name: "TLS on a plain HTTP port", network: tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, why: "does not speak TLS", advice: "use_tls: false"},
	{name: "unknown authority", network: x509.UnknownAuthorityError{}, why: "unknown authority", advice: "ca_file"},
	{name: "certificate of another name", network: x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{"other.test"}}, Host: "s3.test"}, why: "another name", advice: "endpoint"},
	{name: "certificate out of date", network: x509.CertificateInvalidError{Reason: x509.Expired}, why: "not valid", advice: "clock"},
	{name: "client certificate wanted", network: errors.New("remote error: tls: certificate required"), why: "refused TLS", advice: "client certificate"},
	{name: "host not known", network: &net.DNSError{Err: "no such host", Name: "s3.tset", IsNotFound: true}, why: "s3.tset", advice: "endpoint and region"},
	{name: "name server silent", network: &net.DNSError{Err: "i/o timeout", Name: "s3.test", IsTimeout: true}, why: "DNS does not answer", advice: "name server"},
	{name: "refused", network: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, why: "connection refused", advice: "host and port"},
	{name: "no network", network: &net.OpError{Op: "dial", Err: syscall.ENETUNREACH}, why: "no route", advice: "network"},
	{name: "no route to the host", network: &net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}, why: "no route to the host", advice: "endpoint"},
	{name: "timed out", network: &url.Error{Op: "Get", URL: "http://s3.test", Err: timeoutError{}}, why: "timed out", advice: "server runs"},
	{name: "silence", network: fmt.Errorf("%w in time", errStalled), why: "does not answer", advice: "server runs"},
	{name: "too slow", network: fmt.Errorf("%w: over 30s", errSlow), why: "too slow", advice: "fewer connections"},
	{name: "reset", network: &net.OpError{Op: "read", Err: syscall.ECONNRESET}, why: "connection reset", advice: "try later"},
	{name: "broke off", network: io.ErrUnexpectedEOF, why: "broke off", advice: "try later"},
	{name: "proxy not there", network: &net.OpError{Op: "proxyconnect", Err: syscall.ECONNREFUSED}, why: "proxy", advice: "check proxy"},
}

func replied(status int, code string) *exchange { return &exchange{status: status, code: code} }
func denied(code string) *exchange              { return replied(http.StatusForbidden, code) }

type timeoutError struct{}

func (timeoutError) Error() string { return "context deadline exceeded" }
func (timeoutError) Timeout() bool { return true }

// TestTroubles holds every trouble to one line each for what, why, and what to
// do. With -v it shows the list.
func TestTroubles(t *testing.T) {
	s := &Store{bucket: "bucket", inHost: true, secrets: []string{"very-secret"}, wire: &wire{}}
	late := time.Hour
	s.wire.offset.Store(&late)
	for _, trouble := range troubles {
		t.Run(trouble.name, func(t *testing.T) {
			var f *fault
			if trouble.answer != nil {
				trouble.answer.message += "very-secret words of the server"
				f = s.answerFault(opPut, trouble.answer)
			} else {
				f = s.networkFault(trouble.network)
			}
			err := fail(opPut, "a/b", f)
			var failed *object.Error
			if !errors.As(err, &failed) {
				t.Fatalf("%T", err)
			}
			text := err.Error()
			switch {
			case !strings.HasPrefix(text, "put a/b: "):
				t.Errorf("does not say what failed: %s", text)
			case !strings.Contains(text, trouble.why):
				t.Errorf("does not say why (%s): %s", trouble.why, text)
			case !strings.Contains(failed.Advice, trouble.advice):
				t.Errorf("does not say what to do (%s): %s", trouble.advice, failed.Advice)
			case strings.Contains(text+failed.Advice, "very-secret"):
				t.Errorf("tells a secret: %s", text)
			}
			t.Logf("| %s | %s | %s |", trouble.name, strings.TrimPrefix(text, "put a/b: "), failed.Advice)
		})
	}
}

// TestHostWithoutBucketIsKnown tells a host that takes no bucket before it from
// one that is not there at all.
func TestHostWithoutBucketIsKnown(t *testing.T) {
	unknown := &net.DNSError{Err: "no such host", Name: "bucket.127.0.0.1", IsNotFound: true}
	for inHost, want := range map[bool]string{true: adviceToPath, false: "check endpoint"} {
		s := &Store{bucket: "bucket", host: "127.0.0.1", inHost: inHost}
		if f := s.networkFault(unknown); !strings.Contains(f.advice, want) {
			t.Errorf("bucket in host %v: %v: advice %q, want %q", inHost, f, f.advice, want)
		}
	}
}
