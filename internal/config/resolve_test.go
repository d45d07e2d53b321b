package config

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestResolve(t *testing.T) {
	env := with("AWS_REGION", "eu-north-1")
	none := with()
	for _, c := range []struct {
		text     string
		look     lookup
		vendor   string
		endpoint string
		region   string
		from     string // of the region
		path     bool
	}{
		{"s3://bucket?region=us-west-2", env, "aws", "", "us-west-2", "region", false},
		{"s3://bucket", env, "aws", "", "eu-north-1", "environment variable AWS_REGION", false},
		{"s3://bucket", with("AWS_DEFAULT_REGION", "x-1"), "aws", "", "x-1", "environment variable AWS_DEFAULT_REGION", false},
		{"s3://bucket", none, "aws", "", "", "the server's answers", false},
		{"s3://bucket?location_constraint=EU", env, "aws", "", "eu-west-1", "location_constraint EU", false},
		{"s3://bucket?force_path_style=true", none, "aws", "", "", "the server's answers", true},
		{"s3://my.bucket?vendor=aws&force_path_style=false", none, "aws", "", "", "the server's answers", true},
		{"s3://Old_Bucket", none, "aws", "", "", "the server's answers", true},
		{"s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/x", none, "aws", "", "", "the server's answers", false},
		{"s3+https://s3.eu-west-3.amazonaws.com/bucket", env, "aws", "https://s3.eu-west-3.amazonaws.com", "eu-west-3", "host name s3.eu-west-3.amazonaws.com", false},
		{"s3+https://s3-eu-west-1.amazonaws.com/bucket", env, "aws", "https://s3-eu-west-1.amazonaws.com", "eu-west-1", "host name s3-eu-west-1.amazonaws.com", false},
		{"s3+https://s3.cn-north-1.amazonaws.com.cn/bucket", env, "aws", "https://s3.cn-north-1.amazonaws.com.cn", "cn-north-1", "host name s3.cn-north-1.amazonaws.com.cn", false},
		{"s3+https://s3.amazonaws.com/bucket", none, "aws", "https://s3.amazonaws.com", "", "the server's answers", false},
		{"s3://bucket?vendor=wasabi&region=eu-central-1", env, "wasabi", "https://s3.eu-central-1.wasabisys.com", "eu-central-1", "region", false},
		{"s3://bucket?vendor=r2&account=abc123", env, "cloudflare", "https://abc123.r2.cloudflarestorage.com", "auto", "vendor cloudflare", true},
		{"s3://bucket?vendor=minio&endpoint=http://nas:9000", env, "minio", "http://nas:9000", "us-east-1", "vendor minio", true},
		{"s3+https://fra1.digitaloceanspaces.com/space", env, "digitalocean", "https://fra1.digitaloceanspaces.com", "fra1", "host name fra1.digitaloceanspaces.com", false},
		{"s3+https://s3.us-west-002.backblazeb2.com/bucket", env, "backblaze", "https://s3.us-west-002.backblazeb2.com", "us-west-002", "host name s3.us-west-002.backblazeb2.com", false},
		{"s3+https://nas:9000/bucket", env, "custom", "https://nas:9000", "", "the server's answers", true},
		{"s3+https://nas:9000/bucket?force_path_style=false", env, "custom", "https://nas:9000", "", "the server's answers", false},
		{"s3+https://10.0.0.1/bucket?force_path_style=false", env, "custom", "https://10.0.0.1", "", "the server's answers", true},
		{"s3+https://[::1]:9000/bucket?force_path_style=false", env, "custom", "https://[::1]:9000", "", "the server's answers", true},
		{"s3://bucket?endpoint=https://{bucket}.s3.{region}.example.com&region=r1", env, "custom", "https://s3.r1.example.com", "r1", "region", false},
		{"s3://bucket?endpoint=https://example.com/{bucket}&region=r1", env, "custom", "https://example.com", "r1", "region", true},
		{"s3://bucket?vendor=custom&endpoint=https://s3.{region}.example.com&region=us-east-1", env, "custom", "https://s3.us-east-1.example.com", "us-east-1", "region", true},
		{"s3://bucket?vendor=wasabi&region=eu-west-1&use_tls=false", env, "wasabi", "http://s3.eu-west-1.wasabisys.com", "eu-west-1", "region", false},
		{"s3://bucket?region=eu-west-1&use_tls=false", env, "aws", "http://s3.eu-west-1.amazonaws.com", "eu-west-1", "region", false},
	} {
		d, err := ParseDrive(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		a, err := d.resolve(c.look)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if a.Vendor.Name != c.vendor || a.Endpoint.Value != c.endpoint || a.Region != (Setting{c.region, c.from}) || a.PathStyle != c.path || a.PathStyleFrom == "" {
			t.Errorf("%s: %s %+v %+v path %v by %s", c.text, a.Vendor.Name, a.Endpoint, a.Region, a.PathStyle, a.PathStyleFrom)
		}
	}
}

func TestResolveErrors(t *testing.T) {
	for text, says := range map[string]string{
		"s3://bucket?vendor=wasabi":                            "region is missing: Wasabi has a server for each: us-east-1,",
		"s3://bucket?endpoint=https://s3.{region}.example.com": "region is missing: the endpoint",
		"s3://bucket?vendor=oracle&region=eu-frankfurt-1":      "account is missing",
		"/srv/backup": "no S3 drive",
		"s3://bucket?vendor=hetzner&use_tls=false&read_only=yes": "region is missing",
	} {
		d, err := ParseDrive(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if _, err := d.resolve(with()); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestCredentials: AWS's keys go to AWS only, unless the drive asks for them.
func TestCredentials(t *testing.T) {
	const awsID = "AKIAIOSFODNN7EXAMPLE"
	for _, c := range []struct {
		text, id  string
		access    string // found
		from      string // a part of it
		forbidden bool
	}{
		{"s3://bucket?access_key=a&secret_key=b", awsID, "a", "access_key and secret_key", false},
		{"s3+https://nas/bucket?access_key=a&secret_key=b", awsID, "a", "access_key", false},
		{"s3://bucket", awsID, "", "where AWS programs look", false},
		{"s3://bucket?profile=work", "", "", "profile work", false},
		{"s3+https://nas/bucket?profile=work", "", "", "profile work", false},
		{"s3+https://nas:9000/bucket", "minioadmin", "minioadmin", "environment variables", false},
		{"s3+https://nas:9000/bucket", awsID, "", "not sent to another server", true},
		{"s3+https://s3.wasabisys.com/bucket", "ASIAIOSFODNN7EXAMPLE", "", "write access_key: ${AWS_ACCESS_KEY_ID}", true},
		{"s3+https://nas:9000/bucket", "", "", "give access_key and secret_key", true},
	} {
		t.Setenv("AWS_ACCESS_KEY_ID", c.id)
		t.Setenv("AWS_SECRET_ACCESS_KEY", "hidden")
		d, err := ParseDrive(c.text)
		if err != nil {
			t.Fatal(err)
		}
		a, err := d.Resolve()
		if err != nil {
			t.Fatal(err)
		}
		found, err := d.Credentials(context.Background(), &a)
		says := found.From
		if err != nil {
			says = err.Error()
		}
		if errors.Is(err, ErrNoCredentials) != c.forbidden || found.AccessKey.Reveal() != c.access || !strings.Contains(says, c.from) || strings.Contains(says, "hidden") {
			t.Errorf("%s with %q: %q, %s, %v", c.text, c.id, found.AccessKey.Reveal(), found.From, err)
		}
	}
}
