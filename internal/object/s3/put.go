package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"firn/internal/object"
)

// Put implements object.Store.
//
// When the answer to a conditional Put is lost and the next attempt finds the
// condition broken, the object there is read: if it holds exactly body's bytes,
// the Put has succeeded. Two callers who must not both win therefore write
// different bytes.
func (s *Store) Put(ctx context.Context, name string, body []byte, opts object.PutOptions) (object.Info, error) {
	if known := s.caps.Load(); known != nil {
		if opts.IfAbsent && !known.IfAbsent || opts.IfMatch != "" && !known.IfMatch {
			return object.Info{}, fail(opPut, name, fmt.Errorf("conditional put: %w", object.ErrUnsupported))
		}
		if !opts.RetainUntil.IsZero() && !known.Retain {
			return object.Info{}, fail(opPut, name, fmt.Errorf("retention: %w", object.ErrUnsupported))
		}
	}
	return s.put(ctx, name, body, opts)
}

// put writes an object and sends whatever conditions are asked for.
func (s *Store) put(ctx context.Context, name string, body []byte, opts object.PutOptions) (object.Info, error) {
	if err := s.begin(ctx, opPut, name, true); err != nil {
		return object.Info{}, err
	}
	if opts.IfMatch != "" && s.redress.conditions == Google {
		return object.Info{}, fail(opPut, name, fmt.Errorf("replace if unchanged: %w", object.ErrUnsupported))
	}
	w := writing{Store: s, name: name, body: body, opts: opts}
	if err := w.prepare(); err != nil {
		return object.Info{}, fail(opPut, name, err)
	}
	err := s.call(ctx, opPut, name, int64(len(body)), w.attempt)
	if errors.Is(err, object.ErrExists) || errors.Is(err, object.ErrChanged) {
		if w.doubtful {
			return w.resolve(ctx, err)
		}
	}
	if err == nil && !w.attested {
		err = w.measure(ctx)
	}
	return w.info, err
}

// writing is one Put under way.
type writing struct {
	*Store
	name    string
	body    []byte
	opts    object.PutOptions
	sum     [sha256.Size]byte
	request putRequest

	info     object.Info
	attested bool // the server has said what bytes it has
	doubtful bool // an earlier attempt may have succeeded
	spoiled  bool // and the server may hold other bytes than were sent
}

func (w *writing) prepare() error {
	if w.opts.SHA256 != nil {
		w.sum = *w.opts.SHA256
	} else {
		w.sum = sha256.Sum256(w.body)
	}
	params, err := w.paramsOf(w.name, w.opts.Class)
	if err != nil {
		return err
	}
	w.request = putRequest{
		body: w.body, hexSum: hex.EncodeToString(w.sum[:]),
		ifAbsent: w.opts.IfAbsent, ifMatch: w.opts.IfMatch, class: params.Class, retain: w.opts.RetainUntil,
		more: params.headers(w.customer),
	}
	if !w.noSums {
		w.request.checksum = base64.StdEncoding.EncodeToString(w.sum[:])
	}
	return nil
}

// attempt sends the object once.
func (w *writing) attempt(ctx context.Context, x *exchange) error {
	err := w.client.put(ctx, w.key(w.name), w.request)
	switch {
	case err == nil && x.status/100 == 2:
		return w.accept(x)
	case x.status == http.StatusPreconditionFailed, w.opts.IfMatch != "" && x.code == "NoSuchKey":
		if w.opts.IfAbsent {
			return &fault{rule: rule{is: object.ErrExists}}
		}
		return &fault{rule: rule{is: object.ErrChanged}}
	case w.opts.IfAbsent && w.redress.conditions == Google && (x.status == http.StatusBadRequest || x.status == http.StatusForbidden):
		return &fault{rule: rule{is: object.ErrUnsupported}, detail: "condition in Google's words: " + w.scrub(x.message)}
	case byCode[x.code].is == object.ErrCorrupt && sha256.Sum256(w.body) != w.sum:
		return &fault{rule: rule{is: object.ErrCorrupt}, detail: "the body does not have the SHA-256 it was given"}
	case !w.opts.RetainUntil.IsZero() && x.code == "InvalidRequest":
		return &fault{rule: rule{is: object.ErrUnsupported, advice: adviceLock}, detail: "retention: " + w.scrub(x.message)}
	case err == nil:
		err = wrongAnswer(fmt.Sprintf("status %d", x.status))
	}
	if !x.refused() {
		w.doubtful = true
	}
	return err
}

