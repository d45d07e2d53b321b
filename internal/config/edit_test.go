package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const editable = `# Backups of the shop.
cache: /var/cache/firn   # on the fast disk

drives: # where to
  # The first one.
  - provider: s3   # S3
    label: "AWS Primary"   # @aws-primary
    bucket: ${BUCKET}
    # keys come from the environment
    access_key: ${AWS_ACCESS_KEY_ID}
    secret_access_key: ${AWS_SECRET_ACCESS_KEY}
    prefix: >-
      long/
      prefix
    force_path_style: false

  # The second one.
  - {provider: local, label: Disk, path: /srv/backup} # cheap
  - provider: local
    label: büro
    path:   '/srv/bü''ro'   # ü
    owner:
    # end of büro

# What to keep.
retention:
  keep_last: 3
`

// edited applies one change to the text above and returns the lines that went
// (-) and came (+).
func edited(t *testing.T, text string, change func(*Edit) error) (string, error) {
	t.Helper()
	e, err := OpenEdit(write(t, "c.yml", text))
	if err != nil {
		t.Fatal(err)
	}
	if err := change(e); err != nil {
		if e.Text() != text {
			t.Errorf("changed in spite of %v", err)
		}
		return "", err
	}
	before, after := strings.SplitAfter(text, "\n"), strings.SplitAfter(e.Text(), "\n")
	first := 0
	for first < len(before) && first < len(after) && before[first] == after[first] {
		first++
	}
	last := 0
	for last < len(before)-first && last < len(after)-first && before[len(before)-1-last] == after[len(after)-1-last] {
		last++
	}
	var b strings.Builder
	for _, line := range before[first : len(before)-last] {
		b.WriteString("-" + line)
	}
	for _, line := range after[first : len(after)-last] {
		b.WriteString("+" + line)
	}
	return b.String(), nil
}

// only is the error of a change.
func only(_ string, err error) error { return err }

func TestEdit(t *testing.T) {
	t.Setenv("BUCKET", "")
	if err := os.Unsetenv("BUCKET"); err != nil {
		t.Fatal(err)
	}
	set := func(label, key, value string) func(*Edit) error {
		return func(e *Edit) error { return only(e.Alter(label, Option{key, value})) }
	}
	unset := func(label, key string) func(*Edit) error {
		return func(e *Edit) error { return only(e.Unset(label, key)) }
	}
	for _, c := range []struct {
		name   string
		change func(*Edit) error
		diff   string
	}{
		{"replace with comment", set("@aws-primary", "label", "AWS"), "-    label: \"AWS Primary\"   # @aws-primary\n+    label: AWS   # @aws-primary\n"},
		{"replace plain", set("aws primary", "bucket", "a-b"), "-    bucket: ${BUCKET}\n+    bucket: a-b\n"},
		{"replace under its other name", set("aws-primary", "secret_key", "${S}"), "-    secret_access_key: ${AWS_SECRET_ACCESS_KEY}\n+    secret_access_key: ${S}\n"},
		{"replace by another name", set("aws-primary", "aws-secret-access-key", "a: b"), "-    secret_access_key: ${AWS_SECRET_ACCESS_KEY}\n+    secret_access_key: \"a: b\"\n"},
		{"replace block", set("aws-primary", "prefix", "short"), "-    prefix: >-\n-      long/\n-      prefix\n+    prefix: short\n"},
		{"replace truth", set("aws-primary", "force_path_style", "true"), "-    force_path_style: false\n+    force_path_style: true\n"},
		{"replace in flow", set("disk", "path", "/srv/a, b"), "-  - {provider: local, label: Disk, path: /srv/backup} # cheap\n+  - {provider: local, label: Disk, path: \"/srv/a, b\"} # cheap\n"},
		{"replace behind umlauts", set("büro", "path", "/x"), "-    path:   '/srv/bü''ro'   # ü\n+    path:   /x   # ü\n"},
		{"replace nothing", set("büro", "owner", "anna"), "-    owner:\n+    owner: anna\n"},
		{"insert", set("aws-primary", "region", "eu-west-1"), "+    region: eu-west-1\n"},
		{"insert in flow", set("disk", "read-only", "true"), "-  - {provider: local, label: Disk, path: /srv/backup} # cheap\n+  - {provider: local, label: Disk, path: /srv/backup, read_only: true} # cheap\n"},
		{"insert at the end", set("büro", "upload_limit", "5MB"), "+    upload_limit: 5MB\n"},
		{"unset", unset("aws-primary", "access_key"), "errors"},
		{"unset block", unset("aws-primary", "prefix"), "-    prefix: >-\n-      long/\n-      prefix\n"},
		{"unset last", unset("aws-primary", "force_path_style"), "-    force_path_style: false\n"},
		{"alter to nothing what is not there", set("disk", "owner", ""), ""},
		{"remove first", func(e *Edit) error { return only(e.RemoveDrive("aws-primary")) }, "-  - provider: s3   # S3\n-    label: \"AWS Primary\"   # @aws-primary\n" +
			"-    bucket: ${BUCKET}\n-    # keys come from the environment\n-    access_key: ${AWS_ACCESS_KEY_ID}\n-    secret_access_key: ${AWS_SECRET_ACCESS_KEY}\n" +
			"-    prefix: >-\n-      long/\n-      prefix\n-    force_path_style: false\n"},
		{"remove flow", func(e *Edit) error { return only(e.RemoveDrive("disk")) }, "-  - {provider: local, label: Disk, path: /srv/backup} # cheap\n"},
		{"add", func(e *Edit) error {
			return e.AddDrive(Drive{Provider: S3, Label: "New one", Bucket: "new", Vendor: "wasabi", Region: "eu-west-1",
				AccessKey: NewSecret("${A}"), SecretKey: NewSecret("a$b")})
		}, "+  - provider: s3\n+    label: New one\n+    vendor: wasabi\n+    bucket: new\n+    region: eu-west-1\n+    access_key: ${A}\n+    secret_key: \"a$$b\"\n"},
	} {
		diff, err := edited(t, editable, c.change)
		if c.diff == "errors" {
			if err == nil {
				t.Errorf("%s: %s", c.name, diff)
			}
			continue
		}
		if err != nil || diff != c.diff {
			t.Errorf("%s: %v\n%s\nwant\n%s", c.name, err, diff, c.diff)
		}
	}
}

