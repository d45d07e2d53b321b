package config

import (
	"strings"
	"testing"
)

// awsEnvironment is what the samples of documents expect to be set.
var awsEnvironment = with(
	"S3_BUCKET", "env-bucket", "AWS_REGION", "eu-west-1",
	"AWS_ACCESS_KEY_ID", "AKIAEXAMPLEEXAMPLE12", "AWS_SECRET_ACCESS_KEY", "secret/+",
	"MINIO_ACCESS_KEY", "m", "MINIO_SECRET_KEY", "n", "SPACES_ACCESS_KEY", "s", "SPACES_SECRET_KEY", "t", "ENV", "prod",
)

// TestBackupmanSamples reads the samples of Backupman's page on S3 as they are.
func TestBackupmanSamples(t *testing.T) {
	for _, c := range []struct {
		name, text string
		drives     []string // as URLs
	}{
		{"configuration", `
drives:
  - provider: s3
    label: S3 Drive
    bucket: my-backup-bucket
    region: us-east-1
    access_key: YOUR_ACCESS_KEY
    secret_key: YOUR_SECRET_KEY
    endpoint: "" # Optional: for S3-compatible services
    prefix: backups # Optional: folder prefix in bucket
    force_path_style: false # Required for some providers
`, []string{"s3://my-backup-bucket/backups?label=S3%20Drive&region=us-east-1&force_path_style=false"}},
		{"environment", `
drives:
  - provider: s3
    label: S3 Drive
    bucket: ${S3_BUCKET}
    region: ${AWS_REGION}
    access_key: ${AWS_ACCESS_KEY_ID}
    secret_key: ${AWS_SECRET_ACCESS_KEY}
`, []string{"s3://env-bucket?label=S3%20Drive&region=eu-west-1"}},
		{"basic", `
drives:
  - provider: s3
    label: Production Backups
    bucket: company-backups-prod
    region: us-west-2
    access_key: AKIAIOSFODNN7EXAMPLE
    secret_key: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
    prefix: database-backups
    force_path_style: false
`, []string{"s3://company-backups-prod/database-backups?label=Production%20Backups&region=us-west-2&force_path_style=false"}},
		{"minio", `
drives:
  - provider: s3
    label: Development Backups
    bucket: dev-backups
    region: us-east-1
    access_key: minioadmin
    secret_key: minioadmin123
    endpoint: http://localhost:9000
    prefix: dev-db-backups
    force_path_style: true
`, []string{"s3://dev-backups/dev-db-backups?label=Development%20Backups&endpoint=http://localhost:9000&region=us-east-1&force_path_style=true"}},
		{"several", `
drives:
  - provider: s3
    label: AWS Primary
    bucket: primary-backups
    region: us-east-1
    access_key: ${AWS_ACCESS_KEY_ID}
    secret_key: ${AWS_SECRET_ACCESS_KEY}
    force_path_style: false

  - provider: s3
    label: MinIO Backup
    bucket: secondary-backups
    region: us-east-1
    access_key: ${MINIO_ACCESS_KEY}
    secret_key: ${MINIO_SECRET_KEY}
    endpoint: http://minio.example.com:9000
    prefix: backup-storage
    force_path_style: true
`, []string{"s3://primary-backups?label=AWS%20Primary&region=us-east-1&force_path_style=false",
			"s3://secondary-backups/backup-storage?label=MinIO%20Backup&endpoint=http://minio.example.com:9000&region=us-east-1&force_path_style=true"}},
		{"spaces", `
drives:
  - provider: s3
    label: DigitalOcean Spaces
    bucket: my-backup-space
    region: nyc3
    access_key: ${SPACES_ACCESS_KEY}
    secret_key: ${SPACES_SECRET_KEY}
    endpoint: https://nyc3.digitaloceanspaces.com
    prefix: database-backups
    force_path_style: true
`, []string{"s3://my-backup-space/database-backups?label=DigitalOcean%20Spaces&endpoint=https://nyc3.digitaloceanspaces.com&region=nyc3&force_path_style=true"}},
		{"inside values", `
drives:
  - provider: s3
    label: ${ENV} Backups
    bucket: ${ENV}-company-backups
    region: us-east-1
    access_key: ${AWS_ACCESS_KEY_ID}
    secret_key: ${AWS_SECRET_ACCESS_KEY}
    prefix: backups/${ENV}/database
    force_path_style: false
`, []string{"s3://prod-company-backups/backups/prod/database?label=prod%20Backups&region=us-east-1&force_path_style=false"}},
		{"JetBackup's settings", `
drives:
  - provider: s3
    label: jet
    vendor: custom
    endpoint: https://s3.{region}.example.com
    bucket: jet-backups
    region: us-east-1
    backup_directory: /PATH/TO/FOLDER
    read_only: true
    owner: admin
    verify_ssl: yes
    http_retries: 3
    access_key: a
    secret_key: b
`, []string{"s3://jet-backups?label=jet&vendor=custom&endpoint=https://s3.{region}.example.com&region=us-east-1" +
			"&backup_directory=/PATH/TO/FOLDER&verify_ssl=true&http_retries=3&read_only=true&owner=admin"}},
		{"Plakar's settings", `
drives:
  - label: s3
    location: s3://minio.plakar.io:9000/mybucket
    access_key: a
    secret_access_key: b
    passphrase: "****************"
    use_tls: false
    tls_insecure_no_verify: true
    virtual_host: true
  - label: dotted
    use_tls: false
    location: s3://files.example.org/mybucket/a
  - label: aws
    location: s3://s3.eu-west-1.amazonaws.com/mybucket
  - label: disk
    location: /var/backups
`, []string{"s3://mybucket?label=s3&endpoint=http://minio.plakar.io:9000&force_path_style=false&verify_ssl=false",
			"s3://mybucket/a?label=dotted&endpoint=http://files.example.org",
			"s3://mybucket?label=aws&endpoint=https://s3.eu-west-1.amazonaws.com",
			"file:///var/backups?label=disk"}},
	} {
		cfg, err := load("config.yml", []byte(c.text), awsEnvironment)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if len(cfg.Drives) != len(c.drives) {
			t.Errorf("%s: %d drives", c.name, len(cfg.Drives))
			continue
		}
		for i, want := range c.drives {
			if got := cfg.Drives[i].URL(); got != want {
				t.Errorf("%s:\n got %s\nwant %s", c.name, got, want)
			}
			if again, err := ParseDrive(cfg.Drives[i].URL()); err != nil || again.URL() != want {
				t.Errorf("%s: read again: %s, %v", c.name, again.URL(), err)
			}
		}
	}
}

