package s3

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// awsClient makes requests with AWS's own library.
type awsClient struct {
	api    *s3.Client
	bucket *string
	region string
	onAWS  bool
}

func newAWS(c *Config, p place, shared aws.Config, under http.RoundTripper) *awsClient {
	api := s3.NewFromConfig(shared, func(o *s3.Options) {
		o.Region = c.Region
		o.BaseEndpoint = nil
		if p.endpoint != nil {
			o.BaseEndpoint = aws.String(p.endpoint.String())
		}
		o.UsePathStyle = p.pathStyle
		o.HTTPClient = &http.Client{
			Transport:     under,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
		o.HTTPSignerV4 = signer{v4.NewSigner(func(s *v4.SignerOptions) { s.DisableURIPathEscaping = true })}
		o.Retryer, o.RetryMaxAttempts = aws.NopRetryer{}, 0 // Store.call retries
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		o.ContinueHeaderThresholdBytes = -1 // "Expect: 100-continue" costs a round trip
		o.DisableLogOutputChecksumValidationSkipped = true
	})
	return &awsClient{api: api, bucket: aws.String(c.Bucket), region: c.Region, onAWS: p.onAWS}
}

// signer leaves Accept-Encoding out of the signature: Google's servers change
// it before they verify.
type signer struct{ s3.HTTPSignerV4 }

func (s signer) SignHTTP(ctx context.Context, credentials aws.Credentials, r *http.Request, payloadHash, service, region string,
	signingTime time.Time, optFns ...func(*v4.SignerOptions)) error {
	encoding := r.Header.Get("Accept-Encoding")
	r.Header.Del("Accept-Encoding")
	err := s.HTTPSignerV4.SignHTTP(ctx, credentials, r, payloadHash, service, region, signingTime, optFns...)
	if encoding != "" {
		r.Header.Set("Accept-Encoding", encoding)
	}
	return err
}

func (a *awsClient) get(ctx context.Context, key string, r byteRange, ifMatch string) (io.ReadCloser, error) {
	in := &s3.GetObjectInput{Bucket: a.bucket, Key: &key}
	if r != whole {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", r.first, r.last))
	}
	if ifMatch != "" {
		in.IfMatch = aws.String(`"` + ifMatch + `"`)
	}
	out, err := a.api.GetObject(ctx, in)
	if err != nil {
		return nil, err
	}
	return out.Body, nil
}

func (a *awsClient) head(ctx context.Context, key string) error {
	_, err := a.api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: a.bucket, Key: &key})
	return err
}

func (a *awsClient) put(ctx context.Context, key string, p putRequest) error {
	in := &s3.PutObjectInput{
		Bucket: a.bucket, Key: &key, Body: bytes.NewReader(p.body), ContentLength: aws.Int64(int64(len(p.body))),
		StorageClass: types.StorageClass(p.class),
	}
	if p.checksum != "" {
		in.ChecksumSHA256 = &p.checksum
	}
	if p.ifAbsent {
		in.IfNoneMatch = aws.String("*")
	}
	if p.ifMatch != "" {
		in.IfMatch = aws.String(`"` + p.ifMatch + `"`)
	}
	if !p.retain.IsZero() {
		in.ObjectLockMode, in.ObjectLockRetainUntilDate = types.ObjectLockModeGovernance, &p.retain
	}
	_, err := a.api.PutObject(ctx, in, s3.WithAPIOptions(func(stack *middleware.Stack) error {
		if err := setHeaders(stack, p.more); err != nil {
			return err
		}
		return stack.Initialize.Add(payloadHash(p.hexSum), middleware.Before)
	}))
	return err
}

// payloadHash tells the library the body's hash, which it would compute else.
func payloadHash(hexSum string) middleware.InitializeMiddleware {
	return middleware.InitializeMiddlewareFunc("KnownPayloadHash", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		return next.HandleInitialize(v4.SetPayloadHash(ctx, hexSum), in)
	})
}

func (a *awsClient) remove(ctx context.Context, key string) error {
	_, err := a.api.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: a.bucket, Key: &key})
	return err
}

