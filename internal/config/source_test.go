package config

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSecretFile(t *testing.T) {
	for text, want := range map[string]string{"key\n": "key", "key": "key", "key\r\n": "key", " k y \n": " k y "} {
		d := Drive{SecretKeyFile: write(t, "key", text)}
		found, err := d.find(context.Background(), "secret_key")
		if err != nil || found.Secret.Reveal() != want || !strings.HasPrefix(found.From, "secret_key_file ") {
			t.Errorf("%q: %+v, %v", text, found, err)
		}
	}
	for text, says := range map[string]string{"": "nothing in it", "\n": "nothing in it", "a\nb\n": "more than one line", strings.Repeat("x", mostSecret+1): "more than 65536 bytes"} {
		d := Drive{SecretKeyFile: write(t, "key", text)}
		if _, err := d.find(context.Background(), "secret_key"); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "secret_key_file") {
			t.Errorf("%.10q: %v", text, err)
		}
	}
	d := Drive{SecretKeyFile: "/no/such/file"}
	if _, err := d.find(context.Background(), "secret_key"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestSecretCommand(t *testing.T) {
	if windows {
		t.Skip("needs a shell")
	}
	find := func(ctx context.Context, script string) (Found, error) {
		d := Drive{PassphraseCommand: Command{"sh", "-c", script}}
		return d.find(ctx, "passphrase")
	}
	found, err := find(context.Background(), "echo 'a b'")
	if err != nil || found.Secret.Reveal() != "a b" || found.From != "passphrase_command sh" {
		t.Errorf("%+v, %v", found, err)
	}
	for script, says := range map[string]string{
		"echo no such entry >&2; exit 3":              "passphrase_command: sh: exit status 3: no such entry",
		"echo hidden; echo hidden was bad >&2; false": "*** was bad",
		"true":                                  "nothing in it",
		"echo a; echo b":                        "more than one line",
		"head -c 200000 /dev/zero | tr '\\0' x": "more than 65536 bytes",
	} {
		_, err := find(context.Background(), script)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v", script, err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := find(ctx, "sleep 60"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	d := Drive{PassphraseCommand: Command{"/no/such/program"}}
	if _, err := d.find(context.Background(), "passphrase"); err == nil {
		t.Error("a program that is not there ran")
	}
}

func TestFindPassphrase(t *testing.T) {
	for _, name := range []string{"FIRN_PASSPHRASE", "FIRN_PASSPHRASE_FILE", "FIRN_PASSPHRASE_COMMAND"} {
		t.Setenv(name, "")
	}
	ctx := context.Background()
	var d Drive
	if found, err := d.FindPassphrase(ctx); err != nil || !found.Secret.IsZero() {
		t.Errorf("%+v, %v", found, err)
	}
	d.Passphrase = NewSecret("drive's")
	if found, err := d.FindPassphrase(ctx); err != nil || found.Secret.Reveal() != "drive's" || found.From != "passphrase" {
		t.Errorf("%+v, %v", found, err)
	}
	t.Setenv("FIRN_PASSPHRASE_FILE", write(t, "p", "file's\n"))
	if found, err := d.FindPassphrase(ctx); err != nil || found.Secret.Reveal() != "file's" || !strings.Contains(found.From, "environment") {
		t.Errorf("%+v, %v", found, err)
	}
	t.Setenv("FIRN_PASSPHRASE", "variable's")
	if found, err := d.FindPassphrase(ctx); err != nil || found.Secret.Reveal() != "variable's" {
		t.Errorf("%+v, %v", found, err)
	}
	t.Setenv("FIRN_PASSPHRASE_COMMAND", "a 'b")
	if _, err := d.FindPassphrase(ctx); err == nil {
		t.Error("a broken command was accepted")
	}
}
