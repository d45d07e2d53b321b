package cold_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/internal/object"
	"firn/internal/object/objecttest"
	"firn/internal/object/s3/s3test"
	"firn/internal/object/s3/s3test/cold"
)

func TestMain(m *testing.M) { os.Exit(s3test.Main(m)) }

// client speaks S3 by hand, so that nothing of Firn's own is between the test and
// the server.
type client struct {
	t      *testing.T
	server *cold.Server
	clock  *objecttest.Clock
	bucket string
	secret string
}

// onServers runs a test on every server, in a bucket of its own.
func onServers(t *testing.T, test func(t *testing.T, c *client)) {
	for _, kind := range []string{s3test.MinIO, s3test.Versity} {
		t.Run(kind, func(t *testing.T) {
			clock := objecttest.NewClock(time.Date(2012, 12, 17, 13, 0, 0, 0, time.UTC))
			s := cold.Start(t, s3test.Start(t, kind), clock)
			c := &client{t, s, clock, s3test.NewBucket(), s.SecretKey}
			c.do(http.MethodPut, "", "").is(t, 200, "")
			test(t, c)
		})
	}
}

type answer struct {
	status int
	header http.Header
	body   string
}

// is expects a status and, of an error, a code, or what the body has else.
func (a answer) is(t *testing.T, status int, has string) answer {
	t.Helper()
	if a.status != status || !strings.Contains(a.body, has) {
		t.Fatalf("%d %s, want %d %s", a.status, a.body, status, has)
	}
	return a
}