func (a *awsClient) removeMany(ctx context.Context, keys []string) ([]removal, error) {
	objects := make([]types.ObjectIdentifier, len(keys))
	for i := range keys {
		objects[i].Key = &keys[i]
	}
	out, err := a.api.DeleteObjects(ctx, &s3.DeleteObjectsInput{
		Bucket: a.bucket, Delete: &types.Delete{Objects: objects, Quiet: aws.Bool(false)},
	}, s3.WithAPIOptions(smithyhttp.AddContentChecksumMiddleware)) // Content-MD5, which some servers demand
	if err != nil {
		return nil, err
	}
	removals := make([]removal, 0, len(keys))
	for _, deleted := range out.Deleted {
		removals = append(removals, removal{key: aws.ToString(deleted.Key)})
	}
	for _, failed := range out.Errors {
		code := aws.ToString(failed.Code)
		if code == "" {
			code = "InternalError"
		}
		removals = append(removals, removal{aws.ToString(failed.Key), code, aws.ToString(failed.Message)})
	}
	return removals, nil
}

func (a *awsClient) list(ctx context.Context, prefix, token string) (page, error) {
	return a.listed(ctx, a.listing(prefix, token))
}

// listing is the request for a page.
func (a *awsClient) listing(prefix, token string) *s3.ListObjectsV2Input {
	in := &s3.ListObjectsV2Input{
		Bucket: a.bucket, Prefix: &prefix, MaxKeys: aws.Int32(pageKeys), EncodingType: types.EncodingTypeUrl,
	}
	if token != "" {
		in.ContinuationToken = &token
	}
	return in
}

func (a *awsClient) listed(ctx context.Context, in *s3.ListObjectsV2Input) (page, error) {
	out, err := a.api.ListObjectsV2(ctx, in)
	if err != nil {
		return page{}, err
	}
	return pageOf(out.Contents, aws.ToBool(out.IsTruncated), aws.ToString(out.NextContinuationToken), out.EncodingType)
}

func (a *awsClient) listV1(ctx context.Context, prefix, after string) (page, error) {
	in := &s3.ListObjectsInput{
		Bucket: a.bucket, Prefix: &prefix, MaxKeys: aws.Int32(pageKeys), EncodingType: types.EncodingTypeUrl,
	}
	if after != "" {
		in.Marker = &after
	}
	out, err := a.api.ListObjects(ctx, in)
	if err != nil {
		return page{}, err
	}
	next := aws.ToString(out.NextMarker)
	if out.EncodingType == types.EncodingTypeUrl {
		if next, err = url.QueryUnescape(next); err != nil {
			return page{}, fmt.Errorf("decode key: %w", err)
		}
	}
	return pageOf(out.Contents, aws.ToBool(out.IsTruncated), next, out.EncodingType)
}

// pageOf builds a page, keys decoded.
func pageOf(contents []types.Object, truncated bool, token string, encoding types.EncodingType) (page, error) {
	got := page{truncated: truncated, token: token}
	for _, object := range contents {
		key := aws.ToString(object.Key)
		if encoding == types.EncodingTypeUrl {
			var err error
			if key, err = url.QueryUnescape(key); err != nil {
				return page{}, fmt.Errorf("decode key: %w", err)
			}
		}
		got.items = append(got.items, item{
			key: key, size: aws.ToInt64(object.Size), modified: aws.ToTime(object.LastModified),
			etag: aws.ToString(object.ETag), class: string(object.StorageClass),
		})
		if status := object.RestoreStatus; status != nil {
			got.items[len(got.items)-1].restored = restoredIn(aws.ToBool(status.IsRestoreInProgress), aws.ToTime(status.RestoreExpiryDate))
		}
	}
	return got, nil
}

func (a *awsClient) createBucket(ctx context.Context, location string) error {
	if location == "" && a.region != defaultRegion {
		location = a.region
	}
	in := &s3.CreateBucketInput{Bucket: a.bucket}
	if location != "" && location != defaultRegion {
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{
			LocationConstraint: types.BucketLocationConstraint(location),
		}
	}
	_, err := a.api.CreateBucket(ctx, in)
	return err
}
