package index

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"firn/internal/format"
	"firn/internal/object"
)

// TestNeighbours looks all chunks of a pack up, which costs requests for the first two only.
func TestNeighbours(t *testing.T) {
	d := newDrive(t)
	c := largeContent(11)
	d.add(t, c)
	metered := object.Meter(d.Store)
	d.Store = metered
	lists := 0
	read := func(_ context.Context, pack *format.PackInfo) ([]PackEntry, error) {
		lists++
		for i := range c.packs {
			if c.packs[i].Name == pack.Name {
				return c.entries[i], nil
			}
		}
		return nil, errors.New("no such pack")
	}
	v := openView(t, openMirror(t, t.TempDir()), d, d.names(), d.far(t, never), Near(read))
	before := metered.Counts().GetRange
	want := modelOf(&content{c.packs[:2], c.entries[:2]})
	for i := range 2 {
		for _, e := range c.entries[i] {
			at, found, err := v.Lookup(wholeID(e.ID), nil)
			if !found || err != nil || placeOf(at) != want[e.ID][0] {
				t.Fatalf("%v, %v, %v", at, found, err)
			}
		}
	}
	if n := metered.Counts().GetRange - before; lists != 2 || n != 5 { // two pages for each, and the pack table
		t.Errorf("%d lists and %d requests for two packs", lists, n)
	}
	if _, found, err := v.Lookup(wholeID(c.entries[0][5].ID), func(*format.PackInfo) bool { return false }); found || err != nil {
		t.Errorf("a copy that is refused: %v, %v", found, err)
	}
}

// TestNeighboursThatCannotBeRead goes on without.
func TestNeighboursThatCannotBeRead(t *testing.T) {
	d := newDrive(t)
	c := randomContent(rand.New(rand.NewPCG(12, 1)), 3, 300)
	d.addSummed(t, c)
	v := openView(t, openMirror(t, ""), d, d.names(), d.far(t, never), Near(func(context.Context, *format.PackInfo) ([]PackEntry, error) {
		return nil, object.ErrFrozen
	}))
	for id, places := range modelOf(c) {
		expectCopies(t, v, id, places)
	}
}

// TestNeighboursAreBounded keeps the lists read last.
func TestNeighboursAreBounded(t *testing.T) {
	list := make([]PackEntry, nearMost/2)
	n := near{read: func(context.Context, *format.PackInfo) ([]PackEntry, error) { return list, nil }}
	r := rand.New(rand.NewPCG(13, 1))
	for range 4 {
		for i := range list {
			list[i].ID = randomID(r)
		}
		pack := randomPack(r)
		n.meet(t.Context(), &pack)
		n.meet(t.Context(), &pack)
		if at, found := n.find(&list[7].ID, nil); !found || at.Pack != &pack {
			t.Fatal("the newest list is not there")
		}
	}
	if len(n.places) > nearMost || len(n.order) != 2 || len(n.lists) != 2 {
		t.Errorf("%d chunks of %d packs are kept", len(n.places), len(n.order))
	}
}
