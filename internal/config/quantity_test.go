package config

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestRate(t *testing.T) {
	for text, want := range map[string]Rate{
		"0": 0, "5B": 5, "500KB": 500_000, "10 MiB": 10 << 20, "1.5MB/s": 1_500_000, "2 gib/s": 2 << 30, "1TB": 1e12,
	} {
		var r Rate
		if err := r.UnmarshalText([]byte(text)); err != nil || r != want {
			t.Errorf("%s: %d, %v", text, r, err)
		}
	}
	for _, text := range []string{"", "5", "MB", "-1MB", "1e30TB", "NaNMB", "InfMB", "5 Mbit", "x5MB"} {
		var r Rate
		if err := r.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was read as %d", text, r)
		}
	}
}

func TestRateRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Rate(rapid.Int64Range(0, 1<<50).Draw(t, "rate"))
		var got Rate
		if err := got.UnmarshalText([]byte(want.String())); err != nil || got != want {
			t.Fatalf("%s: %d, want %d, %v", want, got, want, err)
		}
	})
}

func TestDuration(t *testing.T) {
	for text, good := range map[string]bool{"30s": true, "1m30s": true, "24h": true, "0s": false, "-1s": false, "25h": false, "30": false, "": false} {
		var d Duration
		if err := d.UnmarshalText([]byte(text)); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestCommand(t *testing.T) {
	for text, want := range map[string][]string{
		"pass show s3":               {"pass", "show", "s3"},
		"  a\t b\n":                  {"a", "b"},
		`sh -c "echo \"$KEY\" | x"`:  {"sh", "-c", `echo "$KEY" | x`},
		`a 'b "c" \d' ''`:            {"a", `b "c" \d`, ""},
		`C:\Tools\get.exe a\ b`:      {`C:\Tools\get.exe`, "a b"},
		`"C:\\Program Files\\x" 'y'`: {`C:\Program Files\x`, "y"},
		"":                           nil,
	} {
		var c Command
		if err := c.UnmarshalText([]byte(text)); err != nil || !slices.Equal(c, want) {
			t.Errorf("%s: %q, %v", text, c, err)
		}
	}
	for _, text := range []string{`a "b`, "a 'b", `"" a`} {
		var c Command
		if err := c.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%s was read as %q", text, c)
		}
	}
}

func TestCommandRoundTrip(t *testing.T) {
	word := rapid.StringMatching(`[a-z0-9 '"\\$\t\n-]{0,8}`)
	rapid.Check(t, func(t *rapid.T) {
		want := Command(append([]string{"run"}, rapid.SliceOf(word).Draw(t, "words")...))
		var got Command
		if err := got.UnmarshalText([]byte(want.String())); err != nil || !slices.Equal(got, want) {
			t.Fatalf("%s: %q, want %q, %v", want, got, want, err)
		}
	})
}

func TestCount(t *testing.T) {
	for text, want := range map[string]Count{"0": 0, "7": 7, "forever": -1, "-1": -1} {
		var c Count
		if err := c.UnmarshalText([]byte(text)); err != nil || c != want {
			t.Errorf("%s: %v, %v", text, c, err)
		}
	}
	var c Count
	if err := c.UnmarshalText([]byte("-2")); err == nil {
		t.Error("-2 was read")
	}
}
