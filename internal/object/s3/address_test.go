package s3_test

import (
	"net"
	"testing"

	"firn/internal/object/s3"
)

// TestAddressing looks at where requests would go; a proxy that refuses
// connections keeps them here.
func TestAddressing(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	yes, no := true, false
	for name, c := range map[string]struct {
		config     s3.Config
		host, path string
	}{
		"AWS":                {s3.Config{Bucket: "some-bucket", Region: "eu-west-1"}, "some-bucket.s3.eu-west-1.amazonaws.com", "/p/a"},
		"AWS, default":       {s3.Config{Bucket: "some-bucket"}, "some-bucket.s3.us-east-1.amazonaws.com", "/p/a"},
		"AWS, endpoint":      {s3.Config{Bucket: "some-bucket", Region: "eu-west-1", Endpoint: "https://s3.eu-west-1.amazonaws.com"}, "some-bucket.s3.eu-west-1.amazonaws.com", "/p/a"},
		"AWS, path style":    {s3.Config{Bucket: "some-bucket", Region: "eu-west-1", PathStyle: &yes}, "s3.eu-west-1.amazonaws.com", "/some-bucket/p/a"},
		"AWS, dots":          {s3.Config{Bucket: "some.bucket", Region: "eu-west-1"}, "s3.eu-west-1.amazonaws.com", "/some.bucket/p/a"},
		"other":              {s3.Config{Bucket: "some-bucket", Endpoint: "https://s3.example.com/"}, "s3.example.com", "/some-bucket/p/a"},
		"other, virtual":     {s3.Config{Bucket: "some-bucket", Endpoint: "https://s3.example.com:9000", PathStyle: &no}, "some-bucket.s3.example.com:9000", "/p/a"},
		"no host name":       {s3.Config{Bucket: "Some_Bucket", Endpoint: "http://s3.example.com", PathStyle: &no}, "s3.example.com", "/Some_Bucket/p/a"},
		"dots on plain http": {s3.Config{Bucket: "some.bucket", Endpoint: "http://s3.example.com", PathStyle: &no}, "some.bucket.s3.example.com", "/p/a"},
	} {
		for _, client := range clients {
			t.Run(name+"/"+client, func(t *testing.T) {
				t.Setenv("AWS_REGION", "")
				t.Setenv("AWS_CONFIG_FILE", "/nonexistent")
				config := c.config
				config.Client, config.Proxy, config.MaxRetries = client, "http://"+closed.Addr().String(), -1
				config.AccessKey, config.SecretKey, config.Prefix = "KEY", "secret", "p"
				var seen s3.RequestLog
				config.Debug = func(l s3.RequestLog) { seen = l }
				if _, _, err := openConfig(t, config).Get(t.Context(), "a", 1); err == nil {
					t.Error("no error")
				}
				if seen.Host != c.host || seen.Path != c.path {
					t.Errorf("asked %s %s, want %s %s", seen.Host, seen.Path, c.host, c.path)
				}
			})
		}
	}
}
