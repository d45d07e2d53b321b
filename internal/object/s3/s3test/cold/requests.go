package cold

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"firn/internal/object"
	"firn/internal/object/objecttest"
	"firn/internal/object/s3/s3test"
)

// classes are AWS's. The archive classes of the Freezer are taken too.
var classes = []string{
	"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "GLACIER_IR", objecttest.Tiering, "GLACIER", "DEEP_ARCHIVE",
}

// The headers of which an archive has something to say.
const (
	headerClass     = "X-Amz-Storage-Class"
	headerSource    = "X-Amz-Copy-Source"
	headerDirective = "X-Amz-Metadata-Directive"
)

var (
	refusedState = &objecttest.Refusal{Status: http.StatusForbidden, Code: "InvalidObjectState", Message: "The operation is not valid for the object's storage class"}
	refusedClass = &objecttest.Refusal{Status: http.StatusBadRequest, Code: "InvalidStorageClass", Message: "The storage class you specified is not valid"}
	refusedSame  = &objecttest.Refusal{Status: http.StatusBadRequest, Code: "InvalidRequest", Message: "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes."}
	refusedXML   = &objecttest.Refusal{Status: http.StatusBadRequest, Code: "MalformedXML", Message: "The XML you provided was not well-formed or did not validate against our published schema"}
)

// forward hands a request on to the real server.
func (s *Server) forward(x *exchange) { s.proxy.ServeHTTP(x, x.request) }

// get refuses to read what is frozen.
func (s *Server) get(x *exchange) {
	if lies, known := s.Look(x.name); known && !lies.Readable() {
		if s.verified(x) {
			x.refuse(refusedState)
		}
		return
	}
	s.forward(x)
}

// put takes the class of an object that is written.
func (s *Server) put(x *exchange) {
	if s.classed(x) {
		s.forward(x)
	}
}

// classed takes the class out of a request to write, and says whether the request
// is to go on.
func (s *Server) classed(x *exchange) bool {
	class := x.request.Header.Get(headerClass)
	if class == "" {
		return true
	}
	if !s.verified(x) {
		return false
	}
	if !slices.Contains(classes, class) && !s.Archive(class) {
		x.refuse(refusedClass)
		return false
	}
	if class != "STANDARD" {
		x.class = class
	}
	x.bare = x.request.Header.Clone()
	x.bare.Del(headerClass)
	return true
}

// copy refuses to copy what is frozen, and what would stay as it is.
func (s *Server) copy(x *exchange) {
	source, err := url.PathUnescape(strings.TrimPrefix(x.request.Header.Get(headerSource), "/"))
	if err != nil {
		x.refuse(&objecttest.Refusal{Status: http.StatusBadRequest, Code: "InvalidArgument", Message: "Invalid copy source encoding."})
		return
	}
	lies, known := s.Look(source)
	if known && !lies.Readable() {
		if s.verified(x) {
			x.refuse(refusedState)
		}
		return
	}
	if !s.classed(x) {
		return
	}
	if source == x.name && x.request.Header.Get(headerDirective) != "REPLACE" {
		if x.class == lies.Class {
			x.refuse(refusedSame)
			return
		}
		// To the real server, which knows no classes, nothing would change.
		x.bare.Set(headerDirective, "REPLACE")
	}
	s.forward(x)
}

// restore is RestoreObject. The real server has no part in it.
func (s *Server) restore(x *exchange) {
	if !s.verified(x) {
		return
	}
	var asked struct {
		XMLName xml.Name `xml:"RestoreRequest"`
		Days    *int
		Tier    string
		Job     struct{ Tier string } `xml:"GlacierJobParameters"`
	}
	text, err := io.ReadAll(x.request.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the client has gone
	}
	if hexSum(text) != x.request.Header.Get(headerHash) {
		x.refuse(&objecttest.Refusal{Status: http.StatusBadRequest, Code: "XAmzContentSHA256Mismatch", Message: "The provided 'x-amz-content-sha256' header does not match what was computed."})
		return
	}
	days, err := 0, xml.Unmarshal(text, &asked)
	if err == nil && asked.Days != nil {
		if days = *asked.Days; days < 1 {
			err = errDays
		}
	}
	if err != nil {
		x.refuse(refusedXML)
		return
	}
	tier := asked.Job.Tier
	if tier == "" {
		tier = asked.Tier
	}
	if tier == "" {
		tier = "Standard"
	}
	if _, known := s.Look(x.name); !known && s.exists(x) {
		s.Lay(x.name, "") // it lay here before there were classes
	}
	status, err := s.Restore(x.name, object.Tier(strings.ToLower(tier)), days)
	var refused *objecttest.Refusal
	if errors.As(err, &refused) {
		x.refuse(refused)
		return
	}
	x.WriteHeader(status)
}

var errDays = errors.New("no days")

// exists asks the real server for an object.
func (s *Server) exists(x *exchange) bool {
	_, err := s.real.Do(x.request.Context(), http.MethodHead, (&url.URL{Path: x.request.URL.Path}).EscapedPath(), nil, "")
	return err == nil
}

// written notes what became of objects that were written or deleted.
func (s *Server) written(x *exchange, text []byte) {
	switch x.kind {
	case s3test.Put, s3test.Copy:
		s.Lay(x.name, x.class)
	case s3test.Delete:
		s.Forget(x.name)
	case s3test.DeleteMany:
		var result struct{ Deleted []struct{ Key string } }
		if xml.Unmarshal(text, &result) == nil {
			bucket := strings.Trim(x.name, "/")
			for _, gone := range result.Deleted {
				s.Forget(bucket + "/" + gone.Key)
			}
		}
	}
}
