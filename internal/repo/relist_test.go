package repo_test

import (
	"context"
	"errors"
	"iter"
	"strings"
	"testing"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
)

// lateStore lists some objects only after a number of listings of segments.
type lateStore struct {
	object.Store
	late     map[string]bool
	listings int // of segments, so far
	after    int
}

func (s *lateStore) List(ctx context.Context, prefix string) iter.Seq2[object.Info, error] {
	if strings.HasPrefix(prefix, format.PrefixSegments) {
		s.listings++
	}
	return func(yield func(object.Info, error) bool) {
		for info, err := range s.Store.List(ctx, prefix) {
			if err == nil && s.late[info.Name] && s.listings <= s.after {
				continue
			}
			if !yield(info, err) {
				return
			}
		}
	}
}

// TestLateListing: a segment that was not listed when the reader began is found when its
// chunks are missed, and what is missing for good costs one listing.
func TestLateListing(t *testing.T) {
	store := &lateStore{Store: object.NewMem(), late: map[string]bool{}}
	b := newBench(t, store)
	b.save(noise(1, 1000))
	before := b.names(format.PrefixSegments)
	b.save(noise(2, 1000), noise(3, 1000))
	for _, name := range b.names(format.PrefixSegments) {
		store.late[name] = true
	}
	for _, name := range before {
		delete(store.late, name)
	}
	for after, found := range map[int]bool{1: true, 2: false} {
		r := b.open(store, owner)
		store.listings, store.after = 0, after
		rd := b.reader(r)
		for _, n := range []int{1, 2, 3} {
			id := r.Keys().ChunkID(format.KindData, noise(n, 1000))
			_, err := rd.Chunk(t.Context(), format.KindData, id, 1000)
			if n == 1 || found {
				b.must(err)
			} else if !errors.Is(err, repo.ErrNoChunk) {
				t.Errorf("chunk %d: %v", n, err)
			}
			_, err = rd.Find(t.Context(), id)
			if (err == nil) != (n == 1 || found) {
				t.Errorf("find chunk %d: %v", n, err)
			}
		}
		if store.listings != 2 {
			t.Errorf("segments were listed %d times", store.listings)
		}
	}
}
