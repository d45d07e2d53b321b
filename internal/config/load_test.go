package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// with makes an environment of names and values.
func with(pairs ...string) lookup {
	return func(name string) (string, bool) {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1], true
			}
		}
		return "", false
	}
}

// TestLoadErrors looks for place, key and advice of each mistake.
func TestLoadErrors(t *testing.T) {
	const drive = "drives:\n  - provider: s3\n    label: A\n    bucket: backups\n"
	for _, c := range []struct{ name, text, says string }{
		{"unknown key", drive + "    regoin: x\n", "c.yml:5:5: drives[0].regoin: there is no such setting; did you mean region?"},
		{"unknown alias", drive + "    secret_acces_key: x\n", "did you mean secret_access_key?"},
		{"dashes", drive + "    read-only: true\n", "did you mean read_only?"},
		{"unknown at top", "drive: []\n", "c.yml:1:1: drive: there is no such setting; did you mean drives?"},
		{"drive's key at top", "bucket: x\n", "it belongs to a drive, under drives"},
		{"data sources", "data_sources:\n  - provider: postgres\n", "c.yml:1:1: data_sources: is not supported by this version yet"},
		{"twice", drive + "    bucket: b\n", "c.yml:5:5"},
		{"twice by alias", drive + "    access_key: a\n    secret_key: b\n    secret_access_key: c\n", "c.yml:7:24: drives[0].secret_access_key: given twice, also as secret_key"},
		{"list for value", drive + "    region: [a]\n", "c.yml:5:13: drives[0].region: must be a single value and is a list"},
		{"group for value", drive + "    region:\n      a: b\n", "must be a single value and is a group of settings"},
		{"value for list", "drives: aws\n", "c.yml:1:9: drives: must be a list, each item after a dash, and is a single value"},
		{"group for list", "drives:\n  provider: s3\n", "c.yml:2:3: drives: must be a list"},
		{"value for group", "retention: 30\n", "c.yml:1:12: retention: must be settings"},
		{"value for drive", "drives: [aws]\n", "drives[0]: must be settings"},
		{"truth for text", drive + "    prefix: true\n", "c.yml:5:13: drives[0].prefix: must be a text and is true or false: put it in quotes"},
		{"text for truth", drive + "    force_path_style: maybe\n", `c.yml:5:23: drives[0].force_path_style: "maybe" is neither true nor false`},
		{"text for number", drive + "    connections: many\n", `"many" is no whole number`},
		{"variable", drive + "    region: ${AWS_REGION}\n", "c.yml:5:13: drives[0].region: environment variable AWS_REGION is not set"},
		{"empty variable", drive + "    region: ${EMPTY}\n", "drives[0].region: empty"},
		{"empty key", drive + "    access_key: ${EMPTY}\n    secret_key: x\n", "c.yml:5:17: drives[0].access_key: empty"},
		{"dollar", drive + "    region: $AWS_REGION\n", "write ${NAME} for a variable and $$ for a dollar sign"},
		{"open brace", drive + "    region: ${AWS_REGION\n", "has no }"},
		{"no name", drive + "    region: ${my secret}\n", "neither NAME nor NAME:-DEFAULT"},
		{"region empty", drive + "    region: \"\"  # Missing region\n", "c.yml:5:13: drives[0].region: empty; name the bucket's region, such as us-east-1"},
		{"region nothing", drive + "    region:\n", "drives[0].region: empty"},
		{"vendor as provider", "drives:\n  - provider: wasabi\n    label: A\n    bucket: b\n", "write provider: s3 and vendor: wasabi"},
		{"no provider", "drives:\n  - label: A\n    bucket: bbb\n", "c.yml:2:5: drives[0].provider: missing: write s3 or local"},
		{"no label", "drives:\n  - provider: s3\n    bucket: bbb\n", "drives[0].label: missing"},
		{"no bucket", "drives:\n  - provider: s3\n    label: A\n", "drives[0].bucket: missing"},
		{"relative path", "drives:\n  - {provider: local, label: A, path: backup}\n", "c.yml:2:39: drives[0].path: \"backup\" is not absolute"},
		{"same label", drive + "  - provider: local\n    label: a\n    path: /x\n", "c.yml:6:12: drives[1].label: \"a\" is taken by drives[0]"},
		{"same directory", drive + "  - provider: s3\n    label: B\n    bucket: backups\n    vendor: aws\n", "c.yml:7:13: drives[1].bucket: is the same directory as that of drives[0], \"A\""},
		{"same directory by vendor", "drives:\n  - {provider: s3, label: A, bucket: bbb, vendor: wasabi, region: eu-west-1, prefix: A/B}\n" +
			"  - {provider: s3, label: B, bucket: bbb, endpoint: 'https://s3.eu-west-1.wasabisys.com:443', backup_directory: /A/B}\n", "same directory"},
		{"compression", "compression: zip\n", `c.yml:1:14: compression: "zip" is not one of auto, off, fastest, default, better, max`},
		{"cache", "cache: here\n", "cache: \"here\" is not an absolute path"},
		{"retention by", "retention:\n  by: size\n  value: 3\n", `retention.by: "size" is not one of age, count`},
		{"retention half", "retention:\n  by: age\n", "by and value go together"},
		{"retention twice", "retention:\n  by: count\n  value: 3\n  keep_last: 2\n", "one of them must go"},
		{"retention empty", "retention:\n  enabled: true\n", "c.yml:2:12: retention.enabled: says true, and no rule says what to keep"},
		{"span", "retention:\n  keep_within: 3 days\n", "c.yml:2:16: retention.keep_within"},
		{"count", "retention:\n  keep_last: some\n", "neither a number of snapshots nor forever"},
		{"two documents", "cache: /a\n---\ncache: /b\n", "c.yml:3:1: a second document begins"},
		{"not YAML", "drives:\n\t- a\n", "c.yml:2:1"},
		{"no alias", drive + "    region: *r\n", "*r stands for nothing"},
		{"circle", "drives: &a\n  - *a\n", "c.yml"},
		{"merge circle", "backup: &a\n  <<: *a\n", "<< goes too deep, or in circles"},
		{"quote in command", drive + "    secret_key_command: pass 's3\n    access_key: x\n", "quote that is not closed"},
		{"location and bucket", "drives:\n  - label: A\n    location: s3://host/bucket\n    bucket: other\n    endpoint: x\n", "drives[0].location: endpoint: given twice"},
		{"location with query", "drives:\n  - label: A\n    location: s3://host/bucket?region=x\n", "no options are taken here"},
	} {
		_, err := load("c.yml", []byte(c.text), with("EMPTY", ""))
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v\nlacks %q", c.name, err, c.says)
			continue
		}
		var e *Error
		if !errors.As(err, &e) || e.File != "c.yml" {
			t.Errorf("%s: %v is no *Error", c.name, err)
		}
	}
}

