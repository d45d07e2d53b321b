package index

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/seal"
)

// sealSummed seals content with sums of its pages, however small.
func (c *content) sealSummed(t testing.TB, k *seal.Keyring) (string, []byte) {
	t.Helper()
	b := NewBuilder()
	b.sumsFrom = 0
	for i := range c.packs {
		b.AddPack(c.packs[i], c.entries[i])
	}
	name, body, err := b.Seal(k, nil, testTime)
	if err != nil {
		t.Fatal(err)
	}
	return name, body
}

func (d *drive) addSummed(t testing.TB, c *content) string {
	t.Helper()
	name, body := c.sealSummed(t, d.keys)
	d.put(t, name, body)
	d.contents[name] = c
	return name
}

// far makes segments far however little is missing, and fills the mirror after so many pages.
func (d *drive) far(t testing.TB, fillFrom int64) Option {
	t.Helper()
	sizes := make(map[string]int64)
	for info, err := range d.List(context.Background(), "x/") {
		if err != nil {
			t.Fatal(err)
		}
		sizes[info.Name] = info.Size
	}
	return func(v *View) {
		Far(sizes)(v)
		v.far.from, v.far.least, v.far.fillFrom = 0, 0, fillFrom
	}
}

const never = 1 << 40

func TestFarAgreesWithModel(t *testing.T) {
	d := newDrive(t)
	rapid.Check(t, func(rt *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		dir := must(os.MkdirTemp(t.TempDir(), ""))(t)
		clear(d.contents)
		for range rapid.IntRange(1, 3).Draw(rt, "sessions") {
			for range rapid.IntRange(0, 6).Draw(rt, "segments") {
				add := d.addSummed
				if r.IntN(3) == 0 {
					add = d.add
				}
				add(t, randomContent(r, r.IntN(3), r.IntN(120), d.all(d.names()...)...))
			}
			for _, file := range must(filepath.Glob(filepath.Join(dir, "*")))(t) {
				if r.IntN(6) == 0 {
					damageFile(t, r, file)
				}
			}
			m := must(OpenMirror(dir))(t)
			fillFrom := rapid.SampledFrom([]int64{1, 20, never}).Draw(rt, "fill from")
			v := must(m.View(context.Background(), d, d.keys, d.names(), d.far(t, fillFrom)))(t)
			if rapid.Bool().Draw(rt, "spoil") {
				for _, file := range must(filepath.Glob(filepath.Join(dir, "*")))(t) {
					damageFile(t, r, file)
				}
			}
			c := randomContent(r, 1, 30)
			name, body := c.sealSummed(t, d.keys)
			if err := v.AddSealed(name, body); err != nil {
				rt.Fatal(err)
			}
			d.put(t, name, body)
			d.contents[name] = c
			for id, places := range modelOf(d.all(d.names()...)...) {
				expectCopies(t, v, id, places)
			}
			if len(v.Segments()) != len(d.names()) {
				rt.Fatalf("%d segments, want %d", len(v.Segments()), len(d.names()))
			}
			if rapid.Bool().Draw(rt, "complete") {
				if err := v.Complete(); err != nil {
					rt.Fatal(err)
				}
				expect(t, v, d.all(d.names()...)...)
			}
			if err := errors.Join(v.Close(), m.Close()); err != nil {
				rt.Fatal(err)
			}
		}
	})
}

// largeContent has sums of its pages by its size.
func largeContent(seed uint64) *content { return benchContent(seed, 150_000) }

func TestFarReadsLittle(t *testing.T) {
	d := newDrive(t)
	dir := t.TempDir()
	c := largeContent(1)
	d.add(t, c)
	ids := c.ids()
	metered := object.Meter(d.Store)
	d.Store = metered
	v := openView(t, openMirror(t, dir), d, d.names(), d.far(t, never))
	opened := metered.Counts()
	if opened.GetRange != 2 || opened.Get != 0 {
		t.Errorf("opened by %+v", opened)
	}
	for _, id := range ids[:3] {
		if _, found, err := v.Lookup(id, nil); !found || err != nil {
			t.Fatal(found, err)
		}
	}
	if n := metered.Counts().GetRange - opened.GetRange; n != 4 { // three pages and the pack table
		t.Errorf("%d requests for three look-ups", n)
	}
	r := rand.New(rand.NewPCG(1, 1))
	before := metered.Counts().GetRange
	for range 1000 {
		if _, found, err := v.Lookup(wholeID(randomID(r)), nil); found || err != nil {
			t.Fatal(found, err)
		}
	}
	if n := metered.Counts().GetRange - before; n > 60 {
		t.Errorf("%d requests for 1000 look-ups of what is absent", n)
	}
	if n := len(cacheFiles(t, dir)); n != 0 {
		t.Errorf("%d layers", n)
	}

	before = metered.Counts().GetRange
	again := openView(t, openMirror(t, dir), d, d.names(), d.far(t, never))
	if n := metered.Counts().GetRange - before; n != 0 || len(again.far.now()) != 1 {
		t.Errorf("%d requests to open again", n)
	}
	if err := again.Complete(); err != nil {
		t.Fatal(err)
	}
	expectCopies(t, again, format.ShortID(ids[9][:16]), modelOf(c)[format.ShortID(ids[9][:16])])
	openView(t, openMirror(t, dir), d, d.names(), d.far(t, never))
	if files := must(filepath.Glob(filepath.Join(dir, "*"+sketchSuffix)))(t); len(files) > 0 {
		t.Errorf("sketches of what is mirrored remain: %v", files)
	}
}

