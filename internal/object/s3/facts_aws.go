package s3

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func (a *awsClient) document(ctx context.Context, kind string) ([]byte, error) {
	var answer overheard
	listen := func(o *s3.Options) {
		answer.send = o.HTTPClient.Do
		o.HTTPClient = &answer
	}
	var err error
	switch kind {
	case documentVersioning:
		_, err = a.api.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: a.bucket}, listen)
	case documentLifecycle:
		_, err = a.api.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: a.bucket}, listen)
	case documentLock:
		_, err = a.api.GetObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: a.bucket}, listen)
	case documentTiering:
		_, err = a.api.ListBucketIntelligentTieringConfigurations(ctx, &s3.ListBucketIntelligentTieringConfigurationsInput{Bucket: a.bucket}, listen)
	default:
		err = fmt.Errorf("no document %q", kind)
	}
	return answer.text, err
}

func (a *awsClient) headBucket(ctx context.Context) error {
	_, err := a.api.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: a.bucket})
	return err
}
