package policy

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Span is a length of calendar time, such as 1y6m or 30d12h.
type Span struct {
	Years, Months, Days, Hours int
}

// ErrSpan says that a text is no span.
var ErrSpan = errors.New("not a length of time such as 2y5m7d3h")

// ParseSpan reads numbers each followed by y, m, w, d or h, in any order but
// each unit once at most.
func ParseSpan(text string) (Span, error) {
	var s Span
	rest := text
	seen := ""
	for rest != "" {
		n := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' })
		if n <= 0 {
			return Span{}, fmt.Errorf("%w: %q", ErrSpan, text)
		}
		number, err := strconv.Atoi(rest[:n])
		if err != nil || number > 100_000 || strings.Contains(seen, rest[n:n+1]) {
			return Span{}, fmt.Errorf("%w: %q", ErrSpan, text)
		}
		switch rest[n] {
		case 'y':
			s.Years = number
		case 'm':
			s.Months = number
		case 'w':
			s.Days += 7 * number
		case 'd':
			s.Days += number
		case 'h':
			s.Hours = number
		default:
			return Span{}, fmt.Errorf("%w: %q", ErrSpan, text)
		}
		seen += rest[n : n+1]
		rest = rest[n+1:]
	}
	if s.IsZero() {
		return Span{}, fmt.Errorf("%w: %q", ErrSpan, text)
	}
	return s, nil
}

// IsZero reports whether the span has no length.
func (s Span) IsZero() bool { return s == Span{} }

// Before returns the time one span before t.
func (s Span) Before(t time.Time) time.Time {
	return t.AddDate(-s.Years, -s.Months, -s.Days).Add(-time.Duration(s.Hours) * time.Hour)
}

// String writes the span as ParseSpan reads it.
func (s Span) String() string {
	var b strings.Builder
	for _, part := range []struct {
		n    int
		unit string
	}{{s.Years, "y"}, {s.Months, "m"}, {s.Days, "d"}, {s.Hours, "h"}} {
		if part.n != 0 {
			fmt.Fprintf(&b, "%d%s", part.n, part.unit)
		}
	}
	return b.String()
}
