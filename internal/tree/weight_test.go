package tree

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"firn/internal/format"
)

// TestHeavyPages builds a tree whose entries are as large as entries get: no
// page may grow over what a chunk can hold.
func TestHeavyPages(t *testing.T) {
	ctx := context.Background()
	store := newStore()
	b := NewBuilder(store, usual)
	long := bytes.Repeat([]byte("n"), 200<<10)
	for i := range 200 {
		key := fmt.Appendf(nil, "%04d%s", i, long)
		if err := b.Add(ctx, key, &format.Entry{Type: format.TypeSymlink, Target: long}); err != nil {
			t.Fatal(err)
		}
	}
	root, err := b.Finish(ctx)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, err := range Walk(ctx, store, root, nil) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 200 {
		t.Errorf("%d entries", n)
	}
	for id, page := range store.pages {
		if len(page) > 2*pageWeight {
			t.Errorf("page %x has %d bytes", id[:4], len(page))
		}
	}
}
