package s3

import (
	"context"
	"net/http"

	"github.com/minio/minio-go/v7"
	miniosigner "github.com/minio/minio-go/v7/pkg/signer"

	"firn/internal/object"
)

func (m *minioClient) restore(ctx context.Context, key string, tier object.Tier, days int) error {
	var request minio.RestoreRequest
	request.SetGlacierJobParameters(minio.GlacierJobParameters{Tier: minio.TierType(tierName[tier])})
	if days > 0 {
		request.SetDays(days)
	}
	return m.api.RestoreObject(ctx, m.bucket, key, "", request)
}

// attributed asks in a listing for what is known of copies, for which the
// library's call for one page has no word.
type attributed struct {
	minioClient *minioClient
	next        http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (a attributed) RoundTrip(request *http.Request) (*http.Response, error) {
	keys, err := a.minioClient.options.Creds.GetWithContext(nil)
	if err != nil {
		return nil, err
	}
	request = request.Clone(request.Context())
	request.Header.Set("X-Amz-Optional-Object-Attributes", "RestoreStatus")
	for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token"} {
		request.Header.Del(name)
	}
	return a.next.RoundTrip(miniosigner.SignV4(*request, keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken, a.minioClient.region))
}

func (m *minioClient) listRestores(ctx context.Context, prefix, token string) (page, error) {
	return m.listOver(attributed{m, bound{m.under, ctx}}, prefix, token)
}

func (m *minioClient) copyOnto(ctx context.Context, key string, asked http.Header) error {
	flat := make(map[string]string, len(asked))
	for name := range asked {
		flat[name] = asked.Get(name)
	}
	_, err := m.api.CopyObject(ctx, m.bucket, key, m.bucket, key, flat, minio.CopySrcOptions{}, minio.PutObjectOptions{})
	return err
}
