package objecttest

import (
	"context"

	"firn/internal/object"
)

// Restrict wraps s so that it has only those conditions that allowed has as
// well, and refuses the others with ErrUnsupported.
func Restrict(s object.Store, allowed object.Capabilities) object.Store {
	return restricted{Store: s, allowed: allowed}
}

type restricted struct {
	object.Store
	allowed object.Capabilities
}

func (r restricted) Put(ctx context.Context, name string, body []byte, opts object.PutOptions) (object.Info, error) {
	can := r.Capabilities()
	if opts.IfAbsent && !can.IfAbsent || opts.IfMatch != "" && !can.IfMatch || !opts.RetainUntil.IsZero() && !can.Retain {
		return object.Info{}, &object.Error{Op: string(Put), Name: name, Err: object.ErrUnsupported}
	}
	if !can.Attests {
		opts.SHA256 = nil
	}
	return r.Store.Put(ctx, name, body, opts)
}

func (r restricted) Capabilities() object.Capabilities {
	c, a := r.Store.Capabilities(), r.allowed
	c.IfAbsent = c.IfAbsent && a.IfAbsent
	c.IfMatch = c.IfMatch && a.IfMatch
	c.Versions = c.Versions && a.Versions
	c.Retain = c.Retain && a.Retain
	c.Attests = c.Attests && a.Attests
	return c
}

// Wrapped implements object.Wrapper.
func (r restricted) Wrapped() object.Store { return r.Store }
