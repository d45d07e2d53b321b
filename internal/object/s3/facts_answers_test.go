package s3_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firn/internal/object"
	"firn/internal/object/s3"
)

// factsOf asks a server that answers everything in one way.
func factsOf(t *testing.T, client string, status int, body string) (*s3.Store, func()) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Amz-Bucket-Region", "eu-west-1")
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			fmt.Fprint(w, body)
		}
	}))
	s, err := s3.Open(t.Context(), s3.Config{
		Endpoint: server.URL, Bucket: "vault", AccessKey: "key", SecretKey: "secret", Client: client, Proxy: "none", MaxRetries: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, func() { s.Close(); server.Close() }
}

func TestFactAnswers(t *testing.T) {
	const lock = `<ObjectLockConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><ObjectLockEnabled>Enabled</ObjectLockEnabled>` +
		`<Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>9</Days></DefaultRetention></Rule></ObjectLockConfiguration>`
	versioning := func(s *s3.Store) (any, error) { return s.Versioning(t.Context()) }
	locking := func(s *s3.Store) (any, error) { return s.ObjectLock(t.Context()) }
	rules := func(s *s3.Store) (any, error) { r, err := s.Lifecycle(t.Context()); return len(r), err }
	region := func(s *s3.Store) (any, error) { return s.Region(t.Context()) }
	for _, client := range clients {
		for _, c := range []struct {
			name   string
			status int
			body   string
			ask    func(*s3.Store) (any, error)
			want   any
			err    error
			said   string
		}{
			{"lock", 200, lock, locking, s3.ObjectLock{Enabled: true, Mode: "GOVERNANCE", Days: 9}, nil, ""},
			{"no lock", 404, "<Error><Code>ObjectLockConfigurationNotFoundError</Code></Error>", locking, s3.ObjectLock{}, nil, ""},
			{"no bucket", 404, "<Error><Code>NoSuchBucket</Code></Error>", locking, s3.ObjectLock{}, object.ErrNoBucket, ""},
			{"a page", 404, "It works!", locking, s3.ObjectLock{}, object.ErrUnreachable, "It works!"},
			{"no versions", 200, `<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>`, versioning, s3.Unversioned, nil, ""},
			{"suspended", 200, "<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>", versioning, s3.Suspended, nil, ""},
			{"odd status", 200, "<VersioningConfiguration><Status>Odd</Status></VersioningConfiguration>", versioning, s3.Unversioned, object.ErrUnreachable, `"Odd"`},
			{"another document", 200, lock, versioning, s3.Unversioned, object.ErrUnreachable, ""},
			{"no document", 200, "not XML at all", rules, 0, object.ErrUnreachable, ""},
			{"too long", 200, "<LifecycleConfiguration>" + strings.Repeat("<Rule></Rule>", 1<<19), rules, 0, object.ErrUnreachable, "too long"},
			{"no rules", 404, "<Error><Code>NoSuchLifecycleConfiguration</Code></Error>", rules, 0, nil, ""},
			{"rules forbidden", 403, "<Error><Code>AccessDenied</Code></Error>", rules, 0, object.ErrAccess, ""},
			{"rules unknown", 501, "<Error><Code>NotImplemented</Code></Error>", rules, 0, object.ErrUnsupported, ""},
			{"region", 200, "", region, "eu-west-1", nil, ""},
			{"region with a refusal", 403, "", region, "eu-west-1", nil, ""},
			{"region with a redirection", 301, "", region, "eu-west-1", nil, ""},
		} {
			t.Run(client+"/"+c.name, func(t *testing.T) {
				s, closed := factsOf(t, client, c.status, c.body)
				defer closed()
				got, err := c.ask(s)
				if got != c.want || !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
					t.Errorf("%v, %v; want %v, %v", got, err, c.want, c.err)
				}
				if err != nil && !strings.Contains(err.Error(), c.said) {
					t.Errorf("%v, want %q in it", err, c.said)
				}
			})
		}
	}
}

func TestKeySource(t *testing.T) {
	file := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(file, []byte("[work]\naws_access_key_id = a\naws_secret_access_key = very-secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"AWS_SHARED_CREDENTIALS_FILE": file, "AWS_CONFIG_FILE": filepath.Join(t.TempDir(), "none"), "AWS_PROFILE": "",
		"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "very-secret", "AWS_SESSION_TOKEN": "",
	} {
		t.Setenv(name, value)
	}
	c := s3.Config{Endpoint: "https://s3.example.com", Bucket: "vault"}
	if from, err := s3.KeySource(t.Context(), c); err != nil || from != "environment" {
		t.Errorf("%q, %v", from, err)
	}
	c.Profile = "work"
	if from, err := s3.KeySource(t.Context(), c); err != nil || from != "profile in "+file {
		t.Errorf("%q, %v", from, err)
	}
	c.Profile = ""
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	if from, err := s3.KeySource(t.Context(), c); err == nil {
		t.Errorf("keys from %q where there are none", from)
	}
}
