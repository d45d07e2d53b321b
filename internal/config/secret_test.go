package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// TestSecretIsNeverShown prints secrets in every way, in structs and alone.
func TestSecretIsNeverShown(t *testing.T) {
	d, err := ParseDrive("s3://bucket?access_key=hidden&secret_key=hidden&session_token=hidden&passphrase=hidden&proxy=http://u:hidden@proxy:1")
	if err != nil {
		t.Fatal(err)
	}
	inside := struct{ drive Drive }{d} // whose methods fmt cannot call
	secret := d.SecretKey
	var shown []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T%v"} {
		for _, value := range []any{d, &d, inside, &inside, secret, &secret, []Secret{secret}, map[string]Secret{"a": secret}, Credentials{SecretKey: secret}} {
			shown = append(shown, fmt.Sprintf(verb, value))
		}
	}
	for _, value := range []any{d, secret, Found{Secret: secret}} {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		shown = append(shown, string(text))
		if text, err = yaml.Marshal(value); err != nil {
			t.Fatal(err)
		}
		shown = append(shown, string(text))
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", secret, "drive", d)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", secret, "drive", d)
	shown = append(shown, log.String(), d.URL(), d.String())
	for _, text := range shown {
		if strings.Contains(text, "hidden") || strings.Contains(text, fmt.Sprintf("%x", "hidden")) {
			t.Errorf("shown: %s", text)
		}
	}
	if fmt.Sprint(secret) != "***" || fmt.Sprint(Secret{}) != "" {
		t.Errorf("%v %v", secret, Secret{})
	}
	if !strings.Contains(log.String(), "secret=***") {
		t.Errorf("%s", log.String())
	}
}

// TestParseErrorsHoldNoSecrets: what is wrong beside a secret does not show it.
func TestParseErrorsHoldNoSecrets(t *testing.T) {
	for _, text := range []string{
		"s3://hidden:hidden@bucket/x",
		"s3://ID:hidden@my.bucket",
		"s3+https://ID:hidden@bucket/x?secret_key=hidden",
		"s3://my.bucket?secret_key=hidden",
		"s3://bucket?secret_key=hidden%",
		"s3://bucket?secret_key=hidden&access_key=hidden&connections=x",
		"s3://bucket?proxy=hidden",
		"sftp://u:hidden@host",
		"https://u:hidden@host",
	} {
		if _, err := ParseDrive(text); err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
