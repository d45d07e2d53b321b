package s3

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"firn/internal/object"
)

// The headers that tell of an object in an archive.
const (
	headerRestore = "X-Amz-Restore"
	headerArchive = "X-Amz-Archive-Status" // of INTELLIGENT_TIERING, if it sank into an archive tier
)

// restored is what a server says of the copy of an object; nil if it says
// nothing: there is none.
type restored struct {
	ongoing bool
	until   time.Time // zero while it is ongoing, or if the copy stays
}

// restoredIn is what a listing says. One that says neither that a copy is on its
// way nor when it goes says that there is none.
func restoredIn(ongoing bool, until time.Time) *restored {
	if !ongoing && until.IsZero() {
		return nil
	}
	return &restored{ongoing, until}
}

// frost adds to what is known of an object what is known of its copy.
func (r *restored) frost(f object.Frost) object.Frost {
	switch {
	case r == nil:
	case r.ongoing:
		f.Asked = true
	case r.until.IsZero():
		f.Frozen, f.Unsure = false, false
	case f.Frozen:
		f.Until = r.until
	}
	return f
}

// readRestore reads the header x-amz-restore, nil for none:
//
//	ongoing-request="true"
//	ongoing-request="false", expiry-date="Fri, 21 Dec 2012 00:00:00 GMT"
func readRestore(header string) (*restored, error) {
	if header == "" {
		return nil, nil
	}
	strange := fmt.Errorf("%s is %q", headerRestore, oneLine(header, 100))
	fields := map[string]string{}
	for rest := header; rest != ""; {
		name, after, opened := strings.Cut(rest, `="`)
		value, more, closed := strings.Cut(after, `"`)
		if !opened || !closed {
			return nil, strange
		}
		fields[strings.ToLower(strings.TrimSpace(name))] = value
		rest = strings.TrimLeft(more, " ,")
	}
	switch fields["ongoing-request"] {
	case "true":
		return &restored{ongoing: true}, nil
	case "false":
	default:
		return nil, strange
	}
	r := &restored{}
	if date, given := fields["expiry-date"]; given {
		until, err := http.ParseTime(date)
		if err != nil {
			return nil, strange
		}
		r.until = until
	}
	return r, nil
}
