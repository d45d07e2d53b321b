package s3

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"firn/internal/object"
)

func (a *awsClient) restore(ctx context.Context, key string, tier object.Tier, days int) error {
	request := &types.RestoreRequest{GlacierJobParameters: &types.GlacierJobParameters{Tier: types.Tier(tierName[tier])}}
	if days > 0 {
		request.Days = aws.Int32(int32(days))
	}
	_, err := a.api.RestoreObject(ctx, &s3.RestoreObjectInput{Bucket: a.bucket, Key: &key, RestoreRequest: request},
		s3.WithAPIOptions(smithyhttp.AddContentChecksumMiddleware)) // Content-MD5, which some servers demand
	return err
}

func (a *awsClient) listRestores(ctx context.Context, prefix, token string) (page, error) {
	in := a.listing(prefix, token)
	in.OptionalObjectAttributes = []types.OptionalObjectAttributes{types.OptionalObjectAttributesRestoreStatus}
	return a.listed(ctx, in)
}

func (a *awsClient) copyOnto(ctx context.Context, key string, asked http.Header) error {
	source := (&url.URL{Path: *a.bucket + "/" + key}).EscapedPath()
	in := &s3.CopyObjectInput{Bucket: a.bucket, Key: &key, CopySource: aws.String(strings.ReplaceAll(source, "+", "%2B"))}
	_, err := a.api.CopyObject(ctx, in, s3.WithAPIOptions(func(stack *middleware.Stack) error { return setHeaders(stack, asked) }))
	return err
}

// setHeaders adds headers to a request.
func setHeaders(stack *middleware.Stack, h http.Header) error {
	for name := range h {
		if err := smithyhttp.SetHeaderValue(name, h.Get(name))(stack); err != nil {
			return err
		}
	}
	return nil
}
