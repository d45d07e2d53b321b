package cold

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"firn/internal/object/objecttest"
	"firn/internal/object/s3/s3test"
)

// answered changes the real server's answer.
func (s *Server) answered(answer *http.Response) error {
	x := answer.Request.Context().Value(exchangeKey{}).(*exchange)
	switch {
	case x.kind == s3test.Get && answer.StatusCode < 300:
		s.mark(x.name, answer.Header)
		return nil // the body may be large
	case x.kind == s3test.Head:
		if answer.StatusCode < 300 {
			s.mark(x.name, answer.Header)
		}
		return nil
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if err := answer.Body.Close(); err != nil {
		return err
	}
	switch {
	case answer.StatusCode >= 300:
		var refused struct{ Code string }
		if xml.Unmarshal(text, &refused) == nil {
			x.code = refused.Code
		}
	case x.kind == s3test.List, x.request.URL.Query().Has("versions"):
		text = s.listed(x, text)
		answer.Header.Set("Content-Length", strconv.Itoa(len(text)))
		answer.ContentLength = int64(len(text))
	default:
		s.written(x, text)
	}
	answer.Body = io.NopCloser(bytes.NewReader(text))
	return nil
}

// mark says in an answer's headers how an object lies.
func (s *Server) mark(name string, h http.Header) {
	lies, _ := s.Look(name)
	h.Del(headerClass)
	if lies.Class != "" && lies.Class != "STANDARD" {
		h.Set(headerClass, lies.Class)
	}
	if lies.Tier != "" {
		h.Set("X-Amz-Archive-Status", lies.Tier)
	}
	switch {
	case lies.Asked:
		h.Set("X-Amz-Restore", `ongoing-request="true"`)
	case !lies.Until.IsZero():
		h.Set("X-Amz-Restore", fmt.Sprintf(`ongoing-request="false", expiry-date="%s"`, lies.Until.UTC().Format(http.TimeFormat)))
	}
}

var (
	listedObject = regexp.MustCompile(`(?s)<(Contents|Version)>.*?</(Contents|Version)>`)
	listedKey    = regexp.MustCompile(`(?s)<Key>(.*?)</Key>`)
	listedClass  = regexp.MustCompile(`(?s)<StorageClass>.*?</StorageClass>|<StorageClass ?/>`)
)

// listed says in a listing how the objects lie, and what is known of copies if it
// was asked for.
func (s *Server) listed(x *exchange, text []byte) []byte {
	s.mu.Lock()
	hides := s.hides
	s.mu.Unlock()
	asked := !hides && strings.Contains(x.request.Header.Get("X-Amz-Optional-Object-Attributes"), "RestoreStatus")
	encoded := bytes.Contains(text, []byte("<EncodingType>url</EncodingType>"))
	bucket := strings.Trim(x.name, "/")
	return listedObject.ReplaceAllFunc(text, func(entry []byte) []byte {
		found := listedKey.FindSubmatch(entry)
		if found == nil {
			return entry
		}
		key := html.UnescapeString(string(found[1]))
		if encoded {
			if plain, err := url.QueryUnescape(key); err == nil {
				key = plain
			}
		}
		lies, _ := s.Look(bucket + "/" + key)
		class := lies.Class
		if class == "" {
			class = "STANDARD"
		}
		more := "<StorageClass>" + class + "</StorageClass>"
		if asked {
			more += restoreStatus(lies)
		}
		entry = listedClass.ReplaceAll(entry, nil)
		end := bytes.LastIndex(entry, []byte("</"))
		return append(append(bytes.Clone(entry[:end]), more...), entry[end:]...)
	})
}

// restoreStatus is what a listing says of a copy, "" if there is none.
func restoreStatus(lies objecttest.Resting) string {
	switch {
	case lies.Asked:
		return "<RestoreStatus><IsRestoreInProgress>true</IsRestoreInProgress></RestoreStatus>"
	case !lies.Until.IsZero():
		return "<RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress><RestoreExpiryDate>" +
			lies.Until.UTC().Format(time.RFC3339) + "</RestoreExpiryDate></RestoreStatus>"
	}
	return ""
}
