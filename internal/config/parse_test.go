package config

import (
	"errors"
	"strings"
	"testing"
)

func TestParseDrive(t *testing.T) {
	t.Setenv("HOME", "/home/anna")
	for _, c := range []struct {
		text string
		url  string // what it means, with all settings but secrets
	}{
		// native
		{"s3://bucket", "s3://bucket"},
		{"s3://bucket/", "s3://bucket"},
		{"s3://bucket/a/b/?region=eu-west-1&storage-class=STANDARD_IA", "s3://bucket/a/b?region=eu-west-1&storage_class=STANDARD_IA"},
		{"S3://bucket/a?endpoint=https://s3.example.com:8443", "s3://bucket/a?endpoint=https://s3.example.com:8443"},
		{"s3://my.bucket/a?vendor=aws", "s3:///a?vendor=aws&bucket=my.bucket"},
		{"s3://my.bucket/a?endpoint=nas.example:9000", "s3:///a?endpoint=https://nas.example:9000&bucket=my.bucket"},
		{"s3:///a/b?bucket=my.bucket&vendor=Wasabi", "s3:///a/b?vendor=wasabi&bucket=my.bucket"},
		{"s3://bucket/with%20blank%25?read-only", "s3://bucket/with%20blank%25?read_only=true"},
		{"s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/backups/a/b", "s3:///a/b?bucket=arn:aws:s3:eu-west-1:123456789012:accesspoint/backups"},
		{"s3://bucket?vendor=custom&endpoint=https://{bucket}.s3.{region}.example.com&region=r1",
			"s3://bucket?vendor=custom&endpoint=https://{bucket}.s3.{region}.example.com&region=r1"},
		{"s3://bucket?virtual-host=true", "s3://bucket?force_path_style=false"},
		{"s3://bucket?use_tls=true", "s3://bucket"},
		{"s3://bucket?use_tls=false", "s3://bucket?use_tls=false"},

		// explicit
		{"s3+https://host/bucket/a/b", "s3://bucket/a/b?endpoint=https://host"},
		{"s3+http://host:9000/bucket", "s3://bucket?endpoint=http://host:9000"},
		{"s3+https://[2001:db8::1]:9000/bucket/a", "s3://bucket/a?endpoint=https://[2001:db8::1]:9000"},
		{"s3+https://my.bucket.example/bucket", "s3://bucket?endpoint=https://my.bucket.example"},
		{"s3+https://host/a/b?bucket=data-1", "s3://data-1/a/b?endpoint=https://host"},

		// restic
		{"s3:https://host:9000/bucket/a", "s3://bucket/a?endpoint=https://host:9000"},
		{"s3:http://localhost:9000/restic", "s3://restic?endpoint=http://localhost:9000"},
		{"s3:s3.eu-west-1.amazonaws.com/bucket/a", "s3://bucket/a?endpoint=https://s3.eu-west-1.amazonaws.com"},
		{"s3:s3.wasabisys.com/bucket", "s3://bucket?endpoint=https://s3.wasabisys.com"},

		// Plakar
		{"s3://minio.plakar.io:9000/mybucket", "s3://mybucket?endpoint=https://minio.plakar.io:9000"},
		{"s3://s3.eu-west-1.amazonaws.com/mybucket/a", "s3://mybucket/a?endpoint=https://s3.eu-west-1.amazonaws.com"},
		{"s3://localhost/mybucket", "s3://mybucket?endpoint=https://localhost"},
		{"s3://127.0.0.1/mybucket?use_tls=false", "s3://mybucket?endpoint=http://127.0.0.1"},
		{"s3://nas:9000/mybucket?vendor=minio", "s3://mybucket?vendor=minio&endpoint=https://nas:9000"},
		{"s3://[::1]:9000/mybucket", "s3://mybucket?endpoint=https://[::1]:9000"},
		{"s3://files.example.org/a?bucket=data-1", "s3://data-1/a?endpoint=https://files.example.org"},
		{"s3://nyc3.digitaloceanspaces.com/space", "s3://space?endpoint=https://nyc3.digitaloceanspaces.com"},

		// Duplicati
		{"s3://bucket/a\n  ?aws-access-key-id=ID\n  &aws-secret-access-key=KEY\n  &s3-servername=s3.example.com\n  &use-ssl=true",
			"s3://bucket/a?endpoint=https://s3.example.com"},
		{"s3://bucket/a?auth-username=u&auth-password=p&s3-server-name=10.0.0.1:9000&use-ssl=false", "s3://bucket/a?endpoint=http://10.0.0.1:9000"},
		{"s3://my.bucket?aws-access-key-id=u&aws-secret-access-key=p", "s3:///?bucket=my.bucket"},
		{"s3://bucket?s3-location-contraint=eu-west-1&s3-client=minio&s3-storage-class=GLACIER_IR",
			"s3://bucket?client=minio&storage_class=GLACIER_IR&location_constraint=eu-west-1"},
		{"s3://bucket?s3-location-constraint=EU&s3-ext-forcepathstyle=true", "s3://bucket?force_path_style=true&location_constraint=EU"},
		{"s3://bucket?s3-ext-authenticationregion=fsn1&s3-disable-chunk-encoding=true&s3-list-api-version=v2&s3-recursive-list=true", "s3://bucket?region=fsn1"},
		{"s3://localhost/a?s3-servername=minio:9000&use-ssl", "s3:///a?endpoint=https://minio:9000&bucket=localhost"},

		// folders
		{"file:///srv/backup", "file:///srv/backup"},
		{"file:/srv/backup", "file:///srv/backup"},
		{"file://localhost/srv/a%20b?read_only=true", "file:///srv/a%20b?read_only=true"},
		{"/srv/backup/", "file:///srv/backup"},
		{"/srv/a b?c&d%", "file:///srv/a%20b%3Fc&d%25"},
		{"~/backup", "file:///home/anna/backup"},
	} {
		d, err := ParseDrive(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := d.URL(); strings.TrimSuffix(got, "/") != c.url && got != strings.Replace(c.url, ":///?", "://?", 1) {
			t.Errorf("%s\nmeans %s\n want %s", c.text, got, c.url)
		}
		again, err := ParseDrive(d.URL())
		if err != nil || again.URL() != d.URL() {
			t.Errorf("%s: read again: %s, %v", d.URL(), again.URL(), err)
		}
	}
}

func TestParseDriveRelative(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, text := range []string{".", "./a", "a/b", "../x"} {
		d, err := ParseDrive(text)
		if err != nil || d.Provider != Local || !strings.HasPrefix(d.Path, "/") {
			t.Errorf("%s: %+v, %v", text, d, err)
		}
	}
}

// TestParseDriveErrors looks for the words that tell the user what to do.
func TestParseDriveErrors(t *testing.T) {
	for _, c := range []struct{ text, says string }{
		{"", "nothing in it"},
		{"@aws", "label"},
		{"backup", "write @backup or ./backup"},
		{"s3://my.bucket/a", "write s3://my.bucket/a?vendor=aws (or ?endpoint=https://HOST) if it is a bucket, or s3+https://my.bucket/a if it is a server"},
		{"s3://s3.wasabisys.com/a?aws-access-key-id=u&aws-secret-access-key=p", "may be a bucket or a server"},
		{"s3://localhost/a?use-ssl=true", "may be a bucket or a server"},
		{"s3://nas:9000/a?s3-servername=other", "two servers are named"},
		{"s3+https://nas/a?endpoint=https://other", "endpoint: given twice"},
		{"s3+http://nas/abc?use_tls=true", "use_tls: says true"},
		{"s3+https://nas/abc?use-ssl=false", "use_tls: says false"},
		{"s3://backups.s3.eu-west-1.amazonaws.com/a", "write s3+https://s3.eu-west-1.amazonaws.com/backups/a"},
		{"s3:///a", "no bucket is named"},
		{"s3://", "no bucket is named"},
		{"s3:", "no bucket is named"},
		{"s3+https:///a", "no server is named"},
		{"s3:https:///a", "no server is named"},
		{"s3+https://host", "bucket: missing"},
		{"s3://s3.<region>.amazonaws.com/<bucket>", "<region> is a placeholder"},
		{"s3+https://host/<bucket>", "placeholder"},
		{"s3://ID:KEY@host/bucket", "keys are not given before @"},
		{"https://host/bucket", "write s3+https://HOST/BUCKET/PREFIX"},
		{"sftp://host/a", "no kind of drive"},
		{"file://server/share", "another computer"},
		{"file:a", "must begin with /"},
		{`C:\backup`, "not Windows"},
		{`\\server\share`, "not Windows"},
		{"s3://bucket?regoin=x", "did you mean region?"},
		{"s3://bucket?region=", "region: empty; name the bucket's region"},
		{"s3://bucket?secret-key=", "secret-key: empty"},
		{"s3://bucket?region=a&region=b", "region: given twice"},
		{"s3://bucket?access-key=a&aws-access-key-id=b", "given twice, also as access-key"},
		{"s3://bucket?access-key=a", "secret_key: missing"},
		{"s3://bucket?client=curl", `client: "curl" is not one of aws, minio`},
		{"s3://bucket?connections=0", "not between 1 and 512"},
		{"s3://bucket?upload_limit=100", "write a number and a unit"},
		{"s3://bucket?request_timeout=30", "30s"},
		{"s3://bucket?vendor=wasaby", "did you mean wasabi?"},
		{"s3://bucket?vendor=custom", "endpoint: missing"},
		{"s3://bucket?vendor=minio", "endpoint: missing"},
		{"s3://bucket?provider=wasabi", "write provider: s3 and vendor: wasabi"},
		{"s3://bucket?provider=local", "it is s3 by its spelling"},
		{"s3://bucket?endpoint=ftp://host", "neither https:// nor http://"},
		{"s3://bucket?endpoint=https://host/path", "the rest belongs to bucket and prefix"},
		{"s3://bucket?endpoint=https://u:p@host", "not given before @"},
		{"s3://bucket?endpoint=https://{zone}.host", "{zone} is not known"},
		{"s3://bucket?endpoint=https://{account}.host", "account: missing"},
		{"s3://bucket/a/../b", "prefix"},
		{"s3://bucket/a//b", "prefix"},
		{"s3://bucket?backup_directory=a", "write /a"},
		{"s3://bucket?backup_directory=/", "whole bucket"},
		{"s3://bucket?backup_directory=/my-dir", "only A-Z a-z 0-9 and / are allowed"},
		{"s3://bucket/a?backup_directory=/b", "one of them must go"},
		{"s3://bucket?path=/a", "is for drives with provider local"},
		{"/srv?x/../y\x00", "zero byte"},
		{"file:///a?bucket=b", "is for drives with provider s3"},
		{"file:///a?passphrase=x&passphrase_file=/y", "one of them must go"},
		{"s3://Bucket_1?create_bucket", "capital letters"},
		{"s3://a", "bucket"},
		{"s3://bucket?external_id=x", "role_arn: missing"},
		{"s3://bucket?client_cert=x", "client_key: missing"},
		{"s3://bucket?proxy=x", "proxy"},
		{"s3://bucket?location=s3://x", "configuration file"},
		{"s3://bucket?secret_key=%zz", "%25"},
	} {
		d, err := ParseDrive(c.text)
		if err == nil {
			t.Errorf("%s: read as %s", c.text, d.URL())
			continue
		}
		if !errors.Is(err, ErrDrive) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v\nlacks %q", c.text, err, c.says)
		}
	}
}

