package s3_test

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"firn/internal/object"
	"firn/internal/object/s3"
)

// explained checks that an error says what, why and what to do, on one line each.
func explained(t *testing.T, err, want error, advice string) {
	t.Helper()
	var failure *object.Error
	switch {
	case !errors.As(err, &failure):
		t.Errorf("%v (%T) is no *object.Error", err, err)
	case want != nil && !errors.Is(err, want):
		t.Errorf("%v, want %v", err, want)
	case !strings.Contains(failure.Advice, advice) || (advice == "") != (failure.Advice == ""):
		t.Errorf("%v: advice is %q, want %q in it", err, failure.Advice, advice)
	case strings.ContainsAny(err.Error()+failure.Advice, "\n\r"):
		t.Errorf("%q is more than a line", err.Error())
	}
}

func TestErrorAnswers(t *testing.T) {
	cases := []struct {
		status int
		code   string
		want   error
		advice string
	}{
		{404, "NoSuchKey", object.ErrNotFound, ""},
		{404, "NoSuchBucket", object.ErrNoBucket, "create the bucket"},
		{404, "XAdminUserNotFound", object.ErrCredentials, "access_key"},
		{404, "SomethingElse", nil, ""},
		{403, "InvalidAccessKeyId", object.ErrCredentials, "access_key"},
		{403, "SignatureDoesNotMatch", object.ErrCredentials, "secret_key"},
		{403, "RequestTimeTooSkewed", object.ErrCredentials, "clock"},
		{400, "ExpiredToken", object.ErrCredentials, "fresh"},
		{403, "AccessDenied", object.ErrAccess, "permission"},
		{403, "", object.ErrAccess, "permission"},
		{403, "InvalidObjectState", object.ErrFrozen, "thaw"},
		{403, "ObjectNotInActiveTierError", object.ErrFrozen, "thaw"},
		{503, "GlacierExpeditedRetrievalNotAvailable", object.ErrNoCapacity, "standard tier"},
		{301, "PermanentRedirect", nil, "region"},
		{400, "AuthorizationHeaderMalformed", nil, "region"},
		{307, "TemporaryRedirect", object.ErrUnreachable, "region"},
		{409, "ExistingObjectIsDirectory", object.ErrName, "both a and a/b"},
		{409, "ObjectParentIsFile", object.ErrName, "both a and a/b"},
		{409, "SomethingElse", nil, ""},
		{409, "", object.ErrUnreachable, "later"},
		{405, "MethodNotAllowed", object.ErrUnsupported, ""},
		{501, "NotImplemented", object.ErrUnsupported, ""},
		{507, "XMinioStorageFull", object.ErrFull, "room"},
		{403, "QuotaExceeded", object.ErrFull, "quota"},
		{503, "SlowDown", object.ErrUnreachable, "connections"},
		{500, "InternalError", object.ErrUnreachable, "later"},
		{599, "", object.ErrUnreachable, "later"},
		{407, "", object.ErrUnreachable, "proxy"},
		{416, "InvalidRange", object.ErrShort, ""},
		{418, "Teapot", nil, ""},
	}
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		c.MaxRetries, c.Timeouts.SlowDown = -1, time.Nanosecond
		s := openConfig(t, c)
		for _, c := range cases {
			t.Run(fmt.Sprint(c.status, c.code), func(t *testing.T) {
				f.next(answer(c.status, c.code))
				_, _, err := s.Get(t.Context(), "a", 1)
				explained(t, err, c.want, c.advice)
			})
		}
	})
}

func TestRegionIsFoundOut(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		c.Region = "us-east-1"
		s := openConfig(t, c)
		f.next(func(_ *fake, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Amz-Bucket-Region", "eu-west-1")
			refuse(w, r, 301, "PermanentRedirect")
		}, say(400, "<Error><Code>AuthorizationHeaderMalformed</Code><Message>m</Message><Region>eu-west-1</Region></Error>"))
		for range 2 {
			_, _, err := s.Get(t.Context(), "a", 1)
			explained(t, err, nil, `"eu-west-1"`)
		}
	})
}

func TestHeadAsksWhy(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		s := openConfig(t, c)
		f.next(answer(403, "InvalidAccessKeyId"), answer(403, "InvalidAccessKeyId"))
		_, err := s.Head(t.Context(), "a")
		explained(t, err, object.ErrCredentials, "access_key")
	})
}

func TestAbsenceIsNotBelievedBlindly(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		c.MaxRetries = -1
		f.set("b", []byte("x"))
		s := openConfig(t, c)
		f.next(answer(404, ""), answer(404, "NoSuchBucket"))
		_, err := s.Head(t.Context(), "a")
		explained(t, err, object.ErrNoBucket, "bucket")
		f.next(answer(404, ""), answer(404, "NoSuchKey"))
		_, err = s.Head(t.Context(), "a")
		explained(t, err, object.ErrNotFound, "")
		f.log()
		_, err = s.Head(t.Context(), "a")
		explained(t, err, object.ErrNotFound, "")
		if requests := f.log(); len(requests) != 1 {
			t.Errorf("asked again although the bucket is known: %v", requests)
		}
		for name, ft := range map[string]fault{"a page": say(404, "<html>no such page</html>"), "another code": answer(404, "Other")} {
			f.next(ft)
			if _, _, err := s.Get(t.Context(), "b", 1); err == nil || errors.Is(err, object.ErrNotFound) {
				t.Errorf("get answered 404 with %s: %v", name, err)
			}
			f.next(ft)
			if err := s.Delete(t.Context(), "b"); err == nil {
				t.Errorf("delete answered 404 with %s succeeded", name)
			}
			f.next(ft)
			if _, err := s.Put(t.Context(), "b", nil, object.PutOptions{IfMatch: "x"}); err == nil || errors.Is(err, object.ErrChanged) {
				t.Errorf("put answered 404 with %s: %v", name, err)
			}
		}
	})
}

