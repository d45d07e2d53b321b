package object_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"firn/internal/object"
	"firn/internal/object/objecttest"
)

// careless ignores conditions and hashes, and answers with success.
type careless struct{ object.Store }

func (c careless) Put(ctx context.Context, name string, body []byte, _ object.PutOptions) (object.Info, error) {
	return c.Store.Put(ctx, name, body, object.PutOptions{})
}

// racy honours IfAbsent, but looks first and writes then.
type racy struct{ object.Store }

func (r racy) Put(ctx context.Context, name string, body []byte, opts object.PutOptions) (object.Info, error) {
	if strings.HasSuffix(name, "/raced") {
		opts = object.PutOptions{}
	}
	return r.Store.Put(ctx, name, body, opts)
}

// createOnly is what a bucket's policy makes of a store that has to be written
// with the condition.
type createOnly struct{ object.Store }

func (c createOnly) Put(ctx context.Context, name string, body []byte, opts object.PutOptions) (object.Info, error) {
	if !opts.IfAbsent {
		return object.Info{}, &object.Error{Op: "put", Name: name, Err: object.ErrAccess}
	}
	return c.Store.Put(ctx, name, body, opts)
}

func TestProbe(t *testing.T) {
	all := object.Capabilities{IfAbsent: true, IfMatch: true, Attests: true}
	for _, c := range []struct {
		name  string
		store object.Store
		want  object.Capabilities
	}{
		{"memory", object.NewMem(), all},
		{"folder", openDir(t), object.Capabilities{IfAbsent: true, Attests: true}},
		{"unable", objecttest.Restrict(object.NewMem(), object.Capabilities{}), object.Capabilities{}},
		{"careless", careless{object.NewMem()}, object.Capabilities{}},
		{"racy", racy{object.NewMem()}, object.Capabilities{IfMatch: true, Attests: true}},
		{"create only", createOnly{object.NewMem()}, object.Capabilities{IfAbsent: true, Attests: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := object.Probe(t.Context(), c.store)
			if err != nil || got != c.want {
				t.Errorf("found %+v, %v; want %+v", got, err, c.want)
			}
			for info, err := range c.store.List(t.Context(), "") {
				t.Errorf("left behind: %v, %v", info.Name, err)
			}
		})
	}
}

func TestConfirm(t *testing.T) {
	for name, c := range map[string]struct {
		store object.Store
		want  bool
	}{
		"memory":   {object.NewMem(), true},
		"unable":   {objecttest.Restrict(object.NewMem(), object.Capabilities{}), false},
		"careless": {careless{object.NewMem()}, false},
		"racy":     {racy{object.NewMem()}, false},
	} {
		m := object.Meter(c.store)
		got, err := object.Confirm(t.Context(), m)
		if err != nil || got != c.want {
			t.Errorf("%s: found %v, %v; want %v", name, got, err, c.want)
		}
		if n := m.Counts().Requests(); n > 8 {
			t.Errorf("%s: it took %d requests", name, n)
		}
		for info, err := range c.store.List(t.Context(), "") {
			t.Errorf("%s: left behind: %v, %v", name, info.Name, err)
		}
	}
}

func TestProbeWithoutTheRightToDelete(t *testing.T) {
	f := objecttest.NewFault(object.NewMem(), 1, objecttest.Rule{Op: objecttest.Delete, Do: objecttest.Fail, Err: object.ErrAccess})
	got, err := object.Probe(t.Context(), f)
	if want := (object.Capabilities{IfAbsent: true, IfMatch: true, Attests: true}); err != nil || got != want {
		t.Errorf("found %+v, %v", got, err)
	}
}

func TestProbeFindsUnfitDrives(t *testing.T) {
	for _, c := range []struct {
		name string
		rule objecttest.Rule
		want error
	}{
		{"damage", objecttest.Rule{Op: objecttest.Get, Do: objecttest.Flip}, object.ErrCorrupt},
		{"short", objecttest.Rule{Op: objecttest.Put, Do: objecttest.Truncate, Bytes: 5}, object.ErrCorrupt},
		{"ranges", objecttest.Rule{Op: objecttest.GetRange, Do: objecttest.Flip}, object.ErrCorrupt},
		{"full", objecttest.Rule{Op: objecttest.Put, Do: objecttest.Fail, Err: object.ErrFull}, object.ErrFull},
		{"no listing", objecttest.Rule{Op: objecttest.List, Do: objecttest.Fail, Err: object.ErrAccess}, object.ErrAccess},
		{"late listing", objecttest.Rule{Op: objecttest.List, Do: objecttest.Stale, Lag: 1}, nil},
		{"not deleted", objecttest.Rule{Op: objecttest.Delete, Do: objecttest.Truncate, Err: object.ErrUnreachable}, object.ErrUnreachable},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := object.Probe(t.Context(), objecttest.NewFault(object.NewMem(), 1, c.rule))
			if err == nil || !errors.Is(err, c.want) && c.want != nil || got != (object.Capabilities{}) {
				t.Errorf("found %+v, %v; want %v", got, err, c.want)
			}
		})
	}
}

// TestProbeCleansUp stops the probe at each of its operations by ending its
// context, and expects nothing to be left.
func TestProbeCleansUp(t *testing.T) {
	for n, finished := 1, false; !finished; n++ {
		m := object.NewMem()
		ctx, cancel := context.WithCancel(t.Context())
		f := objecttest.NewFault(m, 1)
		_, err := object.Probe(ctx, cancelling{Store: f, at: n, operations: f.Operations, cancel: cancel})
		finished = err == nil
		cancel()
		for info, err := range m.List(t.Context(), "") {
			t.Errorf("ended at operation %d, it left %v, %v", n, info.Name, err)
		}
	}
}

// cancelling ends the caller's context with a certain operation.
type cancelling struct {
	object.Store
	at         int
	operations func() []objecttest.Operation
	cancel     context.CancelFunc
}

func (c cancelling) Put(ctx context.Context, name string, body []byte, opts object.PutOptions) (object.Info, error) {
	info, err := c.Store.Put(ctx, name, body, opts)
	if len(c.operations()) >= c.at {
		c.cancel()
	}
	return info, err
}
