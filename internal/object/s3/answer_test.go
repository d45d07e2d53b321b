package s3

import (
	"encoding/xml"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
)

func TestWholeXML(t *testing.T) {
	for text, want := range map[string]bool{
		"<R></R>": true,
		"<?xml version=\"1.0\"?>\n<R xmlns=\"http://s3\"><a/></R>\n": true,
		"<n:R><a/></n:R>":   true,
		"<R><a></R >":       true,
		"<!-- c --><R></R>": true,
		"":                  false,
		"<R>":               false,
		"<R><a></a>":        false,
		"<R/>":              false,
		"<R></R":            false,
		"<Q></R>":           false,
		"<R></Q>":           false,
		"<html></html>":     false,
		"R></R>":            false,
	} {
		if got := wholeXML([]byte(text), "R"); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestContentRange(t *testing.T) {
	for text, want := range map[string][3]int64{
		"bytes 0-0/1":   {0, 0, 1},
		"bytes 5-9/10":  {5, 9, 10},
		"bytes 5-9/*":   {5, 9, -1},
		"bytes 5-9":     {-1},
		"bytes */10":    {-1},
		"bytes a-b/c":   {-1},
		"":              {-1},
		"bytes -5-9/10": {-1},
	} {
		first, last, total, ok := contentRange(text)
		if ok != (want[0] >= 0) || ok && [3]int64{first, last, total} != want {
			t.Errorf("%q: %d-%d/%d %v", text, first, last, total, ok)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"":                     0,
		"3":                    3 * time.Second,
		"-3":                   0,
		"9999":                 2 * time.Minute,
		"99999999999999999999": 0,
		now.Add(time.Minute).Format(http.TimeFormat): time.Minute,
		now.Add(-time.Hour).Format(http.TimeFormat):  0,
		"soon": 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func FuzzErrorIn(f *testing.F) {
	f.Add([]byte("<Error><Code>NoSuchKey</Code><Message>m</Message><Region>r</Region></Error>"))
	f.Add([]byte("<html>bad gateway</html>"))
	f.Add([]byte("<Error><Code>\x1b[31m\nred</Code>"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var x exchange
		code, message := errorIn(text, &x)
		for _, shown := range []string{code, message} {
			if len(shown) > 310 || strings.ContainsFunc(shown, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("%q is not fit to be shown", shown)
			}
		}
	})
}

func FuzzWholeXML(f *testing.F) {
	f.Add([]byte("<R><a>b</a></R>"))
	f.Add([]byte("<R><a></R>"))
	f.Add([]byte("<?xml?><R/>"))
	f.Fuzz(func(t *testing.T, text []byte) {
		var any struct {
			XMLName xml.Name
			Text    string `xml:",innerxml"`
		}
		// A document that decodes and has content is whole; a beginning of it is not.
		if xml.Unmarshal(text, &any) != nil || any.XMLName.Local != "R" || any.Text == "" || !strings.HasSuffix(string(text), "</R>") {
			return
		}
		if rootOf(text) == "R" && !wholeXML(text, "R") {
			t.Errorf("%q is whole", text)
		}
		if wholeXML(text[:len(text)-1], "R") {
			t.Errorf("%q without its end is not whole", text)
		}
	})
}

func FuzzContentRange(f *testing.F) {
	f.Add("bytes 0-9/10")
	f.Add("bytes 0-9/*")
	f.Fuzz(func(t *testing.T, text string) {
		if first, last, total, ok := contentRange(text); ok && (first < 0 || last < first || total >= 0 && total <= last) {
			t.Errorf("%q: bytes %d to %d of %d", text, first, last, total)
		}
	})
}
