package s3_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"firn/internal/object"
	"firn/internal/object/s3"
)

// browsed is what Browse yields, on one line each.
func browsed(t *testing.T, s *s3.Store, prefix string, opts object.BrowseOptions) []string {
	t.Helper()
	var lines []string
	for f, err := range s.Browse(t.Context(), prefix, opts) {
		if err != nil {
			t.Fatal(err)
		}
		line := fmt.Sprintf("%s %d", f.Name, f.Size)
		switch {
		case f.Folder:
			line = f.Name + " folder"
		case f.Modified.IsZero():
			t.Errorf("%s has no time", f.Name)
		case f.Deleted:
			line = f.Name + " deleted"
		}
		if f.Old {
			line += " old"
		}
		if opts.Versions && !f.Folder && f.Version == "" {
			t.Errorf("%s has no version", f.Name)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestBrowse(t *testing.T) {
	onServers(t, func(t *testing.T, c s3.Config) {
		c.Prefix = "in side"
		s := open(t, c)
		for _, name := range []string{"a", "b/c", "b/d/é&+ %", "bc"} {
			for n := range 2 {
				if _, err := s.Put(t.Context(), name, make([]byte, n+1), object.PutOptions{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, q := range []struct {
			prefix string
			opts   object.BrowseOptions
			want   []string
		}{
			{"", object.BrowseOptions{}, []string{"a 2", "b/ folder", "bc 2"}},
			{"b", object.BrowseOptions{}, []string{"b/ folder", "bc 2"}},
			{"b/", object.BrowseOptions{}, []string{"b/c 2", "b/d/ folder"}},
			{"b/", object.BrowseOptions{Recursive: true}, []string{"b/c 2", "b/d/é&+ % 2"}},
			{"none", object.BrowseOptions{}, nil},
			{"b", object.BrowseOptions{Versions: true}, []string{"b/ folder", "bc 2"}}, // in a bucket that keeps none
			{"b/d", object.BrowseOptions{Versions: true, Recursive: true}, []string{"b/d/é&+ % 2"}},
		} {
			got := browsed(t, s, q.prefix, q.opts)
			if slices.Sort(got); !slices.Equal(got, q.want) {
				t.Errorf("%q %+v: %q", q.prefix, q.opts, got)
			}
		}
		for range s.Browse(t.Context(), "", object.BrowseOptions{}) {
			break
		}
	})
}

// versionsPage is an answer of a server with versions: two of a, a deletion, a
// folder. The second page goes on where the first ends, in the middle of a name.
func versionsPage(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("versions") != "" || !q.Has("versions") || r.Header.Get("Authorization") == "" || q.Get("prefix") != "p/" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	const head = `<?xml version="1.0"?><ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name><Prefix>p%2F</Prefix><EncodingType>url</EncodingType>`
	version := func(kind, key, id string, latest bool) string {
		return fmt.Sprintf("<%s><Key>%s</Key><VersionId>%s</VersionId><IsLatest>%v</IsLatest><LastModified>2026-01-02T03:04:05.000Z</LastModified>"+
			"<Size>7</Size><StorageClass>GLACIER</StorageClass><Owner><ID>x</ID></Owner></%s>", kind, key, id, latest, kind)
	}
	switch q.Get("key-marker") + " " + q.Get("version-id-marker") {
	case " ":
		fmt.Fprint(w, head, "<IsTruncated>true</IsTruncated><NextKeyMarker>p%2Fa+b</NextKeyMarker><NextVersionIdMarker>2</NextVersionIdMarker>",
			version("DeleteMarker", "p%2Fa+b", "3", true), version("Version", "p%2Fa+b", "2", false), "</ListVersionsResult>")
	case "p/a b 2":
		fmt.Fprint(w, head, "<IsTruncated>false</IsTruncated>", version("Version", "p%2Fa+b", "1", false), version("Version", "p%2Fc", "1", true),
			"<CommonPrefixes><Prefix>p%2Fd%2F</Prefix></CommonPrefixes></ListVersionsResult>")
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func TestBrowseVersions(t *testing.T) {
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		c.Prefix = "p"
		s := openConfig(t, c)
		f.handler = versionsPage
		got := browsed(t, s, "", object.BrowseOptions{Versions: true})
		if want := []string{"a b deleted", "a b 7 old", "a b 7 old", "c 7", "d/ folder"}; !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
	})
}

// TestBrowseWrongAnswers: what is no listing, or goes round in circles, is an
// error and never an empty bucket.
func TestBrowseWrongAnswers(t *testing.T) {
	answers := map[string]string{
		"an error with success":    `<Error><Code>Nope</Code></Error>`,
		"nothing":                  ``,
		"another listing":          `<ListAllMyBucketsResult></ListAllMyBucketsResult>`,
		"cut off":                  `<ListVersionsResult><Name>bucket</Name><Version><Key>p/a</Key>`,
		"in circles":               `<ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>p/a</NextKeyMarker></ListVersionsResult>`,
		"cannot be continued":      `<ListVersionsResult><IsTruncated>true</IsTruncated></ListVersionsResult>`,
		"outside of what is asked": `<ListVersionsResult><IsTruncated>false</IsTruncated><Version><Key>other</Key></Version></ListVersionsResult>`,
		"wrong escapes":            `<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated><Version><Key>p/%zz</Key></Version></ListVersionsResult>`,
	}
	onFake(t, func(t *testing.T, f *fake, c s3.Config) {
		c.Prefix, c.MaxRetries = "p", -1
		s := openConfig(t, c)
		for name, answer := range answers {
			f.handler = func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, answer) }
			failed := false
			for found, err := range s.Browse(t.Context(), "", object.BrowseOptions{Versions: true}) {
				failed = err != nil
				if err == nil && strings.HasPrefix(found.Name, "other") {
					t.Errorf("%s: %+v", name, found)
				}
			}
			if !failed {
				t.Errorf("%s: taken for a listing", name)
			}
		}
	})
}
