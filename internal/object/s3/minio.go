package s3

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/minio/minio-go/v7"
	miniocredentials "github.com/minio/minio-go/v7/pkg/credentials"
)

// minioClient makes requests with MinIO's library.
type minioClient struct {
	api      *minio.Core
	endpoint string
	options  minio.Options
	under    http.RoundTripper
	bucket   string
	region   string
}

func newMinIO(c *Config, p place, shared aws.Config, under http.RoundTripper) (*minioClient, error) {
	m := &minioClient{
		bucket: c.Bucket, region: c.Region, under: under, endpoint: "s3." + c.Region + ".amazonaws.com",
		options: minio.Options{
			Creds:        miniocredentials.New(lent{shared.Credentials}),
			Secure:       true,
			Region:       c.Region,
			BucketLookup: minio.BucketLookupDNS,
			MaxRetries:   1, // Store.call retries
		},
	}
	if p.endpoint != nil {
		m.endpoint, m.options.Secure = p.endpoint.Host, p.endpoint.Scheme == "https"
	}
	if p.pathStyle {
		m.options.BucketLookup = minio.BucketLookupPath
	}
	var err error
	m.api, err = m.over(under)
	return m, err
}

// over returns the library's client over a round tripper.
func (m *minioClient) over(under http.RoundTripper) (*minio.Core, error) {
	options := m.options
	options.Transport = under
	api, err := minio.NewCore(m.endpoint, &options)
	if err == nil {
		api.SetS3EnableDualstack(false) // as AWS's own library does by default
	}
	return api, err
}

func (m *minioClient) get(ctx context.Context, key string, r byteRange, ifMatch string) (io.ReadCloser, error) {
	var opts minio.GetObjectOptions
	if r != whole {
		if err := opts.SetRange(r.first, r.last); err != nil {
			return nil, err
		}
	}
	if ifMatch != "" {
		if err := opts.SetMatchETag(ifMatch); err != nil {
			return nil, err
		}
	}
	body, _, _, err := m.api.GetObject(ctx, m.bucket, key, opts)
	return body, err
}

func (m *minioClient) head(ctx context.Context, key string) error {
	_, err := m.api.StatObject(ctx, m.bucket, key, minio.StatObjectOptions{})
	return err
}

func (m *minioClient) put(ctx context.Context, key string, p putRequest) error {
	opts := minio.PutObjectOptions{
		StorageClass:         p.class,
		DisableContentSha256: true, // no chunked signature: the hash is known
	}
	if len(p.more) > 0 {
		opts.ServerSideEncryption = headerSetter(p.more)
	}
	if p.checksum != "" {
		opts.UserMetadata = map[string]string{"X-Amz-Checksum-Sha256": p.checksum}
	}
	if p.ifAbsent {
		opts.SetMatchETagExcept("*")
	}
	if p.ifMatch != "" {
		opts.SetMatchETag(p.ifMatch)
	}
	if !p.retain.IsZero() {
		opts.Mode, opts.RetainUntilDate = minio.Governance, p.retain.UTC()
	}
	_, err := m.api.PutObject(ctx, m.bucket, key, bytes.NewReader(p.body), int64(len(p.body)), "", p.hexSum, opts)
	return err
}

func (m *minioClient) remove(ctx context.Context, key string) error {
	return m.api.RemoveObject(ctx, m.bucket, key, minio.RemoveObjectOptions{})
}

func (m *minioClient) removeMany(ctx context.Context, keys []string) ([]removal, error) {
	objects := func(yield func(minio.ObjectInfo) bool) {
		for _, key := range keys {
			if !yield(minio.ObjectInfo{Key: key}) {
				return
			}
		}
	}
	results, err := m.api.RemoveObjectsWithIter(ctx, m.bucket, objects, minio.RemoveObjectsOptions{})
	if err != nil {
		return nil, err
	}
	var removals []removal
	for result := range results {
		removed := removal{key: result.ObjectName}
		if result.Err != nil {
			answer := minio.ToErrorResponse(result.Err)
			removed.code, removed.message = answer.Code, answer.Message
			if answer.Code == "" || !slices.Contains(keys, result.ObjectName) {
				return nil, result.Err
			}
		}
		removals = append(removals, removed)
	}
	return removals, nil
}

// bound is a round tripper that gives requests a context, for calls of the
// library that take none.
type bound struct {
	http.RoundTripper
	ctx context.Context
}

func (b bound) RoundTrip(request *http.Request) (*http.Response, error) {
	return b.RoundTripper.RoundTrip(request.WithContext(b.ctx))
}

func (m *minioClient) list(ctx context.Context, prefix, token string) (page, error) {
	return m.listOver(bound{m.under, ctx}, prefix, token)
}

// listOver asks for a page over a round tripper.
func (m *minioClient) listOver(under http.RoundTripper, prefix, token string) (page, error) {
	api, err := m.over(under)
	if err != nil {
		return page{}, err
	}
	out, err := api.ListObjectsV2(m.bucket, prefix, "", token, "", pageKeys)
	if err != nil {
		return page{}, err
	}
	return minioPage(out.Contents, out.IsTruncated, out.NextContinuationToken), nil
}

func (m *minioClient) listV1(ctx context.Context, prefix, after string) (page, error) {
	api, err := m.over(bound{m.under, ctx})
	if err != nil {
		return page{}, err
	}
	out, err := api.ListObjects(m.bucket, prefix, after, "", pageKeys)
	if err != nil {
		return page{}, err
	}
	return minioPage(out.Contents, out.IsTruncated, out.NextMarker), nil
}

func minioPage(contents []minio.ObjectInfo, truncated bool, token string) page {
	got := page{truncated: truncated, token: token}
	for _, object := range contents {
		got.items = append(got.items, item{
			key: object.Key, size: object.Size, modified: object.LastModified,
			etag: object.ETag, class: object.StorageClass,
		})
		if status := object.Restore; status != nil {
			got.items[len(got.items)-1].restored = restoredIn(status.OngoingRestore, status.ExpiryTime)
		}
	}
	return got
}

func (m *minioClient) createBucket(ctx context.Context, location string) error {
	if location == "" {
		location = m.region
	}
	return m.api.MakeBucket(ctx, m.bucket, minio.MakeBucketOptions{Region: location})
}
