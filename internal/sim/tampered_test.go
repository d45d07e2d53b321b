package sim

import (
	"context"
	"iter"
	"slices"
	"sync"

	"firn/internal/object"
)

// tampered is a store whose requests pass through functions; nil ones do nothing.
type tampered struct {
	object.Store
	before func(ctx context.Context, op, name string) error
	get    func(ctx context.Context, name string, limit int64) ([]byte, object.Info, error)
	put    func(ctx context.Context, name string, body []byte, opts object.PutOptions) (object.Info, error)
	delete func(ctx context.Context, names ...string) error
	list   func(ctx context.Context, prefix string) iter.Seq2[object.Info, error]
}

func (s *tampered) step(ctx context.Context, op, name string) error {
	if s.before == nil {
		return nil
	}
	return s.before(ctx, op, name)
}

func (s *tampered) Get(ctx context.Context, name string, limit int64) ([]byte, object.Info, error) {
	if err := s.step(ctx, "get", name); err != nil {
		return nil, object.Info{}, err
	}
	if s.get != nil {
		return s.get(ctx, name, limit)
	}
	return s.Store.Get(ctx, name, limit)
}

func (s *tampered) Put(ctx context.Context, name string, body []byte, opts object.PutOptions) (object.Info, error) {
	if err := s.step(ctx, "put", name); err != nil {
		return object.Info{}, err
	}
	if s.put != nil {
		return s.put(ctx, name, body, opts)
	}
	return s.Store.Put(ctx, name, body, opts)
}

func (s *tampered) Delete(ctx context.Context, names ...string) error {
	if s.delete != nil {
		return s.delete(ctx, names...)
	}
	return s.Store.Delete(ctx, names...)
}

func (s *tampered) List(ctx context.Context, prefix string) iter.Seq2[object.Info, error] {
	return func(yield func(object.Info, error) bool) {
		if err := s.step(ctx, "list", prefix); err != nil {
			yield(object.Info{}, err)
			return
		}
		listing := s.Store.List
		if s.list != nil {
			listing = s.list
		}
		for info, err := range listing(ctx, prefix) {
			if !yield(info, err) {
				return
			}
		}
	}
}

// nameSet is a set of names that several goroutines use.
type nameSet struct {
	mu    sync.Mutex
	names []string // guarded by mu
}

func (s *nameSet) add(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names = append(s.names, name)
}

func (s *nameSet) has(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.names, name)
}

// names lists what is there now.
func names(ctx context.Context, s object.Store, prefix string) (found []string, err error) {
	for info, err := range s.List(ctx, prefix) {
		if err != nil {
			return nil, err
		}
		found = append(found, info.Name)
	}
	return found, nil
}

// without hides objects from listings.
func without(s object.Store, prefix string, hidden func(name string) bool) func(context.Context, string) iter.Seq2[object.Info, error] {
	return func(ctx context.Context, asked string) iter.Seq2[object.Info, error] {
		if asked != prefix {
			return s.List(ctx, asked)
		}
		return func(yield func(object.Info, error) bool) {
			var infos []object.Info
			for info, err := range s.List(ctx, asked) {
				if err != nil {
					yield(info, err)
					return
				}
				infos = append(infos, info)
			}
			for _, info := range infos {
				if !hidden(info.Name) && !yield(info, nil) {
					return
				}
			}
		}
	}
}
