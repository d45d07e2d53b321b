package objecttest

import (
	"context"
	"iter"
	"slices"
	"strings"

	"firn/internal/object"
)

// mutation remembers what an object was like before an operation changed it.
type mutation struct {
	name    string
	existed bool
	before  object.Info
}

// mutate runs a change of the named objects. If listings may be stale it
// remembers what they were like before; concurrent changes of one object are
// then remembered in some order.
func (f *Fault) mutate(ctx context.Context, names []string, change func() error) error {
	f.mu.Lock()
	tracking := f.tracking
	f.mu.Unlock()
	if !tracking {
		return change()
	}
	undo := make([]mutation, 0, len(names))
	for _, name := range names {
		info, err := f.inner.Head(ctx, name)
		undo = append(undo, mutation{name: name, existed: err == nil, before: info})
	}
	err := change()
	if err == nil {
		f.mu.Lock()
		f.mutated = append(f.mutated, undo...)
		f.mu.Unlock()
	}
	return err
}

// asBefore turns a listing into what it was lag mutations ago.
func (f *Fault) asBefore(now iter.Seq2[object.Info, error], prefix string, lag int) iter.Seq2[object.Info, error] {
	f.mu.Lock()
	recent := slices.Clone(f.mutated[max(0, len(f.mutated)-lag):])
	f.mu.Unlock()
	return func(yield func(object.Info, error) bool) {
		changed := make(map[string]bool, len(recent))
		var past []object.Info
		for _, m := range recent { // the first change of a name knows what it was like before all of them
			if m.existed && !changed[m.name] && strings.HasPrefix(m.name, prefix) {
				past = append(past, m.before)
			}
			changed[m.name] = true
		}
		for info, err := range now {
			if err == nil && changed[info.Name] {
				continue
			}
			if !yield(info, err) || err != nil {
				return
			}
		}
		for _, info := range past {
			if !yield(info, nil) {
				return
			}
		}
	}
}