func TestFarFillsTheMirror(t *testing.T) {
	d := newDrive(t)
	r := rand.New(rand.NewPCG(3, 1))
	for range 12 {
		d.addSummed(t, randomContent(r, 3, 400))
	}
	dir := t.TempDir()
	v := openView(t, openMirror(t, dir), d, d.names(), d.far(t, 2))
	for id, places := range modelOf(d.all(d.names()...)...) {
		expectCopies(t, v, id, places)
	}
	v.far.filling.Wait()
	if n := len(v.far.now()); n != 0 {
		t.Errorf("%d segments are still far", n)
	}
	if n := len(cacheFiles(t, dir)); n == 0 || n > manyLayers {
		t.Errorf("%d layers", n)
	}
	expect(t, v, d.all(d.names()...)...)
}

// TestFarOnlyWhereItPays leaves small indexes, and segments without sums, to be read whole.
func TestFarOnlyWhereItPays(t *testing.T) {
	d := newDrive(t)
	r := rand.New(rand.NewPCG(4, 1))
	summed := d.addSummed(t, randomContent(r, 3, 400))
	d.add(t, randomContent(r, 3, 400))
	if v := openView(t, openMirror(t, ""), d, d.names(), Far(map[string]int64{summed: 1 << 20})); len(v.far.now()) != 0 {
		t.Error("a small index is read by pages")
	}
	if v := openView(t, openMirror(t, ""), d, d.names()); len(v.far.now()) != 0 {
		t.Error("far segments in a view that did not ask for them")
	}
	v := openView(t, openMirror(t, ""), d, d.names(), d.far(t, never))
	if far := v.far.now(); len(far) != 1 || far[0].name != summed {
		t.Errorf("%d segments are far", len(far))
	}
	expect(t, v, d.all(d.names()...)...)
}

// TestFarDistrustsPages has pages on the drive that are properly sealed and not those that were signed.
func TestFarDistrustsPages(t *testing.T) {
	k := newOwner(t)
	r := rand.New(rand.NewPCG(5, 1))
	c := randomContent(r, 2, 300)
	honest := forge(t, k, c)
	honest.withSums = true
	segment := honest.seal(t, k)
	trailer := must(format.ParseSegmentTrailer(segment[len(segment)-format.SegmentTrailerSize:]))(t)
	cipher := must(k.SegmentCipher(k.Epoch(), trailer.ContentID))(t)
	entries := bytes.Clone(honest.entries)
	last := len(entries) - format.IndexEntrySize
	absent := format.ShortID(bytes.Repeat([]byte{0xff}, 16)) // in order at the end
	copy(entries[last:], absent[:])
	poisoned := bytes.Clone(segment)
	copy(poisoned[format.HeaderSize:], cipher.Seal(nil, 0, entries))
	bloom := bytes.Clone(honest.filter)
	filter(bloom).add(segmentHash(&absent))
	at := len(segment) - format.SegmentTrailerSize - int(trailer.DirectoryLength) - len(bloom) - tagSize
	withFilter := bytes.Clone(poisoned)
	copy(withFilter[at:], cipher.Seal(nil, uint32(honest.pages()-1), bloom))
	damaged := bytes.Clone(segment)
	damaged[100] ^= 1

	for what, body := range map[string][]byte{"page": poisoned, "page and filter": withFilter, "damage": damaged} {
		d := &drive{Store: object.NewMem(), keys: k, contents: make(map[string]*content)}
		name := nameOf(k, segment)
		d.put(t, name, body)
		v := openView(t, openMirror(t, t.TempDir()), d, []string{name}, SkipBad(), d.far(t, never))
		if _, found, err := v.Lookup(wholeID(absent), nil); found || err != nil {
			t.Errorf("%s: what nobody signed is found: %v, %v", what, found, err)
		}
		for id := range modelOf(c) {
			if _, _, err := v.Lookup(wholeID(id), nil); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		}
		if len(v.Bad()) != 1 {
			t.Errorf("%s: nobody is told", what)
		}
	}
}

