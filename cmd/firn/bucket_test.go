package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"firn/internal/config"
	"firn/internal/object"
)

// TestBucketOfOthers: a name that is taken comes with others that are free.
func TestBucketOfOthers(t *testing.T) {
	for _, c := range []struct {
		name, query string
		status      int
		code        string
		is          error
		advice      []string
	}{
		{"taken", "&create_bucket", 409, "BucketAlreadyExists", object.ErrExists, []string{"somebody else's", "try akid-data or data-"}},
		{"plain and denied", "", 403, "AccessDenied", object.ErrAccess, []string{"may be somebody else's", "such as data-"}},
		{"missing", "", 404, "NoSuchBucket", object.ErrNoBucket, []string{"--create-bucket"}},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			fmt.Fprintf(w, "<Error><Code>%s</Code></Error>", c.code)
		}))
		set, err := config.ParseDrive("s3://data?endpoint=" + server.URL + "&access_key=AKID&secret_key=secret&proxy=none" + c.query)
		if err != nil {
			t.Fatal(err)
		}
		a := newApp()
		a.out = newOutput(&strings.Builder{}, &strings.Builder{})
		a.flags.json = true // nobody is there to be asked
		_, _, err = a.lookInto(t.Context(), &set)
		_, advice := explain(err)
		for _, want := range c.advice {
			if !errors.Is(err, c.is) || !strings.Contains(advice, want) {
				t.Errorf("%s: %v\n%s\nlacks %q", c.name, err, advice, want)
			}
		}
		server.Close()
	}
}
