package object

import (
	"context"
	"errors"
)

// WrapCopier makes attempts as Retry says of a conditional Put: a copy whose
// answer was lost may have been made, and have another ETag now.
func (r *retrying) WrapCopier(c Copier) Copier {
	return CopyFunc(func(ctx context.Context, name string, opts CopyOptions) error {
		attempts := 0
		return r.do(ctx, func() error {
			attempts++
			err := c.Copy(ctx, name, opts)
			if attempts > 1 && errors.Is(err, ErrChanged) {
				if now, headErr := r.Store.Head(ctx, name); headErr == nil && opts.Class != "" && now.Class == opts.Class {
					return nil
				}
			}
			return err
		})
	})
}

// WrapCopier counts copies.
func (m *Metered) WrapCopier(c Copier) Copier {
	return CopyFunc(func(ctx context.Context, name string, opts CopyOptions) error {
		m.copied.Add(1)
		return c.Copy(ctx, name, opts)
	})
}

// WrapCopier refuses to copy.
func (r readOnly) WrapCopier(Copier) Copier {
	return CopyFunc(func(_ context.Context, name string, _ CopyOptions) error {
		return fail("copy", name, ErrReadOnly)
	})
}
