package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/seal"
	"firn/internal/snapshot"
)

func TestSize(t *testing.T) {
	for n, want := range map[uint64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 102400: "100 KiB", 1<<20 - 1: "1.0 MiB",
		1 << 20: "1.0 MiB", 5 << 30: "5.0 GiB", 1 << 63: "8.0 EiB", 1<<64 - 1: "16.0 EiB",
	} {
		if got := size(n); got != want {
			t.Errorf("size(%d) = %q, not %q", n, got, want)
		}
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]uint64{
		"0": 0, "500": 500, "20K": 20 << 10, "20k": 20 << 10, "1.5G": 3 << 29, "2MiB": 2 << 20, "2 MB": 2 << 20, "7B": 7, "1T": 1 << 40,
	} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("parseSize(%q) = %d, %v, not %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "K", "-1", "1X", "1KM", "x", "1e9", "9999999T", "1..2", "NaN", "Inf"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("parseSize(%q) = %d", text, got)
		}
	}
}

// TestSizeRoundTrip: what size writes, parseSize reads, but for rounding.
func TestSizeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64Range(0, 1<<49).Draw(t, "n")
		got, err := parseSize(size(n))
		if err != nil {
			t.Fatal(err)
		}
		if diff := max(got, n) - min(got, n); diff > n/18+1 {
			t.Fatalf("%d became %d by way of %s", n, got, size(n))
		}
	})
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"plain/Ünïcödé 日本 'q\" \\": "plain/Ünïcödé 日本 'q\" \\",
		"bell\a":                   `bell\a`, "esc\x1b[31m": `esc\x1b[31m`, "bad\xff": `bad\xff`, "line\nbreak": `line\nbreak`,
		"c1\u009b": `c1\u009b`, "turn\u202eed": `turn\u202eed`, "zero\u200bwidth": `zero\u200bwidth`, "replaced\ufffd": "replaced\ufffd",
	} {
		if got := printable(text); got != want {
			t.Errorf("printable(%q) = %q, not %q", text, got, want)
		}
	}
}

// TestPrintableSafe: nothing that moves a cursor comes through, and different
// names that are not plain stay different.
func TestPrintableSafe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SliceOf(rapid.Byte()).Draw(t, "name")
		if text := printable(name); strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }) {
			t.Fatalf("%q came through as %q", name, text)
		}
	})
}

func TestPermissions(t *testing.T) {
	for mode, want := range map[uint32]string{
		0o644: "rw-r--r--", 0o755: "rwxr-xr-x", 0o000: "---------", 0o4755: "rwsr-xr-x", 0o2644: "rw-r-Sr--", 0o1777: "rwxrwxrwt", 0o1666: "rw-rw-rwT",
	} {
		if got := permissions(mode); got != want {
			t.Errorf("permissions(%o) = %s, not %s", mode, got, want)
		}
	}
}

func TestKeyName(t *testing.T) {
	names := map[string]string{}
	for _, location := range []string{
		"/srv/backup", "/srv_backup", "/srv/back up", "s3://b/p at host", "s3://b/p at other", strings.Repeat("/long", 100), "/…", "/",
	} {
		name := keyName(location)
		if strings.ContainsAny(name, `/\: `) || len(name) > 120 || strings.HasPrefix(name, ".") {
			t.Errorf("keyName(%q) = %q", location, name)
		}
		if other, taken := names[name]; taken {
			t.Errorf("%q and %q have the same name %s", location, other, name)
		}
		names[name] = location
	}
}

func TestFindPath(t *testing.T) {
	at := func(id, host string, hour int64, sources ...string) *snapshot.Snapshot {
		s := &snapshot.Snapshot{}
		s.Session = "0011223344556677-" + strings.Repeat(id, 16)
		s.Host, s.Started = host, hour*int64(time.Hour)
		for _, src := range sources {
			s.Sources = append(s.Sources, []byte(src))
		}
		return s
	}
	set := &snapshot.Set{Snapshots: []*snapshot.Snapshot{
		at("aa", "web", 1, "/etc", "/home"), at("bb", "db", 2, "/var"), at("cc", "web", 3, "/var"), at("dd", "mail", 4, "db:x"),
	}}
	for words, want := range map[string]string{
		"latest": "dd ", "aa": "aa ", "aaaa": "aa ", "aa:/etc/hosts": "aa etc/hosts", "aa:": "aa ", "aa:/": "aa ",
		"latest:/etc": "aa etc", "latest:/var": "cc var", "latest:web": "cc ", "latest:web:/var/log/": "cc var/log",
		"latest:/nothing/here": "dd nothing/here", "latest:db:/x": "bb x", "latest:nohost:/x": "dd nohost:/x",
	} {
		s, path, err := findPath(set, words)
		if err != nil {
			t.Errorf("%s: %v", words, err)
			continue
		}
		if got := s.ID()[:2] + " " + string(path); got != want {
			t.Errorf("%s means %q, not %q", words, got, want)
		}
	}
	for _, words := range []string{"", "ee", ":/etc", "ee:/etc", "latestt"} {
		if s, _, err := findPath(set, words); !errors.Is(err, snapshot.ErrNotFound) && !errors.Is(err, snapshot.ErrAmbiguous) {
			t.Errorf("%q: %v, %v", words, s, err)
		}
	}
	if _, _, err := findPath(&snapshot.Set{}, "latest"); !errors.Is(err, snapshot.ErrNotFound) {
		t.Error(err)
	}
}

