package config

import (
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// someText draws printable texts with the characters that matter in URLs and YAML.
var someText = rapid.StringMatching(`[a-zA-Z0-9äß/][a-zA-Z0-9äß /._~:?#@!$&'()*+,;=%"<>|-]{0,12}[a-z0-9]`)

// drawDrive draws a valid drive without secrets.
func drawDrive(t *rapid.T) Drive {
	s := newSettings()
	set := func(key, value string) {
		if err := s.set(key, value); err != nil {
			t.Fatalf("%s %q: %v", key, value, err)
		}
	}
	maybe := func(key string, g *rapid.Generator[string]) {
		if rapid.Bool().Draw(t, "with "+key) {
			set(key, g.Draw(t, key))
		}
	}
	oneOf := func(values ...string) *rapid.Generator[string] { return rapid.SampledFrom(values) }
	maybe("label", someText)
	maybe("owner", someText)
	maybe("read_only", oneOf("true", "false"))
	maybe("upload_limit", oneOf("5MB", "3KiB", "7B"))
	maybe("passphrase_command", oneOf("pass show x", `sh -c "a | b"`))
	maybe("key_file", someText)
	if rapid.Bool().Draw(t, "local") {
		set("provider", Local)
		set("path", "/"+rapid.StringMatching(`[a-z0-9 ?#%&=+äß]{1,20}`).Draw(t, "path"))
		return finish(t, s)
	}
	set("provider", S3)
	set("bucket", rapid.SampledFrom([]string{"backups", "my.bucket", "Old_Bucket", "localhost", "10.0.0.1", "a1b",
		"arn:aws:s3:eu-west-1:123456789012:accesspoint/backups"}).Draw(t, "bucket"))
	maybe("vendor", oneOf("aws", "wasabi", "digitalocean"))
	maybe("endpoint", oneOf("https://host:9000", "http://[::1]:9000", "https://{bucket}.s3.{region}.example.com", "nas", "HTTP://NAS/"))
	maybe("region", oneOf("us-east-1", "r 1&2"))
	if rapid.Bool().Draw(t, "directory") {
		set("backup_directory", "/A/B")
	} else {
		maybe("prefix", rapid.StringMatching(`[a-z0-9 ?#%&=+äß]{1,9}(/[A-Z0-9 ]{1,9})?/?`))
	}
	maybe("force_path_style", oneOf("true", "false"))
	maybe("verify_ssl", oneOf("true", "false"))
	maybe("client", oneOf("aws", "minio"))
	maybe("http_retries", oneOf("0", "3"))
	maybe("connect_timeout", oneOf("3s", "1m30s"))
	maybe("storage_class", someText)
	maybe("storage_classes", oneOf("p=INTELLIGENT_TIERING,STANDARD_IA", "STANDARD_IA"))
	maybe("sse", oneOf("AES256", "aws:kms:dsse"))
	maybe("object_tags", oneOf("a=b", "team=ops&cost%20centre=7"))
	maybe("acl", oneOf("private"))
	maybe("ca_file", someText)
	return finish(t, s)
}

func finish(t *rapid.T, s *settings) Drive {
	if p := s.drive.complete(); len(p) > 0 {
		t.Fatalf("drawn drive: %v", p)
	}
	return *s.drive
}

// TestDriveURLRoundTrip: every drive is what its URL says.
func TestDriveURLRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawDrive(t)
		got, err := ParseDrive(want.URL())
		if err != nil {
			t.Fatalf("%s: %v", want.URL(), err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%s\n got %+v\nwant %+v", want.URL(), got, want)
		}
	})
}

