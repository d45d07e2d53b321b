package s3_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"firn/internal/object"
	"firn/internal/object/objecttest"
	"firn/internal/object/s3"
	"firn/internal/object/s3/s3test"
)

// TestRole works with keys that MinIO lends for a role.
func TestRole(t *testing.T) {
	for _, client := range clients {
		t.Run(client, func(t *testing.T) {
			c := configOf(s3test.Start(t, s3test.MinIO), client)
			var mu sync.Mutex
			var requests []s3.RequestLog
			c.Debug = func(l s3.RequestLog) {
				mu.Lock()
				defer mu.Unlock()
				requests = append(requests, l)
			}
			c.Role = s3.Role{ARN: "arn:minio:iam:::role/backup", ExternalID: "us", Session: "firn-test"}
			s := open(t, c)
			if _, err := s.Probe(t.Context()); err != nil {
				t.Fatal(err)
			}
			if body, _, err := put(t, s, "a"); err != nil || string(body) != "a" {
				t.Errorf("read back %q, %v", body, err)
			}
			lent := 0
			for _, l := range requests {
				if l.Method == http.MethodPost && l.Path == "/" {
					lent++
				}
				if strings.Contains(fmt.Sprint(l), c.SecretKey) {
					t.Errorf("the secret key is in the log: %v", l)
				}
			}
			if lent != 1 {
				t.Errorf("keys were fetched %d times, want once", lent)
			}
		})
	}
}

func put(t *testing.T, s object.Store, name string) ([]byte, object.Info, error) {
	t.Helper()
	if _, err := s.Put(t.Context(), name, []byte(name), object.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	return s.Get(t.Context(), name, 100)
}

// TestRoleConformance runs the suite with lent keys.
func TestRoleConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("the same suite again")
	}
	c := configOf(s3test.Start(t, s3test.MinIO), "aws")
	c.Role = s3.Role{ARN: "arn:minio:iam:::role/backup"}
	objecttest.Run(t, func(t *testing.T) object.Store {
		c := c
		c.Bucket = s3test.NewBucket()
		s := open(t, c)
		if _, err := s.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		return s
	})
}

// lender is an STS that lends keys for a while, on the fake server's endpoint.
type lender struct {
	mu       sync.Mutex
	lent     int
	validity time.Duration
	asked    []string
	refusal  string
}

func (l *lender) serve(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := r.ParseForm(); err != nil {
		panic(err)
	}
	l.asked = append(l.asked, r.Form.Encode())
	if l.refusal != "" {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `<ErrorResponse><Error><Code>%s</Code><Message>no</Message></Error><RequestId>1</RequestId></ErrorResponse>`, l.refusal)
		return
	}
	l.lent++
	fmt.Fprintf(w, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>LENT%d</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>`+
		`<SessionToken>token%d</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
		l.lent, l.lent, time.Now().Add(l.validity).UTC().Format(time.RFC3339))
}

// onLender runs a test on a fake server with an STS beside it.
func onLender(t *testing.T, test func(t *testing.T, f *fake, l *lender, s *s3.Store)) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		l := &lender{validity: time.Hour}
		served := f.handler
		f.handler = func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && !r.URL.Query().Has("delete") {
				l.serve(w, r)
				return
			}
			served(w, r)
		}
		c.Role = s3.Role{ARN: "arn:aws:iam::1:role/backup", ExternalID: "abc", Session: "firn-host"}
		test(t, f, l, openConfig(t, c))
	})
}

func TestLentKeysAreReplacedBeforeTheyExpire(t *testing.T) {
	onLender(t, func(t *testing.T, f *fake, l *lender, s *s3.Store) {
		l.validity = time.Minute // less than the window in which they are replaced
		for range 3 {
			if _, _, err := put(t, s, "a"); err != nil {
				t.Fatal(err)
			}
		}
		if l.lent < 3 {
			t.Errorf("keys that are about to expire were used: fetched %d times", l.lent)
		}
		l.mu.Lock()
		l.validity = time.Hour
		l.mu.Unlock()
		if _, _, err := put(t, s, "a"); err != nil {
			t.Fatal(err)
		}
		before := l.lent
		if _, _, err := put(t, s, "a"); err != nil || l.lent != before {
			t.Errorf("%v; good keys were fetched again: %d times, then %d", err, before, l.lent)
		}
		header := f.headers[len(f.headers)-1]
		if token := header.Get("X-Amz-Security-Token"); token != fmt.Sprintf("token%d", l.lent) {
			t.Errorf("session token %q after %d loans", token, l.lent)
		}
		for _, want := range []string{"ExternalId=abc", "RoleSessionName=firn-host", "DurationSeconds=3600"} {
			if !strings.Contains(l.asked[0], want) {
				t.Errorf("asked %q, without %s", l.asked[0], want)
			}
		}
	})
}

func TestRoleRefused(t *testing.T) {
	onLender(t, func(t *testing.T, f *fake, l *lender, s *s3.Store) {
		l.refusal = "AccessDenied"
		_, _, err := s.Get(t.Context(), "a", 10)
		var failed *object.Error
		if !errors.Is(err, object.ErrAccess) || !errors.As(err, &failed) || !strings.Contains(failed.Advice, "external_id") {
			t.Errorf("%v, advice %q", err, failed.Advice)
		}
		l.refusal = "ExpiredTokenException"
		if _, _, err := s.Get(t.Context(), "a", 10); !errors.Is(err, object.ErrCredentials) {
			t.Errorf("%v, want %v", err, object.ErrCredentials)
		}
		f.Close()
		if _, _, err := s.Get(t.Context(), "a", 10); !errors.Is(err, object.ErrUnreachable) {
			t.Errorf("%v, want %v", err, object.ErrUnreachable)
		}
	})
}