func TestClockSkewIsMeasured(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		s := openConfig(t, c)
		if _, ok := s.ServerTime(); ok {
			t.Error("server time is known before any answer")
		}
		f.next(func(_ *fake, w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(time.Hour).UTC().Format(http.TimeFormat))
			refuse(w, r, 403, "RequestTimeTooSkewed")
		})
		_, _, err := s.Get(t.Context(), "a", 1)
		explained(t, err, object.ErrCredentials, "differ by ")
		now, ok := s.ServerTime()
		if off := time.Until(now); !ok || off < 59*time.Minute || off > 61*time.Minute {
			t.Errorf("server time is %v off, want an hour", off)
		}
	})
}

func TestNetworkErrors(t *testing.T) {
	quiet := log.New(io.Discard, "", 0)
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = quiet
	secure.StartTLS()
	defer secure.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	if err := os.WriteFile(caFile, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(secure.Listener.Addr().String())
	other := httptest.NewUnstartedServer(http.NotFoundHandler())
	other.Config.ErrorLog = quiet
	other.TLS = &tls.Config{MaxVersion: tls.VersionTLS12, ClientAuth: tls.RequireAnyClientCert}
	other.StartTLS()
	defer other.Close()

	for name, c := range map[string]struct {
		config s3.Config
		advice string
	}{
		"refused":            {s3.Config{Endpoint: "http://" + closed.Addr().String()}, "port"},
		"unknown authority":  {s3.Config{Endpoint: secure.URL}, "ca_file"},
		"other name":         {s3.Config{Endpoint: "https://localhost:" + port, CAFile: caFile}, "host"},
		"https to http":      {s3.Config{Endpoint: strings.Replace(plain.URL, "http:", "https:", 1)}, "http://"},
		"http to https":      {s3.Config{Endpoint: strings.Replace(secure.URL, "https:", "http:", 1)}, "https://"},
		"proxy refused":      {s3.Config{Endpoint: plain.URL, Proxy: "http://me:proxy-secret@" + closed.Addr().String()}, "proxy"},
		"client certificate": {s3.Config{Endpoint: other.URL, InsecureTLS: true}, "client certificate"},
	} {
		for _, client := range clients {
			t.Run(name+"/"+client, func(t *testing.T) {
				c := c
				c.config.Client, c.config.Bucket = client, "bucket"
				c.config.AccessKey, c.config.SecretKey = "KEY", "very-secret"
				c.config.MaxRetries = -1
				s := openConfig(t, c.config)
				_, _, err := s.Get(t.Context(), "a", 1)
				want := object.ErrUnreachable
				if name == "http to https" {
					want = nil
				}
				explained(t, err, want, c.advice)
				if strings.Contains(err.Error(), "proxy-secret") {
					t.Errorf("password shown: %v", err)
				}
			})
		}
	}
}

func TestErrorsOfRealServers(t *testing.T) {
	onServers(t, func(t *testing.T, good s3.Config) {
		open(t, good)
		for name, c := range map[string]struct {
			change func(*s3.Config)
			want   error
			advice string
		}{
			"no bucket":  {func(c *s3.Config) { c.Bucket += "-absent" }, object.ErrNoBucket, "bucket"},
			"no object":  {func(*s3.Config) {}, object.ErrNotFound, ""},
			"access key": {func(c *s3.Config) { c.AccessKey = "nobody" }, object.ErrCredentials, "access_key"},
			"secret key": {func(c *s3.Config) { c.SecretKey += "x" }, object.ErrCredentials, "secret_key"},
			"region":     {func(c *s3.Config) { c.Region = "eu-nowhere-1" }, nil, "region"},
		} {
			t.Run(name, func(t *testing.T) {
				config := good
				c.change(&config)
				s := openConfig(t, config)
				_, _, err := s.Get(t.Context(), "a", 1)
				explained(t, err, c.want, c.advice)
				if strings.Contains(err.Error(), config.SecretKey) {
					t.Errorf("secret shown: %v", err)
				}
			})
		}
	})
}

func TestBucketThatExists(t *testing.T) {
	onServers(t, func(t *testing.T, c s3.Config) {
		s := open(t, c)
		if err := s.CreateBucket(t.Context(), ""); err != nil {
			t.Errorf("one's own bucket again: %v", err)
		}
	})
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		f.next(answer(409, "BucketAlreadyExists"))
		explained(t, openConfig(t, c).CreateBucket(t.Context(), ""), object.ErrExists, "taken")
	})
}