func TestExplain(t *testing.T) {
	for _, c := range []struct {
		err    error
		code   int
		advice string
	}{
		{errors.New("anything"), exitFailed, ""},
		{usagef("wrong"), exitUsage, ""},
		{advise(usagef("wrong"), "do %s", "right"), exitUsage, "do right"},
		{fmt.Errorf("drive x: %w", seal.ErrSecret), exitDenied, "give the passphrase"},
		{fmt.Errorf("x: %w", repo.ErrNoRepository), exitNoRepository, "firn init"},
		{repo.ErrExists, exitConflict, "another folder"},
		{errors.Join(errInterrupted, repo.ErrDamaged), exitInterrupted, "goes on"},
		{fmt.Errorf("%w: %w", errPartly, repo.ErrDamaged), exitPartly, ""},
		{format.ErrCorrupt, exitDamage, "firn check"},
		{&object.Error{Op: "get", Err: object.ErrAccess, Advice: "own words"}, exitDenied, "own words"},
		{&object.Error{Op: "get", Err: object.ErrUnreachable}, exitFailed, "network"},
	} {
		code, advice := explain(c.err)
		if code != c.code || !strings.Contains(advice, c.advice) || c.advice == "" && advice != "" {
			t.Errorf("%v: %d, %q; want %d, %q", c.err, code, advice, c.code, c.advice)
		}
	}
}

func TestPace(t *testing.T) {
	for _, c := range []struct {
		s     state
		since time.Duration
		want  string
	}{
		{state{}, time.Minute, ""},
		{state{Done: 1 << 20}, time.Millisecond, ""},
		{state{Done: 10 << 20}, 10 * time.Second, "1.0 MiB/s"},
		{state{Done: 10 << 20, Total: 40 << 20}, 10 * time.Second, "1.0 MiB/s  30s left"},
		{state{Done: 10 << 20, Total: 10 << 20}, 10 * time.Second, "1.0 MiB/s"},
	} {
		if got := pace(c.s, c.since); got != c.want {
			t.Errorf("pace(%+v, %s) = %q, not %q", c.s, c.since, got, c.want)
		}
	}
}

func TestQuoted(t *testing.T) {
	for word, want := range map[string]string{
		"/home/anna": "/home/anna", "@usb": "@usb", "a b": "'a b'", "it's": `'it'\''s'`, "s3://b?x=1&y=2": "'s3://b?x=1&y=2'", "": "''",
	} {
		if got := quoted(word); got != want {
			t.Errorf("quoted(%q) = %s, not %s", word, got, want)
		}
	}
}

func TestParseTime(t *testing.T) {
	for _, text := range []string{"2026-01-02", "2026-01-02 15:04", "2026-01-02T15:04:05", "2026-01-02T15:04:05Z", "2026-01-02T15:04:05+02:00"} {
		if at, err := parseTime(text); err != nil || at.Year() != 2026 {
			t.Errorf("%s: %v, %v", text, at, err)
		}
	}
	for _, text := range []string{"yesterday", "2026-13-01", "1", "2026-01-02T25:00:00Z"} {
		if at, err := parseTime(text); !errors.Is(err, errUsage) {
			t.Errorf("%s: %v, %v", text, at, err)
		}
	}
}

func TestUnder(t *testing.T) {
	for _, c := range []struct {
		key, path string
		want      bool
	}{
		{"a/b", "", true}, {"a", "a", true}, {"a/", "a", true}, {"a/b", "a", true}, {"ab", "a", false}, {"a", "a/b", false}, {"", "a", false},
	} {
		if got := under([]byte(c.key), []byte(c.path)); got != c.want {
			t.Errorf("under(%q, %q) = %v", c.key, c.path, got)
		}
	}
}
