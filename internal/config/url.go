package config

import (
	"net"
	"net/url"
	"path/filepath"
	"reflect"
	"strings"
)

// URL writes the drive as ParseDrive reads it, with all settings but secrets.
func (d *Drive) URL() string {
	var b strings.Builder
	left := map[string]bool{"provider": true}
	if d.Provider == Local {
		left["path"] = true
		b.WriteString(fileURLOf(d.Path))
	} else {
		b.WriteString("s3://")
		if plainBucket(d.Bucket) {
			left["bucket"] = true
			b.WriteString(d.Bucket)
		}
		if d.Prefix != "" {
			left["prefix"] = true
			b.WriteString((&url.URL{Path: "/" + d.Prefix}).EscapedPath())
		}
	}
	separator := byte('?')
	value := reflect.ValueOf(d).Elem()
	for _, f := range fieldsOf(driveType) {
		text := f.text(value.Field(f.index))
		if left[f.key] || text == "" || f.kind == reflect.TypeFor[Secret]() {
			continue
		}
		b.WriteByte(separator)
		b.WriteString(f.key + "=" + queryText(text))
		separator = '&'
	}
	return b.String()
}

// plainBucket reports whether s3://BUCKET/ can only be read as a bucket.
func plainBucket(bucket string) bool {
	return bucketOld.MatchString(bucket) && !strings.Contains(bucket, ".") &&
		!strings.EqualFold(bucket, "localhost") && net.ParseIP(bucket) == nil
}

// queryText writes the value of an option as parseQuery reads it. Unlike
// url.QueryEscape it leaves alone what needs no escape, for people to read.
func queryText(text string) string {
	escaped := (&url.URL{Path: "/" + text}).EscapedPath()[1:]
	return strings.NewReplacer("&", "%26", "?", "%3F", "%7B", "{", "%7D", "}", "%5B", "[", "%5D", "]").Replace(escaped)
}

// fileURLOf writes a path as a file URL.
func fileURLOf(path string) string {
	slashed := filepath.ToSlash(path)
	if windows {
		if strings.HasPrefix(slashed, "//") { // a share of another computer
			return "file:" + (&url.URL{Path: slashed}).EscapedPath()
		}
		slashed = "/" + slashed
	}
	return "file://" + (&url.URL{Path: slashed}).EscapedPath()
}
