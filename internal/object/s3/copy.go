package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"firn/internal/object"
)

const opCopy = "copy"

// The headers of a copy.
const (
	headerSource      = "X-Amz-Copy-Source"
	headerSourceMatch = "X-Amz-Copy-Source-If-Match"
)

// Copy implements object.Copier: one request, in which the object's metadata are
// replaced by those of a Put, since servers refuse to copy an object onto itself
// with nothing changed. It takes the rights of reading and of writing it.
func (s *Store) Copy(ctx context.Context, name string, opts object.CopyOptions) error {
	if err := s.begin(ctx, opCopy, name, true); err != nil {
		return err
	}
	c := copying{Store: s, name: name, opts: opts}
	if c.opts.Size <= 0 {
		info, err := s.Head(ctx, name)
		if err != nil {
			return err
		}
		c.opts.Size = info.Size
	}
	if c.opts.Size > object.MaxCopy {
		return fail(opCopy, name, fmt.Errorf("%w: %d bytes, at most %d can be copied", object.ErrTooLarge, c.opts.Size, int64(object.MaxCopy)))
	}
	if err := c.prepare(); err != nil {
		return fail(opCopy, name, err)
	}
	err := s.call(ctx, opCopy, name, 0, c.attempt)
	if errors.Is(err, object.ErrChanged) && c.doubtful {
		return c.resolve(ctx, err)
	}
	return err
}

// copying is one Copy under way.
type copying struct {
	*Store
	name     string
	opts     object.CopyOptions
	class    string
	asked    http.Header
	doubtful bool // an earlier attempt may have succeeded
}

func (c *copying) prepare() error {
	params, err := c.paramsOf(c.name, c.opts.Class)
	if err != nil {
		return err
	}
	c.class, c.asked = params.Class, params.headers(c.customer)
	set := func(name, value string) {
		if value != "" {
			c.asked.Set(name, value)
		}
	}
	set("X-Amz-Storage-Class", params.Class)
	set("X-Amz-Metadata-Directive", "REPLACE")
	set("Content-Type", "application/octet-stream") // as Put's
	if params.Tags != "" {
		set("X-Amz-Tagging-Directive", "REPLACE")
	}
	if tag := c.opts.IfMatch; tag != "" {
		if c.redress.conditions != Unquoted {
			tag = `"` + tag + `"`
		}
		set(headerSourceMatch, tag)
	}
	return nil
}

// attempt copies once.
func (c *copying) attempt(ctx context.Context, x *exchange) error {
	x.works(c.opts.Size)
	err := c.copyOnto(ctx, x)
	switch {
	case err == nil && x.status/100 == 2:
		return nil
	case x.status == http.StatusPreconditionFailed:
		return &fault{rule: rule{is: object.ErrChanged}}
	case err == nil:
		err = wrongAnswer(fmt.Sprintf("status %d", x.status))
	}
	if !x.refused() {
		c.doubtful = true
	}
	return err
}

// copyOnto sends the request, with the customer's key to read with, if there is
// one. Objects written without it, which servers refuse to open with it, are
// copied without.
func (c *copying) copyOnto(ctx context.Context, x *exchange) error {
	client := c.client.(thaws)
	if c.customer != nil {
		with := c.asked.Clone()
		key := http.Header{}
		c.customer.mark(key)
		for name, values := range key {
			with[headerSource+"-"+strings.TrimPrefix(name, "X-Amz-")] = values
		}
		if err := client.copyOnto(ctx, c.key(c.name), with); err == nil || x.status != http.StatusBadRequest {
			return err
		}
		x.renew()
	}
	return client.copyOnto(ctx, c.key(c.name), c.asked)
}

// resolve finds out whether the object that has another ETag than asked for is
// the copy of an earlier attempt, by its class. refusal is what to say if it is
// not.
func (c *copying) resolve(ctx context.Context, refusal error) error {
	info, err := c.Head(ctx, c.name)
	switch {
	case err != nil:
		return err
	case c.class != "" && info.Class == c.class && info.Size == c.opts.Size:
		return nil
	}
	return refusal
}