// accept checks the answer to a successful attempt.
func (w *writing) accept(x *exchange) error {
	w.info = infoIn(x, w.name)
	w.info.Size, w.info.Class = int64(len(w.body)), w.request.class
	w.info.Modified = x.received
	if date, err := http.ParseTime(x.header.Get("Date")); err == nil {
		w.info.Modified = date
	}
	if w.info.ETag == "" {
		w.doubtful = true
		return errors.New("success without an ETag")
	}
	switch echo := x.header.Get("X-Amz-Checksum-Sha256"); echo {
	case "":
		known := w.caps.Load()
		w.attested = known != nil && known.Attests
	case base64.StdEncoding.EncodeToString(w.sum[:]):
		w.attested = true
	default:
		w.doubtful, w.spoiled = true, true
		return &fault{
			rule:   rule{is: object.ErrCorrupt, again: soon, advice: adviceBytes},
			detail: "the server's SHA-256 is another one",
		}
	}
	return nil
}

// measure asks for the object's size where the server did not attest it.
func (w *writing) measure(ctx context.Context) error {
	info, err := w.Head(ctx, w.name)
	switch {
	case errors.Is(err, object.ErrAccess):
		return nil // a writer need not be allowed to read
	case errors.Is(err, object.ErrNotFound):
		return fail(opPut, w.name, fmt.Errorf("%w: success was reported but the object is absent", object.ErrCorrupt))
	case err != nil:
		return err
	case info.Size != int64(len(w.body)):
		return fail(opPut, w.name, fmt.Errorf("%w: %d bytes of %d were kept", object.ErrCorrupt, info.Size, len(w.body)))
	}
	return nil
}

// resolve finds out whether the object that breaks the condition is the one an
// earlier attempt wrote. refusal is what to say if it is not.
func (w *writing) resolve(ctx context.Context, refusal error) (object.Info, error) {
	named := strings.HasSuffix(w.name, w.request.hexSum) // it bears the hash of its bytes
	if named && !w.spoiled && w.isArchive(w.request.class) {
		return w.sized(ctx, refusal)
	}
	body, info, err := w.Get(ctx, w.name, int64(len(w.body)))
	switch {
	case err == nil && bytes.Equal(body, w.body):
		return info, nil
	case ctx.Err() != nil:
		return object.Info{}, fail(opPut, w.name, ctx.Err())
	case w.spoiled:
		return object.Info{}, fail(opPut, w.name, fmt.Errorf("%w: the server spoiled the object and holds it now", object.ErrCorrupt))
	case errors.Is(err, object.ErrFrozen) && named:
		return w.sized(ctx, refusal)
	case err == nil, errors.Is(err, object.ErrTooLarge), errors.Is(err, object.ErrNotFound):
		return object.Info{}, refusal
	}
	return object.Info{}, fail(opPut, w.name, &fault{
		rule:   rule{is: object.ErrUnreachable, advice: "run it again"},
		detail: "an answer was lost, and what is there now cannot be read: " + err.Error(),
	})
}

// sized knows an object that lies in an archive class, and whose name says what its
// bytes must be, by its size.
func (w *writing) sized(ctx context.Context, refusal error) (object.Info, error) {
	info, err := w.Head(ctx, w.name)
	if err == nil && info.Size != int64(len(w.body)) {
		err = refusal
	}
	return info, err
}
