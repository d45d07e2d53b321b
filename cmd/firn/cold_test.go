//go:build unix

package main

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"firn/internal/object"
	"firn/internal/object/objecttest"
	"firn/internal/object/s3/s3test"
	"firn/internal/object/s3/s3test/cold"
)

// TestColdScripts runs the transcripts on a bucket with archive classes, with each
// client: S3_ENDPOINT, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY reach it, BUCKET is
// empty, CLIENT is the client's name. GLACIER thaws in a second in the tier expedited,
// in two in standard.
func TestColdScripts(t *testing.T) {
	real := s3test.Start(t, s3test.MinIO)
	for _, client := range []string{"aws", "minio"} {
		t.Run(client, func(t *testing.T) {
			runScripts(t, "cold", func(e *testscript.Env) error {
				server := cold.Start(t, real, nil)
				server.Freezer = objecttest.NewFreezer(time.Now)
				server.Delay("GLACIER", object.Expedited, time.Second)
				server.Delay("GLACIER", object.Standard, 2*time.Second)
				bucket := s3test.NewBucket()
				e.Values[coldServer{}] = server
				e.Setenv("S3_ENDPOINT", server.Endpoint)
				e.Setenv("AWS_ACCESS_KEY_ID", server.AccessKey)
				e.Setenv("AWS_SECRET_ACCESS_KEY", server.SecretKey)
				e.Setenv("BUCKET", bucket)
				e.Setenv("CLIENT", client)
				_, err := server.Do(t.Context(), http.MethodPut, "/"+bucket, nil, "")
				return err
			})
		})
	}
}

// coldServer is the key of a script's server.
type coldServer struct{}

// frost WHAT ARG…: sink CLASS moves all data packs into a class, as a lifecycle rule
// does; drop OBJECT deletes one; delay CLASS TIER TIME says how long thawing takes, capacity yes|no whether
// there is some for the fastest tier; thawed N sees that so many requests to thaw were
// made, await N waits until they are, vain N sees that so many frozen packs were read
// in vain.
func frost(ts *testscript.TestScript, neg bool, args []string) {
	server := ts.Value(coldServer{}).(*cold.Server)
	if neg || len(args) < 2 {
		ts.Fatalf("usage: frost sink|drop|delay|capacity|thawed|vain ARG…")
	}
	bucket := ts.Getenv("BUCKET")
	switch args[0] {
	case "sink":
		ts.Check(server.Transition(context.Background(), bucket, "repo/p/", args[1]))
	case "drop":
		_, err := server.Do(context.Background(), http.MethodDelete, "/"+bucket+"/repo/"+args[1], nil, "")
		ts.Check(err)
	case "delay":
		d, err := time.ParseDuration(args[3])
		ts.Check(err)
		server.Delay(args[1], object.Tier(args[2]), d)
	case "capacity":
		server.Expedite(args[1] == "yes")
	case "thawed", "vain", "await":
		want, err := strconv.Atoi(args[1])
		ts.Check(err)
		got := told(server, args[0])
		for args[0] == "await" && got < want {
			time.Sleep(10 * time.Millisecond)
			got = told(server, args[0])
		}
		if got != want {
			ts.Fatalf("%d requests, wanted %d", got, want)
		}
	default:
		ts.Fatalf("frost cannot %s", strings.Join(slices.Clone(args), " "))
	}
}

// told counts requests: those in vain, or those to thaw.
func told(server *cold.Server, what string) (n int) {
	for _, r := range server.Requests() {
		if what == "vain" && r.Kind == s3test.Get && r.Code == "InvalidObjectState" || what != "vain" && r.Kind == s3test.Restore {
			n++
		}
	}
	return n
}
