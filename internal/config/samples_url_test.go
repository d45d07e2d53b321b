package config

import (
	"slices"
	"strings"
	"testing"
)

// TestSampleURLs reads what other programs' pages show as drives, filled in
// and with what they say besides, and compares what becomes of it.
func TestSampleURLs(t *testing.T) {
	for _, c := range []struct {
		name, text string
		options    []Option
		drive      string // as a URL
		endpoint   string // resolved; "" is AWS's own
		region     string
		path       bool
	}{
		{name: "Duplicati, as it stands", text: "s3://backups/prefix\n  ?aws-access-key-id=account\n  &aws-secret-access-key=password\n  &s3-servername=192.168.0.7\n  &use-ssl=true\n",
			drive: "s3://backups/prefix?endpoint=https://192.168.0.7", endpoint: "https://192.168.0.7", path: true},
		{name: "Duplicati, broken by another system", text: "s3://backups/prefix \r\n\t?aws-access-key-id=account \r\n\t&aws-secret-access-key=password\r\n",
			drive: "s3://backups/prefix"},
		{name: "Duplicati, TLS as a flag", text: "s3://backups/prefix?auth-username=u&auth-password=p&s3-server-name=s3.example.com",
			options: []Option{{"--use-ssl", "true"}}, drive: "s3://backups/prefix?endpoint=https://s3.example.com", endpoint: "https://s3.example.com", path: true},
		{name: "Duplicati, no TLS", text: "s3://backups?s3-servername=nas:9000&use-ssl=false",
			drive: "s3://backups?endpoint=http://nas:9000", endpoint: "http://nas:9000", path: true},
		{name: "Duplicati, client and class as flags", text: "s3://backups/p",
			options: []Option{{"--s3-client", "minio"}, {"--s3-storage-class", "STANDARD_IA"}, {"--s3-location-contraint", "eu-west-3"}},
			drive:   "s3://backups/p?client=minio&storage_class=STANDARD_IA&location_constraint=eu-west-3", region: "eu-west-3"},
		{name: "Duplicati, other options", text: "s3://backups?s3-ext-forcepathstyle=true&s3-ext-usehttp=false&s3-disable-chunk-encoding=true&s3-list-api-version=v2&s3-recursive-list=true&s3-ext-authenticationregion=eu-west-1",
			drive: "s3://backups?region=eu-west-1&force_path_style=true", region: "eu-west-1", path: true},
		{name: "Duplicati, a dotted bucket", text: "s3://my.backups/p?aws-access-key-id=a&aws-secret-access-key=b",
			drive: "s3:///p?bucket=my.backups", path: true},
		{name: "Duplicati, the account before the bucket", text: "s3://akiaexample-backups/p", drive: "s3://akiaexample-backups/p"},
		{name: "Plakar, AWS", text: "s3://s3.eu-west-3.amazonaws.com/backups",
			drive: "s3://backups?endpoint=https://s3.eu-west-3.amazonaws.com", endpoint: "https://s3.eu-west-3.amazonaws.com", region: "eu-west-3"},
		{name: "Plakar, a port", text: "s3://minio.plakar.io:9000/mybucket",
			drive: "s3://mybucket?endpoint=https://minio.plakar.io:9000", endpoint: "https://minio.plakar.io:9000", path: true},
		{name: "Plakar, a folder", text: "/var/backups", drive: "file:///var/backups"},
		{name: "JetBackup, region in the endpoint", text: "", options: []Option{{"vendor", "custom"}, {"endpoint", "s3.{region}.example.com"}, {"region", "us-east-1"},
			{"bucket", "jet"}, {"backup_directory", "/PATH/TO/FOLDER"}, {"verify_ssl", "Yes"}, {"http-retries", "3"}},
			drive:    "s3://jet?vendor=custom&endpoint=https://s3.{region}.example.com&region=us-east-1&backup_directory=/PATH/TO/FOLDER&verify_ssl=true&http_retries=3",
			endpoint: "https://s3.us-east-1.example.com", region: "us-east-1", path: true},
		{name: "JetBackup, bucket in the endpoint", text: "", options: []Option{{"vendor", "custom"}, {"endpoint", "https://{bucket}.s3.{region}.example.com"}, {"region", "eu-1"}, {"bucket", "jet"}},
			drive: "s3://jet?vendor=custom&endpoint=https://{bucket}.s3.{region}.example.com&region=eu-1", endpoint: "https://s3.eu-1.example.com", region: "eu-1"},
		{name: "JetBackup, Linode", text: "s3://jet?vendor=linode&region=us-ord-1", drive: "s3://jet?vendor=linode&region=us-ord-1",
			endpoint: "https://us-ord-1.linodeobjects.com", region: "us-ord-1"},
		{name: "JetBackup, Backblaze", text: "s3://jet?vendor=Backblaze&region=us-west-004", drive: "s3://jet?vendor=backblaze&region=us-west-004",
			endpoint: "https://s3.us-west-004.backblazeb2.com", region: "us-west-004"},
		{name: "Backupman, Wasabi without endpoint", text: "s3://jet?vendor=wasabi&region=eu-central-1", drive: "s3://jet?vendor=wasabi&region=eu-central-1",
			endpoint: "https://s3.eu-central-1.wasabisys.com", region: "eu-central-1"},
		{name: "Backupman, as the AWS program writes it", text: "s3://your-bucket/", drive: "s3://your-bucket"},
	} {
		d, err := ParseDrive(c.text, c.options...)
		if err != nil || d.URL() != c.drive {
			t.Errorf("%s: %s, %v", c.name, d.URL(), err)
			continue
		}
		if d.Provider == Local {
			continue
		}
		a, err := d.resolve(with())
		if err != nil || a.Endpoint.Value != c.endpoint || a.Region.Value != c.region || a.PathStyle != c.path {
			t.Errorf("%s: %+v, %v", c.name, a, err)
		}
	}
}

