package s3_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"firn/internal/object/s3"
)

// fake is a small S3 server whose answers can be disturbed.
type fake struct {
	*httptest.Server
	handler http.HandlerFunc // the undisturbed server

	mu       sync.Mutex
	objects  map[string][]byte
	faults   []fault  // the next requests meet these, one each
	requests []string // "PUT key", "LIST prefix", …
	headers  []http.Header
	pageKeys int
	silent   bool // no x-amz-checksum-sha256 in answers
}

// fault answers a request in place of the server, which it may call.
type fault func(f *fake, w http.ResponseWriter, r *http.Request)

func newFake(t testing.TB) *fake {
	f := &fake{objects: map[string][]byte{}, pageKeys: 1000}
	f.handler = f.serve
	f.Server = httptest.NewServer(http.HandlerFunc(f.dispatch))
	t.Cleanup(f.Close)
	return f
}

// next disturbs the coming requests.
func (f *fake) next(faults ...fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, faults...)
}

// always disturbs all coming requests.
func (f *fake) always(ft fault) {
	for range 1000 {
		f.next(ft)
	}
}

func (f *fake) dispatch(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.requests = append(f.requests, label(r))
	f.headers = append(f.headers, r.Header.Clone())
	var ft fault
	if len(f.faults) > 0 {
		ft, f.faults = f.faults[0], f.faults[1:]
	}
	f.mu.Unlock()
	if ft != nil {
		ft(f, w, r)
		return
	}
	f.handler(w, r)
}

func label(r *http.Request) string {
	key := keyOf(r)
	switch {
	case r.URL.Query().Has("list-type"):
		return "LIST " + r.URL.Query().Get("prefix")
	case r.URL.Query().Has("delete"):
		return "DELETE many"
	}
	return r.Method + " " + key
}

func keyOf(r *http.Request) string {
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	return key
}

// log returns and forgets what was requested.
func (f *fake) log() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer func() { f.requests, f.headers = nil, nil }()
	return f.requests
}

func (f *fake) get(key string) ([]byte, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	body, ok := f.objects[key]
	return body, ok
}

func (f *fake) set(key string, body []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.objects[key] = body
}

func etagOf(body []byte) string { return fmt.Sprintf(`"%x"`, sha256.Sum256(body)) }

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	key := keyOf(r)
	w.Header().Set("X-Amz-Request-Id", "REQUEST1")
	switch {
	case r.URL.Query().Has("list-type"):
		f.list(w, r)
	case r.URL.Query().Has("delete"):
		f.deleteMany(w, r)
	case r.Method == http.MethodPut:
		f.put(w, r, key)
	case r.Method == http.MethodDelete:
		f.mu.Lock()
		delete(f.objects, key)
		f.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	default:
		body, ok := f.get(key)
		if !ok {
			refuse(w, r, 404, "NoSuchKey")
			return
		}
		w.Header().Set("ETag", etagOf(body))
		http.ServeContent(w, r, "", time.Unix(1e9, 0), bytes.NewReader(body))
	}
}

func (f *fake) put(w http.ResponseWriter, r *http.Request, key string) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	sum := sha256.Sum256(body)
	if want := r.Header.Get("X-Amz-Content-Sha256"); want != fmt.Sprintf("%x", sum) {
		refuse(w, r, 400, "XAmzContentSHA256Mismatch")
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	present, taken := f.objects[key]
	if r.Header.Get("If-None-Match") == "*" && taken {
		refuse(w, r, 412, "PreconditionFailed")
		return
	}
	if match := r.Header.Get("If-Match"); match != "" && (!taken || match != etagOf(present)) {
		refuse(w, r, 412, "PreconditionFailed")
		return
	}
	f.objects[key] = body
	w.Header().Set("ETag", etagOf(body))
	if !f.silent && r.Header.Get("X-Amz-Checksum-Sha256") != "" {
		w.Header().Set("X-Amz-Checksum-Sha256", base64.StdEncoding.EncodeToString(sum[:]))
	}
}

type listAnswer struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	Name                  string
	IsTruncated           bool
	EncodingType          string
	NextContinuationToken string `xml:",omitempty"`
	Contents              []listItem
}

