package s3

import (
	"context"
	"fmt"

	"firn/internal/object"
)

func (m *minioClient) document(ctx context.Context, kind string) ([]byte, error) {
	answer := overheard{send: m.under.RoundTrip}
	api, err := m.over(&answer)
	if err != nil {
		return nil, err
	}
	switch kind {
	case documentVersioning:
		_, err = api.GetBucketVersioning(ctx, m.bucket)
	case documentLifecycle:
		_, err = api.GetBucketLifecycle(ctx, m.bucket)
	case documentLock:
		_, _, _, _, err = api.GetObjectLockConfig(ctx, m.bucket)
	default: // documentTiering, which this library does not know
		err = fmt.Errorf("%w: the library minio has no request for %s", object.ErrUnsupported, kind)
	}
	return answer.text, err
}

func (m *minioClient) headBucket(ctx context.Context) error {
	there, err := m.api.BucketExists(ctx, m.bucket)
	if err == nil && !there {
		err = fmt.Errorf("no bucket %s", m.bucket)
	}
	return err
}
