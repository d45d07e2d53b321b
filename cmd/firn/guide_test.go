package main

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"

	"firn/internal/config"
)

// answers is a dialogue with somebody who says these lines.
func answers(lines ...string) (*dialogue, *strings.Builder) {
	shown := &strings.Builder{}
	return &dialogue{bufio.NewReader(strings.NewReader(strings.Join(lines, "\n") + "\n")), shown}, shown
}

func TestAskBucket(t *testing.T) {
	for _, c := range []struct {
		name   string
		say    []string
		want   string // the drive's URL
		shown  string
		broken bool
	}{
		{"vendor with regions", []string{"wasabi", "eu-central-2", "backups", "prod", ""},
			"s3://backups/prod?vendor=wasabi&region=eu-central-2", "eu-central-1", false},
		{"all by default", []string{"", "", "backups", "", ""}, "s3://backups/firn?vendor=aws&region=us-east-1", "cloudflare", false},
		{"account", []string{"r2", "abc123", "backups", "", ""}, "s3://backups/firn?vendor=cloudflare&account=abc123", "account", false},
		{"address", []string{"https://s3.example.org:9000", "", "backups", "x/y", ""},
			"s3://backups/x/y?vendor=custom&endpoint=https://s3.example.org:9000", "Enter if the server has none", false},
		{"own server", []string{"minio", "http://127.0.0.1:9000", "", "backups", "", ""},
			"s3://backups/firn?vendor=minio&endpoint=http://127.0.0.1:9000", "address of the server", false},
		{"second thoughts", []string{"wasaby", "wasabi", "no such region", "eu-west-1", "Not_A_Bucket!", "backups", "", ""},
			"s3://backups/firn?vendor=wasabi&region=eu-west-1", `"wasaby" is not known`, false},
		{"gone", []string{"wasabi"}, "", "", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			q, shown := answers(c.say...)
			set, err := newApp().askBucket(q)
			if c.broken {
				if !errors.Is(err, io.EOF) {
					t.Fatalf("%v, %v", set, err)
				}
				return
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, shown)
			}
			if got := set.URL(); !sameURL(got, c.want) {
				t.Errorf("it is %s, not %s", got, c.want)
			}
			if !strings.Contains(shown.String(), c.shown) {
				t.Errorf("%q was not said:\n%s", c.shown, shown)
			}
		})
	}
}

// sameURL compares drives, whatever the order of their settings.
func sameURL(a, b string) bool {
	x, errX := config.ParseDrive(a)
	y, errY := config.ParseDrive(b)
	return errX == nil && errY == nil && x.URL() == y.URL()
}
