package sim

import (
	"context"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/object/objecttest"
	"firn/internal/repo"
	"firn/internal/seal"
)

// readFirst writes the session object only when the records have been read.
func readFirst(c *client, s object.Store) object.Store {
	var mu sync.Mutex // guards held
	var held func() error
	t := &tampered{Store: s}
	t.before = func(_ context.Context, _, name string) error {
		mu.Lock()
		put := held
		if put == nil || strings.HasPrefix(name, "g/") {
			mu.Unlock()
			return nil
		}
		held = nil
		mu.Unlock()
		return put()
	}
	t.put = func(ctx context.Context, name string, body []byte, opts object.PutOptions) (object.Info, error) {
		if c.doing != "backup" || !strings.HasPrefix(name, "s/") {
			return s.Put(ctx, name, body, opts)
		}
		mu.Lock()
		defer mu.Unlock()
		held = func() error {
			time.Sleep(20 * time.Minute)
			_, err := s.Put(ctx, name, body, opts)
			return err
		}
		return object.Info{Name: name, Size: int64(len(body))}, nil
	}
	return t
}

// noSecondMark has pruners decide by what they saw before they wrote their record.
func noSecondMark(c *client, s object.Store) object.Store {
	seen := map[string][]object.Info{}
	written := false
	t := &tampered{Store: s}
	t.put = func(ctx context.Context, name string, body []byte, opts object.PutOptions) (object.Info, error) {
		if isPrune(c) && strings.HasPrefix(name, "g/") {
			written = !strings.HasSuffix(name, ".s")
		}
		return s.Put(ctx, name, body, opts)
	}
	t.list = func(ctx context.Context, prefix string) iter.Seq2[object.Info, error] {
		return func(yield func(object.Info, error) bool) {
			if !written || prefix != "m/" && prefix != "x/" {
				seen[prefix] = nil
				for info, err := range s.List(ctx, prefix) {
					seen[prefix] = append(seen[prefix], info)
					if !yield(info, err) {
						return
					}
				}
				return
			}
			for _, info := range seen[prefix] {
				if !yield(info, nil) {
					return
				}
			}
		}
	}
	return t
}

// noFence has pruners take silent sessions for closed.
func noFence(c *client, s object.Store) object.Store {
	t := &tampered{Store: s}
	t.put = func(ctx context.Context, name string, body []byte, opts object.PutOptions) (object.Info, error) {
		if isPrune(c) && strings.HasPrefix(name, "m/") {
			return object.Info{Name: name}, nil
		}
		return s.Put(ctx, name, body, opts)
	}
	return t
}

// overwrite ignores conditions and does tombstones late.
func overwrite(whose func(*client) bool) func(c *client, s object.Store) object.Store {
	return func(c *client, s object.Store) object.Store {
		t := &tampered{Store: s}
		t.put = func(ctx context.Context, name string, body []byte, opts object.PutOptions) (object.Info, error) {
			if whose(c) && strings.HasPrefix(name, "m/") {
				opts.IfAbsent = false
				if isPrune(c) {
					time.Sleep(6 * time.Hour)
				}
			}
			return s.Put(ctx, name, body, opts)
		}
		return t
	}
}

// deleteAll has a merge delete all other segments there are.
func deleteAll(c *client, s object.Store) object.Store {
	return atMerge(c, s, func(ctx context.Context, name string, put func() error) error {
		if err := put(); err != nil {
			return err
		}
		time.Sleep(10 * time.Second)
		all, err := names(ctx, s, "x/")
		if err != nil {
			return err
		}
		return s.Delete(ctx, slices.DeleteFunc(all, func(other string) bool { return other == name })...)
	})
}

// deleteInputs has a merge delete the segments it listed before it writes, and stop in
// between at times.
func deleteInputs(c *client, s object.Store) object.Store {
	return atMerge(c, s, func(ctx context.Context, _ string, put func() error) error {
		all, err := names(ctx, s, "x/")
		if err != nil {
			return err
		}
		if err := s.Delete(ctx, all...); err != nil {
			return err
		}
		if c.random.IntN(2) == 0 {
			return objecttest.ErrStopped
		}
		return put()
	})
}