// TestBackupmanFragments: what the page shows in part is refused with a reason.
func TestBackupmanFragments(t *testing.T) {
	for text, says := range map[string]string{
		"drives:\n  - provider: s3\n    endpoint: \"\" # Use AWS default\n    force_path_style: false\n":             "drives[0].bucket: missing",
		"drives:\n  - provider: s3\n    bucket: my-bucket\n    region: \"\"  # Missing region\n":                     "region: empty; name the bucket's region",
		"drives:\n  - provider: s3\n    bucket: my-bucket\n    region: us-east-1\n":                                  "drives[0].label: missing",
		"drives:\n  - provider: s3\n    label: A\n    bucket: ${S3_BUCKET_}\n    region: ${AWS_REGION}\n":            "environment variable S3_BUCKET_ is not set",
		"drives:\n  - provider: s3\n    endpoint: http://localhost:9000\n    force_path_style: true\n    label: m\n": "bucket: missing",
	} {
		if _, err := load("config.yml", []byte(text), awsEnvironment); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestDuplicatiSample reads the sample URL of Duplicati's page with its
// placeholders filled in.
func TestDuplicatiSample(t *testing.T) {
	d, err := ParseDrive(`s3://backups/prefix
  ?aws-access-key-id=account
  &aws-secret-access-key=pass/word+1
  &s3-servername=s3.eu-central-1.wasabisys.com
  &use-ssl=true`)
	if err != nil {
		t.Fatal(err)
	}
	if d.AccessKey.Reveal() != "account" || d.SecretKey.Reveal() != "pass/word+1" || d.Endpoint != "https://s3.eu-central-1.wasabisys.com" ||
		d.Bucket != "backups" || d.KeyPrefix() != "prefix/" {
		t.Errorf("%+v", d)
	}
	a, err := d.Resolve()
	if err != nil || a.Vendor.Name != "wasabi" || a.Region.Value != "eu-central-1" {
		t.Errorf("%+v, %v", a, err)
	}
}
