package index

import (
	"testing"

	"firn/internal/format"
	"firn/internal/seal"
)

// newWriter returns the keys of a writer of the owner's repository.
func newWriter(t testing.TB, owner *seal.Keyring) *seal.Keyring {
	t.Helper()
	bundle, err := owner.Bundle(format.RoleWriter)
	if err != nil {
		t.Fatal(err)
	}
	k, err := seal.Open(bundle, owner.Root(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// onePack is a segment's content: a pack with one chunk, said to be a host's.
func onePack(id byte, host format.Host, bases ...format.ID) *content {
	return &content{
		packs: []format.PackInfo{{
			Name: format.PackName{Kind: format.KindData, Hash: format.ID{id}}, Size: 5000, Used: 100, Host: host, BasePacks: bases,
		}},
		entries: [][]PackEntry{{{ID: format.ShortID{id}, BlockOffset: 1152, BlockLength: 100}}},
	}
}

// TestOrigins tells who answers for what, before and after merges, whatever a writer says.
func TestOrigins(t *testing.T) {
	d := newDrive(t)
	liar, honest := newWriter(t, d.keys), newWriter(t, d.keys)
	put := func(k *seal.Keyring, c *content) {
		name, body := c.seal(t, k)
		d.put(t, name, body)
	}
	put(honest, onePack(1, honest.Host()))
	put(liar, onePack(2, honest.Host()))
	put(liar, onePack(1, honest.Host())) // the honest one's pack, as if it were its word
	put(d.keys, onePack(3, honest.Host(), format.ID{1}))
	put(d.keys, onePack(4, honest.Host(), format.ID{2}))
	want := map[byte]bool{1: false, 2: true, 3: false, 4: true} // doubted, by chunk
	trust := func(_ format.PackName, o Origin) bool { return o.Signer != liar.Host() && o.Author != liar.Host() }

	names := d.listed(t)
	for round := range 3 {
		v, err := openMirror(t, "").View(t.Context(), d.Store, d.keys, names, Judged(trust))
		if err != nil {
			t.Fatal(err)
		}
		for id, doubted := range want {
			at, found, err := v.Lookup(wholeID(format.ShortID{id}), nil)
			if err != nil || !found || at.Doubted != doubted {
				t.Errorf("round %d, chunk %d: found %v, doubted %v, %v", round, id, found, at.Doubted, err)
			}
		}
		for g, err := range v.Merge(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if len(g.At) != 1 || g.At[0].Doubted != want[g.ID[0]] {
				t.Errorf("round %d, chunk %d: %+v", round, g.ID[0], g.At)
			}
		}
		authors := map[byte]map[format.Host]bool{}
		if err := v.Listings(func(l Listing) {
			id := l.Pack.Name.Hash[0]
			if authors[id] == nil {
				authors[id] = map[format.Host]bool{}
			}
			authors[id][l.Origin.Author] = true
		}); err != nil {
			t.Fatal(err)
		}
		if !authors[1][liar.Host()] || !authors[1][honest.Host()] || len(authors[2]) != 1 || !authors[2][liar.Host()] || len(authors[3]) != 1 {
			t.Errorf("round %d: authors %v", round, authors)
		}
		names = nil
		for _, s := range compactAll(t, v, d, segmentsOf(v), nil, testTime) {
			d.put(t, s.name, s.body)
			names = append(names, s.name)
		}
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTrustedWordHeals has a pack that a trusted segment lists later no longer doubted, nor
// the deltas that stand on it.
func TestTrustedWordHeals(t *testing.T) {
	d := newDrive(t)
	liar := newWriter(t, d.keys)
	for _, s := range []struct {
		k *seal.Keyring
		c *content
	}{{liar, onePack(1, liar.Host())}, {d.keys, onePack(2, d.keys.Host(), format.ID{1})}} {
		name, body := s.c.seal(t, s.k)
		d.put(t, name, body)
	}
	trust := func(_ format.PackName, o Origin) bool { return o.Author != liar.Host() }
	v, err := openMirror(t, "").View(t.Context(), d.Store, d.keys, d.listed(t), Judged(trust))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	}()
	for _, doubted := range []bool{true, false} {
		for _, id := range []byte{1, 2} {
			if at, found, err := v.Lookup(wholeID(format.ShortID{id}), nil); err != nil || !found || at.Doubted != doubted {
				t.Errorf("chunk %d: doubted %v, want %v (%v)", id, at.Doubted, doubted, err)
			}
		}
		name, body := onePack(1, d.keys.Host()).seal(t, d.keys)
		if err := v.AddSealed(name, body); err != nil {
			t.Fatal(err)
		}
	}
}

// listed returns the segments on the drive.
func (d *drive) listed(t testing.TB) (names []string) {
	t.Helper()
	for info, err := range d.Store.List(t.Context(), format.PrefixSegments) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, info.Name)
	}
	return names
}

// segmentsOf returns the segments of a view.
func segmentsOf(v *View) (names []string) {
	for _, s := range v.Segments() {
		names = append(names, s.Name)
	}
	return names
}
