package s3

import (
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// unlocking is the round tripper that brings the customer's key along when an
// object is read. Objects that were written without the key, which a server
// refuses to show with it, are asked for again without it.
type unlocking struct {
	next   http.RoundTripper
	key    *CustomerKey
	keys   aws.CredentialsProvider
	region func() string // that requests are signed for
}

// RoundTrip implements http.RoundTripper.
func (u unlocking) RoundTrip(request *http.Request) (*http.Response, error) {
	if !readsObject(request) {
		return u.next.RoundTrip(request)
	}
	keys, err := u.keys.Retrieve(request.Context())
	if err != nil {
		return nil, err
	}
	with := request.Clone(request.Context())
	u.key.mark(with.Header)
	if err := signAgain(with.Context(), with, keys, u.region()); err != nil {
		return nil, err
	}
	answer, err := u.next.RoundTrip(with)
	if err != nil || answer.StatusCode != http.StatusBadRequest {
		return answer, err
	}
	if err := answer.Body.Close(); err != nil {
		return nil, err
	}
	if x, ok := request.Context().Value(exchangeKey{}).(*exchange); ok {
		x.renew()
	}
	return u.next.RoundTrip(request)
}

// readsObject says whether a request is for an object itself: those about the
// bucket, or about something else of an object, say so in the query.
func readsObject(request *http.Request) bool {
	if request.Method != http.MethodGet && request.Method != http.MethodHead {
		return false
	}
	for name := range request.URL.Query() {
		if name != "x-id" && !strings.EqualFold(name, "versionId") {
			return false
		}
	}
	return true
}
