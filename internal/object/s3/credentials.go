package s3

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	miniocredentials "github.com/minio/minio-go/v7/pkg/credentials"
)

// errNoCredentials marks the failure to find credentials.
var errNoCredentials = errors.New("no credentials")

// credentialTime bounds the search for credentials, which may ask servers.
const credentialTime = 30 * time.Second

// loadAWS reads what the AWS environment and files say, for credentials and on
// AWS for the region. It completes c.Region.
func loadAWS(ctx context.Context, c *Config, p place) (aws.Config, error) {
	shared := aws.Config{}
	if c.AccessKey == "" || p.onAWS && c.Region == "" {
		options := []func(*config.LoadOptions) error{config.WithSharedConfigProfile(c.Profile)}
		if !p.onAWS { // another vendor's machine may answer at that address
			options = append(options, config.WithEC2IMDSClientEnableState(imds.ClientDisabled))
		}
		loaded, err := config.LoadDefaultConfig(ctx, options...)
		if err != nil {
			return aws.Config{}, fmt.Errorf("read AWS configuration: %w", err)
		}
		shared = loaded
	}
	if c.AccessKey != "" {
		shared.Credentials = awscredentials.NewStaticCredentialsProvider(c.AccessKey, c.SecretKey, c.SessionToken)
	} else {
		shared.Credentials = aws.NewCredentialsCache(found{shared.Credentials})
	}
	if c.Region == "" {
		c.Region = shared.Region
	}
	if c.Region == "" {
		c.Region = defaultRegion
	}
	return shared, nil
}

// found marks the errors of a credentials provider.
type found struct{ provider aws.CredentialsProvider }

// Retrieve implements aws.CredentialsProvider.
func (f found) Retrieve(ctx context.Context) (aws.Credentials, error) {
	if f.provider == nil {
		return aws.Credentials{}, errNoCredentials
	}
	ctx, cancel := context.WithTimeout(ctx, credentialTime)
	defer cancel()
	got, err := f.provider.Retrieve(ctx)
	if err != nil {
		return aws.Credentials{}, fmt.Errorf("%w: %w", errNoCredentials, err)
	}
	return got, nil
}

// lent gives an AWS provider's credentials to the MinIO library. It is asked
// for each request; the provider keeps what is still valid.
type lent struct{ provider aws.CredentialsProvider }

// Retrieve implements credentials.Provider.
func (l lent) Retrieve() (miniocredentials.Value, error) {
	ctx, cancel := context.WithTimeout(context.Background(), credentialTime)
	defer cancel()
	got, err := l.provider.Retrieve(ctx)
	if err != nil {
		return miniocredentials.Value{}, err
	}
	return miniocredentials.Value{
		AccessKeyID: got.AccessKeyID, SecretAccessKey: got.SecretAccessKey, SessionToken: got.SessionToken,
		SignerType: miniocredentials.SignatureV4,
	}, nil
}

// RetrieveWithCredContext implements credentials.Provider.
func (l lent) RetrieveWithCredContext(*miniocredentials.CredContext) (miniocredentials.Value, error) {
	return l.Retrieve()
}

// IsExpired implements credentials.Provider.
func (l lent) IsExpired() bool { return true }
