package objecttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"firn/internal/object"
)

// script is a sequence of operations with their expected outcomes, to be read
// from top to bottom. It ends at the first that comes out differently.
type script []step

type step struct {
	what string
	do   func(ctx context.Context, st *stage) error
	want error // sentinel; nil for success
}

// stage is where a script is played.
type stage struct {
	store object.Store
	tags  map[string]string // remembered ETags by label
}

// fails is the same step with another outcome.
func (s step) fails(want error) step {
	s.want = want
	return s
}

func (sc script) play(t *testing.T, s object.Store) {
	t.Helper()
	st := &stage{store: s, tags: make(map[string]string)}
	for i, step := range sc {
		err := step.do(t.Context(), st)
		if step.want == nil && err != nil || !errors.Is(err, step.want) {
			t.Fatalf("step %d, %s: %v; want %v", i+1, step.what, err, step.want)
		}
		var typed *object.Error
		if step.want != nil && (!errors.As(err, &typed) || typed.Op == "") {
			t.Fatalf("step %d, %s: %#v is not an *object.Error with an Op", i+1, step.what, err)
		}
	}
}

// put overwrites.
func put(name, body string) step {
	return putWith("put", name, body, func(*stage) object.PutOptions { return object.PutOptions{} })
}

// create writes only if the name is free.
func create(name, body string) step {
	return putWith("create", name, body, func(*stage) object.PutOptions { return object.PutOptions{IfAbsent: true} })
}

// swap writes only if the object has the ETag remembered as label.
func swap(name, body, label string) step {
	return putWith("swap", name, body, func(st *stage) object.PutOptions {
		return object.PutOptions{IfMatch: st.tags[label]}
	})
}

// putWith writes with any options.
func putWith(verb, name, body string, options func(*stage) object.PutOptions) step {
	return step{what: fmt.Sprintf("%s %q", verb, name), do: func(ctx context.Context, st *stage) error {
		info, err := st.store.Put(ctx, name, []byte(body), options(st))
		if err == nil && (info.Name != name || info.Size != int64(len(body))) {
			return fmt.Errorf("put returned %+v", info)
		}
		return err
	}}
}

// get expects the whole body.
func get(name, want string) step {
	return step{what: fmt.Sprintf("get %q", name), do: func(ctx context.Context, st *stage) error {
		body, info, err := st.store.Get(ctx, name, int64(len(want)))
		if err != nil {
			return err
		}
		if string(body) != want || info.Name != name || info.Size != int64(len(want)) {
			return fmt.Errorf("got %.40q with %+v", body, info)
		}
		return nil
	}}
}

// getWithin gets with a limit.
func getWithin(limit int64, name string) step {
	return step{what: fmt.Sprintf("get %q within %d bytes", name, limit), do: func(ctx context.Context, st *stage) error {
		_, _, err := st.store.Get(ctx, name, limit)
		return err
	}}
}

// part expects the bytes from offset on to be want.
func part(name string, offset int64, want string) step {
	return step{what: fmt.Sprintf("get %d bytes of %q from %d on", len(want), name, offset),
		do: func(ctx context.Context, st *stage) error {
			p := bytes.Repeat([]byte{'?'}, len(want))
			if err := st.store.GetRange(ctx, name, p, offset); err != nil {
				return err
			}
			if string(p) != want {
				return fmt.Errorf("got %q", p)
			}
			return nil
		}}
}

// head expects a size.
func head(name string, size int64) step {
	return step{what: fmt.Sprintf("head %q", name), do: func(ctx context.Context, st *stage) error {
		info, err := st.store.Head(ctx, name)
		if err == nil && (info.Name != name || info.Size != size) {
			return fmt.Errorf("head returned %+v", info)
		}
		return err
	}}
}

// gone expects an object to be absent in every way.
func gone(name string) step {
	return step{what: fmt.Sprintf("look for %q, which should be absent", name), do: func(ctx context.Context, st *stage) error {
		_, headErr := st.store.Head(ctx, name)
		_, _, getErr := st.store.Get(ctx, name, 1<<20)
		rangeErr := st.store.GetRange(ctx, name, make([]byte, 1), 0)
		for _, err := range []error{headErr, getErr, rangeErr} {
			if !errors.Is(err, object.ErrNotFound) {
				return fmt.Errorf("head: %v, get: %v, range: %v", headErr, getErr, rangeErr)
			}
		}
		return nil
	}}
}

// remove deletes.
func remove(names ...string) step {
	return step{what: "delete " + strings.Join(names, " "), do: func(ctx context.Context, st *stage) error {
		return st.store.Delete(ctx, names...)
	}}
}

// list expects exactly these names under prefix, in any order.
func list(prefix string, want ...string) step {
	return step{what: fmt.Sprintf("list %q", prefix), do: func(ctx context.Context, st *stage) error {
		got, err := namesUnder(ctx, st.store, prefix)
		if err != nil {
			return err
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			return fmt.Errorf("got %q, want %q", got, want)
		}
		return nil
	}}
}

// remember keeps an object's present ETag under a label.
func remember(name, label string) step {
	return step{what: fmt.Sprintf("remember %q", name), do: func(ctx context.Context, st *stage) error {
		info, err := st.store.Head(ctx, name)
		st.tags[label] = info.ETag
		return err
	}}
}

// namesUnder returns what is listed, sorted.
func namesUnder(ctx context.Context, s object.Store, prefix string) ([]string, error) {
	var names []string
	for info, err := range s.List(ctx, prefix) {
		if err != nil {
			return nil, err
		}
		names = append(names, info.Name)
	}
	slices.Sort(names)
	return names, nil
}
