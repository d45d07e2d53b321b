package s3_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/internal/object"
	"firn/internal/object/s3"
	"firn/internal/object/s3/s3test"
)

// TestListV1 lists servers that know only the first version of the call: those
// that pass over the word that asks for the second, and those that refuse it.
func TestListV1(t *testing.T) {
	pass := func(f *fake, w http.ResponseWriter, r *http.Request) { serveV1(f, w, r) }
	refused := func(f *fake, w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Has("list-type") {
			refuse(w, r, 501, "NotImplemented")
			return
		}
		serveV1(f, w, r)
	}
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		f.pageKeys = 7
		var want []string
		for i := range 40 {
			name := fmt.Sprintf("a+b %%/%03d", i)
			want = append(want, name)
			f.set(name, []byte("x"))
		}
		served := f.handler
		for how, list := range map[string]http.HandlerFunc{
			"passes over": func(w http.ResponseWriter, r *http.Request) { pass(f, w, r) },
			"refuses":     func(w http.ResponseWriter, r *http.Request) { refused(f, w, r) },
		} {
			for _, told := range []bool{false, true} {
				t.Run(fmt.Sprint(how, told), func(t *testing.T) {
					second := 0
					f.handler = func(w http.ResponseWriter, r *http.Request) {
						if query := r.URL.Query(); query.Has("max-keys") {
							if query.Has("list-type") {
								second++
							}
							list(w, r)
							return
						}
						served(w, r)
					}
					c.ListV1 = told
					s := openConfig(t, c)
					for range 2 {
						if names, err := namesIn(t, s); err != nil || !slices.Equal(names, want) {
							t.Errorf("listed %d of %d: %v", len(names), len(want), err)
						}
					}
					if want := map[bool]int{false: 1, true: 0}[told]; second != want {
						t.Errorf("the second version was asked for %d times, want %d", second, want)
					}
				})
			}
		}
	})
}

func namesIn(t *testing.T, s object.Store) ([]string, error) {
	t.Helper()
	return list(t.Context(), s, "")
}

type listV1Answer struct {
	XMLName      xml.Name `xml:"ListBucketResult"`
	Marker       string
	IsTruncated  bool
	EncodingType string
	Contents     []listItem
}

// serveV1 lists as the first version of the call does.
func serveV1(f *fake, w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	p := f.page(query.Get("prefix"), query.Get("marker"))
	xml.NewEncoder(w).Encode(listV1Answer{
		Marker: query.Get("marker"), IsTruncated: p.IsTruncated, EncodingType: p.EncodingType, Contents: p.Contents,
	})
}

// TestListV1OnServers lists real servers with the first version.
func TestListV1OnServers(t *testing.T) {
	onServers(t, func(t *testing.T, c s3.Config) {
		c.ListV1 = true
		s := open(t, c)
		var want []string
		for i := range 1100 {
			want = append(want, fmt.Sprintf("n+%04d", i))
		}
		putAll(t, s, want)
		if names, err := namesIn(t, s); err != nil || !slices.Equal(names, want) {
			t.Errorf("listed %d of %d: %v", len(names), len(want), err)
		}
	})
}

func putAll(t *testing.T, s object.Store, names []string) {
	t.Helper()
	failures := make(chan error, len(names))
	for chunk := range slices.Chunk(names, (len(names)+15)/16) {
		go func() {
			for _, name := range chunk {
				_, err := s.Put(t.Context(), name, []byte("x"), object.PutOptions{})
				failures <- err
			}
		}()
	}
	for range names {
		if err := <-failures; err != nil {
			t.Fatal(err)
		}
	}
}

// TestUnquotedConditions speaks to a server that wants ETags without quotes.
func TestUnquotedConditions(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		served := f.handler
		f.handler = func(w http.ResponseWriter, r *http.Request) {
			if match := r.Header.Get("If-Match"); r.Method == http.MethodPut && match != "" {
				if strings.Contains(match, `"`) {
					refuse(w, r, 412, "PreconditionFailed")
					return
				}
				r.Header.Set("If-Match", `"`+match+`"`)
			}
			served(w, r)
		}
		for _, conditions := range []s3.Conditions{s3.Quoted, s3.Unquoted} {
			c.Conditions = conditions
			s := openConfig(t, c)
			known, err := s.Probe(t.Context())
			if want := conditions == s3.Unquoted; err != nil && want || known.IfMatch != want {
				t.Errorf("conditions %q: found %+v, %v", conditions, known, err)
			}
		}
	})
}

