package s3

import (
	"testing"
	"time"

	"firn/internal/object"
)

func TestReadRestore(t *testing.T) {
	christmas := time.Date(2012, 12, 21, 0, 0, 0, 0, time.UTC)
	frozen := object.Frost{Frozen: true}
	for header, want := range map[string]object.Frost{
		"":                       frozen,
		`ongoing-request="true"`: {Frozen: true, Asked: true},
		`ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"`: {Frozen: true, Until: christmas},
		`expiry-date="Fri, 21 Dec 2012 00:00:00 GMT",ongoing-request="false"`:  {Frozen: true, Until: christmas},
		`ongoing-request="true", expiry-date="soon"`:                           {Frozen: true, Asked: true},
		`ongoing-request="false"`:                                              {}, // it stays
	} {
		r, err := readRestore(header)
		if got := r.frost(frozen); err != nil || got != want {
			t.Errorf("%s: %+v, %v", header, got, err)
		}
	}
	for _, header := range []string{
		"true", `ongoing-request=true`, `ongoing-request="perhaps"`, `ongoing-request="`, `x="y"`,
		`ongoing-request="false", expiry-date="tomorrow"`, `ongoing-request="false", expiry-date=""`,
	} {
		if r, err := readRestore(header); err == nil {
			t.Errorf("%s: %+v", header, r)
		}
	}
}

func FuzzReadRestore(f *testing.F) {
	for _, header := range []string{
		`ongoing-request="true"`, `ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"`, `a="b", `, `"`,
	} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r, err := readRestore(header)
		if err == nil && (r == nil) != (header == "") || r != nil && r.ongoing && !r.until.IsZero() {
			t.Errorf("%q: %+v, %v", header, r, err)
		}
	})
}
