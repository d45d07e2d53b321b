package examine

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
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

// emptyBucket answers every request as a bucket without objects would.
func emptyBucket(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/xml")
	if r.Method == http.MethodHead {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	fmt.Fprint(w, `<ListBucketResult><Name>vault</Name><KeyCount>0</KeyCount><IsTruncated>false</IsTruncated></ListBucketResult>`)
}

// certificate makes a certificate for 127.0.0.1 that ends after a time, and a
// file to trust it by.
func certificate(t *testing.T, left time.Duration, names ...string) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{Organization: []string{"Test"}, CommonName: "Authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(left), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames: names, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	if len(names) > 0 {
		template.IPAddresses = nil
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// serve runs a server on loopback, with TLS if there is a certificate.
func serve(t *testing.T, certificate *tls.Certificate) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(emptyBucket))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	if certificate == nil {
		server.Start()
	} else {
		server.TLS = &tls.Config{Certificates: []tls.Certificate{*certificate}}
		server.StartTLS()
	}
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// way examines how a server is reached.
func way(t *testing.T, c s3.Config) (map[string]Step, *Report) {
	t.Helper()
	c.Region, c.Bucket, c.AccessKey, c.SecretKey, c.MaxRetries = "us-east-1", "vault", "key", "secret", -1
	if c.Proxy == "" {
		c.Proxy = "none"
	}
	store, err := s3.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	e := &examination{Subject: Subject{Store: store, Bucket: store}, report: &Report{}, tell: func(Step) {}}
	e.reach(t.Context())
	steps := map[string]Step{}
	for _, s := range e.report.Steps {
		steps[s.Name] = s
	}
	return steps, e.report
}

func TestReach(t *testing.T) {
	good, goodFile := certificate(t, 90*24*time.Hour)
	soon, soonFile := certificate(t, 5*24*time.Hour+time.Hour)
	named, namedFile := certificate(t, 90*24*time.Hour, "s3.example.com", "a.example.com", "b.example.com", "c.example.com")
	over, overFile := certificate(t, -time.Minute)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	plain := serve(t, nil)
	for _, client := range []string{"aws", "minio"} {
		for _, c := range []struct {
			name   string
			config s3.Config
			step   string
			result Result
			words  string
		}{
			{"plain", s3.Config{Endpoint: "http://" + plain}, StepList, OK, "no repository"},
			{"plain on loopback", s3.Config{Endpoint: "http://" + plain}, StepCertificate, OK, "does not leave this machine"},
			{"address", s3.Config{Endpoint: "http://" + plain}, StepName, OK, "127.0.0.1 is an address"},
			{"through a proxy", s3.Config{Endpoint: "http://s3.example.com", Proxy: "http://" + plain}, StepName, OK, "proxy on the way to s3.example.com"},
			{"plain through a proxy", s3.Config{Endpoint: "http://s3.example.com", Proxy: "http://" + plain}, StepCertificate, Warning, "https://"},
			{"refused", s3.Config{Endpoint: "http://" + closed.Addr().String()}, StepConnection, Failed, "connection refused"},
			{"certificate", s3.Config{Endpoint: "https://" + serve(t, &good), CAFile: goodFile}, StepCertificate, OK, "for 127.0.0.1, issued by Test Authority, ends 20"},
			{"certificate ends", s3.Config{Endpoint: "https://" + serve(t, &soon), CAFile: soonFile}, StepCertificate, Warning, "in 5 days"},
			{"certificate not checked", s3.Config{Endpoint: "https://" + serve(t, &good), InsecureTLS: true}, StepCertificate, Warning, "verify_ssl"},
			{"authority unknown", s3.Config{Endpoint: "https://" + serve(t, &good)}, StepCertificate, Failed, "unknown authority (for 127.0.0.1, issued by Test Authority"},
			{"other name", s3.Config{Endpoint: "https://" + serve(t, &named), CAFile: namedFile}, StepCertificate, Failed, "b.example.com and 1 more"},
			{"certificate ended", s3.Config{Endpoint: "https://" + serve(t, &over), CAFile: overFile}, StepCertificate, Failed, "expired"},
			{"https to http", s3.Config{Endpoint: "https://" + plain}, StepCertificate, Failed, "write http://"},
			{"http to https", s3.Config{Endpoint: "http://" + serve(t, &good)}, StepList, Failed, "write https://"},
		} {
			t.Run(client+"/"+c.name, func(t *testing.T) {
				c.config.Client = client
				steps, r := way(t, c.config)
				expect(t, steps, c.step, c.result, c.words)
				if (r.Err != nil) != (c.result == Failed) {
					t.Errorf("error %v", r.Err)
				}
			})
		}
	}
}

// TestStages has the stages that a test on loopback cannot bring about.
func TestStages(t *testing.T) {
	failure := &object.Error{Op: "list", Err: fmt.Errorf("%w: the host is not known to DNS", object.ErrUnreachable), Advice: "check endpoint"}
	unknown := route{hop: "nowhere.example.com:443", lookupErr: &net.DNSError{IsNotFound: true}}
	many := route{hop: "s3.example.com:443", addresses: []string{"5", "4", "3", "2", "1"}, peer: "192.0.2.1:443", answered: true}
	silent := route{hop: "s3.example.com:80", addresses: []string{"192.0.2.1"}, peer: "192.0.2.1:80"}
	for _, c := range []struct {
		name   string
		way    *route
		err    error
		step   string
		result Result
		words  string
		goOn   bool
	}{
		{"no request", &route{}, failure, StepList, Failed, "not known", false},
		{"host not known", &unknown, failure, StepName, Failed, "check endpoint", false},
		{"many addresses", &many, nil, StepName, OK, "1, 2, 3, 4, …", true},
		{"plain HTTP", &many, nil, StepCertificate, Warning, "everybody on the way", true},
		{"no answer", &silent, failure, StepList, Failed, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := &examination{report: &Report{}, tell: func(Step) {}}
			if goOn := e.stages(c.way, c.err); goOn != c.goOn {
				t.Errorf("goes on: %v", goOn)
			}
			steps := map[string]Step{}
			for _, s := range e.report.Steps {
				steps[s.Name] = s
			}
			expect(t, steps, c.step, c.result, c.words)
		})
	}
}

// TestNoSecrets has a server that repeats what it was sent.
func TestNoSecrets(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `<Error><Code>AccessDenied</Code><Message>not with %s</Message></Error>`, "very-secret")
	}))
	defer server.Close()
	c := s3.Config{Endpoint: server.URL, Bucket: "vault", AccessKey: "key", SecretKey: "very-secret", Proxy: "none", MaxRetries: -1}
	store, err := s3.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	r := Drive(t.Context(), Subject{Store: store, Bucket: store, Keys: "access_key",
		OtherClient: Alternative{"client: minio", func(ctx context.Context) (object.Store, error) { c.Client = "minio"; return s3.Open(ctx, c) }}}, func(Step) {})
	for _, s := range r.Steps {
		if strings.Contains(fmt.Sprint(s), "very-secret") {
			t.Errorf("%s tells a secret: %s", s.Name, s.Found)
		}
	}
	if r.Result() != Failed || r.Err == nil {
		t.Errorf("result %s, error %v", r.Result(), r.Err)
	}
}
