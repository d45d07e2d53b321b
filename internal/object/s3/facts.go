package s3

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// Versioning says what a bucket does with objects that are overwritten or
// deleted.
type Versioning string

// The states of versioning.
const (
	Unversioned Versioning = ""          // they are gone
	Versioned   Versioning = "Enabled"   // they are kept as versions
	Suspended   Versioning = "Suspended" // as Unversioned, but older versions are still there
)

// ObjectLock is a bucket's Object Lock configuration.
type ObjectLock struct {
	Enabled bool
	Mode    string // GOVERNANCE or COMPLIANCE by default for new objects; "" for none
	Days    int    // how long new objects are locked by default
	Years   int    // the same in years; only one of both is set
}

// tells is what a library's client can say of the bucket itself.
type tells interface {
	// document reads one of the XML documents about the bucket and hands it to
	// the library for reading too, so that both have to make sense of it.
	document(ctx context.Context, kind string) ([]byte, error)
	headBucket(ctx context.Context) error
}

var (
	_ tells = (*awsClient)(nil)
	_ tells = (*minioClient)(nil)
)

// The documents about a bucket, as requests name them.
const (
	documentVersioning = "versioning"
	documentLifecycle  = "lifecycle"
	documentLock       = "object-lock"
	documentTiering    = "intelligent-tiering"
)

// Versioning asks whether the bucket keeps versions. It takes the right
// s3:GetBucketVersioning.
func (s *Store) Versioning(ctx context.Context) (Versioning, error) {
	var answer struct {
		XMLName xml.Name `xml:"VersioningConfiguration"`
		Status  Versioning
	}
	if _, err := s.describe(ctx, documentVersioning, &answer); err != nil {
		return Unversioned, err
	}
	switch answer.Status {
	case Unversioned, Versioned, Suspended:
		return answer.Status, nil
	}
	return Unversioned, fail(opDescribe+documentVersioning, "", wrongAnswer(fmt.Sprintf("status %q", oneLine(string(answer.Status), 40))))
}

// ObjectLock asks whether objects can be locked against deletion, and whether
// they are by default. It takes the right s3:GetBucketObjectLockConfiguration.
func (s *Store) ObjectLock(ctx context.Context) (ObjectLock, error) {
	var answer struct {
		XMLName xml.Name `xml:"ObjectLockConfiguration"`
		Enabled string   `xml:"ObjectLockEnabled"`
		Default struct {
			Mode        string
			Days, Years int
		} `xml:"Rule>DefaultRetention"`
	}
	there, err := s.describe(ctx, documentLock, &answer)
	if err != nil || !there || answer.Enabled != "Enabled" {
		return ObjectLock{}, err
	}
	return ObjectLock{true, answer.Default.Mode, answer.Default.Days, answer.Default.Years}, nil
}

// Region asks in which region the bucket is; "" if the server does not say. It
// takes the right s3:ListBucket.
func (s *Store) Region(ctx context.Context) (string, error) {
	region := ""
	err := s.call(ctx, opDescribe+"region", "", 0, func(ctx context.Context, x *exchange) error {
		err := s.client.(tells).headBucket(ctx)
		region = oneLine(x.region, 64)
		return err
	})
	if err != nil && region == "" { // a refusal names the region too
		return "", err
	}
	return region, nil
}

// DeletesMany says that the server has not been seen to refuse deleting several
// objects in one request.
func (s *Store) DeletesMany() bool { return !s.oneByOne.Load() }

// opDescribe begins the names of the operations on the bucket itself.
const opDescribe = "read bucket's "

// describe reads a document about the bucket into answer and says whether the
// bucket has it.
func (s *Store) describe(ctx context.Context, kind string, answer any) (there bool, err error) {
	err = s.call(ctx, opDescribe+kind, "", 0, func(ctx context.Context, x *exchange) error {
		there = false
		text, err := s.client.(tells).document(ctx, kind)
		if x.status == http.StatusNotFound && x.code != "" && x.code != "NoSuchBucket" {
			return nil // each document has an error code of its own for its absence
		}
		if err != nil {
			return err
		}
		if err := xml.Unmarshal(text, answer); err != nil {
			return wrongAnswer(kind + ": " + err.Error())
		}
		there = true
		return nil
	})
	return there && err == nil, err
}

// maxDocument bounds a document about a bucket: a thousand rules, the most that
// S3 allows, are well below it.
const maxDocument = 4 << 20

// errLongDocument refuses what is longer.
var errLongDocument = errors.New("document about the bucket is too long")

// overheard sends requests on and keeps the body of the last successful answer.
type overheard struct {
	send func(*http.Request) (*http.Response, error)
	text []byte
}

// RoundTrip implements http.RoundTripper.
func (o *overheard) RoundTrip(request *http.Request) (*http.Response, error) {
	answer, err := o.send(request)
	if err != nil || answer.StatusCode >= 300 {
		return answer, err
	}
	o.text, err = io.ReadAll(io.LimitReader(answer.Body, maxDocument+1))
	if closing := answer.Body.Close(); err == nil {
		err = closing
	}
	if err == nil && len(o.text) > maxDocument {
		err = errLongDocument
	}
	if err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(o.text))
	return answer, nil
}

// Do is RoundTrip under the name that AWS's library uses.
func (o *overheard) Do(request *http.Request) (*http.Response, error) { return o.RoundTrip(request) }
