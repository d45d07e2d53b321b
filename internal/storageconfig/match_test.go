package storageconfig

import (
	"errors"
	"strings"
	"testing"
)

// pack is the name of a data pack.
const pack = "p/0a/0a17c3d4e5f60718293a4b5c6d7e8f900112233445566778899aabbccddeeff0"

func TestMatch(t *testing.T) {
	c := parse(t, `{"blobOptions":[
		{"prefix": "p0a1", "storageClass": "A"}, {"prefix": "p/0a", "storageClass": "B"}, {"prefix": "p0", "storageClass": "C"},
		{"prefix": "p0a0a", "storageClass": "NEVER"}, {"prefix": "q/", "storageClass": "D"}, {"prefix": "firn", "storageClass": "E"},
		{"prefix": "sf", "storageClass": "F"}]}`)
	meta := "q" + pack[1:]
	for name, want := range map[string]string{
		pack: "A", strings.ReplaceAll(pack, "0a17", "0a27"): "B", strings.ReplaceAll(pack, "0a", "0b"): "C",
		strings.ReplaceAll(pack, "0a17", "0a0a"): "B", meta: "D", "firn.repository": "E", "s/f00-1": "F", "s/e00-1": "", "x/0a": "",
	} {
		if got := c.Match(name).Class; got != want {
			t.Errorf("%s: %q, wanted %q", name, got, want)
		}
	}
	all := parse(t, example)
	for name, want := range map[string]string{pack: "INTELLIGENT_TIERING", "s/1": "REDUCED_REDUNDANCY", meta: "STANDARD_IA", "firn.repository": "STANDARD_IA"} {
		if got := all.Match(name).Class; got != want {
			t.Errorf("example: %s: %q", name, got)
		}
	}
	if (*Config)(nil).Match(pack) != (Params{}) {
		t.Error("nothing at all says something")
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		entries string
		want    []string // parts of the error; none: it is fine
	}{
		{`{"prefix":"p","storageClass":"GLACIER"}`, nil},
		{`{"prefix":"p/","storageClass":"DEEP_ARCHIVE"}`, nil},
		{`{"prefix":"p0","storageClass":"DEEP_ARCHIVE"}, {"storageClass":"STANDARD_IA"}`, nil},
		{`{"storageClass":"GLACIER_IR"}`, nil},
		{`{"storageClass":"GLACIER"}`, []string{
			"line 1, column 17: the entry without a prefix puts metadata packs, index segments, snapshots, sessions, heartbeats, records of forget and prune, key slots and the repository's root into GLACIER",
			`write {"prefix": "p", "storageClass": "GLACIER"}`,
		}},
		{`{"prefix":"q","storageClass":"STANDARD"}, {"prefix":"","storageClass":"DEEP_ARCHIVE"}`, []string{"puts index segments, snapshots"}},
		{`{"prefix":"q","storageClass":"DEEP_ARCHIVE"}`, []string{`the entry for "q" puts metadata packs into DEEP_ARCHIVE`}},
		{`{"prefix":"m/","storageClass":"GLACIER"}`, []string{`the entry for "m/" puts snapshots into`}},
		{`{"prefix":"fir","storageClass":"GLACIER"}`, []string{"the repository's root"}},
		{`{"prefix":"z","storageClass":"GLACIER"}`, []string{"more than data packs"}},
	} {
		err := parse(t, `{"blobOptions":[`+c.entries+`]}`).Validate(Archive)
		if errors.Is(err, ErrArchive) != (c.want != nil) {
			t.Errorf("%s: %v", c.entries, err)
		}
		for _, part := range c.want {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v lacks %q", c.entries, err, part)
			}
		}
	}
}

// TestArchiveOfVendor: which class is one is the vendor's matter.
func TestArchiveOfVendor(t *testing.T) {
	c := parse(t, `{"blobOptions":[{"storageClass":"ARCHIVE"}]}`)
	if c.Validate(Archive) == nil || c.Validate(func(string) bool { return false }) != nil {
		t.Error("the vendor is not asked")
	}
}

func TestNotice(t *testing.T) {
	c := parse(t, `{"blobOptions":[
		{"prefix": "p", "storageClass": "STANDARD"},
		{"prefix": "p0", "storageClass": "STANDARD"},
		{"prefix": "_log", "storageClass": "STANDARD"},
		{"storageClass": "COOL"}]}`)
	var told []string
	for _, r := range c.Notice([]string{"STANDARD", "GLACIER"}) {
		told = append(told, r.String())
	}
	want := []string{"line 3, column 3: an entry before it", `line 4, column 3: no name in a repository begins with "_log"`, "line 5, column 3: COOL is not among"}
	if len(told) != len(want) {
		t.Fatalf("%q", told)
	}
	for i := range want {
		if !strings.HasPrefix(told[i], want[i]) {
			t.Errorf("%q, wanted %q", told[i], want[i])
		}
	}
}
