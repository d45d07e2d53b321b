package s3_test

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"firn/internal/object"
	"firn/internal/object/s3"
	"firn/internal/object/s3/s3test"
)

func TestPutHeaders(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		s := openConfig(t, c)
		if _, err := s.Put(t.Context(), "a", []byte("abc"), object.PutOptions{IfAbsent: true, Class: "STANDARD_IA"}); err != nil {
			t.Fatal(err)
		}
		h := f.headers[0]
		for name, want := range map[string]string{
			"X-Amz-Content-Sha256":         "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
			"X-Amz-Checksum-Sha256":        "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
			"If-None-Match":                "*",
			"X-Amz-Storage-Class":          "STANDARD_IA",
			"Content-Length":               "3",
			"Expect":                       "",
			"X-Amz-Sdk-Checksum-Algorithm": "",
			"X-Amz-Trailer":                "",
			"Content-Encoding":             "",
			"X-Amz-Checksum-Crc32":         "",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if strings.Contains(strings.ToLower(h.Get("Authorization")), "accept-encoding") {
			t.Errorf("Accept-Encoding is signed: %s", h.Get("Authorization"))
		}

		c.NoChecksums = true
		s = openConfig(t, c)
		f.log()
		if _, err := s.Put(t.Context(), "a", []byte("abc"), object.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		if f.headers[0].Get("X-Amz-Checksum-Sha256") != "" {
			t.Error("checksum sent although the server refuses it")
		}
	})
}

func TestHashIsNotComputedAgain(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		s := openConfig(t, c)
		sum := [32]byte{1, 2, 3}
		if _, err := s.Put(t.Context(), "a", []byte("abc"), object.PutOptions{SHA256: &sum}); !errors.Is(err, object.ErrCorrupt) {
			t.Errorf("%v, want %v", err, object.ErrCorrupt)
		}
		if got := f.headers[0].Get("X-Amz-Content-Sha256"); got != fmt.Sprintf("%x", sum) {
			t.Errorf("signed %s, want the hash that was given", got)
		}
	})
}

func TestUnsupportedConditionsAreNotSent(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		s := openConfig(t, c)
		ignores := func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("If-None-Match")
			r.Header.Del("If-Match")
			f.serve(w, r)
		}
		f.handler = ignores
		known, err := s.Probe(t.Context())
		if err != nil || known.IfAbsent || known.IfMatch || !known.Attests || s.Capabilities() != known {
			t.Fatalf("probe of a server that ignores conditions: %+v, %v", known, err)
		}
		f.log()
		for _, opts := range []object.PutOptions{{IfAbsent: true}, {IfMatch: "x"}, {RetainUntil: time.Now().Add(time.Hour)}} {
			if _, err := s.Put(t.Context(), "a", nil, opts); !errors.Is(err, object.ErrUnsupported) {
				t.Errorf("%+v: %v, want %v", opts, err, object.ErrUnsupported)
			}
		}
		if requests := f.log(); len(requests) != 0 {
			t.Errorf("sent %v", requests)
		}
		f.handler = f.serve
		if known, err = s.Probe(t.Context()); err != nil || !known.IfAbsent || !known.IfMatch {
			t.Errorf("probe of a server that has learnt conditions: %+v, %v", known, err)
		}
	})
}

func TestReadOnlySendsNothing(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		c.ReadOnly = true
		s := openConfig(t, c)
		_, put := s.Put(t.Context(), "a", nil, object.PutOptions{})
		for _, err := range []error{put, s.Delete(t.Context(), "a", "b"), s.CreateBucket(t.Context(), "")} {
			if !errors.Is(err, object.ErrReadOnly) {
				t.Errorf("%v, want %v", err, object.ErrReadOnly)
			}
		}
		if requests := f.log(); len(requests) != 0 {
			t.Errorf("sent %v", requests)
		}
	})
}

