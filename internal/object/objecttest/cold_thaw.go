package objecttest

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"firn/internal/object"
)

// refusals are what S3's answers mean; those that are no failures are missing.
var refusals = map[error]error{
	refusedAbsent: object.ErrNotFound, refusedTier: object.ErrUnsupported, refusedCapacity: object.ErrNoCapacity,
}

// Thaw implements object.Thawer.
func (c *Cold) Thaw(ctx context.Context, name string, req object.ThawRequest) error {
	c.count(func(r *Requests) { r.Thaw++ })
	if err := ctx.Err(); err != nil {
		return wrap(Thaw, []string{name}, err)
	}
	days := max(1, req.Days)
	lies, known := c.Look(name)
	if !known {
		if _, err := c.inner.Head(ctx, name); !errors.Is(err, object.ErrNotFound) {
			return err // it lay here before there were classes
		}
	}
	if lies.Class == Tiering {
		days = 0
	}
	_, err := c.Restore(name, req.Tier, days)
	if is := refusals[err]; is != nil {
		return wrap(Thaw, []string{name}, fmt.Errorf("%w: %w", is, err))
	}
	return nil
}

// Frost implements object.Thawer.
func (c *Cold) Frost(ctx context.Context, name string) (object.Frost, error) {
	info, err := c.Head(ctx, name)
	return c.frost(info), err
}

// frost says how an object stands.
func (c *Cold) frost(info object.Info) object.Frost {
	lies, _ := c.Look(info.Name)
	return object.Frost{Info: info, Frozen: lies.Frozen, Asked: lies.Asked, Until: lies.Until}
}

// Frosts implements object.Thawer. Of objects of Tiering it does not tell whether
// they are frozen, as S3 does not.
func (c *Cold) Frosts(ctx context.Context, prefix string) iter.Seq2[object.Frost, error] {
	return func(yield func(object.Frost, error) bool) {
		c.mu.Lock()
		hides := c.hides
		c.mu.Unlock()
		if hides {
			yield(object.Frost{}, wrap(List, []string{prefix}, object.ErrUnsupported))
			return
		}
		for info, err := range c.List(ctx, prefix) {
			f := c.frost(info)
			if f.Class == Tiering {
				f.Frozen, f.Unsure = false, true
			}
			if !yield(f, err) || err != nil {
				return
			}
		}
	}
}
