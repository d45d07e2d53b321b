package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"firn/internal/object"
)

// Get implements object.Store.
func (s *Store) Get(ctx context.Context, name string, limit int64) ([]byte, object.Info, error) {
	if err := s.begin(ctx, opGet, name, false); err != nil {
		return nil, object.Info{}, err
	}
	r := reading{Store: s, name: name, limit: limit, toEnd: true}
	if err := s.call(ctx, opGet, name, 0, r.attempt); err != nil {
		return nil, object.Info{}, err
	}
	return r.p, r.info, nil
}

// GetRange implements object.Store.
func (s *Store) GetRange(ctx context.Context, name string, p []byte, offset int64) error {
	if offset < 0 {
		return fail(opGet, name, fmt.Errorf("negative offset %d", offset))
	}
	if len(p) == 0 { // no range asks for nothing
		_, err := s.Head(ctx, name)
		return err
	}
	if err := s.begin(ctx, opGet, name, false); err != nil {
		return err
	}
	r := reading{Store: s, name: name, p: p, offset: offset}
	return s.call(ctx, opGet, name, 0, r.attempt)
}

// Head implements object.Store.
func (s *Store) Head(ctx context.Context, name string) (object.Info, error) {
	info, _, err := s.look(ctx, name)
	return info, err
}

// look asks with a HEAD, and returns the headers of the answer too.
func (s *Store) look(ctx context.Context, name string) (object.Info, http.Header, error) {
	if err := s.begin(ctx, opHead, name, false); err != nil {
		return object.Info{}, nil, err
	}
	var info object.Info
	var header http.Header
	mute := false // the server refused, and answers to HEAD have no body to say why
	known := s.known.Load()
	err := s.call(ctx, opHead, name, 0, func(ctx context.Context, x *exchange) error {
		err := s.client.head(ctx, s.key(name))
		info, header = infoIn(x, name), x.header
		mute = x.code == "" && (x.status == http.StatusBadRequest || x.status == http.StatusForbidden ||
			x.status == http.StatusNotFound && !known) // the bucket may be what is absent
		if err == nil && (info.Size < 0 || info.ETag == "" && info.Modified.IsZero()) {
			return wrongAnswer("no Content-Length, or neither ETag nor Last-Modified: this is no object")
		}
		return err
	})
	if err != nil && mute {
		var first [1]byte
		if why := s.GetRange(ctx, name, first[:], 0); why != nil && !errors.Is(why, object.ErrShort) {
			err = why
		}
	}
	if err != nil {
		return object.Info{}, nil, err
	}
	return info, header, nil
}

// reading is a read under way. An attempt goes on where the one before it
// broke off, as long as the object is still the same.
type reading struct {
	*Store
	name   string
	offset int64  // of p in the object
	p      []byte // to be filled; with toEnd nil until its length is known
	toEnd  bool   // read all there is
	limit  int64  // with toEnd: of the object's size
	have   int    // bytes of p that are filled

	info object.Info // from the first answer
}

// attempt reads what is missing.
func (r *reading) attempt(ctx context.Context, x *exchange) error {
	span := byteRange{r.offset + int64(r.have), r.offset + int64(len(r.p)) - 1}
	if r.p == nil || r.toEnd && r.have == 0 {
		span = whole
	}
	ifMatch := ""
	if r.have > 0 {
		ifMatch = r.info.ETag
	}
	body, err := r.client.get(ctx, r.key(r.name), span, ifMatch)
	if err != nil {
		if x.status == http.StatusPreconditionFailed && ifMatch != "" {
			r.have = 0
			return &fault{rule: rule{is: object.ErrChanged, again: soon}, detail: "overwritten while it was read"}
		}
		return err
	}
	err = r.accept(x, span)
	if err == nil {
		var n int
		x.answered(x.length)
		n, err = io.ReadFull(body, r.p[r.have:])
		r.have += n
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err == nil {
			err = atEnd(body)
		}
	}
	if closing := body.Close(); err == nil && closing != nil {
		err = closing
	}
	return err
}

// accept checks an answer's headers against the request and makes room for its
// body.
func (r *reading) accept(x *exchange, span byteRange) error {
	info := infoIn(x, r.name)
	if x.length < 0 {
		return wrongAnswer("answer without Content-Length")
	}
	if info.ETag == "" && info.Modified.IsZero() {
		return wrongAnswer("neither ETag nor Last-Modified: this is no object")
	}
	if encoding := x.header.Get("Content-Encoding"); encoding != "" && encoding != "identity" && encoding != "aws-chunked" {
		return wrongAnswer(fmt.Sprintf("answer comes in encoding %q", oneLine(encoding, 40)))
	}
	if span == whole {
		return r.acceptWhole(x, info)
	}
	if x.status != http.StatusPartialContent {
		return wrongAnswer(fmt.Sprintf("status %d instead of 206: the range was ignored", x.status))
	}
	first, last, total, ok := contentRange(x.header.Get("Content-Range"))
	switch {
	case !ok || first != span.first || last > span.last || last-first+1 != x.length:
		return wrongAnswer(fmt.Sprintf("asked for bytes %d-%d, answered with %q and %d bytes",
			span.first, span.last, oneLine(x.header.Get("Content-Range"), 60), x.length))
	case last < span.last && (total < 0 || last+1 == total):
		return &fault{rule: rule{is: object.ErrShort}, detail: fmt.Sprintf("it ends at byte %d, bytes to %d were wanted", last+1, span.last+1)}
	case last < span.last:
		return wrongAnswer("fewer bytes than asked for")
	}
	if r.have == 0 {
		r.info = info
	}
	return nil
}

func (r *reading) acceptWhole(x *exchange, info object.Info) error {
	if x.status != http.StatusOK {
		return wrongAnswer(fmt.Sprintf("status %d instead of 200", x.status))
	}
	if x.length > r.limit {
		return &fault{rule: rule{is: object.ErrTooLarge}, detail: fmt.Sprintf("%d bytes, at most %d expected", x.length, r.limit)}
	}
	if r.p == nil || int64(len(r.p)) != x.length {
		r.p = make([]byte, x.length)
	}
	r.info, r.have = info, 0
	return nil
}

// atEnd checks that nothing follows.
func atEnd(body io.Reader) error {
	var more [1]byte
	switch n, err := body.Read(more[:]); {
	case n > 0:
		return wrongAnswer("more bytes than announced")
	case err != nil && err != io.EOF:
		return err
	}
	return nil
}
