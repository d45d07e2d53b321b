package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Rate is a number of bytes per second; 0 is no limit.
type Rate int64

// units of bytes, larger ones first so that each number has one spelling.
var units = []struct {
	name  string
	bytes int64
}{
	{"TiB", 1 << 40}, {"TB", 1e12}, {"GiB", 1 << 30}, {"GB", 1e9},
	{"MiB", 1 << 20}, {"MB", 1e6}, {"KiB", 1 << 10}, {"KB", 1e3}, {"B", 1},
}

// UnmarshalText reads a number with a unit: 500KB, 10MiB, 1.5 MB/s. A number
// without one is refused, since programs differ in what it means; but 0 is 0.
func (r *Rate) UnmarshalText(text []byte) error {
	word := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(string(text)), "/s"))
	if word == "0" {
		*r = 0
		return nil
	}
	for _, unit := range units {
		if len(word) <= len(unit.name) || !strings.EqualFold(word[len(word)-len(unit.name):], unit.name) {
			continue
		}
		number, err := strconv.ParseFloat(strings.TrimSpace(word[:len(word)-len(unit.name)]), 64)
		if err != nil || !(number >= 0 && number*float64(unit.bytes) < 1<<53) {
			break
		}
		*r = Rate(number * float64(unit.bytes))
		return nil
	}
	return fmt.Errorf("%q is no amount of bytes per second: write a number and a unit, as 500KB or 10MiB", text)
}

// String writes the rate as UnmarshalText reads it.
func (r Rate) String() string {
	for _, unit := range units {
		if r != 0 && int64(r)%unit.bytes == 0 {
			return strconv.FormatInt(int64(r)/unit.bytes, 10) + unit.name
		}
	}
	return "0"
}

// MarshalText writes the rate as UnmarshalText reads it.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Duration is a length of time; 0 means that none was given.
type Duration time.Duration

var errDuration = errors.New("no length of time: write a number and a unit, as 30s or 5m")

// UnmarshalText reads a length of time up to a day, such as 30s, 1m30s or 2h.
func (d *Duration) UnmarshalText(text []byte) error {
	value, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is %w", text, errDuration)
	}
	if value <= 0 || value > 24*time.Hour {
		return fmt.Errorf("%q is not between 0 and 24h", text)
	}
	*d = Duration(value)
	return nil
}

// String writes the duration as UnmarshalText reads it.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText writes the duration as UnmarshalText reads it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// parseBool reads yes and no in the ways they are commonly written. An option
// of a URL without a value ("&use-ssl") means yes and is up to the caller.
func parseBool(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1":
		return true, nil
	case "false", "no", "off", "0":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", text)
}
