package s3

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// TestSchemeSignsAsTheLibraryDoes compares the own signature, by AWS's names, with
// that of AWS's library.
func TestSchemeSignsAsTheLibraryDoes(t *testing.T) {
	keys := aws.Credentials{AccessKeyID: "KEY", SecretAccessKey: "secret"}
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	hash := strings.Repeat("0", 64)
	for _, address := range []string{
		"https://storage.test/bucket/a/b", "https://bucket.storage.test:9000/a%20b%2Bc?x-id=PutObject&b=%20%2B&a=",
	} {
		request, err := http.NewRequest(http.MethodPut, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Amz-Content-Sha256", hash)
		request.Header.Set("X-Amz-Storage-Class", " STANDARD ")
		sign := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
		if err := sign.SignHTTP(t.Context(), keys, request, hash, "s3", "eu-west-1", now); err != nil {
			t.Fatal(err)
		}
		want := request.Header.Get("Authorization")
		request.Header.Del("Authorization")
		scheme{"AWS4", "s3", "aws4_request"}.sign(request, keys, "eu-west-1", hash, now)
		if got := request.Header.Get("Authorization"); got != want {
			t.Errorf("%s:\n got %s\nwant %s", address, got, want)
		}
	}
}

func TestMoveToAnotherRegion(t *testing.T) {
	for _, c := range []struct {
		onAWS      bool
		host, want string
	}{
		{true, "bucket.s3.us-east-1.amazonaws.com", "bucket.s3.eu-west-1.amazonaws.com"},
		{true, "s3.dualstack.us-east-1.amazonaws.com", "s3.dualstack.eu-west-1.amazonaws.com"},
		{true, "s3.amazonaws.com", "s3.amazonaws.com"},
		{false, "s3.us-east-1.example.com", "s3.us-east-1.example.com"},
	} {
		request, err := http.NewRequest(http.MethodGet, "https://"+c.host+"/a", nil)
		if err != nil {
			t.Fatal(err)
		}
		(&redress{onAWS: c.onAWS, region: "us-east-1"}).move(request, "eu-west-1")
		if request.URL.Host != c.want || request.Host != c.want {
			t.Errorf("%s became %s and %s, want %s", c.host, request.URL.Host, request.Host, c.want)
		}
	}
}
