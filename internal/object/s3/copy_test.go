package s3_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"firn/internal/object"
	"firn/internal/object/s3"
)

// copies is a fake's way to copy: the copy has another ETag than the source, as
// under encryption, and is in the class asked for. Without it the request is
// handled as before.
func copies(f *fake) {
	before := f.handler
	class := ""
	f.handler = func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Copy-Source") == "" {
			w.Header().Set("X-Amz-Storage-Class", class)
			before(w, r)
			return
		}
		body, there := f.get(keyOf(r))
		switch match := r.Header.Get("X-Amz-Copy-Source-If-Match"); {
		case !there:
			refuse(w, r, 404, "NoSuchKey")
		case match != "" && match != etagOf(body):
			refuse(w, r, 412, "PreconditionFailed")
		default:
			class = r.Header.Get("X-Amz-Storage-Class")
			f.set(keyOf(r), append(slices.Clone(body[:len(body)-1]), body[len(body)-1]^1))
			io.WriteString(w, `<?xml version="1.0"?><CopyObjectResult><ETag>"x"</ETag></CopyObjectResult>`)
		}
	}
}

func TestCopyAnswers(t *testing.T) {
	key := s3.CustomerKey{1}
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		copies(f)
		s := openConfig(t, c)
		for name, row := range map[string]struct {
			faults []fault
			opts   object.CopyOptions
			want   error
			asks   []string
		}{
			"size is known":   {nil, object.CopyOptions{Size: 4}, nil, []string{"PUT a"}},
			"size is not":     {nil, object.CopyOptions{}, nil, []string{"HEAD a", "PUT a"}},
			"too large":       {nil, object.CopyOptions{Size: object.MaxCopy + 1}, object.ErrTooLarge, nil},
			"answer lost":     {[]fault{lose}, object.CopyOptions{Size: 4, Class: "GLACIER", IfMatch: bare("body")}, nil, []string{"PUT a", "PUT a", "HEAD a"}},
			"class not known": {[]fault{lose}, object.CopyOptions{Size: 4, IfMatch: bare("body")}, object.ErrChanged, []string{"PUT a", "PUT a", "HEAD a"}},
			"another one":     {nil, object.CopyOptions{Size: 4, IfMatch: bare("other")}, object.ErrChanged, []string{"PUT a"}},
			"frozen":          {[]fault{answer(403, "ObjectNotInActiveTierError")}, object.CopyOptions{Size: 4}, object.ErrFrozen, []string{"PUT a"}},
			"class refused":   {[]fault{answer(400, "InvalidStorageClass")}, object.CopyOptions{Size: 4}, object.ErrUnsupported, []string{"PUT a"}},
			"no copying":      {[]fault{answer(501, "NotImplemented")}, object.CopyOptions{Size: 4}, object.ErrUnsupported, []string{"PUT a"}},
			"error in 200": {
				[]fault{say(200, "<Error><Code>InternalError</Code></Error>"), say(200, "<CopyObjectResult><ETag>")},
				object.CopyOptions{Size: 4}, nil, []string{"PUT a", "PUT a", "PUT a"},
			},
		} {
			f.set("a", []byte("body"))
			f.next(row.faults...)
			if err := s.Copy(t.Context(), "a", row.opts); !errors.Is(err, row.want) {
				t.Errorf("%s: %v, want %v", name, err, row.want)
			}
			if asked := f.log(); !slices.Equal(asked, row.asks) {
				t.Errorf("%s: asked %q, want %q", name, asked, row.asks)
			}
		}

		c.CustomerKey = &key
		c.Params = func(string) s3.PutParams {
			return s3.PutParams{Class: "STANDARD_IA", Encryption: "customer", Tags: "a=b", ACL: "private"}
		}
		s = openConfig(t, c)
		f.next(answer(400, "InvalidRequest")) // written without the key
		f.set("a+b c", []byte("body"))
		if err := s.Copy(t.Context(), "a+b c", object.CopyOptions{Size: 4}); err != nil {
			t.Fatal(err)
		}
		const sourceKey = "X-Amz-Copy-Source-Server-Side-Encryption-Customer-Key"
		with, without := f.headers[0], f.headers[1]
		if with.Get(sourceKey) == "" || with.Get(sourceKey+"-Md5") == "" || without.Get(sourceKey) != "" {
			t.Errorf("keys of the source: %q, %q", with.Get(sourceKey), without.Get(sourceKey))
		}
		for name, want := range map[string]string{
			"X-Amz-Copy-Source": "bucket/a%2Bb%20c", "X-Amz-Storage-Class": "STANDARD_IA", "X-Amz-Tagging": "a=b", "X-Amz-Tagging-Directive": "REPLACE",
			"X-Amz-Acl": "private", "X-Amz-Metadata-Directive": "REPLACE", "X-Amz-Server-Side-Encryption-Customer-Algorithm": "AES256",
		} {
			if got := with.Get(name); strings.TrimPrefix(got, "/") != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
			if !strings.Contains(with.Get("Authorization"), strings.ToLower(name)) {
				t.Errorf("%s is not signed", name)
			}
		}
		c.ReadOnly = true
		f.log()
		if err := openConfig(t, c).Copy(t.Context(), "a", object.CopyOptions{}); !errors.Is(err, object.ErrReadOnly) || len(f.log()) > 0 {
			t.Errorf("read-only: %v", err)
		}
	})
}

// bare is the ETag of a body on the fake.
func bare(body string) string { return strings.Trim(etagOf([]byte(body)), `"`) }
