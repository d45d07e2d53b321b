package objecttest

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"

	"firn/internal/object"
)

// Cold is a Store with archive classes, by a Freezer and over another store: what
// is put into one, or sinks into one by Transition, cannot be read until it was
// thawed. It counts requests, and names the objects that were read in vain, of
// which there should be none.
type Cold struct {
	inner object.Store
	*Freezer

	mu     sync.Mutex
	hides  bool     // guarded by mu; listings do not tell of copies
	counts Requests // guarded by mu
	vain   []string // guarded by mu; frozen objects that were to be read
}

// Requests are what a Cold store was asked, as S3 counts it.
type Requests struct {
	Get, Head, Put, Copy, Delete int
	List                         int // pages of a thousand objects
	Thaw                         int
	BytesIn                      int64 // read from the store
}

// NewCold puts archive classes around a store, which go by clock, nil being the
// time of day. Objects that are there already are in none.
func NewCold(inner object.Store, clock *Clock) *Cold {
	return &Cold{inner: inner, Freezer: NewFreezer(clock.Now)}
}

// Hide has listings tell nothing of copies, as those of many servers.
func (c *Cold) Hide() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hides = true
}

// Transition moves all objects under prefix into a class, as a lifecycle rule
// does. An archive tier of Tiering stands for the class too.
func (c *Cold) Transition(ctx context.Context, prefix, class string) error {
	for info, err := range c.inner.List(ctx, prefix) {
		if err != nil {
			return fmt.Errorf("move to %s: %w", class, err)
		}
		c.Lay(info.Name, class)
	}
	return nil
}

// Requests returns what was asked so far.
func (c *Cold) Requests() Requests {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts
}

// Vain returns the names of frozen objects that were to be read, in order.
func (c *Cold) Vain() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.vain)
}

// count changes the counts.
func (c *Cold) count(change func(*Requests)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.counts)
}

// warm is ErrFrozen for an object that cannot be read.
func (c *Cold) warm(op Op, name string) error {
	lies, known := c.Look(name)
	if !known || lies.Readable() {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.vain = append(c.vain, name)
	return &object.Error{Op: string(op), Name: name, Err: object.ErrFrozen, Advice: "thaw it first"}
}

// classed gives an object the class that it lies in.
func (c *Cold) classed(info object.Info) object.Info {
	if lies, known := c.Look(info.Name); known {
		info.Class = lies.Class
	}
	return info
}

// Get implements object.Store.
func (c *Cold) Get(ctx context.Context, name string, limit int64) ([]byte, object.Info, error) {
	c.count(func(r *Requests) { r.Get++ })
	if err := c.warm(Get, name); err != nil {
		return nil, object.Info{}, err
	}
	body, info, err := c.inner.Get(ctx, name, limit)
	c.count(func(r *Requests) { r.BytesIn += int64(len(body)) })
	return body, c.classed(info), err
}

// GetRange implements object.Store.
func (c *Cold) GetRange(ctx context.Context, name string, p []byte, offset int64) error {
	c.count(func(r *Requests) { r.Get++ })
	if err := c.warm(Get, name); err != nil {
		return err
	}
	c.count(func(r *Requests) { r.BytesIn += int64(len(p)) })
	return c.inner.GetRange(ctx, name, p, offset)
}

// Head implements object.Store.
func (c *Cold) Head(ctx context.Context, name string) (object.Info, error) {
	c.count(func(r *Requests) { r.Head++ })
	info, err := c.inner.Head(ctx, name)
	return c.classed(info), err
}

// Put implements object.Store.
func (c *Cold) Put(ctx context.Context, name string, body []byte, opts object.PutOptions) (object.Info, error) {
	c.count(func(r *Requests) { r.Put++ })
	info, err := c.inner.Put(ctx, name, body, opts)
	if err == nil {
		c.Lay(name, opts.Class)
	}
	return c.classed(info), err
}

// Copy implements object.Copier.
func (c *Cold) Copy(ctx context.Context, name string, opts object.CopyOptions) error {
	c.count(func(r *Requests) { r.Copy++ })
	if err := c.warm(Copy, name); err != nil {
		return err
	}
	inner, ok := object.CopierOf(c.inner)
	if !ok {
		return &object.Error{Op: string(Copy), Name: name, Err: object.ErrUnsupported}
	}
	err := inner.Copy(ctx, name, opts)
	if err == nil {
		c.Lay(name, opts.Class)
	}
	return err
}

// Delete implements object.Store. It counts what is deleted in one request.
func (c *Cold) Delete(ctx context.Context, names ...string) error {
	c.count(func(r *Requests) { r.Delete += pages(len(names)) })
	err := c.inner.Delete(ctx, names...)
	if err == nil {
		for _, name := range names {
			c.Forget(name)
		}
	}
	return err
}

// pages is how many requests n objects take of a thousand.
func pages(n int) int { return (n + 999) / 1000 }

// List implements object.Store.
func (c *Cold) List(ctx context.Context, prefix string) iter.Seq2[object.Info, error] {
	return func(yield func(object.Info, error) bool) {
		n := 0
		for info, err := range c.inner.List(ctx, prefix) {
			if n%1000 == 0 {
				c.count(func(r *Requests) { r.List++ })
			}
			n++
			if !yield(c.classed(info), err) || err != nil {
				return
			}
		}
		if n == 0 {
			c.count(func(r *Requests) { r.List++ })
		}
	}
}

// Capabilities implements object.Store.
func (c *Cold) Capabilities() object.Capabilities { return c.inner.Capabilities() }

// Location implements object.Store.
func (c *Cold) Location() string { return c.inner.Location() }
