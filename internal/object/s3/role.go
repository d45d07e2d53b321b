package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"firn/internal/object"
)

// Role is a role to assume with the keys (STS AssumeRole): requests are signed
// with temporary keys, fetched anew before they expire.
type Role struct {
	ARN        string // "" for none
	ExternalID string // what the role's owner asks for besides the keys
	Session    string // name of the session in the provider's logs; "firn" if empty
	// Duration is for how long keys are asked for; 1 hour, which every role allows.
	Duration time.Duration
}

// Keys are replaced this long before they expire: a request signed with them
// has that long to arrive.
const expiryWindow = 5 * time.Minute

// errRole marks the failure to assume a role.
var errRole = errors.New("the role cannot be assumed")

// assume returns a provider of the role's keys. On AWS they come from the
// region's STS, elsewhere from the S3 endpoint itself, as MinIO and Ceph have it.
func (r Role) assume(c *Config, p place, keys aws.CredentialsProvider, w *wire) aws.CredentialsProvider {
	api := sts.New(sts.Options{
		Region: c.Region, Credentials: keys,
		HTTPClient: &http.Client{Transport: aside{w}, Timeout: c.Timeouts.Request},
		Retryer:    aws.NopRetryer{}, // Store.call retries
	}, func(o *sts.Options) {
		if !p.onAWS {
			o.BaseEndpoint = aws.String(p.endpoint.String())
		}
	})
	provider := stscreds.NewAssumeRoleProvider(api, r.ARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName, o.Duration = r.Session, r.Duration
		if o.RoleSessionName == "" {
			o.RoleSessionName = "firn"
		}
		if o.Duration == 0 {
			o.Duration = time.Hour
		}
		if r.ExternalID != "" {
			o.ExternalID = aws.String(r.ExternalID)
		}
	})
	return aws.NewCredentialsCache(assumed{provider}, func(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = expiryWindow })
}

// assumed marks the errors of a role's provider.
type assumed struct{ provider aws.CredentialsProvider }

// Retrieve implements aws.CredentialsProvider.
func (a assumed) Retrieve(ctx context.Context) (aws.Credentials, error) {
	ctx, cancel := context.WithTimeout(ctx, credentialTime)
	defer cancel()
	got, err := a.provider.Retrieve(ctx)
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("%w: %w", errRole, err)
	}
	return got, nil
}

// roleFault explains why a role could not be assumed.
func (s *Store) roleFault(err error) *fault {
	var refusal smithy.APIError
	switch {
	case errors.Is(err, errNoCredentials):
		return s.keysFault(err)
	case !errors.As(err, &refusal):
		return s.networkFault(err)
	}
	r := byCode[refusal.ErrorCode()]
	if r.is == nil {
		r.is = object.ErrAccess
	}
	if r.is == object.ErrAccess {
		r.advice = "check role_arn and external_id, and that the role's trust policy lets these keys in"
	}
	return &fault{rule: r, detail: fmt.Sprintf("%v: %s: %s", errRole, oneLine(refusal.ErrorCode(), 64), s.scrub(oneLine(refusal.ErrorMessage(), 300)))}
}

// aside is the round tripper for requests that are not for the bucket. They are
// logged like the others; their bodies hold secrets and are not looked at.
type aside struct{ *wire }

// RoundTrip implements http.RoundTripper.
func (a aside) RoundTrip(request *http.Request) (*http.Response, error) {
	log := RequestLog{Method: request.Method, Host: request.URL.Host, Path: request.URL.Path, Attempt: 1, Sent: max(0, request.ContentLength)}
	begun := time.Now()
	answer, err := a.base.RoundTrip(request)
	log.Duration, log.Err = time.Since(begun), err
	if err == nil {
		log.Status, log.RequestID, log.Received = answer.StatusCode, answer.Header.Get("X-Amzn-RequestId"), max(0, answer.ContentLength)
		a.setClock(answer.Header, begun, time.Now())
	}
	a.report(log)
	return answer, err
}
