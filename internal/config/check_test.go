package config

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		settings string   // of a drive
		finds    []string // KEY: TEXT, in part
	}{
		{"access_key: ${A}\n    secret_key: ${S}", nil},
		{"access_key: AKIAABCDEFGHIJKLMNOP\n    secret_key: abc", []string{"c.yml:6:17: drives[0].secret_key: a secret stands in the file: write secret_key: ${VARIABLE}"}},
		{"access_key_id: AK\n    secret_access_key: abc", []string{"c.yml:6:24: drives[0].secret_access_key: a secret stands in the file"}},
		{"access_key: ${A}\n    secret_key: prefix-${S}", nil},
		{"access_key: AKIAIOSFODNN7EXAMPLE\n    secret_key: wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
			[]string{"drives[0].access_key: is the example", "secret_key: a secret", "secret_key: is the example"}},
		{"access_key: YOUR_ACCESS_KEY\n    secret_key: <SECRET_KEY>", []string{"access_key: is the example", "a secret", "secret_key: is the example"}},
		{"access_key: \"'AK'\"\n    secret_key: ${BLANK}", []string{"access_key: has a quote in it", "secret_key: begins or ends with a blank"}},
		{"access_key: a b\n    secret_key: ${S}", []string{"access_key: has a blank in it"}},
		{"access_key: aä\n    secret_key: ${S}", []string{"access_key: has a character"}},
		{"access_key: ${LONG}\n    secret_key: ${SHORT}", []string{"look exchanged"}},
		{"access_key: minioadmin\n    secret_key: ${S}\n    endpoint: https://nas:9000", []string{"what MinIO has by default"}},
		{"access_key: minioadmin\n    secret_key: ${S}\n    endpoint: http://localhost:9000", nil},
		{"endpoint: http://minio.example.com:9000", []string{"c.yml:5:15: drives[0].endpoint: plain HTTP"}},
		{"use_ssl: false", []string{"c.yml:5:14: drives[0].use_ssl: plain HTTP"}},
		{"verify_ssl: false", []string{"drives[0].verify_ssl: the server's certificate is not checked"}},
		{"passphrase: two words", []string{"passphrase: a secret"}},
		{"passphrase: \"****************\"", []string{"passphrase: a secret", "passphrase: is the example"}},
		{"proxy: http://u:p@proxy:3128", []string{"proxy: a secret stands in the file: write proxy: ${VARIABLE}"}},
		{"proxy: http://proxy:3128", nil},
		{"force_path_style: false\n    vendor: minio\n    endpoint: https://nas:9000", []string{"force_path_style: is false, and MinIO has"}},
		{"force_path_style: false\n    endpoint: https://10.0.0.1", []string{"force_path_style: false has no effect"}},
	} {
		text := "drives:\n  - provider: s3\n    label: A\n    bucket: backups\n    " + c.settings + "\n"
		cfg, err := load("c.yml", []byte(text), with("A", "AK", "S", "sk", "BLANK", "sk ", "LONG", strings.Repeat("x", 40), "SHORT", strings.Repeat("x", 20)))
		if err != nil {
			t.Errorf("%s: %v", c.settings, err)
			continue
		}
		found := Check(cfg)
		if len(found) != len(c.finds) {
			t.Errorf("%s: %v", c.settings, found)
			continue
		}
		for _, want := range c.finds {
			if !slices.ContainsFunc(found, func(f Finding) bool { return strings.Contains(f.String(), want) && f.Drive == "A" }) {
				t.Errorf("%s: %v\nlacks %s", c.settings, found, want)
			}
		}
	}
}

func TestCheckFileModes(t *testing.T) {
	if windows {
		t.Skip("has no modes")
	}
	secret := write(t, "secret", "x")
	path := write(t, "c.yml", "drives:\n  - {provider: local, label: A, path: /x, passphrase_file: "+secret+"}\n")
	for mode, want := range map[os.FileMode]int{0o600: 0, 0o400: 0, 0o640: 2, 0o644: 2} {
		for _, file := range []string{path, secret} {
			if err := os.Chmod(file, mode); err != nil {
				t.Fatal(err)
			}
		}
		c, err := Load(path)
		if err != nil {
			t.Fatal(err)
		}
		found := Check(c)
		if len(found) != want {
			t.Errorf("%o: %v", mode, found)
		}
		if want > 0 && !strings.Contains(found[0].Advice, "chmod 600") {
			t.Errorf("%v", found)
		}
	}
}
