package main

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"firn/internal/claim"
	"firn/internal/config"
	"firn/internal/examine"
	"firn/internal/object"
	"firn/internal/object/s3"
	"firn/internal/repo"
)

// messageRow is a row of docs/troubleshooting.md whose first cell is a message.
var messageRow = regexp.MustCompile("(?m)^\\| `([^`|]+)` \\| ([^|]+) \\| ([^|]+) \\|$")

// answered are error answers of servers by what the page says of them.
var answered = []struct {
	status  int
	code    string
	message string
}{
	{403, "InvalidAccessKeyId", ""}, {403, "SignatureDoesNotMatch", ""}, {400, "InvalidToken", ""}, {400, "ExpiredToken", ""},
	{403, "RequestTimeTooSkewed", ""}, {403, "AccessDenied", ""}, {404, "NoSuchBucket", ""}, {409, "BucketAlreadyExists", ""},
	{301, "PermanentRedirect", ""}, {400, "AuthorizationHeaderMalformed", ""}, {307, "TemporaryRedirect", ""},
	{403, "QuotaExceeded", ""}, {400, "InvalidStorageClass", ""}, {403, "InvalidObjectState", ""}, {407, "", ""},
	{503, "SlowDown", ""}, {500, "InternalError", ""}, {400, "", "Client sent an HTTP request to an HTTPS server."}, {404, "", "It works!"},
}

// TestTroubleshooting holds the page to what is really said: every message in it
// comes about, or, where a test on loopback cannot bring it about, stands in the
// source.
func TestTroubleshooting(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "troubleshooting.md"))
	if err != nil {
		t.Fatal(err)
	}
	network, err := os.ReadFile(filepath.Join("..", "..", "internal", "object", "s3", "network.go"))
	if err != nil {
		t.Fatal(err)
	}
	said := slices.Concat(saidByServers(t), saidByConfig(t), saidByWay(t), []string{
		claim.ErrHeld.Error(), repo.ErrNoRepository.Error(), object.ErrReadOnly.Error(), examine.ErrLifecycle.Error(), string(network),
		repo.ErrNeverReady.Error(), "frozen: " + errStillFrozen.Error(),
	})
	rows := messageRow.FindAllStringSubmatch(string(text), -1)
	if len(rows) < 40 {
		t.Fatalf("only %d messages found", len(rows))
	}
	for _, row := range rows {
		var parts []string
		for part := range strings.SplitSeq(row[1], "…") {
			parts = append(parts, regexp.QuoteMeta(part))
		}
		pattern := regexp.MustCompile(strings.Join(parts, ".*"))
		if !slices.ContainsFunc(said, pattern.MatchString) {
			t.Errorf("nothing says %q", row[1])
		}
	}
}

// saidByServers is what Firn makes of error answers.
func saidByServers(t *testing.T) []string {
	var said []string
	for _, a := range answered {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Amz-Bucket-Region", "eu-west-1")
			w.WriteHeader(a.status)
			if a.code == "" {
				fmt.Fprint(w, a.message)
				return
			}
			fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", a.code, a.message)
		}))
		said = append(said, firstRequest(t, s3.Config{Endpoint: server.URL}))
		server.Close()
	}
	return said
}

// firstRequest is what is said of a drive's first request, which fails.
func firstRequest(t *testing.T, c s3.Config) string {
	t.Helper()
	c.Bucket, c.AccessKey, c.SecretKey, c.MaxRetries, c.Timeouts.SlowDown = "vault", "key", "secret", -1, 1
	if c.Proxy == "" {
		c.Proxy = "none"
	}
	store, err := s3.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	_, err = hasRepository(t.Context(), store)
	if err == nil {
		t.Fatalf("%s: no error", c.Endpoint)
	}
	return err.Error()
}

// saidByWay is what is said of the way to a server.
func saidByWay(t *testing.T) []string {
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	authority := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(authority, certificateOf(secure.Certificate()), 0o600); err != nil {
		t.Fatal(err)
	}
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	return []string{
		firstRequest(t, s3.Config{Endpoint: "http://127.0.0.1:1"}),
		firstRequest(t, s3.Config{Endpoint: "https://" + secure.Listener.Addr().String()}),
		firstRequest(t, s3.Config{Endpoint: strings.Replace(secure.URL, "127.0.0.1", "localhost", 1), CAFile: authority}),
		firstRequest(t, s3.Config{Endpoint: strings.Replace(plain.URL, "http:", "https:", 1)}),
		firstRequest(t, s3.Config{Endpoint: "https://s3.example.com", Proxy: "http://127.0.0.1:1"}),
	}
}

func certificateOf(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// saidByConfig is what is said of settings.
func saidByConfig(t *testing.T) []string {
	var said []string
	for _, settings := range []string{
		"region: \"\"\n    access_key: a\n    secret_key: b",
		"access_key: ${FIRN_NOT_SET}\n    secret_key: b",
		"access_key: AKIAIOSFODNN7EXAMPLE\n    secret_key: \"b \"",
		"vendor: wasabi\n    access_key: a\n    secret_key: b",
		"create_bucket: true\n    bucket: Vault\n    access_key: a\n    secret_key: b",
		"endpoint: https://s3.example.com",
	} {
		if !strings.Contains(settings, "bucket:") {
			settings += "\n    bucket: vault"
		}
		path := filepath.Join(t.TempDir(), "firn.yml")
		if err := os.WriteFile(path, []byte("drives:\n  - provider: s3\n    label: a\n    "+settings+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := config.Load(path)
		if err != nil {
			said = append(said, err.Error())
			continue
		}
		for _, f := range config.Check(file) {
			said = append(said, f.Text+": "+f.Advice)
		}
		said = append(said, saidByKeys(t, &file.Drives[0])...)
	}
	return said
}

// saidByKeys is what is said of a drive's address and keys, with a key of AWS in the
// environment and with none.
func saidByKeys(t *testing.T, set *config.Drive) []string {
	at, err := set.Resolve()
	if err != nil {
		return []string{err.Error()}
	}
	var all error
	for _, key := range []string{"", "AKIAABCDEFGHIJKLMNOP"} {
		t.Setenv("AWS_ACCESS_KEY_ID", key)
		t.Setenv("AWS_SECRET_ACCESS_KEY", key)
		_, err = set.Credentials(t.Context(), &at)
		all = errors.Join(all, err)
	}
	if all == nil {
		return nil
	}
	return []string{all.Error()}
}
