package objecttest

import (
	"errors"
	"testing"

	"firn/internal/object"
)

// RunCopier tests that a store keeps the contract of object.Copier. open returns
// an empty store of its own for each test; class is one that it has.
func RunCopier(t *testing.T, class string, open func(t *testing.T) object.Store) {
	s := open(t)
	copier, ok := object.CopierOf(s)
	if !ok {
		t.Fatal("no Copier is found")
	}
	before, err := s.Put(t.Context(), "p/a b", []byte("body"), object.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what, name string
		opts       object.CopyOptions
		want       error
	}{
		{"absent", "p/b", object.CopyOptions{Class: class}, object.ErrNotFound},
		{"another ETag", "p/a b", object.CopyOptions{Class: class, IfMatch: "0123456789abcdef0123456789abcdef"}, object.ErrChanged},
		{"its ETag", "p/a b", object.CopyOptions{Class: class, IfMatch: before.ETag}, nil},
		{"any", "p/a b", object.CopyOptions{Class: class}, nil},
		{"no class", "p/a b", object.CopyOptions{}, nil},
		{"no name", "p//a", object.CopyOptions{}, object.ErrName},
	} {
		if err := copier.Copy(t.Context(), c.name, c.opts); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
		if c.want == nil {
			if info, err := s.Head(t.Context(), c.name); err != nil || info.Class != c.opts.Class && c.opts.Class != "" {
				t.Errorf("%s: %+v, %v", c.what, info, err)
			}
		}
		body, _, err := s.Get(t.Context(), "p/a b", 100)
		if err != nil || string(body) != "body" {
			t.Fatalf("%s: the object holds %q, %v", c.what, body, err)
		}
	}
	readOnly, _ := object.CopierOf(object.ReadOnly(s))
	if err := readOnly.Copy(t.Context(), "p/a b", object.CopyOptions{}); !errors.Is(err, object.ErrReadOnly) {
		t.Errorf("read-only: %v", err)
	}
}
