package examine

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"

	"firn/internal/object"
	"firn/internal/object/s3"
	"firn/internal/object/s3/s3test"
)

func TestMain(m *testing.M) { os.Exit(s3test.Main(m)) }

// newBucket makes a bucket on a real server.
func newBucket(t *testing.T, server s3test.Server, client string) s3.Config {
	t.Helper()
	c := s3.Config{
		Endpoint: server.Endpoint, Region: server.Region, AccessKey: server.AccessKey, SecretKey: server.SecretKey,
		Bucket: s3test.NewBucket(), Prefix: "a/b", Client: client, Proxy: "none",
	}
	store, err := s3.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.CreateBucket(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	return c
}

func subjectOf(t *testing.T, c s3.Config) Subject {
	t.Helper()
	store, err := s3.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	other := c
	if other.Client = "minio"; c.Client == "minio" {
		other.Client = "aws"
	}
	return Subject{
		Store: store, Bucket: store, Keys: "access_key", Region: c.Region, RegionFrom: "region", Prefix: "a/b/",
		OtherClient: Alternative{"client: " + other.Client, func(ctx context.Context) (object.Store, error) { return s3.Open(ctx, other) }},
	}
}

func TestServers(t *testing.T) {
	for _, kind := range []string{s3test.MinIO, s3test.Versity} {
		for _, client := range []string{"aws", "minio"} {
			t.Run(kind+"/"+client, func(t *testing.T) {
				c := newBucket(t, s3test.Start(t, kind), client)
				subject := subjectOf(t, c)
				subject.Throughput = client == "aws" // once is enough
				steps, r := examined(t, subject)
				want := []string{
					StepKeys, StepName, StepConnection, StepCertificate, StepList, StepRegion, StepClock, StepLatency,
					StepWrite, StepRead, StepDelete, StepCreate, StepReplace, StepChecksums, StepMany, StepLock,
				}
				if subject.Throughput {
					want = append(want, StepThroughput)
				}
				for _, name := range want {
					expect(t, steps, name, OK, "")
				}
				if r.Err != nil || r.Result() != OK || !r.Capabilities.IfAbsent || !r.Capabilities.Attests || !r.DeletesMany || r.Region != c.Region {
					t.Errorf("%+v", r)
				}
				for info, err := range subject.Store.List(t.Context(), "") {
					t.Errorf("left behind: %s, %v", info.Name, err)
				}
			})
		}
	}
}

// TestLifecycleOfServer has MinIO take the rules that are printed, and then a
// rule that destroys.
func TestLifecycleOfServer(t *testing.T) {
	server := s3test.Start(t, s3test.MinIO)
	c := newBucket(t, server, "aws")
	set := func(kind, body string) {
		t.Helper()
		if _, err := server.Do(t.Context(), http.MethodPut, "/"+c.Bucket, url.Values{kind: {""}}, body); err != nil {
			t.Fatal(err)
		}
	}
	set("versioning", `<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>`)
	steps, _ := examined(t, subjectOf(t, c))
	expect(t, steps, StepVersions, Warning, "for ever")

	rules, err := SafeRules(RuleOptions{Prefix: "a/b/", Keep: 9, Uploads: 7})
	if err != nil {
		t.Fatal(err)
	}
	text, err := xml.Marshal(rules)
	if err != nil {
		t.Fatal(err)
	}
	set("lifecycle", string(text))
	steps, r := examined(t, subjectOf(t, c))
	expect(t, steps, StepVersions, OK, "9 days")
	expect(t, steps, StepLifecycle, OK, "does no harm")
	if !r.Capabilities.Versions {
		t.Error("versions are not among the capabilities")
	}

	set("lifecycle", `<LifecycleConfiguration><Rule><ID>cleanup</ID><Status>Enabled</Status><Filter><Prefix>a/</Prefix></Filter><Expiration><Days>30</Days></Expiration></Rule></LifecycleConfiguration>`)
	steps, r = examined(t, subjectOf(t, c))
	expect(t, steps, StepLifecycle, Failed, `rule "cleanup" deletes objects under "a/" after 30 days`)
	if r.Err == nil {
		t.Error("no error")
	}
}

// TestLeastOnServer has keys that may do what the printed policies allow.
func TestLeastOnServer(t *testing.T) {
	server := s3test.Start(t, s3test.MinIO)
	for use, want := range map[Use]map[string]Result{
		UseAll:     {StepList: OK, StepWrite: OK, StepRead: OK, StepDelete: OK, StepReplace: OK, StepVersions: NotTried, StepLock: NotTried, StepLifecycle: NotTried},
		UseBackup:  {StepList: OK, StepWrite: OK, StepRead: OK, StepDelete: Warning, StepReplace: OK},
		UseRestore: {StepList: OK, StepLatency: OK, StepWrite: Failed},
	} {
		t.Run(string(use), func(t *testing.T) {
			c := newBucket(t, server, "aws")
			policy, err := Least(Grant{Use: use, Bucket: c.Bucket, Prefix: "a/b/"})
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(policy)
			if err != nil {
				t.Fatal(err)
			}
			keys, err := server.Assume(t.Context(), string(text))
			if err != nil {
				t.Fatal(err)
			}
			c.AccessKey, c.SecretKey, c.SessionToken = keys.AccessKey, keys.SecretKey, keys.SessionToken
			steps, _ := examined(t, subjectOf(t, c))
			for name, result := range want {
				expect(t, steps, name, result, "")
			}
			c.Prefix = "a/c"
			elsewhere, err := s3.Open(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			defer elsewhere.Close()
			if h := HealthOf(t.Context(), elsewhere, true); h.Err == nil {
				t.Error("the neighbour's directory can be listed")
			}
		})
	}
}

// TestLibraryToBlame has something before a real server that refuses what one
// library sends.
func TestLibraryToBlame(t *testing.T) {
	server := s3test.Start(t, s3test.Versity)
	behind, err := url.Parse(server.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	for client, words := range map[string]string{"aws": "aws-sdk-go", "minio": "minio-go"} {
		forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(behind)
			r.Out.Host = r.In.Host // which is signed
		}}
		before := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut && strings.Contains(strings.ToLower(r.UserAgent()), words) {
				http.Error(w, "<Error><Code>InvalidRequest</Code></Error>", http.StatusBadRequest)
				return
			}
			forward.ServeHTTP(w, r)
		}))
		c := newBucket(t, server, client)
		c.Endpoint = before.URL
		steps, r := examined(t, subjectOf(t, c))
		before.Close()
		expect(t, steps, StepWrite, Failed, "InvalidRequest")
		if other := steps[StepClient]; other.Result != Warning || other.Advice == "set client: "+client {
			t.Errorf("%s: %+v", client, other)
		}
		if r.Err == nil {
			t.Error("no error")
		}
	}
}

// TestAddressing has a server that knows no buckets in host names, reached through
// itself as a proxy, so that no name is looked up.
func TestAddressing(t *testing.T) {
	server := s3test.Start(t, s3test.MinIO)
	for _, client := range []string{"aws", "minio"} {
		c := newBucket(t, server, client)
		c.Endpoint, c.Proxy, c.PathStyle = "http://s3.test", server.Endpoint, new(bool)
		c.MaxRetries = -1
		subject := subjectOf(t, c)
		right, inPath := c, true
		right.PathStyle = &inPath
		subject.OtherStyle = Alternative{"force_path_style: true", func(ctx context.Context) (object.Store, error) { return s3.Open(ctx, right) }}
		steps, r := examined(t, subject)
		expect(t, steps, StepAddressing, Warning, "set force_path_style: true")
		if r.Err == nil {
			t.Error("no error")
		}
		subject.Store = subjectOf(t, right).Store
		steps, _ = examined(t, subject)
		if step, there := steps[StepAddressing]; there {
			t.Errorf("%+v", step)
		}
	}
}
