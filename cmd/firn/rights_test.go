//go:build unix

package main

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"firn/internal/object/s3/s3test"
)

// TestRights runs the transcripts with keys of few rights on a real server that
// enforces them. Each has an empty bucket, and at first keys that may do anything.
func TestRights(t *testing.T) {
	server := s3test.Start(t, s3test.MinIO)
	runScripts(t, "rights", func(e *testscript.Env) error {
		bucket := s3test.NewBucket()
		for name, value := range map[string]string{
			"S3_ENDPOINT": server.Endpoint, "BUCKET": bucket, "AWS_SESSION_TOKEN": "",
			"AWS_ACCESS_KEY_ID": server.AccessKey, "AWS_SECRET_ACCESS_KEY": server.SecretKey,
			"ROOT_ACCESS_KEY": server.AccessKey, "ROOT_SECRET_KEY": server.SecretKey,
		} {
			e.Setenv(name, value)
		}
		_, err := server.Do(t.Context(), http.MethodPut, "/"+bucket, nil, "")
		return err
	})
}

// scriptServer is the server of a transcript.
func scriptServer(ts *testscript.TestScript) s3test.Server {
	return s3test.Server{
		Endpoint: ts.Getenv("S3_ENDPOINT"), AccessKey: ts.Getenv("ROOT_ACCESS_KEY"), SecretKey: ts.Getenv("ROOT_SECRET_KEY"), Region: "us-east-1",
	}
}

// assume FILE: from now on the keys may do what the policy in the file allows
// and nothing else; without a file they may do anything again.
func assume(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: assume [FILE]")
	}
	server := scriptServer(ts)
	keys := s3test.Keys{AccessKey: server.AccessKey, SecretKey: server.SecretKey}
	if len(args) == 1 {
		var err error
		keys, err = server.Assume(context.Background(), ts.ReadFile(args[0]))
		ts.Check(err)
	}
	ts.Setenv("AWS_ACCESS_KEY_ID", keys.AccessKey)
	ts.Setenv("AWS_SECRET_ACCESS_KEY", keys.SecretKey)
	ts.Setenv("AWS_SESSION_TOKEN", keys.SessionToken)
}

// configure KIND FILE: the bucket is set up so: its versioning, its lifecycle.
func configure(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: configure versioning|lifecycle FILE")
	}
	_, err := scriptServer(ts).Do(context.Background(), http.MethodPut, "/"+ts.Getenv("BUCKET"), url.Values{args[0]: {""}}, ts.ReadFile(args[1]))
	ts.Check(err)
}
