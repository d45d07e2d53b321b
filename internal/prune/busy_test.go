package prune_test

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"testing/synctest"

	"firn/internal/object"
)

// busyStore is a drive on which something happens whenever the index is listed.
type busyStore struct {
	object.Store
	happen func()
}

func (b *busyStore) List(ctx context.Context, prefix string) iter.Seq2[object.Info, error] {
	if happen := b.happen; prefix == "x/" && happen != nil {
		b.happen = nil // what happens lists the index itself
		happen()
		b.happen = happen
	}
	return b.Store.List(ctx, prefix)
}

// TestBusyRepository prunes while backups end all the time, between any two
// listings: prune must not wait for a quiet moment.
func TestBusyRepository(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &busyStore{Store: object.NewMem()}
		s := newShelf(t, store)
		gone, kept := s.save("a"), s.save("b")
		s.forget(gone)
		want := map[string][]string{kept: {"b"}}
		store.happen = func() {
			word := fmt.Sprint("c", len(want))
			want[s.save("b", word)] = []string{"b", word}
		}
		r := s.prune(nil)
		store.happen = nil
		if r.CondemnedNow != 2 || r.Deleted != 2 {
			t.Errorf("%+v", r)
		}
		if len(want) < 4 {
			t.Errorf("%d backups ended meanwhile", len(want)-1)
		}
		s.holds(want)
	})
}