type listItem struct {
	Key          string
	Size         int
	ETag         string
	LastModified string
}

// page builds a listing's page.
func (f *fake) page(prefix, token string) listAnswer {
	f.mu.Lock()
	defer f.mu.Unlock()
	var keys []string
	for key := range f.objects {
		if strings.HasPrefix(key, prefix) && key > token {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	answer := listAnswer{Name: "bucket", EncodingType: "url"}
	if len(keys) > f.pageKeys {
		keys = keys[:f.pageKeys]
		answer.IsTruncated, answer.NextContinuationToken = true, keys[len(keys)-1]
	}
	for _, key := range keys {
		answer.Contents = append(answer.Contents, listItem{
			url.QueryEscape(key), len(f.objects[key]), etagOf(f.objects[key]), "2026-01-02T03:04:05.000Z",
		})
	}
	return answer
}

func (f *fake) list(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	xml.NewEncoder(w).Encode(f.page(query.Get("prefix"), query.Get("continuation-token")))
}

func (f *fake) deleteMany(w http.ResponseWriter, r *http.Request) {
	var request struct {
		Object []struct{ Key string }
	}
	if xml.NewDecoder(r.Body).Decode(&request) != nil || r.Header.Get("Content-Md5") == "" {
		refuse(w, r, 400, "InvalidRequest")
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	io.WriteString(w, "<DeleteResult>")
	for _, o := range request.Object {
		delete(f.objects, o.Key)
		fmt.Fprintf(w, "<Deleted><Key>%s</Key></Deleted>", o.Key)
	}
	io.WriteString(w, "</DeleteResult>")
}

// refuse answers with an error in S3's manner.
func refuse(w http.ResponseWriter, r *http.Request, status int, code string) {
	io.Copy(io.Discard, r.Body)
	text := fmt.Sprintf("<?xml version=\"1.0\"?><Error><Code>%s</Code><Message>message of %s</Message></Error>", code, code)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		io.WriteString(w, text)
	}
}

// answer refuses with a status and a code.
func answer(status int, code string) fault {
	return func(_ *fake, w http.ResponseWriter, r *http.Request) { refuse(w, r, status, code) }
}

// say answers with a status and a body of one's own.
func say(status int, body string) fault {
	return func(_ *fake, w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// reset breaks the connection before anything is done.
func reset(_ *fake, w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }

// lose does what is asked and breaks the connection instead of answering.
func lose(f *fake, _ http.ResponseWriter, r *http.Request) {
	f.handler(httptest.NewRecorder(), r)
	panic(http.ErrAbortHandler)
}

// hang answers nothing for as long as the client waits.
func hang(_ *fake, _ http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// cut answers, but only the first n bytes of the body.
func cut(n int) fault {
	return altered(func(_ http.Header, body []byte) []byte { return body[:min(n, len(body))] })
}

// altered lets the server answer and changes headers and body. The announced
// length stays what it was.
func altered(change func(h http.Header, body []byte) []byte) fault {
	return func(f *fake, w http.ResponseWriter, r *http.Request) {
		recorder := httptest.NewRecorder()
		f.handler(recorder, r)
		body := recorder.Body.Bytes()
		for name, values := range recorder.Header() {
			w.Header()[name] = values
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		changed := change(w.Header(), body)
		w.WriteHeader(recorder.Code)
		w.Write(changed)
		if len(changed) < len(body) {
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	}
}

// config returns a configuration for the fake that is quick to give up.
func (f *fake) config(client string) s3.Config {
	return s3.Config{
		Endpoint: f.URL, Bucket: "bucket", AccessKey: "KEY", SecretKey: "very-secret", Client: client, Proxy: "none",
		Timeouts: s3.Timeouts{Pause: time.Millisecond, Longest: 4 * time.Millisecond, SlowDown: 10 * time.Second},
	}
}

// onFake runs a test with every client on a fake server of its own.
func onFake(t *testing.T, test func(t *testing.T, f *fake, c s3.Config)) {
	for _, client := range clients {
		t.Run(client, func(t *testing.T) {
			f := newFake(t)
			test(t, f, f.config(client))
		})
	}
}

func openConfig(t testing.TB, c s3.Config) *s3.Store {
	t.Helper()
	s, err := s3.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