// atMerge does something else when a pruner writes a merged segment: one that it has
// written no packs for.
func atMerge(c *client, s object.Store, merge func(ctx context.Context, name string, put func() error) error) object.Store {
	t := &tampered{Store: s}
	var packs atomic.Bool
	t.put = func(ctx context.Context, name string, body []byte, opts object.PutOptions) (info object.Info, err error) {
		if strings.HasPrefix(name, "p/") || strings.HasPrefix(name, "q/") {
			packs.Store(true)
		}
		put := func() error {
			info, err = s.Put(ctx, name, body, opts)
			return err
		}
		if !isPrune(c) || !strings.HasPrefix(name, "x/") || packs.Swap(false) {
			err = put()
			return info, err
		}
		err = merge(ctx, name, put)
		return info, err
	}
	return t
}

// retireEarly retires settled records as soon as packs were deleted.
func retireEarly(c *client, s object.Store) object.Store {
	t := &tampered{Store: s}
	t.delete = func(ctx context.Context, gone ...string) error {
		if err := s.Delete(ctx, gone...); err != nil || !strings.HasPrefix(gone[0], "p/") && !strings.HasPrefix(gone[0], "q/") {
			return err
		}
		records, err := names(ctx, s, "g/")
		if err != nil {
			return err
		}
		for _, name := range records {
			if record, settled := strings.CutSuffix(name, ".s"); settled {
				if err := s.Delete(ctx, record, name); err != nil {
					return err
				}
			}
		}
		return nil
	}
	return t
}

// keepForgotten has backups read records without what they forget. The maintainers
// are one host here, so that their records can be sealed anew.
func keepForgotten() func(c *client, s object.Store) object.Store {
	var begin sync.Once
	var keys *seal.Keyring
	return func(c *client, s object.Store) object.Store {
		maintainers := filepath.Join(c.world.caches, "maintainers")
		begin.Do(func() {
			err := machine{cache: maintainers}.with(context.Background(), c.world.store(), func(r *repo.Repository) error {
				keys = r.Keys()
				return nil
			})
			if err != nil {
				c.world.model.fail("plant: %v", err)
			}
		})
		t := &tampered{Store: s}
		if c.doing != "backup" {
			c.cache = maintainers
			return t
		}
		c.cache = c.ownCache() // has the parent's pages, whatever becomes of their packs
		t.get = func(ctx context.Context, name string, limit int64) ([]byte, object.Info, error) {
			body, info, err := s.Get(ctx, name, limit)
			if err == nil && strings.HasPrefix(name, "g/") && !strings.HasSuffix(name, ".s") {
				body, err = forgetNothing(keys, name, body)
			}
			return body, info, err
		}
		return t
	}
}

// forgetNothing seals a record anew without what it forgets.
func forgetNothing(keys *seal.Keyring, name string, body []byte) ([]byte, error) {
	opened, err := keys.OpenRecord(name, body)
	if err != nil {
		return nil, err
	}
	var record format.Record
	if err := record.Decode(opened.Body); err != nil {
		return nil, err
	}
	record.Forgotten = nil
	return keys.SealRecord(format.KindRecord, name, record.Append(nil))
}

// hidePrunes hides from pruners what others condemn.
func hidePrunes() func(c *client, s object.Store) object.Store {
	var forgets nameSet
	return func(c *client, s object.Store) object.Store {
		var mine nameSet
		t := &tampered{Store: s}
		t.put = func(ctx context.Context, name string, body []byte, opts object.PutOptions) (object.Info, error) {
			mine.add(name)
			if c.doing == "forget" {
				forgets.add(name)
			}
			return s.Put(ctx, name, body, opts)
		}
		if isPrune(c) {
			t.list = without(s, "g/", func(name string) bool {
				record := strings.TrimSuffix(name, ".s")
				return !mine.has(record) && !forgets.has(record)
			})
		}
		return t
	}
}