func TestFolderMarkersAreNotListed(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		c.Prefix = "/base/"
		s := openConfig(t, c)
		for _, key := range []string{"base/", "base/sub/", "base/sub/a", "basement"} {
			f.set(key, nil)
		}
		names, err := list(t.Context(), s, "")
		if err != nil || len(names) != 1 || names[0] != "sub/a" {
			t.Errorf("listed %v, %v", names, err)
		}
	})
}

func TestRequestLog(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		var mu sync.Mutex
		var logs []s3.RequestLog
		c.Debug = func(l s3.RequestLog) {
			mu.Lock()
			defer mu.Unlock()
			logs = append(logs, l)
		}
		c.SessionToken = "session-secret"
		s := openConfig(t, c)
		f.next(answer(500, "InternalError"), reset)
		if _, err := s.Put(t.Context(), "a", make([]byte, 1000), object.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Get(t.Context(), "a", 1<<20); err != nil {
			t.Fatal(err)
		}
		if len(logs) != 4 {
			t.Fatalf("%d requests logged, want 4: %+v", len(logs), logs)
		}
		for i, want := range []s3.RequestLog{
			{Method: "PUT", Status: 500, Code: "InternalError", Attempt: 1, Sent: 1000, RequestID: ""},
			{Method: "PUT", Attempt: 2, Sent: 1000},
			{Method: "PUT", Status: 200, Attempt: 3, Sent: 1000, RequestID: "REQUEST1"},
			{Method: "GET", Status: 200, Attempt: 1, Received: 1000, RequestID: "REQUEST1"},
		} {
			got := logs[i]
			if got.Path != "/bucket/a" || got.Duration <= 0 || (got.Err != nil) != (want.Status == 0) {
				t.Errorf("request %d: %+v", i, got)
			}
			got.Path, got.Host, got.Query, got.Duration, got.Err = "", "", "", 0, nil
			if want.Status == 500 {
				got.Received = 0
			}
			if got != want {
				t.Errorf("request %d: %+v, want %+v", i, got, want)
			}
		}
		text := fmt.Sprintf("%+v %v %#v", logs, c, c)
		for _, secret := range []string{"very-secret", "session-secret"} {
			if strings.Contains(text, secret) {
				t.Errorf("%q is shown", secret)
			}
		}
	})
}

func TestSecretsAreScrubbed(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		s := openConfig(t, c)
		f.next(say(403, "<Error><Code>AccessDenied</Code><Message>key very-secret is\n bad</Message></Error>"))
		_, _, err := s.Get(t.Context(), "a", 1)
		if err == nil || strings.Contains(err.Error(), "very-secret") || !strings.Contains(err.Error(), "key *** is bad") {
			t.Errorf("%v", err)
		}
	})
}

func TestConfigMistakes(t *testing.T) {
	for name, change := range map[string]func(*s3.Config){
		"bucket":          func(c *s3.Config) { c.Bucket = "" },
		"bucket slash":    func(c *s3.Config) { c.Bucket = "a/b" },
		"client":          func(c *s3.Config) { c.Client = "boto" },
		"scheme":          func(c *s3.Config) { c.Endpoint = "s3.example.com" },
		"path":            func(c *s3.Config) { c.Endpoint = "https://s3.example.com/x" },
		"user":            func(c *s3.Config) { c.Endpoint = "https://me:very-secret@s3.example.com" },
		"half a key":      func(c *s3.Config) { c.SecretKey = "" },
		"prefix":          func(c *s3.Config) { c.Prefix = "a//b" },
		"CA file":         func(c *s3.Config) { c.CAFile = "/nonexistent" },
		"half a cert":     func(c *s3.Config) { c.ClientCert = "x" },
		"proxy":           func(c *s3.Config) { c.Proxy = "://very-secret" },
		"unknown profile": func(c *s3.Config) { c.AccessKey, c.SecretKey, c.Profile = "", "", "firn-test-absent" },
	} {
		t.Run(name, func(t *testing.T) {
			c := s3.Config{Bucket: "bucket", AccessKey: "KEY", SecretKey: "very-secret"}
			change(&c)
			_, err := s3.Open(t.Context(), c)
			if err == nil || strings.Contains(err.Error(), "very-secret") {
				t.Errorf("%v, want an error without secrets", err)
			}
		})
	}
}

