package s3

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"firn/internal/object"
)

// errorIn reads the code and the message of an error answer. An answer that is
// not S3's, a proxy's page say, has no code; its beginning is the message.
func errorIn(text []byte, x *exchange) (code, message string) {
	var answer struct {
		XMLName xml.Name
		Code    string
		Message string
		Region  string
		Bucket  string `xml:"BucketName"`
	}
	if rootOf(text) == "Error" && xml.Unmarshal(text, &answer) == nil {
		if x.region == "" {
			x.region = answer.Region
		}
		x.named = answer.Bucket
		return oneLine(answer.Code, 64), oneLine(answer.Message, 300)
	}
	return "", oneLine(string(text), 120)
}

// oneLine makes a server's words fit to be shown: printable, on one line and
// short.
func oneLine(text string, most int) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}

// rootOf returns the name of an XML document's first element, "" if there is
// none near its beginning.
func rootOf(text []byte) string {
	decoder := xml.NewDecoder(bytes.NewReader(text[:min(len(text), 4096)]))
	for {
		token, err := decoder.RawToken()
		if err != nil {
			return ""
		}
		if start, ok := token.(xml.StartElement); ok {
			return start.Name.Local
		}
	}
}

// wholeXML says whether a document begins and ends with the element root.
// What is in between is for the client's decoder.
func wholeXML(text []byte, root string) bool {
	text = bytes.TrimSpace(text)
	if rootOf(text) != root || !bytes.HasSuffix(text, []byte(">")) {
		return false
	}
	last := text[bytes.LastIndexByte(text, '<'):]
	last = bytes.TrimSpace(bytes.Trim(last, "<>"))
	if bytes.HasSuffix(last, []byte("/")) { // <ListBucketResult/>: nothing at all is said
		return false
	}
	name, closes := bytes.CutPrefix(last, []byte("/"))
	if i := bytes.IndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	return closes && string(name) == root
}

// infoIn reads what an answer's headers say of an object. Size is the body's
// length, -1 if unknown.
func infoIn(x *exchange, name string) object.Info {
	info := object.Info{
		Name:  name,
		Size:  x.length,
		ETag:  bareETag(x.header.Get("ETag")),
		Class: x.header.Get("X-Amz-Storage-Class"),
	}
	if version := x.header.Get("X-Amz-Version-Id"); version != "null" {
		info.Version = version
	}
	if modified, err := http.ParseTime(x.header.Get("Last-Modified")); err == nil {
		info.Modified = modified
	}
	return info
}

// bareETag takes the quotes off an ETag, so that headers and listings, which
// some servers quote differently, agree.
func bareETag(etag string) string { return strings.Trim(etag, `"`) }

// contentRange reads "bytes 5-9/10"; total is -1 if the server does not say.
func contentRange(header string) (first, last, total int64, ok bool) {
	span, size, ok1 := strings.Cut(strings.TrimPrefix(header, "bytes "), "/")
	from, to, ok2 := strings.Cut(span, "-")
	first, err1 := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	total, err3 := strconv.ParseInt(size, 10, 64)
	ok = ok1 && ok2 && err1 == nil && err2 == nil && err3 == nil && first >= 0 && last >= first && total > last
	if size == "*" {
		total, ok = -1, ok1 && ok2 && err1 == nil && err2 == nil && last >= first
	}
	return first, last, total, ok
}

// retryAfter reads how long the server asks to wait, 0 if it does not, at most
// two minutes.
func retryAfter(header http.Header, now time.Time) time.Duration {
	const most = 2 * time.Minute
	text := header.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		return min(max(0, time.Duration(min(seconds, 3600))*time.Second), most)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(0, at.Sub(now)), most)
	}
	return 0
}
