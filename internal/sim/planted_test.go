//go:build sim

package sim

import (
	"context"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/seal"
)

// plants are bugs put between the clients and the drive: each makes the real code
// break one rule of the protocol. The simulation must find them all.
var plants = []struct {
	name   string
	change func(w *world)
}{
	{"records are read before the session is written", func(w *world) { w.plant = readFirst }},
	{"no second mark", func(w *world) { w.plant, w.prune.Wait = noSecondMark, time.Hour }},
	{"sessions expire without a fence", func(w *world) { w.plant = noFence; stalls(w) }},
	{"tombstones overwrite", func(w *world) { w.plant = overwrite(isPrune); stalls(w) }},
	{"the server ignores conditions silently", func(w *world) { w.plant = overwrite(isAny); stalls(w) }},
	{"no wait between fence and decision", func(w *world) { w.prune.FenceWait = time.Nanosecond; w.server.faults.conditional = false; stalls(w) }},
	{"a merge deletes what a torn listing missed", func(w *world) { w.plant = deleteAll }},
	{"a merge deletes its inputs first", func(w *world) { w.plant = deleteInputs; w.server.faults.crash = 0.01 }},
	{"records are retired too early", func(w *world) { w.plant = retireEarly }},
	{"a forgotten parent is inherited from", func(w *world) { w.plant, w.prune.Grace, w.pauses = keepForgotten, time.Hour, paces[1] }},
	{"pruners do not see each other", func(w *world) { w.plant = hidePrunes() }},
}

// stalls has machines sleep often, about as long as it takes to be fenced, and the
// others be there when they wake.
func stalls(w *world) { w.server.faults.stall, w.pauses = 0.02, paces[1] }

func isPrune(c *client) bool { return c.doing == "prune" }
func isAny(*client) bool     { return true }

// enough seeds find every planted bug several times over.
const enough = 400

func TestPlantedBugs(t *testing.T) {
	if testing.Short() {
		t.Skip("needs some hundred runs")
	}
	for _, p := range plants {
		t.Run(p.name, func(t *testing.T) {
			for seed := uint64(1); seed <= enough; seed++ {
				var m *model
				t.Run(fmt.Sprint(seed), func(t *testing.T) {
					m = simulate(t, seed, false, func(w *world) { busy(w); p.change(w) })
				})
				if m != nil && len(m.failures) > 0 {
					t.Logf("found by seed %d: %s", seed, m.failures[0])
					return
				}
			}
			t.Errorf("not found by %d seeds", enough)
		})
	}
}

// busy makes all clients owners that do everything, with no grace, on a drive
// that has conditional writes and shows what is there.
func busy(w *world) {
	w.server.faults.conditional, w.server.faults.listingDelay = true, 0
	w.prune.Grace, w.prune.ListingDelay, w.prune.MaxUnused = -1, 0, 1e-9
	w.brief, w.pauses = true, paces[0]
	for _, c := range w.clients {
		c.role = role{&ownerKey, 4, 2, 4, 1}
	}
}

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

// deleteInputs has a merge delete the segments it listed before it writes.
func deleteInputs(c *client, s object.Store) object.Store {
	return atMerge(c, s, func(ctx context.Context, _ string, put func() error) error {
		all, err := names(ctx, s, "x/")
		if err != nil {
			return err
		}
		if err := s.Delete(ctx, all...); err != nil {
			return err
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

// keepForgotten has backups read records without what they forget.
func keepForgotten(c *client, s object.Store) object.Store {
	t := &tampered{Store: s}
	// The maintainers are one host here, so that their records can be sealed anew.
	c.cache = filepath.Join(c.world.caches, "maintainers")
	if c.doing != "backup" {
		return t
	}
	var keys *seal.Keyring
	err := machine{cache: c.cache}.with(context.Background(), c.world.store(), func(r *repo.Repository) error {
		keys = r.Keys()
		return nil
	})
	if err != nil {
		c.world.model.fail("plant: %v", err)
	}
	c.cache = ""
	t.get = func(ctx context.Context, name string, limit int64) ([]byte, object.Info, error) {
		body, info, err := s.Get(ctx, name, limit)
		if err != nil || !strings.HasPrefix(name, "g/") || strings.HasSuffix(name, ".s") {
			return body, info, err
		}
		opened, err := keys.OpenRecord(name, body)
		if err != nil {
			return nil, info, err
		}
		var record format.Record
		if err := record.Decode(opened.Body); err != nil {
			return nil, info, err
		}
		record.Forgotten = nil
		body, err = keys.SealRecord(format.KindRecord, name, record.Append(nil))
		return body, info, err
	}
	return t
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