func TestCredentialsOfTheEnvironment(t *testing.T) {
	onServers(t, func(t *testing.T, c s3.Config) {
		open(t, c)
		t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
		t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
		t.Setenv("AWS_ACCESS_KEY_ID", c.AccessKey)
		t.Setenv("AWS_SECRET_ACCESS_KEY", c.SecretKey)
		t.Setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
		t.Setenv("AWS_MAX_ATTEMPTS", "9")
		c.AccessKey, c.SecretKey = "", ""
		if _, err := openConfig(t, c).Put(t.Context(), "a", []byte("x"), object.PutOptions{}); err != nil {
			t.Error(err)
		}
		os.Unsetenv("AWS_ACCESS_KEY_ID")
		_, err := openConfig(t, c).Put(t.Context(), "a", []byte("x"), object.PutOptions{})
		explained(t, err, object.ErrCredentials, "access_key")
	})
}

// forward returns a proxy handler that sends everything to a server.
func forward(endpoint string) *httputil.ReverseProxy {
	target, err := url.Parse(endpoint)
	if err != nil {
		panic(err)
	}
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
		r.Out.Host = r.In.Host
	}}
}

// exercise writes, reads, lists and deletes.
func exercise(ctx context.Context, s *s3.Store) error {
	body := []byte(strings.Repeat("data", 100_000))
	if _, err := s.Put(ctx, "x/a b+c", body, object.PutOptions{IfAbsent: true}); err != nil {
		return err
	}
	got, _, err := s.Get(ctx, "x/a b+c", 1<<20)
	if err := errors.Join(err, same(got, body)); err != nil {
		return err
	}
	names, err := list(ctx, s, "x/")
	if err != nil || len(names) != 1 || names[0] != "x/a b+c" {
		return fmt.Errorf("listed %v, %w", names, err)
	}
	return s.Delete(ctx, "x/a b+c", "x/absent")
}

func TestVirtualHostsThroughProxy(t *testing.T) {
	for _, client := range clients {
		t.Run(client, func(t *testing.T) {
			c := configOf(s3test.Start(t, s3test.Versity), client)
			open(t, c)
			var mu sync.Mutex
			hosts := map[string]bool{}
			through := forward(c.Endpoint)
			proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				hosts[r.Host] = true
				mu.Unlock()
				through.ServeHTTP(w, r)
			}))
			defer proxy.Close()
			no := false
			c.Endpoint, c.Proxy, c.PathStyle = "http://"+s3test.Domain, proxy.URL, &no
			if err := exercise(t.Context(), openConfig(t, c)); err != nil {
				t.Error(err)
			}
			if want := c.Bucket + "." + s3test.Domain; !hosts[want] || len(hosts) != 1 {
				t.Errorf("hosts asked: %v, want %s", hosts, want)
			}
		})
	}
}

func TestHTTPS(t *testing.T) {
	onServers(t, func(t *testing.T, c s3.Config) {
		open(t, c)
		front := httptest.NewTLSServer(forward(c.Endpoint))
		defer front.Close()
		c.Endpoint, c.CAFile = front.URL, filepath.Join(t.TempDir(), "ca.pem")
		certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw})
		if err := os.WriteFile(c.CAFile, certificate, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := exercise(t.Context(), openConfig(t, c)); err != nil {
			t.Error(err)
		}
		c.CAFile, c.InsecureTLS = "", true
		if err := exercise(t.Context(), openConfig(t, c)); err != nil {
			t.Errorf("without verification: %v", err)
		}
	})
}

func TestNoGoroutineIsLeftBehind(t *testing.T) {
	f := newFake(t)
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	for _, client := range clients {
		s := openConfig(t, f.config(client))
		f.next(reset, lose, answer(503, "SlowDown"))
		if err := exercise(t.Context(), s); err != nil {
			t.Error(err)
		}
		s.Close()
	}
}
