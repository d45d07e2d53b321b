package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
)

// ErrDrive says that a text names no drive, or one whose settings do not fit.
var ErrDrive = errors.New("drive not understood")

// ParseDrive reads a drive as it is named on the command line: a URL or a path,
// with options as flags give them. Errors wrap ErrDrive and hold no secrets.
//
// The spellings are: s3://BUCKET/PREFIX?OPTIONS, also with Duplicati's options;
// s3+https://HOST[:PORT]/BUCKET/PREFIX and s3+http://…; restic's s3:https://…
// and s3:HOST/…; Plakar's s3://HOST[:PORT]/BUCKET; file:///PATH and paths. Where
// s3:// can be read both ways, the error shows the spelling of each.
func ParseDrive(text string, options ...Option) (Drive, error) {
	return newSettings().read(text, options)
}

// read is ParseDrive with what the settings know already.
func (s *settings) read(text string, options []Option) (Drive, error) {
	if err := s.parse(text, options); err != nil {
		return Drive{}, fmt.Errorf("%w: %s: %w", ErrDrive, shown(text), err)
	}
	return *s.drive, nil
}

// shown is a drive's text without the parts that may hold secrets.
func shown(text string) string {
	if text == "" {
		return "what the flags say"
	}
	text, _, query := strings.Cut(text, "?")
	if at := strings.LastIndexByte(text, '@'); at > 0 {
		scheme, _, _ := strings.Cut(text[:at], "//")
		text = scheme + "//…" + text[at:]
	}
	if query {
		text += "?…"
	}
	return fmt.Sprintf("%.200q", text)
}

func (s *settings) parse(text string, options []Option) error {
	form, err := splitDrive(text, windows)
	if text == "" && len(options) > 0 {
		form, err = formOf(options), nil
	}
	if err != nil {
		return err
	}
	fromURL, err := parseQuery(form.query)
	if err != nil {
		return err
	}
	for i, option := range slices.Concat(fromURL, options) {
		if option.Value == "" && isSwitch(option.Key) {
			option.Value = "true"
		}
		if err := s.set(option.Key, option.Value); err != nil {
			return fmt.Errorf("%s: %w", option.Key, err)
		}
		where := "in a URL"
		if i >= len(fromURL) {
			where = "on the command line"
		}
		if w, ok := secretWarning(option, where); ok && s.drive.written[w.Key] == "" {
			s.drive.warnings = append(s.drive.warnings, w)
		}
	}
	if s.has(location) {
		return errors.New("location: it belongs into the configuration file; here, the text itself says where")
	}
	if !s.has("provider") {
		s.drive.Provider = form.provider()
	}
	if s.drive.Provider != form.provider() {
		var wrong problems
		if s.drive.checkKind(&wrong); len(wrong) > 0 {
			return wrong[0]
		}
		return fmt.Errorf("provider: it is %s by its spelling and not %s", form.provider(), s.drive.Provider)
	}
	if form.kind == formNative {
		if form, err = s.decide(form); err != nil {
			return err
		}
	}
	if err := s.place(form); err != nil {
		return err
	}
	for _, p := range s.drive.complete() {
		if !s.open[p.key] {
			return p
		}
	}
	return nil
}

// formOf is the form of a drive that only options describe.
func formOf(options []Option) driveText {
	for _, o := range options {
		if key := keyName(o.Key); key == "path" || key == "provider" && o.Value == Local {
			return driveText{kind: formPath}
		}
	}
	return driveText{kind: formNative}
}

// parseQuery reads the options of a URL. Blanks around them are dropped, and
// "+" is itself: keys hold it often and blanks never.
func parseQuery(query string) ([]Option, error) {
	var options []Option
	for part := range strings.SplitSeq(query, "&") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		key, value, _ := strings.Cut(part, "=")
		name, err := url.PathUnescape(strings.TrimSpace(key))
		if err != nil {
			return nil, errors.New("an option's name has a % that no two digits follow")
		}
		text, err := url.PathUnescape(value)
		if err != nil { // the value may be a secret
			return nil, fmt.Errorf("%s: it has a %% that no two digits follow: write %%25 for a percent sign", name)
		}
		options = append(options, Option{name, text})
	}
	return options, nil
}

// isSwitch reports whether an option may stand without a value for yes.
func isSwitch(name string) bool {
	key := keyName(name)
	if a, ok := aliases[key]; ok {
		if a.bare {
			return true
		}
		key = a.of
	}
	f, ok := fieldOf(driveType, key)
	return ok && f.truth()
}

// decide says whether the first part of s3://FIRST/… is a bucket or a server.
func (s *settings) decide(form driveText) (driveText, error) {
	host, port, _ := splitPort(form.host)
	vendor, _, bucket := vendorOfHost(host)
	server := form
	server.kind = formHost
	switch {
	case form.host == "" && !s.has("bucket"):
		return form, errors.New("no bucket is named: write s3://BUCKET/PREFIX, or give bucket")
	case form.host == "", accessPoint.MatchString(form.host):
		return form, nil
	case port != "" || net.ParseIP(host) != nil:
		if s.has("endpoint") {
			return form, fmt.Errorf("two servers are named: %s and the one of %s", form.host, s.given["endpoint"])
		}
		return server, nil
	case s.has("endpoint"):
		return form, nil
	case bucket != "":
		return form, fmt.Errorf("the bucket stands in the host name: write s3+https://%s/%s%s", strings.TrimPrefix(host, bucket+"."), bucket, form.path)
	case s.has("bucket"):
		return server, nil
	case vendor != nil || strings.EqualFold(host, "localhost"):
		if s.hasForeign() {
			return form, bothReadings(form)
		}
		return server, nil
	case !strings.Contains(host, "."), s.hasForeign(), s.has("vendor"):
		return form, nil
	}
	return form, bothReadings(form)
}

// bothReadings is the error for a first part that may be a bucket or a server.
func bothReadings(form driveText) error {
	path := (&url.URL{Path: form.path}).EscapedPath()
	return fmt.Errorf("%s may be a bucket or a server: write s3://%s%s?vendor=aws (or ?endpoint=https://HOST) if it is a bucket, or s3+https://%s%s if it is a server",
		form.host, form.host, path, form.host, path)
}

// splitPort cuts a port off a host; IPv6 addresses lose their brackets.
func splitPort(text string) (host, port string, ok bool) {
	if host, port, err := net.SplitHostPort(text); err == nil {
		return host, port, true
	}
	return strings.Trim(text, "[]"), "", false
}
