package config

import (
	"errors"
	"os"
	"strings"
	"testing"
)

// TestAlter: several changes are one, of which only the outcome must be right.
func TestAlter(t *testing.T) {
	t.Setenv("BUCKET", "")
	if err := os.Unsetenv("BUCKET"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		label   string
		changes []Option
		diff    string
	}{
		{"one source of a secret for another", "aws-primary", []Option{{"secret_key_file", "/run/secret"}, {"secret_key", ""}},
			"-    secret_access_key: ${AWS_SECRET_ACCESS_KEY}\n     prefix\n     +    secret_key_file: /run/secret\n"},
		{"label and another setting", "büro", []Option{{"label", "Office"}, {"read_only", "yes"}}, ""},
		{"the opposite", "aws-primary", []Option{{"virtual-host", "no"}}, "-    force_path_style: false\n+    force_path_style: true\n"},
		{"a dollar sign", "disk", []Option{{"owner", "a$b"}}, `owner: "a$$b"`},
		{"a variable", "disk", []Option{{"owner", "${OWNER:-x}$$"}}, `owner: "${OWNER:-x}$$"`},
	} {
		diff, err := edited(t, editable, func(e *Edit) error { return only(e.Alter(c.label, c.changes...)) })
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for line := range strings.Lines(c.diff) {
			if !strings.Contains(diff, strings.TrimSpace(line)) {
				t.Errorf("%s: %q is not in\n%s", c.name, line, diff)
			}
		}
	}
	for _, c := range []struct {
		name    string
		changes []Option
		is      error
		says    string
	}{
		{"half of it wrong", []Option{{"read_only", "true"}, {"path", "x"}}, nil, "is not absolute"},
		{"without effect", []Option{{"s3-recursive-list", "true"}}, ErrDrive, "has no effect"},
		{"location", []Option{{"location", "/x"}}, ErrDrive, "or path"},
		{"opposite of a variable", []Option{{"virtual_host", "${X}"}}, ErrDrive, "the opposite of force_path_style"},
		{"two sources", []Option{{"passphrase", "x"}, {"passphrase_file", "/x"}}, nil, "one of them must go"},
	} {
		if _, err := edited(t, editable, func(e *Edit) error { return only(e.Alter("disk", c.changes...)) }); err == nil ||
			c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestDiff shows what changes and hides what is secret, before and after.
func TestDiff(t *testing.T) {
	for _, c := range []struct {
		name, text string
		change     func(*Edit) error
		diff       string
	}{
		{"nothing", "cache: /x\n", func(*Edit) error { return nil }, ""},
		{"a new file", "", func(e *Edit) error {
			return e.AddDrive(Drive{Provider: Local, Label: "a", Path: "/x", Passphrase: NewSecret("hidden")})
		}, "+drives:\n+  - provider: local\n+    label: a\n+    path: /x\n+    passphrase: ***"},
		{"two places", editable, func(e *Edit) error {
			return only(e.Alter("aws-primary", Option{"label", "x"}, Option{"region", "eu-west-1"}))
		}, "   # The first one.\n   - provider: s3   # S3\n-    label: \"AWS Primary\"   # @aws-primary\n+    label: x   # @aws-primary\n" +
			"     bucket: ${BUCKET}\n     # keys come from the environment\n …\n       prefix\n     force_path_style: false\n+    region: eu-west-1\n" +
			" \n   # The second one."},
		{"secrets", "drives:\n  - label: a\n    provider: s3\n    bucket: bbb\n    secret_access_key: \"hidden\" # hidden\n    access_key:\n      hidden\n",
			func(e *Edit) error { return only(e.Alter("a", Option{"secret_key", "new hidden"})) },
			"     provider: s3\n     bucket: bbb\n-    secret_access_key: ***\n+    secret_access_key: ***\n     access_key: ***\n ***"},
		{"secrets in braces", "drives: [{label: a, provider: local, path: /x, passphrase: hidden, owner: anna},\n  {label: b, provider: local, path: /y, passphrase:\n   hidden}]\n",
			func(e *Edit) error { return only(e.Alter("a", Option{"owner", "otto"})) },
			"-drives: [{label: a, provider: local, path: /x, passphrase: ***\n+drives: [{label: a, provider: local, path: /x, passphrase: ***\n ***\n ***"},
		{"variables", "drives:\n  - {label: a, provider: local, path: /x, passphrase: \"${A}${B}\"}\n",
			func(e *Edit) error { return only(e.Alter("a", Option{"passphrase", "${A:-hidden}"})) },
			" drives:\n-  - {label: a, provider: local, path: /x, passphrase: \"${A}${B}\"}\n+  - {label: a, provider: local, path: /x, passphrase: ***"},
	} {
		e, err := OpenEdit(write(t, "c.yml", c.text))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.change(e); err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		lines, err := e.Diff()
		if got := strings.Join(lines, "\n"); err != nil || got != c.diff || strings.Contains(got, "hidden") {
			t.Errorf("%s: %v\n%s\nwant\n%s", c.name, err, got, c.diff)
		}
	}
}

// TestDraft: variables are written as they stand, set or not, and what is known
// is checked.
func TestDraft(t *testing.T) {
	t.Setenv("SET", "eu-west-1")
	d, err := Draft("s3://${FIRN_TEST_BUCKET}/a/${SET}?region=${SET}", Option{"label", "x"}, Option{"connections", "${FIRN_TEST_N}"},
		Option{"access-key", "${FIRN_TEST_A}"}, Option{"secret-key", "a$b"}, Option{"endpoint", "https://s3.{region}.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if w := d.Warnings(); len(w) != 1 || w[0].Key != "secret_key" {
		t.Errorf("warnings: %+v", w)
	}
	e, err := OpenEdit(t.TempDir() + "/new.yml")
	if err == nil {
		err = e.AddDrive(d)
	}
	const want = "drives:\n  - provider: s3\n    label: x\n    endpoint: \"https://s3.{region}.example.com\"\n    bucket: ${FIRN_TEST_BUCKET}\n    region: ${SET}\n" +
		"    prefix: \"a/${SET}\"\n    access_key: ${FIRN_TEST_A}\n    secret_key: \"a$$b\"\n    connections: ${FIRN_TEST_N}\n"
	if err != nil || e.Text() != want {
		t.Fatalf("%v\n%s\nwant\n%s", err, e.Text(), want)
	}
	if _, err := e.Load(); err == nil || !strings.Contains(err.Error(), "FIRN_TEST_BUCKET is not set") {
		t.Errorf("%v", err)
	}
	t.Setenv("FIRN_TEST_BUCKET", "bucket")
	t.Setenv("FIRN_TEST_N", "7")
	t.Setenv("FIRN_TEST_A", "key")
	if c, err := e.Load(); err != nil || c.Drives[0].Connections != 7 || c.Drives[0].Bucket != "bucket" || c.Drives[0].SecretKey.Reveal() != "a$b" {
		t.Errorf("%v", err)
	}
	for text, says := range map[string]string{
		"s3://${FIRN_TEST_X?region=x":                "no }",
		"s3://bucket?region=${FIRN_TEST_X}&regoin=1": "did you mean",
		"s3://bucket?virtual_host=${SET}":            "means the opposite",
		"s3://bucket?connections=${SET}":             "no whole number",
	} {
		if _, err := Draft(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// TestFlagsAlone: settings without a URL say what drive they mean.
func TestFlagsAlone(t *testing.T) {
	for _, c := range []struct {
		options []Option
		url     string
	}{
		{[]Option{{"bucket", "b-1"}, {"vendor", "wasabi"}, {"region", "eu-west-1"}, {"backup-directory", "/A"}},
			"s3://b-1?vendor=wasabi&region=eu-west-1&backup_directory=/A"},
		{[]Option{{"bucket", "b.1"}, {"endpoint", "nas:9000"}, {"use-ssl", "false"}, {"prefix", "a"}}, "s3:///a?endpoint=http://nas:9000&bucket=b.1"},
		{[]Option{{"path", "/a"}, {"read-only", ""}}, "file:///a?read_only=true"},
		{[]Option{{"provider", "local"}, {"path", "/a"}}, "file:///a"},
	} {
		d, err := ParseDrive("", c.options...)
		if err != nil || d.URL() != c.url {
			t.Errorf("%v: %s, %v", c.options, d.URL(), err)
		}
	}
	for says, options := range map[string][]Option{
		"no bucket is named":  {{"region", "x"}},
		"path: missing":       {{"provider", "local"}},
		"is for drives with":  {{"provider", "s3"}, {"path", "/a"}},
		"there is nothing in": nil,
	} {
		if _, err := ParseDrive("", options...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v", options, err)
		}
	}
}
