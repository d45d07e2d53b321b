package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// size writes bytes for people, in binary units.
func size(n uint64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v := float64(n)
	i := -1
	for i < 0 || v >= 1023.5 && i < len(units)-1 {
		v /= 1024
		i++
	}
	if v >= 100 {
		return fmt.Sprintf("%.0f %ciB", v, units[i])
	}
	return fmt.Sprintf("%.1f %ciB", v, units[i])
}

// parseSize reads bytes as people write them: 500, 20K, 1.5G (binary units;
// KiB and kB mean the same as K).
func parseSize(text string) (uint64, error) {
	unit := strings.TrimLeft(text, "0123456789.")
	number, err := strconv.ParseFloat(strings.TrimSuffix(text, unit), 64)
	if err != nil || number < 0 {
		return 0, fmt.Errorf("%q is no size: write a number and K, M, G or T", text)
	}
	unit = strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(strings.TrimSpace(unit)), "B"), "I")
	power := strings.Index(" KMGT", unit)
	if unit == "" {
		power = 0
	}
	if power < 0 || len(unit) > 1 {
		return 0, fmt.Errorf("%q is no size: write a number and K, M, G or T", text)
	}
	for range power {
		number *= 1024
	}
	if number > 1<<60 {
		return 0, fmt.Errorf("%q is more than any file has", text)
	}
	return uint64(number), nil
}

// count writes a number with its noun.
func count(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// span writes a duration for people.
func span(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// printable makes bytes that may be anything safe to show on a terminal:
// what cannot be seen, or is not UTF-8, is escaped as in Go.
func printable[T ~string | ~[]byte](text T) string {
	s := string(text)
	if utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return !strconv.IsGraphic(r) }) < 0 {
		return s
	}
	quoted := strconv.QuoteToGraphic(s)
	return quoted[1 : len(quoted)-1]
}

// exact is a text for JSON: as it is where JSON can say it, else escaped.
func exact[T ~string | ~[]byte](text T) string {
	if s := string(text); utf8.ValidString(s) {
		return s
	}
	return printable(text)
}