// do sends a request about a key, or about the bucket if that is empty or only a
// query; headers are names and values in turn.
func (c *client) do(method, key, body string, headers ...string) answer {
	c.t.Helper()
	at := c.server.Endpoint + "/" + c.bucket
	if key != "" && key[0] != '?' {
		at += "/"
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, at+key, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	hash := fmt.Sprintf("%x", sha256.Sum256([]byte(body)))
	r.Header.Set("X-Amz-Content-Sha256", hash)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	now := time.Now().UTC()
	r.Header.Set("X-Amz-Date", now.Format("20060102T150405Z"))
	names := []string{"host", "x-amz-content-sha256"}
	for name := range r.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-amz-") && name != names[1] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	keys := c.server.Server
	keys.SecretKey = c.secret
	r.Header.Set("Authorization", keys.Authorization(r, names, keys.Region, "s3", now))
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer{got.StatusCode, got.Header, string(text)}
}

// put writes an object in a class.
func (c *client) put(key, class string) answer {
	c.t.Helper()
	return c.do(http.MethodPut, key, "body", "X-Amz-Storage-Class", class)
}

// restore is a request to thaw; 0 days are none.
func (c *client) restore(key, tier string, days int) answer {
	c.t.Helper()
	body := `<RestoreRequest xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`
	if days > 0 {
		body += fmt.Sprintf("<Days>%d</Days>", days)
	}
	return c.do(http.MethodPost, key+"?restore=", body+"<GlacierJobParameters><Tier>"+tier+"</Tier></GlacierJobParameters></RestoreRequest>")
}

// TestAnswers follows one object through its life by the answers of S3.
func TestAnswers(t *testing.T) {
	onServers(t, func(t *testing.T, c *client) {
		c.put("p/a", "GLACIER").is(t, 200, "")
		restored := func(want string) {
			t.Helper()
			h := c.do(http.MethodHead, "p/a", "").is(t, 200, "").header
			if h.Get("X-Amz-Storage-Class") != "GLACIER" || h.Get("X-Amz-Restore") != want || h.Get("Content-Length") != "4" {
				t.Fatalf("HEAD: %v", h)
			}
		}
		restored("")
		c.do(http.MethodGet, "p/a", "").is(t, 403, "<Code>InvalidObjectState</Code>")
		c.do(http.MethodGet, "p/a", "", "Range", "bytes=0-1").is(t, 403, "<Code>InvalidObjectState</Code>")
		c.do(http.MethodPut, "p/b", "", "X-Amz-Copy-Source", "/"+c.bucket+"/p/a").is(t, 403, "<Code>InvalidObjectState</Code>")
		c.restore("p/a", "Standard", 0).is(t, 400, "<Code>MalformedXML</Code>")
		c.restore("p/a", "Standard", 3).is(t, 202, "")
		restored(`ongoing-request="true"`)
		c.restore("p/a", "Standard", 3).is(t, 409, "<Code>RestoreAlreadyInProgress</Code>")
		c.do(http.MethodGet, "p/a", "").is(t, 403, "<Code>InvalidObjectState</Code>")
		c.clock.Advance(5 * time.Hour)
		restored(`ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"`)
		if a := c.do(http.MethodGet, "p/a", "").is(t, 200, "body"); a.header.Get("X-Amz-Restore") == "" {
			t.Errorf("GET: %v", a.header)
		}
		c.do(http.MethodGet, "p/a", "", "Range", "bytes=1-2").is(t, 206, "od")
		c.restore("p/a", "Expedited", 10).is(t, 200, "")
		restored(`ongoing-request="false", expiry-date="Fri, 28 Dec 2012 00:00:00 GMT"`)
		c.clock.Set(time.Date(2012, 12, 28, 0, 0, 0, 0, time.UTC))
		restored("")
		c.do(http.MethodGet, "p/a", "").is(t, 403, "<Code>InvalidObjectState</Code>")
		c.do(http.MethodDelete, "p/a", "").is(t, 204, "")
		c.do(http.MethodHead, "p/a", "").is(t, 404, "")
		c.restore("p/a", "Bulk", 1).is(t, 404, "<Code>NoSuchKey</Code>")
		c.do(http.MethodGet, "p/a", "").is(t, 404, "<Code>NoSuchKey</Code>")
	})
}

func TestRefusals(t *testing.T) {
	onServers(t, func(t *testing.T, c *client) {
		c.put("a", "COLD").is(t, 400, "<Code>InvalidStorageClass</Code>")
		c.put("warm", "STANDARD").is(t, 200, "")
		c.put("deep", "DEEP_ARCHIVE").is(t, 200, "")
		c.put("tiers", "INTELLIGENT_TIERING").is(t, 200, "")
		c.restore("warm", "Bulk", 1).is(t, 403, "<Code>InvalidObjectState</Code>")
		c.restore("deep", "Expedited", 1).is(t, 400, "<Code>InvalidArgument</Code>")
		c.restore("tiers", "Bulk", 0).is(t, 403, "<Code>InvalidObjectState</Code>")
		if err := c.server.Transition(t.Context(), c.bucket, "tiers", objecttest.DeepArchiveAccess); err != nil {
			t.Fatal(err)
		}
		c.restore("tiers", "Bulk", 1).is(t, 400, "<Code>MalformedXML</Code>")
		c.restore("tiers", "Expedited", 0).is(t, 400, "<Code>InvalidArgument</Code>")
		c.restore("tiers", "Bulk", 0).is(t, 202, "")
		if h := c.do(http.MethodHead, "tiers", "").header; h.Get("X-Amz-Archive-Status") != "DEEP_ARCHIVE_ACCESS" || h.Get("X-Amz-Restore") != `ongoing-request="true"` {
			t.Errorf("HEAD: %v", h)
		}
		c.clock.Advance(48 * time.Hour)
		if h := c.do(http.MethodHead, "tiers", "").header; h.Get("X-Amz-Archive-Status")+h.Get("X-Amz-Restore") != "" {
			t.Errorf("HEAD: %v", h)
		}
		c.server.Expedite(false)
		c.put("glacier", "GLACIER").is(t, 200, "")
		c.restore("glacier", "Expedited", 1).is(t, 503, "<Code>GlacierExpeditedRetrievalNotAvailable</Code>")
		c.restore("glacier", "Bulk", 1).is(t, 202, "")
		c.server.Expedite(true)
		c.restore("glacier", "Standard", 1).is(t, 202, "") // sped up
		c.restore("glacier", "Bulk", 1).is(t, 409, "<Code>RestoreAlreadyInProgress</Code>")
		c.do(http.MethodPost, "glacier?restore=", "<RestoreRequest>").is(t, 400, "<Code>MalformedXML</Code>")
		c.do(http.MethodPost, "glacier?restore=", "other", "X-Amz-Content-Sha256", strings.Repeat("0", 64)).is(t, 400, "<Code>XAmzContentSHA256Mismatch</Code>")
		c.do(http.MethodPut, "a", "", "X-Amz-Storage-Class", "GLACIER", "X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD").is(t, 501, "<Code>NotImplemented</Code>")

		source := "/" + c.bucket + "/warm"
		c.do(http.MethodPut, "warm", "", "X-Amz-Copy-Source", source, "X-Amz-Storage-Class", "STANDARD").is(t, 400, "<Code>InvalidRequest</Code>")
		c.do(http.MethodPut, "warm", "", "X-Amz-Copy-Source", source, "X-Amz-Storage-Class", "GLACIER").is(t, 200, "CopyObjectResult")
		c.do(http.MethodGet, "warm", "").is(t, 403, "<Code>InvalidObjectState</Code>")
	})
}

// TestSignatures: what the real server does not see is not let through for that.
func TestSignatures(t *testing.T) {
	onServers(t, func(t *testing.T, c *client) {
		c.put("a", "GLACIER").is(t, 200, "")
		c.secret = "another"
		c.put("b", "GLACIER").is(t, 403, "<Code>SignatureDoesNotMatch</Code>")
		c.put("b", "").is(t, 403, "<Code>SignatureDoesNotMatch</Code>")
		c.do(http.MethodGet, "a", "").is(t, 403, "<Code>SignatureDoesNotMatch</Code>")
		c.restore("a", "Bulk", 1).is(t, 403, "<Code>SignatureDoesNotMatch</Code>")
		got, err := http.Get(c.server.Endpoint + "/" + c.bucket + "/a")
		if err != nil {
			t.Fatal(err)
		}
		got.Body.Close()
		if got.StatusCode != http.StatusForbidden {
			t.Errorf("without a signature: %s", got.Status)
		}
	})
}

// TestListings: classes always, copies only if they are asked for.
func TestListings(t *testing.T) {
	onServers(t, func(t *testing.T, c *client) {
		for key, class := range map[string]string{"p/a b+c&d": "GLACIER", "p/e": "STANDARD_IA", "p/f": "STANDARD"} {
			c.do(http.MethodPut, strings.NewReplacer(" ", "%20", "+", "%2B", "&", "%26").Replace(key), "body", "X-Amz-Storage-Class", class).is(t, 200, "")
		}
		c.restore("p/a%20b%2Bc%26d", "Bulk", 1).is(t, 202, "")
		for _, query := range []string{"?list-type=2&prefix=p%2F", "?encoding-type=url&list-type=2&prefix=p%2F", "?prefix=p%2F"} {
			plain := c.do(http.MethodGet, query, "").is(t, 200, "<StorageClass>GLACIER</StorageClass>").body
			if strings.Contains(plain, "RestoreStatus") {
				t.Errorf("%s tells of copies unasked: %s", query, plain)
			}
			told := c.do(http.MethodGet, query, "", "X-Amz-Optional-Object-Attributes", "RestoreStatus").is(t, 200, "<IsRestoreInProgress>true</IsRestoreInProgress>").body
			for _, class := range []string{"GLACIER", "STANDARD_IA", "STANDARD"} {
				if strings.Count(told, "<StorageClass>"+class+"</StorageClass>") != 1 || strings.Count(told, "<RestoreStatus>") != 1 {
					t.Errorf("%s: %s", query, told)
				}
			}
		}
		c.clock.Advance(12 * time.Hour)
		const listing, status = "?list-type=2", "X-Amz-Optional-Object-Attributes"
		c.do(http.MethodGet, listing, "", status, "RestoreStatus").is(t, 200, "<RestoreExpiryDate>2012-12-20T00:00:00Z</RestoreExpiryDate>")
		c.server.Hide()
		if told := c.do(http.MethodGet, listing, "", status, "RestoreStatus").body; strings.Contains(told, "RestoreStatus") {
			t.Errorf("hidden, and told: %s", told)
		}
	})
}

// TestLog counts requests by kind, and refuses those over a limit.
func TestLog(t *testing.T) {
	onServers(t, func(t *testing.T, c *client) {
		c.put("a", "GLACIER").is(t, 200, "")
		c.do(http.MethodGet, "a", "").is(t, 403, "")
		c.server.Limit(s3test.Restore, 1, time.Hour)
		c.restore("a", "Bulk", 1).is(t, 202, "")
		c.restore("a", "Bulk", 1).is(t, 503, "<Code>SlowDown</Code>")
		name := c.bucket + "/a"
		want := []cold.Request{
			{Kind: s3test.Other, Name: c.bucket, Status: 200}, {Kind: s3test.Put, Name: name, Status: 200},
			{Kind: s3test.Get, Name: name, Status: 403, Code: "InvalidObjectState"},
			{Kind: s3test.Restore, Name: name, Status: 202}, {Kind: s3test.Restore, Name: name, Status: 503, Code: "SlowDown"},
		}
		if got := c.server.Requests(); !slices.Equal(got, want) {
			t.Errorf("%+v", got)
		}
		if n := c.server.Count(); n[s3test.Restore] != 2 || n[s3test.Get] != 1 || n[s3test.Head] != 0 {
			t.Errorf("%v", n)
		}
		if vain := c.server.Vain(); !slices.Equal(vain, []string{name}) {
			t.Errorf("read in vain: %q", vain)
		}
		c.server.Delay("GLACIER", object.Bulk, 0)
		if lies, known := c.server.Look(name); !known || !lies.Asked {
			t.Errorf("%+v", lies)
		}
	})
}
