package objecttest

import (
	"context"
	"iter"

	"firn/internal/object"
)

// Wrapped implements object.Wrapper.
func (f *Fault) Wrapped() object.Store { return f.inner }

// WrapCopier disturbs copies. A Truncate has no effect on them.
func (f *Fault) WrapCopier(c object.Copier) object.Copier {
	return object.CopyFunc(func(ctx context.Context, name string, opts object.CopyOptions) error {
		v, err := f.judge(ctx, Copy, 0, name)
		if err != nil {
			return err
		}
		return v.answer(f.mutate(ctx, []string{name}, func() error { return c.Copy(ctx, name, opts) }))
	})
}

// WrapThawer disturbs what goes through a Thawer.
func (f *Fault) WrapThawer(t object.Thawer) object.Thawer { return faultyThawer{t, f} }

type faultyThawer struct {
	object.Thawer
	f *Fault
}

// Thaw implements object.Thawer.
func (t faultyThawer) Thaw(ctx context.Context, name string, req object.ThawRequest) error {
	v, err := t.f.judge(ctx, Thaw, 0, name)
	if err != nil {
		return err
	}
	return v.answer(t.Thawer.Thaw(ctx, name, req))
}

// Frost implements object.Thawer.
func (t faultyThawer) Frost(ctx context.Context, name string) (object.Frost, error) {
	v, err := t.f.judge(ctx, Frost, 0, name)
	if err != nil {
		return object.Frost{}, err
	}
	frost, err := t.Thawer.Frost(ctx, name)
	return frost, v.answer(err)
}

// Frosts implements object.Thawer.
func (t faultyThawer) Frosts(ctx context.Context, prefix string) iter.Seq2[object.Frost, error] {
	return func(yield func(object.Frost, error) bool) {
		v, err := t.f.judge(ctx, Frosts, 0, prefix)
		if err != nil {
			yield(object.Frost{}, err)
			return
		}
		broken(&v, t.Thawer.Frosts(ctx, prefix))(yield)
	}
}

// broken cuts a listing as a verdict says.
func broken[T any](v *verdict, listing iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yielded := 0
		for found, err := range listing {
			if err == nil && yielded == v.cut {
				err = v.cutErr
			}
			if err != nil {
				yield(none, err)
				return
			}
			if !yield(found, nil) {
				return
			}
			yielded++
		}
		if v.after != nil {
			yield(none, v.after)
		}
	}
}