// TestSamplePlaceholders: what a page leaves to be filled in is not taken for it.
func TestSamplePlaceholders(t *testing.T) {
	for _, text := range []string{
		"s3://<bucket name>/<prefix>\n  ?aws-access-key-id=<account id or username>\n  &aws-secret-access-key=<account key or password>\n  &s3-servername=<server ip or hostname>\n  &use-ssl=true",
		"s3://s3.<region>.amazonaws.com/<bucket>", "s3://<endpoint>/<bucket>", "s3://backups/<prefix>", "s3://backups?s3-servername=<server>",
	} {
		if d, err := ParseDrive(text); err == nil || !strings.Contains(err.Error(), "is a placeholder") {
			t.Errorf("%s: %s, %v", text, d.URL(), err)
		}
	}
}

// TestSampleFiles reads the rest of the samples of Backupman's page: each as a
// whole file, with what it deserves to be warned of.
func TestSampleFiles(t *testing.T) {
	for _, c := range []struct {
		name, text string
		drives     []string
		finds      []string
	}{
		{"production", `
drives:
  - provider: s3
    label: Production S3 Backups
    bucket: company-prod-backups
    region: us-west-2
    access_key: ${AWS_ACCESS_KEY_ID}
    secret_key: ${AWS_SECRET_ACCESS_KEY}
    prefix: database-backups/prod
    force_path_style: false
`, []string{"s3://company-prod-backups/database-backups/prod?label=Production%20S3%20Backups&region=us-west-2&force_path_style=false"}, nil},
		{"MinIO for development", `
drives:
  - provider: s3
    label: Development MinIO
    bucket: dev-backups
    region: us-east-1
    access_key: minioadmin
    secret_key: minioadmin123
    endpoint: http://localhost:9000
    prefix: dev-db-backups
    force_path_style: true
`, []string{"s3://dev-backups/dev-db-backups?label=Development%20MinIO&endpoint=http://localhost:9000&region=us-east-1&force_path_style=true"},
			[]string{"secret_key: a secret stands in the file"}},
		{"two regions", `
drives:
  - provider: s3
    label: US-East Backups
    bucket: company-backups-us-east
    region: us-east-1
    access_key: ${AWS_ACCESS_KEY_ID}
    secret_key: ${AWS_SECRET_ACCESS_KEY}
    prefix: backups/us-east
    force_path_style: false

  - provider: s3
    label: EU-West Backups
    bucket: company-backups-eu-west
    region: eu-west-1
    access_key: ${AWS_ACCESS_KEY_ID}
    secret_key: ${AWS_SECRET_ACCESS_KEY}
    prefix: backups/eu-west
    force_path_style: false
`, []string{"s3://company-backups-us-east/backups/us-east?label=US-East%20Backups&region=us-east-1&force_path_style=false",
			"s3://company-backups-eu-west/backups/eu-west?label=EU-West%20Backups&region=eu-west-1&force_path_style=false"}, nil},
		{"in a container", `
drives:
  - provider: s3
    label: MinIO
    bucket: ${S3_BUCKET}
    region: us-east-1
    access_key: ${S3_ACCESS_KEY}
    secret_key: ${S3_SECRET_KEY}
    endpoint: ${S3_ENDPOINT}
    force_path_style: true
`, []string{"s3://test-backups?label=MinIO&endpoint=http://minio:9000&region=us-east-1&force_path_style=true"},
			[]string{"endpoint: plain HTTP", "access_key: is what MinIO has by default", "secret_key: is what MinIO has by default"}},
		{"keys in the file", `
drives:
  - provider: s3
    label: Mistake
    bucket: my-bucket
    region: us-east-1
    access_key: AKIAIOSFODNN7EXAMPLE
    secret_key: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
`, []string{"s3://my-bucket?label=Mistake&region=us-east-1"},
			[]string{"secret_key: a secret stands in the file: write secret_key: ${VARIABLE}", "access_key: is the example", "secret_key: is the example"}},
		{"style of MinIO", `
drives:
  - provider: s3
    label: Mistake
    vendor: minio
    endpoint: https://minio.example.com
    bucket: my-bucket
    force_path_style: false
`, []string{"s3://my-bucket?label=Mistake&vendor=minio&endpoint=https://minio.example.com&force_path_style=false"},
			[]string{"force_path_style: is false, and MinIO has the bucket in the path"}},
	} {
		look := with("AWS_ACCESS_KEY_ID", "AKIAEXAMPLEEXAMPLE12", "AWS_SECRET_ACCESS_KEY", "secret/+", "S3_BUCKET", "test-backups",
			"S3_ACCESS_KEY", "minioadmin", "S3_SECRET_KEY", "minioadmin123", "S3_ENDPOINT", "http://minio:9000")
		cfg, err := load("config.yml", []byte(c.text), look)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for i, d := range cfg.Drives {
			if i >= len(c.drives) || d.URL() != c.drives[i] {
				t.Errorf("%s: %s", c.name, d.URL())
			}
		}
		found := Check(cfg)
		if len(found) != len(c.finds) {
			t.Errorf("%s: %v", c.name, found)
		}
		for _, want := range c.finds {
			if !slices.ContainsFunc(found, func(f Finding) bool { return strings.Contains(f.String(), want) }) {
				t.Errorf("%s: %v lacks %s", c.name, found, want)
			}
		}
	}
}
