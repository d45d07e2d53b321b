package config

import (
	"strings"
	"testing"
)

func TestCheckBucketName(t *testing.T) {
	for name, says := range map[string]string{
		"backups":               "",
		"a.b-c1":                "",
		"0ab":                   "",
		strings.Repeat("a", 63): "",
		"ab":                    "3 to 63",
		strings.Repeat("a", 64): "3 to 63",
		"Backups":               "capital letters",
		"my_bucket":             "is not made of",
		"-abc":                  "is not made of",
		"abc.":                  "is not made of",
		"a..b":                  "two dots",
		"192.168.1.1":           "IP address",
		"xn--abc":               "reserved",
		"abc-s3alias":           "reserved",
		"abc--x-s3":             "reserved",
		"amzn-s3-demo-bucket":   "reserved",
		"büro-backups":          "is not made of",
		"with blank":            "is not made of",
	} {
		err := CheckBucketName(name)
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSuggestBucketNames(t *testing.T) {
	names := SuggestBucketNames("Backup", "AKIAEXAMPLE")
	if len(names) != 2 || names[0] != "akiaexample-backup" || !strings.HasPrefix(names[1], "backup-") {
		t.Errorf("%v", names)
	}
	for _, name := range append(names, SuggestBucketNames(strings.Repeat("x", 60), "A_B")...) {
		if err := CheckBucketName(name); err != nil {
			t.Error(err)
		}
	}
	if again := SuggestBucketNames("backup", ""); len(again) != 1 || again[0] == names[1] {
		t.Errorf("%v", again)
	}
}

func TestCommonBucketName(t *testing.T) {
	for name, want := range map[string]bool{"backup": true, "data": true, "my-backups": true, "backup-2026": false, "company-backups-prod": false, "k3x": false} {
		if CommonBucketName(name) != want {
			t.Errorf("%s", name)
		}
	}
}
