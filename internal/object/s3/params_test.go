package s3_test

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"firn/internal/object"
	"firn/internal/object/s3"
	"firn/internal/object/s3/s3test"
)

// TestPutParams: what is asked for by name is what goes over the wire, by either
// library, and nothing else does.
func TestPutParams(t *testing.T) {
	byName := map[string]s3.PutParams{
		"kms":   {Class: "GLACIER", Encryption: "aws:kms", KMSKey: "key-1", BucketKey: true},
		"s3":    {Encryption: "AES256", Tags: "a=b&c=d%20e", ACL: "bucket-owner-full-control"},
		"class": {Class: "STANDARD_IA"},
	}
	names := []string{
		"X-Amz-Storage-Class", "X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id",
		"X-Amz-Server-Side-Encryption-Bucket-Key-Enabled", "X-Amz-Tagging", "X-Amz-Acl",
	}
	want := map[string][]string{
		"kms":   {"GLACIER", "aws:kms", "key-1", "true", "", ""},
		"s3":    {"", "AES256", "", "", "a=b&c=d%20e", "bucket-owner-full-control"},
		"class": {"STANDARD_IA", "", "", "", "", ""},
		"other": {"", "", "", "", "", ""},
	}
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		c.Prefix = "some/where"
		c.Params = func(name string) s3.PutParams { return byName[name] }
		s := openConfig(t, c)
		for name, values := range want {
			f.log()
			if _, err := s.Put(t.Context(), name, []byte("x"), object.PutOptions{IfAbsent: true}); err != nil {
				t.Fatal(err)
			}
			h := f.headers[0]
			for i, header := range names {
				if h.Get(header) != values[i] {
					t.Errorf("%s: %s is %q, wanted %q", name, header, h.Get(header), values[i])
				}
				if signed := strings.Contains(h.Get("Authorization"), strings.ToLower(header)); signed != (values[i] != "") {
					t.Errorf("%s: %s signed: %t", name, header, signed)
				}
			}
		}
		f.log()
		if _, err := s.Put(t.Context(), "class", []byte("y"), object.PutOptions{Class: "ONEZONE_IA"}); err != nil {
			t.Fatal(err)
		}
		if got := f.headers[0].Get("X-Amz-Storage-Class"); got != "ONEZONE_IA" {
			t.Errorf("the class of the options gave way to %q", got)
		}
	})
}

// keyed is a server that keeps objects under the keys that requests bring.
type keyed struct {
	*fake
	md5 map[string]string // object → MD5 of its key
}

func (k *keyed) serve(w http.ResponseWriter, r *http.Request) {
	const name = "X-Amz-Server-Side-Encryption-Customer-"
	given := r.Header.Get(name + "Key-Md5")
	if key, err := base64.StdEncoding.DecodeString(r.Header.Get(name + "Key")); given != "" {
		sum := md5.Sum(key)
		if err != nil || len(key) != 32 || r.Header.Get(name+"Algorithm") != "AES256" || base64.StdEncoding.EncodeToString(sum[:]) != given {
			refuse(w, r, 400, "InvalidArgument")
			return
		}
	}
	switch _, there := k.get(keyOf(r)); {
	case r.Method == http.MethodPut:
		k.md5[keyOf(r)] = given
	case !there || r.Method == http.MethodDelete || r.URL.Query().Has("list-type"):
	case k.md5[keyOf(r)] != given:
		refuse(w, r, 400, "InvalidRequest")
		return
	}
	k.fake.serve(w, r)
}