// TestLoadAllErrors: every mistake is told at once.
func TestLoadAllErrors(t *testing.T) {
	_, err := load("c.yml", []byte("drives:\n  - {provider: s3, label: A, bukcet: x, regoin: y}\nbackups: {}\n"), with())
	if err == nil || strings.Count(err.Error(), "did you mean") != 3 {
		t.Errorf("%v", err)
	}
}

// TestLoadErrorsHoldNoSecrets: a syntax error quotes no lines.
func TestLoadErrorsHoldNoSecrets(t *testing.T) {
	for _, text := range []string{
		"drives:\n  - provider: s3\n    secret_key: hidden: word\n",
		"drives:\n  - provider: s3\n    secret_key: hidden$word\n",
		"drives:\n  - provider: s3\n    secret_key: ${hidden word}\n",
		"drives:\n  - provider: s3\n    secret_key: [hidden]\n",
		"drives:\n  - provider: s3\n    proxy: hidden\n    label: A\n    bucket: bbb\n",
		"drives:\n  - provider: s3\n    label: A\n    bucket: bbb\n    endpoint: https://a:hidden@host\n",
	} {
		_, err := load("c.yml", []byte(text), with())
		if err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestLoad(t *testing.T) {
	text := `
# all of it
defaults: &aws   # refused below
drives: []
`
	if _, err := load("c.yml", []byte(text), with()); err == nil {
		t.Error("a key for anchors only was accepted")
	}
	text = `
drives:
  - &first
    provider: s3
    label: One
    bucket: ${B:-one-${ENV:-dev}}
    access_key: 0123
    secret_key: a$$b${S}
    secret_key_command:
    verify_ssl: ${V:-no}
    http_retries: 0
    upload_limit: 5 MB/s
    connect_timeout: 10s
    passphrase_command: [sh, -c, "pass show 'a b'"]
  - <<: *first
    label: Two words
    prefix: 2
  - {provider: local, label: Disk, path: /srv//backup/}
backup:
  exclude: "*.tmp"
  exclude_files: [/etc/firn/exclude]
  one_file_system: true
  presets: [system]
  tags:
    - nightly
  host: web1
retention: {enabled: true, keep_daily: 7, keep_last: forever, keep_within: 1y6m, keep_tags: [[a, b], c]}
cache: /var/cache/firn
compression: better
`
	c, err := load("c.yml", []byte(text), with("S", "s$x"))
	if err != nil {
		t.Fatal(err)
	}
	one, two, disk := c.Drives[0], c.Drives[1], c.Drives[2]
	if one.Bucket != "one-dev" || one.AccessKey.Reveal() != "0123" || one.SecretKey.Reveal() != "a$bs$x" || *one.VerifySSL ||
		*one.HTTPRetries != 0 || one.UploadLimit != 5_000_000 || one.ConnectTimeout.String() != "10s" || one.PassphraseCommand[2] != "pass show 'a b'" {
		t.Errorf("%+v", one)
	}
	if two.Label != "Two words" || two.Prefix != "2" || two.Bucket != one.Bucket || disk.Path != "/srv/backup" {
		t.Errorf("%+v %+v", two, disk)
	}
	b := c.Backup
	if len(b.Exclude) != 1 || b.Exclude[0] != "*.tmp" || !b.OneFileSystem || b.Tags[0] != "nightly" || b.Host != "web1" || b.Presets[0] != "system" {
		t.Errorf("%+v", b)
	}
	k := c.Retention.Keep()
	if k.Daily != 7 || k.Last != -1 || k.Within.String() != "1y6m" || len(k.Tags) != 2 || k.Tags[1][0] != "c" {
		t.Errorf("%+v", k)
	}
	for _, name := range []string{"@one", "ONE", "@two-words", "two words", "Two-Words", "disk"} {
		if _, err := c.Drive(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.Drive("@dsk"); !errors.Is(err, ErrDrive) || !strings.Contains(err.Error(), "did you mean @disk? There are @one, @two-words, @disk") {
		t.Errorf("%v", err)
	}
}

func TestRetention(t *testing.T) {
	for text, want := range map[string]string{
		"{enabled: true, by: age, value: 30}":  "30d 0",
		"{by: count, value: 5}":                " 5",
		"{enabled: false, by: age, value: 30}": " 0",
		"{enabled: false}":                     " 0",
	} {
		c, err := load("c.yml", []byte("retention: "+text), with())
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		k := c.Retention.Keep()
		if got := k.Within.String() + " " + Count(k.Last).String(); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestLoadEmpty(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "drives:\n", "drives: []\n", "---\n"} {
		c, err := load("c.yml", []byte(text), with())
		if err != nil || len(c.Drives) != 0 {
			t.Errorf("%q: %+v, %v", text, c, err)
		}
	}
	c := &Config{}
	if _, err := c.Drive("x"); err == nil || !strings.Contains(err.Error(), "no drives are configured") {
		t.Errorf("%v", err)
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.yml")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestLoadBounds(t *testing.T) {
	if _, err := load("c.yml", make([]byte, mostBytes+1), with()); err == nil {
		t.Error("a huge file was read")
	}
	if _, err := load("c.yml", []byte(strings.Repeat("[", mostDepth+1)), with()); err == nil || !strings.Contains(err.Error(), "nested too deep") {
		t.Errorf("%v", err)
	}
	long := "cache: /" + strings.Repeat("x", mostValue)
	if _, err := load("c.yml", []byte(long), with()); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("%v", err)
	}
	// Lists of aliases of lists of aliases: each level ten times the last.
	laughs := "backup:\n  tags: &a [x, x, x, x, x, x, x, x, x, x]\n"
	var b strings.Builder
	b.WriteString("retention:\n  keep_tags: &l0 [[a]]\n" + laughs + "drives:\n  - &d0 {provider: s3}\n")
	for i := range 9 {
		b.WriteString("  - &d" + string(rune('1'+i)) + " {<<: [" + strings.TrimSuffix(strings.Repeat("*d"+string(rune('0'+i))+", ", 10), ", ") + "]}\n")
	}
	if _, err := load("c.yml", []byte(b.String()), with()); err == nil {
		t.Error("too many aliases were followed")
	}
}

func TestFind(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", home)
	t.Setenv("FIRN_CONFIG", "")
	path, searched := Find("")
	user := filepath.Join(home, "firn", "config.yml")
	if len(searched) == 0 || searched[0] != user && !strings.Contains(searched[0], "firn") {
		t.Errorf("%s %v", path, searched)
	}
	if UserPath() == user {
		if err := os.MkdirAll(filepath.Dir(user), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(user, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if path, searched := Find(""); path != user || len(searched) != 1 {
			t.Errorf("%s %v", path, searched)
		}
	}
	t.Setenv("FIRN_CONFIG", "/env.yml")
	if path, _ := Find(""); path != "/env.yml" {
		t.Error(path)
	}
	if path, _ := Find("/flag.yml"); path != "/flag.yml" {
		t.Error(path)
	}
}