func TestEditEmpty(t *testing.T) {
	d := Drive{Provider: Local, Label: "a", Path: "/x"}
	const block = "  - provider: local\n    label: a\n    path: /x\n"
	for text, want := range map[string]string{
		"":                            "drives:\n" + block,
		"# mine\n":                    "# mine\n\ndrives:\n" + block,
		"cache: /x":                   "cache: /x\n\ndrives:\n" + block,
		"drives: [] # none\ncache: /": "drives: # none\n" + block + "cache: /",
		"drives:\n":                   "drives:\n" + block,
		"drives:":                     "drives:\n" + block,
		"drives:\n- provider: local\n  label: b\n  path: /y": "drives:\n- provider: local\n  label: b\n  path: /y\n" +
			"- provider: local\n  label: a\n  path: /x\n",
	} {
		e, err := OpenEdit(write(t, "c.yml", text))
		if err != nil {
			t.Fatal(err)
		}
		if err := e.AddDrive(d); err != nil || e.Text() != want {
			t.Errorf("%q: %v\n%s", text, err, e.Text())
			continue
		}
		if _, err := e.RemoveDrive("a"); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	diff, err := edited(t, "drives: # all\n  # one\n  - {provider: local, label: a, path: /x}\n# end\n", func(e *Edit) error { return only(e.RemoveDrive("a")) })
	if err != nil || diff != "-drives: # all\n-  # one\n-  - {provider: local, label: a, path: /x}\n+drives: [] # all\n+  # one\n" {
		t.Errorf("%v\n%s", err, diff)
	}
}

// TestEditRefuses: what Edit cannot do it says, and the file stays.
func TestEditRefuses(t *testing.T) {
	for _, c := range []struct {
		name, text string
		change     func(*Edit) error
		is         error
		says       string
	}{
		{"no such drive", editable, func(e *Edit) error { return only(e.Alter("aws", Option{"region", "x"})) }, ErrDrive, "there are @aws-primary"},
		{"unset what is not there", editable, func(e *Edit) error { return only(e.Unset("disk", "owner")) }, ErrNoSetting, "owner"},
		{"no such setting", editable, func(e *Edit) error { return only(e.Alter("disk", Option{"regoin", "x"})) }, ErrDrive, "did you mean region?"},
		{"bad value", editable, func(e *Edit) error { return only(e.Alter("disk", Option{"path", "x"})) }, nil, "is not absolute"},
		{"setting of others", editable, func(e *Edit) error { return only(e.Alter("disk", Option{"bucket", "x"})) }, nil, "for drives with provider s3"},
		{"label taken", editable, func(e *Edit) error { return only(e.Alter("disk", Option{"label", "BÜRO"})) }, nil, "is taken"},
		{"new label taken", editable, func(e *Edit) error { return e.AddDrive(Drive{Provider: Local, Label: "disk", Path: "/y"}) }, nil, "is taken"},
		{"no label", editable, func(e *Edit) error { return e.AddDrive(Drive{Provider: Local, Path: "/y"}) }, nil, "no label"},
		{"same directory", editable, func(e *Edit) error { return e.AddDrive(Drive{Provider: Local, Label: "x", Path: "/srv/backup"}) }, nil, "same directory"},
		{"needed", editable, func(e *Edit) error { return only(e.Unset("büro", "path")) }, nil, "path: missing"},
		{"first line", editable, func(e *Edit) error { return only(e.Unset("büro", "provider")) }, ErrByHand, ""},
		{"opposite", "drives:\n  - provider: s3\n    label: a\n    bucket: bbb\n    virtual_host: true\n",
			func(e *Edit) error { return only(e.Alter("a", Option{"force_path_style", "true"})) }, ErrByHand, "opposite"},
		{"alias", "drives:\n  - &d {provider: local, label: a, path: /x}\n", func(e *Edit) error { return only(e.RemoveDrive("b")) }, ErrDrive, ""},
		{"anchor", "drives:\n  - provider: local\n    label: a\n    path: &p /x\n", func(e *Edit) error { return only(e.Alter("a", Option{"path", "/y"})) }, ErrByHand, ""},
		{"flow list", "drives: [{provider: local, label: a, path: /x}]\n", func(e *Edit) error { return only(e.RemoveDrive("a")) }, ErrByHand, ""},
		{"plain on two lines", "drives:\n  - provider: local\n    label: a\n    path: /x\n      y\n", func(e *Edit) error { return only(e.Alter("a", Option{"path", "/y"})) }, ErrByHand, ""},
	} {
		_, err := edited(t, c.text, c.change)
		if err == nil || c.is != nil && !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestEditSave(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "config.yml")
	e, err := OpenEdit(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.AddDrive(Drive{Provider: Local, Label: "a", Path: "/x"}); err != nil {
		t.Fatal(err)
	}
	if err := e.Save(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || !windows && info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info.Mode(), err)
	}
	if c, err := Load(path); err != nil || len(c.Drives) != 1 {
		t.Fatalf("%v", err)
	}
	if _, err := e.Alter("a", Option{"read_only", "true"}); err != nil {
		t.Fatal(err)
	}
	if err := e.Save(); err != nil {
		t.Fatal(err)
	}
	// Somebody else writes it.
	if err := os.WriteFile(path, []byte("cache: /x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Alter("a", Option{"read_only", "false"}); err != nil {
		t.Fatal(err)
	}
	if err := e.Save(); !errors.Is(err, ErrChanged) {
		t.Fatalf("%v", err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v %v", entries, err)
	}
}

func TestEditFollowsLink(t *testing.T) {
	if windows {
		t.Skip("needs rights for links")
	}
	real := write(t, "real.yml", "cache: /x\n")
	link := filepath.Join(t.TempDir(), "link.yml")
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	e, err := OpenEdit(link)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.AddDrive(Drive{Provider: Local, Label: "a", Path: "/x"}); err != nil {
		t.Fatal(err)
	}
	if err := e.Save(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link was replaced")
	}
	if c, err := Load(real); err != nil || len(c.Drives) != 1 {
		t.Errorf("%v", err)
	}
}
