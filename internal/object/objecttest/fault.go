package objecttest

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"

	"firn/internal/object"
)

// Operation is one recorded call of a Fault store.
type Operation struct {
	Number int // from 1, in the order of their beginning
	Op     Op
	Name   string // the object, the prefix, or the first of the names
	Names  int    // how many names a Delete had
	Bytes  int    // of the body sent or asked for
	Faults string // what was done to it, "" if nothing
}

// String is one line for a test's log.
func (o Operation) String() string {
	s := fmt.Sprintf("%d %s %s", o.Number, o.Op, o.Name)
	if o.Names > 1 {
		s += fmt.Sprintf(" and %d more", o.Names-1)
	}
	if o.Faults != "" {
		s += " [" + o.Faults + "]"
	}
	return s
}

// Fault is a Store that disturbs what goes through it by rules, and records
// it. With the same seed, rules and order of calls it does the same again.
// It is safe for concurrent use.
type Fault struct {
	inner object.Store

	mu       sync.Mutex
	random   *rand.Rand    // guarded by mu
	rules    []*activeRule // guarded by mu
	record   []Operation   // guarded by mu
	stopped  bool          // guarded by mu
	mutated  []mutation    // guarded by mu; kept only if a rule is Stale
	tracking bool          // guarded by mu; whether a rule is Stale
}

// NewFault wraps inner. When several rules apply to an operation, so do all
// their effects, up to the first that keeps it from being done.
func NewFault(inner object.Store, seed uint64, rules ...Rule) *Fault {
	f := &Fault{inner: inner, random: rand.New(rand.NewPCG(seed, seed))}
	f.Add(rules...)
	return f
}

// Add adds rules; they count operations from now on, except for Rule.At.
func (f *Fault) Add(rules ...Rule) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range rules {
		f.rules = append(f.rules, &activeRule{Rule: r})
		f.tracking = f.tracking || r.Do == Stale
	}
}

// Heal removes all rules and lets a stopped store go on.
func (f *Fault) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules, f.stopped, f.tracking, f.mutated = nil, false, false, nil
}

// Stop lets every later operation fail with ErrStopped.
func (f *Fault) Stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stopped = true
}

// Stopped says whether a rule or Stop has stopped the store.
func (f *Fault) Stopped() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stopped
}

// Operations returns all operations begun so far, in order.
func (f *Fault) Operations() []Operation {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.record)
}

// Get implements object.Store.
func (f *Fault) Get(ctx context.Context, name string, limit int64) ([]byte, object.Info, error) {
	v, err := f.judge(ctx, Get, 0, name)
	if err != nil {
		return nil, object.Info{}, err
	}
	body, info, err := f.inner.Get(ctx, name, limit)
	if err = v.answer(err); err != nil {
		return nil, object.Info{}, err
	}
	return v.spoil(body), info, nil
}

// GetRange implements object.Store.
func (f *Fault) GetRange(ctx context.Context, name string, p []byte, offset int64) error {
	v, err := f.judge(ctx, GetRange, len(p), name)
	if err != nil {
		return err
	}
	if v.cut >= 0 && v.cut < len(p) {
		return &object.Error{Op: string(Get), Name: name, Err: object.ErrShort}
	}
	if err := v.answer(f.inner.GetRange(ctx, name, p, offset)); err != nil {
		return err
	}
	v.spoil(p)
	return nil
}

// Head implements object.Store.
func (f *Fault) Head(ctx context.Context, name string) (object.Info, error) {
	v, err := f.judge(ctx, Head, 0, name)
	if err != nil {
		return object.Info{}, err
	}
	info, err := f.inner.Head(ctx, name)
	if err = v.answer(err); err != nil {
		return object.Info{}, err
	}
	return info, nil
}

// Put implements object.Store.
func (f *Fault) Put(ctx context.Context, name string, body []byte, opts object.PutOptions) (object.Info, error) {
	v, err := f.judge(ctx, Put, len(body), name)
	if err != nil {
		return object.Info{}, err
	}
	if v.flip || v.cut >= 0 {
		body = v.spoil(bytes.Clone(body))
		opts.SHA256 = nil
	}
	var info object.Info
	err = f.mutate(ctx, []string{name}, func() (err error) {
		info, err = f.inner.Put(ctx, name, body, opts)
		return err
	})
	if err = v.answer(err); err != nil {
		return object.Info{}, err
	}
	return info, nil
}

// Delete implements object.Store.
func (f *Fault) Delete(ctx context.Context, names ...string) error {
	v, err := f.judge(ctx, Delete, 0, names...)
	if err != nil {
		return err
	}
	if v.cut >= 0 && v.cut < len(names) {
		names, v.after = names[:v.cut], v.cutErr
	}
	return v.answer(f.mutate(ctx, names, func() error { return f.inner.Delete(ctx, names...) }))
}

// List implements object.Store.
func (f *Fault) List(ctx context.Context, prefix string) iter.Seq2[object.Info, error] {
	return func(yield func(object.Info, error) bool) {
		v, err := f.judge(ctx, List, 0, prefix)
		if err != nil {
			yield(object.Info{}, err)
			return
		}
		listing := f.inner.List(ctx, prefix)
		if v.lag > 0 {
			listing = f.asBefore(listing, prefix, v.lag)
		}
		broken(&v, listing)(yield)
	}
}

// Capabilities implements object.Store.
func (f *Fault) Capabilities() object.Capabilities { return f.inner.Capabilities() }

// Location implements object.Store.
func (f *Fault) Location() string { return f.inner.Location() }