// TestCustomerKey: objects under a key of the customer's are read with it,
// others without, by all calls that read.
func TestCustomerKey(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		k := &keyed{f, map[string]string{}}
		f.handler = k.serve
		key := s3.CustomerKey(bytes.Repeat([]byte{7}, s3.CustomerKeySize))
		c.CustomerKey = &key
		c.Params = func(name string) s3.PutParams {
			return map[string]s3.PutParams{"locked": {Encryption: "customer"}}[name]
		}
		s := openConfig(t, c)
		for _, name := range []string{"locked", "open"} {
			if _, err := s.Put(t.Context(), name, []byte("content of "+name), object.PutOptions{}); err != nil {
				t.Fatal(err)
			}
			if locked := k.md5[name] != ""; locked != (name == "locked") {
				t.Errorf("%s: locked: %t", name, locked)
			}
			body, _, err := s.Get(t.Context(), name, 100)
			if err != nil || string(body) != "content of "+name {
				t.Errorf("%s: %q, %v", name, body, err)
			}
			part := make([]byte, 2)
			if err := s.GetRange(t.Context(), name, part, 8); err != nil || string(part) != "of" {
				t.Errorf("%s: %q, %v", name, part, err)
			}
			if info, err := s.Head(t.Context(), name); err != nil || info.Size != int64(len(body)) {
				t.Errorf("%s: %+v, %v", name, info, err)
			}
		}
		f.log()
		for _, err := range s.List(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
		}
		if f.headers[0].Get("X-Amz-Server-Side-Encryption-Customer-Key") != "" {
			t.Error("the key is sent where nothing is read")
		}
		if _, _, err := s.Get(t.Context(), "none", 1); !errors.Is(err, object.ErrNotFound) {
			t.Errorf("none: %v", err)
		}
		if text := fmt.Sprint(&key); strings.Contains(text, "7") {
			t.Errorf("the key is shown: %s", text)
		}

		other := c
		wrong := s3.CustomerKey{1}
		other.CustomerKey = &wrong
		if _, _, err := openConfig(t, other).Get(t.Context(), "locked", 100); err == nil {
			t.Error("another key opens it")
		}
		other.CustomerKey = nil
		f.log()
		if _, err := openConfig(t, other).Put(t.Context(), "locked", nil, object.PutOptions{}); err == nil || len(f.log()) > 0 {
			t.Errorf("without a key: %v", err)
		}
	})
}

// TestParamsOnServers: what real servers make of parameters is told by Headers.
func TestParamsOnServers(t *testing.T) {
	onServers(t, func(t *testing.T, c s3.Config) {
		key := s3.CustomerKey{1, 2, 3}
		c.CustomerKey = &key
		params := map[string]s3.PutParams{
			"class": {Class: "REDUCED_REDUNDANCY"}, "tags": {Tags: "a=b&c=d%20e"}, "none": {Class: "NO_SUCH_CLASS"}, "sse": {Encryption: "AES256"},
		}
		c.Params = func(name string) s3.PutParams { return params[name] }
		s := open(t, c)
		minio := strings.HasPrefix(strings.TrimPrefix(t.Name(), "TestParamsOnServers/"), s3test.MinIO)
		for _, name := range []string{"class", "tags", "none", "sse"} {
			_, err := s.Put(t.Context(), name, []byte("x"), object.PutOptions{})
			if refused := minio && (name == "none" || name == "sse"); refused != errors.Is(err, object.ErrUnsupported) || !refused && err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if err != nil {
				continue
			}
			h, err := s.Headers(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			got := []string{h.Get("X-Amz-Storage-Class"), h.Get("X-Amz-Tagging-Count"), h.Get("X-Amz-Server-Side-Encryption")}
			want := map[string][]string{"class": {"REDUCED_REDUNDANCY", "", ""}, "tags": {"", "2", ""}}[name]
			if !minio { // Versity takes everything, drops classes and encryption, and names the class it has
				want = []string{"STANDARD", "", ""}
				if name == "tags" {
					want[1] = "2"
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q", name, got)
			}
		}
		if body, _, err := s.Get(t.Context(), "tags", 10); err != nil || string(body) != "x" {
			t.Errorf("read beside a key that it was not written with: %q, %v", body, err)
		}
	})
}

// TestLostAnswerFrozen: the answer about an object in an archive class is lost. It
// cannot be read to see what is there; the hash in its name and the size do.
func TestLostAnswerFrozen(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		s := openConfig(t, c)
		body := []byte("frozen at once")
		name := fmt.Sprintf("p/%x", sha256.Sum256(body))
		f.next(lose, nil, answer(403, "InvalidObjectState"))
		if info, err := s.Put(t.Context(), name, body, object.PutOptions{IfAbsent: true}); err != nil || info.Size != int64(len(body)) {
			t.Errorf("%+v, %v", info, err)
		}
		if want := []string{"PUT " + name, "PUT " + name, "GET " + name, "HEAD " + name}; !slices.Equal(f.log(), want) {
			t.Errorf("wanted %q", want)
		}
		f.next(lose, nil, answer(403, "InvalidObjectState"))
		if _, err := s.Put(t.Context(), "another", body, object.PutOptions{IfAbsent: true}); err == nil {
			t.Error("a name that says nothing of the bytes is taken for them")
		}
		other := fmt.Sprintf("q/%x", sha256.Sum256(body))
		f.next(func(f *fake, w http.ResponseWriter, r *http.Request) {
			f.set(other, []byte("cut"))
			reset(f, w, r)
		}, nil, answer(403, "InvalidObjectState"))
		if _, err := s.Put(t.Context(), other, body, object.PutOptions{IfAbsent: true}); !errors.Is(err, object.ErrExists) {
			t.Errorf("another size: %v", err)
		}
	})
}
