package config

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
)

const windows = runtime.GOOS == "windows"

// form is how a drive's text begins, and so what its first part is.
type form int

const (
	formPath   form = iota // a folder
	formNative             // s3://FIRST/…: a bucket or a server
	formHost               // the server comes first for certain
)

// driveText is a drive's text cut into its parts, which are decoded but for
// the query.
type driveText struct {
	kind   form
	scheme string // of the server, "" if not said
	host   string // bucket or server, with port
	path   string // of the folder; or the rest behind the host
	query  string // without "?"
}

// provider returns the kind of drive the text is for.
func (t *driveText) provider() string {
	if t.kind == formPath {
		return Local
	}
	return S3
}

var (
	schemeBefore = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*):`)
	driveLetter  = regexp.MustCompile(`^[A-Za-z]:`)
	unfilled     = regexp.MustCompile(`<[^<>/]+>`) // as documents write what is to be filled in
	lineBreak    = regexp.MustCompile(`[ \t]*[\r\n]\s*`)
	accessPoint  = regexp.MustCompile(`^arn:aws[a-z-]*:s3:[a-z0-9-]*:[0-9]*:accesspoint[/:][a-z0-9-]+`)
)

// splitDrive recognises the form of a drive's text. A text broken over several
// lines is joined.
func splitDrive(text string, windows bool) (driveText, error) {
	text = lineBreak.ReplaceAllString(strings.TrimSpace(text), "")
	switch {
	case text == "":
		return driveText{}, errors.New("there is nothing in it: give @LABEL, a URL or a path")
	case text[0] == '@':
		return driveText{}, errors.New("@ stands before the label of a drive in the configuration file")
	case driveLetter.MatchString(text), strings.HasPrefix(text, `\\`):
		return windowsPath(text, windows)
	}
	match := schemeBefore.FindStringSubmatch(text)
	if match == nil {
		return plainPath(text, windows)
	}
	scheme, rest := strings.ToLower(match[1]), text[len(match[0]):]
	switch scheme {
	case "file":
		return fileURL(rest, windows)
	case "s3":
		return s3URL(rest)
	case "s3+https", "s3+http":
		t, err := hostAndPath(rest)
		t.kind, t.scheme = formHost, strings.TrimPrefix(scheme, "s3+")
		if err == nil && t.host == "" {
			err = fmt.Errorf("no server is named: write %s://HOST/BUCKET/PREFIX", scheme)
		}
		return t, err
	case "http", "https":
		return driveText{}, fmt.Errorf("it does not say which kind of server that is: for an S3 server write s3+%s://HOST/BUCKET/PREFIX", scheme)
	}
	return driveText{}, fmt.Errorf("%s: is no kind of drive: there are s3://, s3+https://, s3+http:// and file://; for a folder of that name write ./%s:…", scheme, scheme)
}

// s3URL reads what stands behind s3: — Firn's, Duplicati's and Plakar's
// //FIRST/…, or restic's URL or host.
func s3URL(rest string) (driveText, error) {
	for _, scheme := range []string{"https", "http"} {
		if after, ok := strings.CutPrefix(rest, scheme+":"); ok {
			t, err := hostAndPath(after)
			t.kind, t.scheme = formHost, scheme
			if err == nil && t.host == "" {
				err = fmt.Errorf("no server is named: write s3:%s://HOST/BUCKET/PREFIX", scheme)
			}
			return t, err
		}
	}
	if !strings.HasPrefix(rest, "//") {
		t, err := hostAndPath("//" + rest)
		t.kind = formHost
		if err == nil && t.host == "" {
			err = errors.New("no bucket is named: write s3://BUCKET/PREFIX")
		}
		return t, err
	}
	t, err := hostAndPath(rest)
	t.kind = formNative
	return t, err
}

// hostAndPath reads //HOST/PATH?QUERY.
func hostAndPath(text string) (driveText, error) {
	rest, ok := strings.CutPrefix(text, "//")
	if !ok {
		return driveText{}, errors.New("// is missing behind the first colon")
	}
	rest, query, _ := strings.Cut(rest, "?")
	t := driveText{query: query}
	if arn := accessPoint.FindString(rest); arn != "" {
		t.host, t.path = arn, rest[len(arn):]
	} else {
		host, path, found := strings.Cut(rest, "/")
		t.host = host
		if found {
			t.path = "/" + path
		}
	}
	if found := unfilled.FindString(t.host + t.path); found != "" {
		return driveText{}, fmt.Errorf("%s is a placeholder: write your own there", found)
	}
	if strings.Contains(t.host, "@") {
		return driveText{}, errors.New("keys are not given before @: give them as access_key and secret_key")
	}
	return t, t.decode()
}

// decode resolves the %XX of host and path.
func (t *driveText) decode() error {
	for _, part := range []*string{&t.host, &t.path} {
		text, err := url.PathUnescape(*part)
		if err != nil {
			return fmt.Errorf("%w: write %%25 for a percent sign", err)
		}
		*part = text
	}
	return nil
}

// fileURL reads what stands behind file:.
func fileURL(rest string, windows bool) (driveText, error) {
	rest, query, _ := strings.Cut(rest, "?")
	t := driveText{kind: formPath, path: rest, query: query}
	if after, ok := strings.CutPrefix(rest, "//"); ok {
		host, path, _ := strings.Cut(after, "/")
		switch {
		case host == "" || strings.EqualFold(host, "localhost"):
			t.path = "/" + path
		case windows:
			t.path = "//" + host + "/" + path
		default:
			return driveText{}, fmt.Errorf("file://%s/ names another computer: a folder of this one is file:///PATH", host)
		}
	}
	if err := t.decode(); err != nil {
		return driveText{}, err
	}
	if !strings.HasPrefix(t.path, "/") {
		return driveText{}, errors.New("the path behind file: must begin with /")
	}
	if windows {
		if driveLetter.MatchString(t.path[1:]) {
			t.path = t.path[1:]
		}
		t.path = strings.ReplaceAll(t.path, "/", `\`)
	}
	return t, nil
}

// windowsPath reads a path that is absolute on Windows only.
func windowsPath(text string, windows bool) (driveText, error) {
	if !windows {
		return driveText{}, fmt.Errorf("it looks like a path of Windows, and this is not Windows: write ./%s if you mean a folder of that name", text)
	}
	if driveLetter.MatchString(text) && (len(text) == 2 || !strings.ContainsRune(`\/`, rune(text[2]))) {
		return driveText{}, fmt.Errorf(`it may be a folder of drive %s or of the current folder there: write %s\…`, text[:1], text[:2])
	}
	return driveText{kind: formPath, path: text}, nil
}

// plainPath reads a path, which a label or a bucket must not be mistaken for.
func plainPath(text string, windows bool) (driveText, error) {
	separators := "/"
	if windows {
		separators = `/\`
	}
	if !strings.ContainsAny(text, separators) && text != "." && text != ".." && text != "~" {
		return driveText{}, fmt.Errorf("it may be a label or a folder: write @%s or ./%s", text, text)
	}
	path, err := homePath(text)
	if err != nil {
		return driveText{}, err
	}
	path, err = filepath.Abs(path)
	return driveText{kind: formPath, path: path}, err
}