// TestDriveFileRoundTrip: every drive is what the file says that Edit writes.
func TestDriveFileRoundTrip(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		want := drawDrive(t)
		want.Label = strings.TrimSpace(want.Label + " x")
		if want.Provider == S3 {
			want.AccessKey, want.SecretKey = NewSecret("AK"), NewSecret(`a$b'c"d#: \`)
		}
		e, err := OpenEdit(dir + "/none.yml")
		if err != nil {
			t.Fatal(err)
		}
		if err := e.AddDrive(want); err != nil {
			t.Fatalf("%+v: %v", want, err)
		}
		c, err := load("c.yml", []byte(e.Text()), with())
		if err != nil {
			t.Fatalf("%s: %v", e.Text(), err)
		}
		if !reflect.DeepEqual(c.Drives[0], want) {
			t.Fatalf("%s\n got %+v\nwant %+v", e.Text(), c.Drives[0], want)
		}
	})
}

// TestCompleteTwice: completing a drive a second time changes nothing.
func TestCompleteTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawDrive(t)
		again := d
		if p := again.complete(); len(p) > 0 || !reflect.DeepEqual(d, again) {
			t.Fatalf("%+v %+v %v", d, again, p)
		}
	})
}

func FuzzParseDrive(f *testing.F) {
	for _, text := range []string{
		"s3://bucket/prefix?region=eu-west-1&endpoint=https://host", "s3:https://host/bucket/a", "s3+http://[::1]:9/b/c", "s3:host/b",
		"s3://my.bucket/a\n ?aws-access-key-id=a\n &use-ssl=true", "file:///a%20b?read_only", "/a/b", `C:\x`, "s3://arn:aws:s3:::accesspoint/x",
		"s3:///p?bucket=a.b", "@x", "s3://b?endpoint=https://{bucket}.h/{bucket}", "~/x", "s3://a@b/c",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDrive(text)
		if err != nil {
			return
		}
		again, err := ParseDrive(d.URL())
		if err != nil {
			t.Fatalf("%q is %s, which is %v", text, d.URL(), err)
		}
		if again.URL() != d.URL() {
			t.Fatalf("%q is %s, which is %s", text, d.URL(), again.URL())
		}
		_, _ = d.Resolve()
		_ = d.Warnings()
	})
}

func FuzzLoad(f *testing.F) {
	for _, text := range []string{
		"drives:\n  - provider: s3\n    label: A ${X:-b}\n    bucket: abc\n", "drives: [{<<: &a {x: y}}, *a]\n", "a: |\n  b\n", "? a\n: b\n",
		"retention: {keep_within: 1y}\ncache: /x", "backup: &b\n  tags: [a, 'b', \"c\"]\n  <<: *b\n", "drives:\n- label: x\n  location: s3://h:1/bbb\n", "!!str a: b", "- a\n- b",
		"a: &a [*a]", "%YAML 1.2\n---\na: b\n", "drives:\n  -\n", "{", "a: 'b", "drives:\n  - &d {label: !!int x}\n  - *d",
	} {
		f.Add([]byte(text))
	}
	look := with("X", "y")
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := load("c.yml", text, look)
		if err == nil {
			Check(c)
			for _, d := range c.Drives {
				if _, err := ParseDrive(d.URL()); err != nil {
					t.Fatalf("%q: %s: %v", text, d.URL(), err)
				}
			}
		}
	})
}

// FuzzEdit: an edit is made as asked or not at all.
func FuzzEdit(f *testing.F) {
	f.Add([]byte("drives:\n  # c\n  - label: a # x\n    provider: local\n    path: /a\n\n# end\n"), "b c")
	f.Add([]byte("drives: [{label: a, provider: local, path: /a}]\n"), "x: y")
	f.Add([]byte("cache: /x # y\n"), "#")
	f.Add([]byte("drives:\n- label: |\n   a\n  owner: >-\n   b\n   c\n  path: /x\n"), "'")
	f.Fuzz(func(t *testing.T, text []byte, value string) {
		e := &Edit{path: "c.yml", text: text}
		if _, err := e.sketch(); err != nil {
			return
		}
		before := e.Text()
		for _, change := range []func() error{
			func() error { return only(e.Alter("a", Option{"owner", value}, Option{"passphrase", value})) },
			func() error { return e.AddDrive(Drive{Provider: Local, Label: "new", Path: "/" + value}) },
			func() error { return only(e.Unset("a", "owner")) },
			func() error { return only(e.RemoveDrive("a")) },
		} {
			was := e.Text()
			if err := change(); err != nil && e.Text() != was {
				t.Fatalf("%q was changed to %q though %v", before, e.Text(), err)
			}
			if _, err := e.Diff(); err != nil {
				t.Fatalf("%q: %v", e.Text(), err)
			}
		}
	})
}

// FuzzDraft: a draft that is written into a file is read from it as what it
// was, and no secret is in what is shown of the change.
func FuzzDraft(f *testing.F) {
	for _, text := range []string{
		"s3://bucket/prefix?region=${R}&endpoint=https://host&secret_key=hidden&access_key=a", "s3://${B}/x/${R:-y$$}", "/a/b?owner=$x", "s3://b-1?passphrase=hidden${R}",
		"file:///a?passphrase=hidden%0Ahidden", "s3://bucket?client=${C}&connections=${N}&read_only=${T}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := Draft(text, Option{"label", "x"})
		if err != nil {
			return
		}
		e := &Edit{path: "c.yml"}
		if e.AddDrive(d) != nil {
			return
		}
		lines, err := e.Diff()
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range lines {
			key, value, _ := strings.Cut(strings.TrimLeft(line, "+ -"), ": ")
			if f, ok := fieldOf(driveType, key); ok && f.kind == reflect.TypeFor[Secret]() && value != "***" && !onlyVariables(strings.Trim(value, `"`)) {
				t.Fatalf("%q: %s", text, line)
			}
		}
		if len(d.written) > 0 {
			return // the variables are not set
		}
		c, err := e.Load()
		if err != nil || c.Drives[0].URL() != d.URL() {
			t.Fatalf("%q is %s, and in the file it is %v, %v", text, d.URL(), c, err)
		}
	})
}
