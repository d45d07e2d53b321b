package object

import (
	"context"
	"iter"
)

// The wrappers of this package, around a Thawer.

type retryingThawer struct {
	Thawer
	r *retrying
}

// WrapThawer retries what goes through a Thawer.
func (r *retrying) WrapThawer(t Thawer) Thawer { return retryingThawer{t, r} }

// Thaw implements Thawer. Asked twice, a server says that the copy is on its
// way, or extends it by what it was extended by: both are what was wanted.
func (t retryingThawer) Thaw(ctx context.Context, name string, req ThawRequest) error {
	return t.r.do(ctx, func() error { return t.Thawer.Thaw(ctx, name, req) })
}

// Frost implements Thawer.
func (t retryingThawer) Frost(ctx context.Context, name string) (f Frost, err error) {
	err = t.r.do(ctx, func() error {
		f, err = t.Thawer.Frost(ctx, name)
		return err
	})
	return f, err
}

// Frosts implements Thawer. It is begun anew as List is.
func (t retryingThawer) Frosts(ctx context.Context, prefix string) iter.Seq2[Frost, error] {
	return listAgain(ctx, t.r, func() iter.Seq2[Frost, error] { return t.Thawer.Frosts(ctx, prefix) })
}

type meteredThawer struct {
	Thawer
	m *Metered
}

// WrapThawer counts requests.
func (m *Metered) WrapThawer(t Thawer) Thawer { return meteredThawer{t, m} }

// Thaw implements Thawer.
func (t meteredThawer) Thaw(ctx context.Context, name string, req ThawRequest) error {
	t.m.thaw.Add(1)
	return t.Thawer.Thaw(ctx, name, req)
}

// Frost implements Thawer. It counts as Head.
func (t meteredThawer) Frost(ctx context.Context, name string) (Frost, error) {
	t.m.head.Add(1)
	return t.Thawer.Frost(ctx, name)
}

// Frosts implements Thawer. It counts as List, each time it is walked.
func (t meteredThawer) Frosts(ctx context.Context, prefix string) iter.Seq2[Frost, error] {
	return func(yield func(Frost, error) bool) {
		t.m.list.Add(1)
		t.Thawer.Frosts(ctx, prefix)(yield)
	}
}

type readOnlyThawer struct{ Thawer }

// WrapThawer refuses to thaw.
func (r readOnly) WrapThawer(t Thawer) Thawer { return readOnlyThawer{t} }

// Thaw implements Thawer.
func (readOnlyThawer) Thaw(_ context.Context, name string, _ ThawRequest) error {
	return fail("thaw", name, ErrReadOnly)
}