func TestParseDriveOptions(t *testing.T) {
	d, err := ParseDrive("s3://my.bucket/a", Option{"--vendor", "aws"}, Option{"s3-storage-class", "STANDARD_IA"}, Option{"read-only", ""})
	if err != nil {
		t.Fatal(err)
	}
	if d.Bucket != "my.bucket" || d.StorageClass != "STANDARD_IA" || !d.ReadOnly {
		t.Errorf("%+v", d)
	}
}

func TestParseDriveKeepsPlus(t *testing.T) {
	d, err := ParseDrive("s3://bucket?access_key=ID&secret_key=a+b/c%2Bd=")
	if err != nil || d.SecretKey.Reveal() != "a+b/c+d=" {
		t.Errorf("%q, %v", d.SecretKey.Reveal(), err)
	}
}

func TestWarnings(t *testing.T) {
	for _, c := range []struct {
		text string
		keys string // of the warnings, in order
	}{
		{"s3://bucket", ""},
		{"s3+http://localhost:9000/bucket", ""},
		{"s3+http://127.0.0.1:9000/bucket", ""},
		{"s3+http://[::1]:9000/bucket", ""},
		{"s3+http://minio.example.com:9000/bucket", "endpoint"},
		{"s3://bucket?use-ssl=false", "use_tls"},
		{"s3://bucket?verify_ssl=false", "verify_ssl"},
		{"s3://bucket?access_key=a&secret_key=hidden", "secret_key"},
		{"s3://bucket?aws-access-key-id=a&aws-secret-access-key=hidden", "secret_key"},
		{"s3://bucket?s3-recursive-list=true", "s3_recursive_list"},
		{"s3://bucket?vendor=wasabi&region=eu-centrl-1", "region"},
		{"file:///a?passphrase=hidden", "passphrase"},
	} {
		d, err := ParseDrive(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		var keys []string
		for _, w := range d.Warnings() {
			keys = append(keys, w.Key)
			if strings.Contains(w.String(), "hidden") {
				t.Errorf("%s: a warning tells the secret: %s", c.text, w)
			}
		}
		if got := strings.Join(keys, " "); got != c.keys {
			t.Errorf("%s: warnings about %q, want %q", c.text, got, c.keys)
		}
	}
}

func TestWindowsText(t *testing.T) {
	for _, c := range []struct{ text, path string }{
		{`C:\backup`, `C:\backup`},
		{`c:/backup`, `c:/backup`},
		{`\\server\share\a`, `\\server\share\a`},
		{"file:///C:/a%20b", `C:\a b`},
		{"file://server/share", `\\server\share`},
	} {
		form, err := splitDrive(c.text, true)
		if err != nil || form.kind != formPath || form.path != c.path {
			t.Errorf("%s: %+v, %v", c.text, form, err)
		}
	}
	if _, err := splitDrive("C:backup", true); err == nil || !strings.Contains(err.Error(), `C:\`) {
		t.Errorf("C:backup: %v", err)
	}
}