// TestSignedAgain has a real server verify requests that are signed a second
// time: conditions without quotes, which Versity and MinIO take too, or refuse.
func TestSignedAgain(t *testing.T) {
	onServers(t, func(t *testing.T, c s3.Config) {
		c.Conditions, c.Prefix = s3.Unquoted, "a b+c"
		s := open(t, c)
		info, err := s.Put(t.Context(), "a%+ b", []byte("one"), object.PutOptions{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Put(t.Context(), "a%+ b", []byte("two"), object.PutOptions{IfMatch: info.ETag})
		if err != nil && !errors.Is(err, object.ErrChanged) {
			t.Errorf("%v, want success or %v", err, object.ErrChanged)
		}
	})
}

// google is a fake server that takes conditions as Google does.
func google(f *fake) {
	served := f.handler
	f.handler = func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("If-None-Match") // Google passes over both
		if r.Method == http.MethodPut {
			r.Header.Del("If-Match")
		}
		if r.Header.Get("X-Goog-If-Generation-Match") == "" {
			served(w, r)
			return
		}
		for name := range r.Header {
			if strings.HasPrefix(name, "X-Amz-") {
				refuse(w, r, 400, "ExcessHeaderValues")
				return
			}
		}
		body, _ := io.ReadAll(r.Body)
		signed := regexp.MustCompile(`^GOOG4-HMAC-SHA256 Credential=KEY/\d{8}/us-east-1/storage/goog4_request, ` +
			`SignedHeaders=host;x-goog-content-sha256;x-goog-date;x-goog-if-generation-match, Signature=[0-9a-f]{64}$`)
		if !signed.MatchString(r.Header.Get("Authorization")) || r.Header.Get("X-Goog-Content-Sha256") != fmt.Sprintf("%x", sha256.Sum256(body)) {
			refuse(w, r, 403, "SignatureDoesNotMatch")
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.Header.Set("If-None-Match", "*")
		r.Header.Set("X-Amz-Content-Sha256", r.Header.Get("X-Goog-Content-Sha256"))
		served(w, r)
	}
}

func TestGoogleConditions(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		google(f)
		c.Region = "us-east-1"
		for _, conditions := range []s3.Conditions{s3.Quoted, s3.Google} {
			c.Conditions = conditions
			s := openConfig(t, c)
			known, err := s.Probe(t.Context())
			if want := conditions == s3.Google; err != nil || known.IfAbsent != want || known.IfMatch {
				t.Errorf("conditions %q: found %+v, %v", conditions, known, err)
			}
			known.Retain = true
			s.SetCapabilities(known)
			locked := object.PutOptions{IfAbsent: known.IfAbsent, RetainUntil: time.Now().Add(time.Hour)}
			_, err = s.Put(t.Context(), "locked", []byte("x"), locked)
			if refused := errors.Is(err, object.ErrUnsupported); refused != (conditions == s3.Google) {
				t.Errorf("conditions %q: retention beside a condition: %v", conditions, err)
			}
		}
	})
}

// TestGoogleRefuses works without conditions where the server does not take them
// as they are said.
func TestGoogleRefuses(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		served := f.handler
		f.handler = func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Goog-Date") != "" {
				refuse(w, r, 403, "SignatureDoesNotMatch")
				return
			}
			served(w, r)
		}
		c.Conditions = s3.Google
		if known, err := openConfig(t, c).Probe(t.Context()); err != nil || known.IfAbsent {
			t.Errorf("found %+v, %v", known, err)
		}
	})
}

// TestRegionIsFollowed goes to the region that the server names, if none is given.
func TestRegionIsFollowed(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		served := f.handler
		f.handler = func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.Header.Get("Authorization"), "/eu-south-9/s3/aws4_request") {
				w.Header().Set("X-Amz-Bucket-Region", "eu-south-9")
				refuse(w, r, 301, "PermanentRedirect")
				return
			}
			served(w, r)
		}
		c.Region, c.MaxRetries = "", -1
		s := openConfig(t, c)
		if body, _, err := put(t, s, "a"); err != nil || string(body) != "a" {
			t.Errorf("read back %q, %v", body, err)
		}
		if n := len(f.log()); n != 3 {
			t.Errorf("%d requests, want 3: one to find out", n)
		}
		if _, err := s.Head(t.Context(), "a"); err != nil {
			t.Error(err)
		}
		f.handler = func(w http.ResponseWriter, r *http.Request) { // that sends from one to the next
			w.Header().Set("X-Amz-Bucket-Region", fmt.Sprint("region-", len(f.requests)))
			refuse(w, r, 301, "PermanentRedirect")
		}
		_, _, err := s.Get(t.Context(), "a", 10)
		explained(t, err, nil, "set region")
	})
}

// TestNoChunks sends bodies as they are: "aws-chunked" breaks some servers.
func TestNoChunks(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		s := openConfig(t, c)
		for _, body := range [][]byte{nil, []byte("x"), oldBody} {
			if _, err := s.Put(t.Context(), "a", body, object.PutOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Delete(t.Context(), "a", "b"); err != nil {
			t.Fatal(err)
		}
		for _, h := range f.headers {
			if strings.Contains(h.Get("Content-Encoding"), "chunked") || h.Get("X-Amz-Decoded-Content-Length") != "" ||
				strings.HasPrefix(h.Get("X-Amz-Content-Sha256"), "STREAMING") || h.Get("X-Amz-Trailer") != "" {
				t.Errorf("body in chunks: %v", h)
			}
		}
	})
}

// TestAddressingStyleIsFoundOut names the bucket in the host's name to servers
// that look for it in the path, and do not know the host.
func TestAddressingStyleIsFoundOut(t *testing.T) {
	onServers(t, func(t *testing.T, c s3.Config) {
		open(t, c)
		p := s3test.NewProxy(t, s3test.Server{Endpoint: c.Endpoint})
		inHost := false
		c.Endpoint, c.Proxy, c.PathStyle = "http://s3.elsewhere", p.Endpoint, &inHost
		s := openConfig(t, c)
		_, _, err := s.Get(t.Context(), "backups/prod/a", 10)
		explained(t, err, object.ErrNoBucket, "force_path_style: true")
		if !strings.Contains(err.Error(), `"backups"`) {
			t.Errorf("%v, without what was taken for the bucket", err)
		}
	})
}
