package s3test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Fault spoils an exchange between a client and a real server.
type Fault func(x *Exchange)

// ResetBefore breaks off before anything of the request is read.
func ResetBefore(x *Exchange) { x.Reset() }

// ResetWithin breaks off in the middle of the request's body; the real server
// has half of it too.
func ResetWithin(x *Exchange) {
	half := make([]byte, max(0, x.r.ContentLength/2))
	if _, err := io.ReadFull(x.r.Body, half); err != nil {
		panic(http.ErrAbortHandler)
	}
	request := x.onward(half)
	request.Header, request.Host, request.ContentLength = x.r.Header.Clone(), x.r.Host, x.r.ContentLength
	if answer, err := x.proxy.client.RoundTrip(request); err == nil { // as a rule half a body is an error
		answer.Body.Close()
	}
	x.Reset()
}

// ResetAfter lets the request take effect and breaks off before the answer.
func ResetAfter(x *Exchange) {
	if x.Forward(x.Body()) != nil {
		x.Reset()
	}
}

// HalfAnswer breaks off in the middle of the answer's body, or before an answer
// without one.
func HalfAnswer(x *Exchange) {
	a := x.Forward(x.Body())
	if a == nil {
		return
	}
	if len(a.body) == 0 {
		x.Reset()
		return
	}
	a.header.Set("Content-Length", strconv.Itoa(len(a.body)))
	a.body = a.body[:len(a.body)/2]
	x.Answer(a)
	x.w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

// Refuse answers in the server's place with an error of S3. retryAfter, if not
// empty, is the header Retry-After.
func Refuse(status int, code, retryAfter string) Fault {
	return func(x *Exchange) {
		x.Body()
		if retryAfter != "" {
			x.w.Header().Set("Retry-After", retryAfter)
		}
		x.w.Header().Set("Content-Type", "application/xml")
		x.w.WriteHeader(status)
		if x.r.Method != http.MethodHead {
			fmt.Fprintf(x.w, "<?xml version=\"1.0\"?>\n<Error><Code>%s</Code><Message>made by the proxy</Message></Error>", code)
		}
	}
}

// ErrorIn200 answers with an error in the body of a success, and nothing done.
var ErrorIn200 = Refuse(http.StatusOK, "InternalError", "")

// ErrorAfter lets the request take effect and answers 500.
func ErrorAfter(x *Exchange) {
	if x.Forward(x.Body()) != nil {
		Refuse(http.StatusInternalServerError, "InternalError", "")(x)
	}
}

// Redirect answers 307 to the same place.
func Redirect(x *Exchange) {
	x.w.Header().Set("Location", x.proxy.Endpoint+x.r.URL.RequestURI())
	Refuse(http.StatusTemporaryRedirect, "TemporaryRedirect", "")(x)
}

// Page answers with a proxy's own page and status 200.
func Page(x *Exchange) {
	x.Body()
	io.WriteString(x.w, "<html>please log in</html>")
}

// Trickle answers with a byte at a time.
func Trickle(pause time.Duration) Fault {
	return func(x *Exchange) {
		a := x.Forward(x.Body())
		if a == nil {
			return
		}
		body := a.body
		a.header.Set("Content-Length", strconv.Itoa(len(body)))
		a.body = nil
		x.Answer(a)
		for i := range body {
			if _, err := x.w.Write(body[i : i+1]); err != nil {
				return
			}
			x.w.(http.Flusher).Flush()
			select {
			case <-time.After(pause):
			case <-x.r.Context().Done():
				return
			}
		}
	}
}

// Silence never answers.
func Silence(x *Exchange) {
	x.Body()
	<-x.r.Context().Done()
}

// FlipSent changes a bit of the request's body on its way.
func FlipSent(x *Exchange) {
	body := x.Body()
	flip(body)
	if a := x.Forward(body); a != nil {
		x.Answer(a)
	}
}

// FlipReceived changes a bit of the answer's body on its way.
func FlipReceived(x *Exchange) {
	if a := x.Forward(x.Body()); a != nil {
		if a.status < 300 {
			flip(a.body)
		}
		x.Answer(a)
	}
}

func flip(body []byte) {
	if len(body) > 0 {
		body[len(body)/2] ^= 1
	}
}

// WrongChecksum says in the answer that the server has other bytes.
func WrongChecksum(x *Exchange) {
	if a := x.Forward(x.Body()); a != nil {
		a.header.Set("X-Amz-Checksum-Sha256", base64.StdEncoding.EncodeToString(make([]byte, 32)))
		x.Answer(a)
	}
}

// CutList ends a listing's page in the middle of its XML.
func CutList(x *Exchange) {
	if a := x.Forward(x.Body()); a != nil {
		a.body = a.body[:len(a.body)*2/3]
		a.header.Set("Content-Length", strconv.Itoa(len(a.body)))
		x.Answer(a)
	}
}

// EndlessList says that a listing goes on, and not where.
func EndlessList(x *Exchange) {
	if a := x.Forward(x.Body()); a != nil {
		a.body = bytes.Replace(a.body, []byte("<IsTruncated>false<"), []byte("<IsTruncated>true<"), 1)
		a.header.Set("Content-Length", strconv.Itoa(len(a.body)))
		x.Answer(a)
	}
}

// RepeatedList answers with a listing's page that has all its objects twice.
func RepeatedList(x *Exchange) {
	if a := x.Forward(x.Body()); a != nil {
		text := string(a.body)
		from, to := strings.Index(text, "<Contents>"), strings.LastIndex(text, "</Contents>")
		if from >= 0 && to > from {
			items := text[from : to+len("</Contents>")]
			text = text[:from] + items + text[from:]
		}
		a.body = []byte(text)
		a.header.Set("Content-Length", strconv.Itoa(len(a.body)))
		x.Answer(a)
	}
}

// Stale reads as if nothing had been written yet.
func Stale(x *Exchange) {
	switch x.Kind {
	case Get, Head:
		Refuse(http.StatusNotFound, "NoSuchKey", "")(x)
	case List:
		x.Body()
		io.WriteString(x.w, "<?xml version=\"1.0\"?>\n<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
	default:
		if a := x.Forward(x.Body()); a != nil {
			x.Answer(a)
		}
	}
}

// IgnoreConditions lets the real server see no condition, as servers do that do
// not know them.
func IgnoreConditions(x *Exchange) {
	body := x.Body()
	request := x.onward(body)
	for _, name := range []string{"Content-Type", "Range"} {
		if value := x.r.Header.Get(name); value != "" {
			request.Header.Set(name, value)
		}
	}
	x.proxy.Server.sign(request, "s3", string(body))
	if a := x.send(request); a != nil {
		x.Answer(a)
	}
}
