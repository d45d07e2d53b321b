package s3

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"

	"firn/internal/object"
)

// Delete implements object.Store.
func (s *Store) Delete(ctx context.Context, names ...string) error {
	var failures []error
	valid := make([]string, 0, len(names))
	for _, name := range names {
		if err := s.begin(ctx, opDelete, name, true); err != nil {
			failures = append(failures, err)
		} else {
			valid = append(valid, name)
		}
	}
	slices.Sort(valid)
	for batch := range slices.Chunk(slices.Compact(valid), pageKeys) {
		failures = append(failures, s.deleteBatch(ctx, batch)...)
	}
	return errors.Join(failures...)
}

// deleteBatch deletes up to a page of objects in one request where the server
// can do that.
func (s *Store) deleteBatch(ctx context.Context, names []string) []error {
	if len(names) == 1 || s.oneByOne.Load() {
		return s.deleteEach(ctx, names)
	}
	b := batch{Store: s, left: make(map[string]bool, len(names))}
	for _, name := range names {
		b.left[s.key(name)] = true
	}
	err := s.call(ctx, opDelete, "", 0, b.attempt)
	if err == nil {
		return b.failures
	}
	if b.unable {
		s.oneByOne.Store(true)
		return s.deleteEach(ctx, names)
	}
	return append(b.failures, err)
}

// batch is a deletion of several objects under way.
type batch struct {
	*Store
	left     map[string]bool // keys that have not been answered for
	failures []error         // of keys that cannot be deleted
	unable   bool            // the server does not take such requests
}

// attempt asks for the deletion of what is left. Keys the server does not
// mention in its answer stay left.
func (b *batch) attempt(ctx context.Context, x *exchange) error {
	keys := make([]string, 0, len(b.left))
	for key := range b.left {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	removals, err := b.client.removeMany(ctx, keys)
	if x.status >= 300 {
		f := b.answerFault(opDelete, x)
		if b.unable = refusesBatch(x, f); b.unable {
			f.again = never
		}
		return f
	}
	if err != nil {
		return err
	}
	var again *fault
	for _, r := range removals {
		if !b.left[r.key] {
			continue
		}
		if f := b.judgeRemoval(r); f == nil || f.again == never {
			delete(b.left, r.key)
			if f != nil {
				b.failures = append(b.failures, fail(opDelete, r.key[len(b.prefix):], f))
			}
		} else {
			again = f
		}
	}
	switch {
	case len(b.left) == 0:
		return nil
	case again != nil:
		return again
	}
	return wrongAnswer("answer does not say what became of every object")
}

// refusesBatch says whether an error answer may be about the kind of request,
// so that deleting one by one may work: the server does not know it, or wants
// another checksum of it.
func refusesBatch(x *exchange, f *fault) bool {
	if x.code == "InvalidRequest" {
		return true
	}
	switch f.is {
	case nil, object.ErrUnsupported, object.ErrCorrupt, object.ErrNotFound:
		return f.again == never || f.is == object.ErrCorrupt
	}
	return false
}

// judgeRemoval explains what became of one key, nil if it is gone.
func (b *batch) judgeRemoval(r removal) *fault {
	if r.code == "" {
		return nil
	}
	f := b.answerFault(opDelete, &exchange{code: r.code, message: oneLine(r.message, 300), status: http.StatusOK})
	if f.is == object.ErrNotFound {
		return nil
	}
	return f
}

// deleteEach deletes objects one by one, several at a time.
func (s *Store) deleteEach(ctx context.Context, names []string) []error {
	failures := make([]error, len(names))
	var next sync.Mutex
	at := 0
	take := func() (int, bool) {
		next.Lock()
		defer next.Unlock()
		at++
		return at - 1, at <= len(names)
	}
	var running sync.WaitGroup
	for range min(s.gate.most, len(names)) {
		running.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				failures[i] = s.deleteOne(ctx, names[i])
			}
		})
	}
	running.Wait()
	return slices.DeleteFunc(failures, func(err error) bool { return err == nil })
}

func (s *Store) deleteOne(ctx context.Context, name string) error {
	err := s.call(ctx, opDelete, name, 0, func(ctx context.Context, _ *exchange) error {
		return s.client.remove(ctx, s.key(name))
	})
	if errors.Is(err, object.ErrNotFound) {
		return nil // gone already
	}
	return err
}

// CreateBucket makes the bucket, in a location (LocationConstraint) or, if that
// is empty, where the server puts it for the region. A bucket of the same owner
// that exists already is not an error.
func (s *Store) CreateBucket(ctx context.Context, location string) error {
	if s.readOnly {
		return fail(opBucket, s.bucket, object.ErrReadOnly)
	}
	return s.call(ctx, opBucket, s.bucket, 0, func(ctx context.Context, x *exchange) error {
		err := s.client.createBucket(ctx, location)
		if x.code == "BucketAlreadyOwnedByYou" {
			return nil
		}
		return err
	})
}