// pages returns how many pages the segment has.
func (f *forgery) pages() int {
	pages := pagesOf(uint64(len(f.entries)), entryPageSize) + pagesOf(uint64(len(f.table)), format.SegmentPageSize) +
		pagesOf(uint64(len(f.filter)), format.SegmentPageSize)
	return int(pages)
}

// TestFarWantsTheSumsSigned refuses sums that another than the signer of the segment made.
func TestFarWantsTheSumsSigned(t *testing.T) {
	k := newOwner(t)
	f := forge(t, k, randomContent(rand.New(rand.NewPCG(6, 1)), 2, 300))
	f.withSums = true
	f.spoilSignature = true
	segment := f.seal(t, k)
	d := &drive{Store: object.NewMem(), keys: k, contents: make(map[string]*content)}
	name := nameOf(k, segment)
	d.put(t, name, segment)
	v := openView(t, openMirror(t, ""), d, []string{name}, SkipBad(), d.far(t, never))
	if bad := v.Bad(); len(v.far.now()) != 0 || len(bad) != 1 || !errors.Is(bad[0], seal.ErrUntrusted) {
		t.Errorf("far: %d, bad: %v", len(v.far.now()), bad)
	}
}

func TestFarFailures(t *testing.T) {
	d := newDrive(t)
	c := randomContent(rand.New(rand.NewPCG(7, 1)), 2, 300)
	name := d.addSummed(t, c)
	id := c.ids()[0]
	store := d.Store

	ctx, cancel := context.WithCancel(context.Background())
	v := must(openMirror(t, "").View(ctx, d, d.keys, []string{name}, d.far(t, never)))(t)
	cancel()
	d.Store = lost{store}
	if _, found, err := v.Lookup(id, nil); found || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v, %v", found, err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := v.Lookup(id, nil); !errors.Is(err, errClosed) {
		t.Errorf("closed: %v", err)
	}

	d.Store = store
	options := []Option{SkipBad(), d.far(t, never)}
	d.Store = lost{store}
	if _, err := openMirror(t, "").View(context.Background(), d, d.keys, []string{name}, options...); !errors.Is(err, object.ErrUnreachable) {
		t.Errorf("unreachable when opened: %v", err)
	}
	d.Store = store
	v = openView(t, openMirror(t, ""), d, []string{name}, options...)
	d.Store = lost{store}
	v.store = d.Store
	for _, s := range v.far.now() {
		s.store = d.Store
	}
	for range 2 {
		if _, found, err := v.Lookup(id, nil); found || !errors.Is(err, object.ErrUnreachable) {
			t.Errorf("unreachable: %v, %v", found, err)
		}
	}
	walked := must(openMirror(t, "").View(context.Background(), unreachable{store}, d.keys, []string{name}, options...))(t)
	for range walked.Packs() {
		t.Error("a part of the packs passes for all")
	}
	for range walked.Merge(context.Background()) {
	}
	if _, _, err := walked.Lookup(id, nil); !errors.Is(err, object.ErrUnreachable) {
		t.Errorf("look-up in a view that is not whole: %v", err)
	}
	if err := walked.Close(); !errors.Is(err, object.ErrUnreachable) {
		t.Errorf("end of a view that is not whole: %v", err)
	}
	for _, s := range v.far.now() {
		s.store = store
	}
	if _, found, err := v.Lookup(id, nil); !found || err != nil {
		t.Errorf("reachable again: %v, %v", found, err)
	}
}

// lost is a store whose ranges cannot be read in passing.
type lost struct{ object.Store }

func (l lost) GetRange(ctx context.Context, name string, _ []byte, _ int64) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &object.Error{Op: "get", Name: name, Err: object.ErrUnreachable}
}

// TestFarVanishes deletes a far segment, as a prune does long after it was merged into another.
func TestFarVanishes(t *testing.T) {
	d := newDrive(t)
	c := randomContent(rand.New(rand.NewPCG(8, 1)), 2, 300)
	name := d.addSummed(t, c)
	v := openView(t, openMirror(t, ""), d, []string{name}, SkipBad(), d.far(t, never))
	if err := d.Delete(context.Background(), name); err != nil {
		t.Fatal(err)
	}
	if _, found, err := v.Lookup(c.ids()[0], nil); found || err != nil {
		t.Error(found, err)
	}
	if bad := v.Bad(); len(bad) != 1 || !errors.Is(bad[0], object.ErrNotFound) {
		t.Errorf("goes without %v", bad)
	}
}
