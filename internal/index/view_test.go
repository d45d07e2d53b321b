package index

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/seal"
)

func cacheFiles(t testing.TB, dir string) []string {
	t.Helper()
	return must(filepath.Glob(filepath.Join(dir, "*"+layerSuffix)))(t)
}

// damageFile changes one byte of a file, cuts it, empties or removes it.
func damageFile(t testing.TB, r *rand.Rand, path string) {
	t.Helper()
	b := must(os.ReadFile(path))(t)
	var err error
	switch r.IntN(5) {
	case 0:
		err = os.Remove(path)
	case 1:
		err = os.WriteFile(path, b[:r.IntN(len(b))], 0o600)
	case 2:
		err = os.WriteFile(path, make([]byte, len(b)), 0o600)
	default:
		b[r.IntN(len(b))] ^= byte(1 << r.IntN(8))
		err = os.WriteFile(path, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestViewAgreesWithModel adds and removes segments, reopens, and spoils the
// cache, between sessions and under an open view.
func TestViewAgreesWithModel(t *testing.T) {
	d := newDrive(t)
	rapid.Check(t, func(rt *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		dir := must(os.MkdirTemp(t.TempDir(), ""))(t)
		clear(d.contents)
		for range rapid.IntRange(1, 4).Draw(rt, "sessions") {
			for range rapid.IntRange(0, 14).Draw(rt, "new segments") {
				d.add(t, randomContent(r, r.IntN(3), r.IntN(120), d.all(d.names()...)...))
			}
			for name := range d.contents {
				if r.IntN(4) == 0 {
					delete(d.contents, name)
				}
			}
			for _, file := range cacheFiles(t, dir) {
				if r.IntN(6) == 0 {
					damageFile(t, r, file)
				}
			}
			m := must(OpenMirror(dir))(t)
			v := must(m.View(context.Background(), d, d.keys, d.names()))(t)
			if rapid.Bool().Draw(rt, "spoil") {
				for _, file := range cacheFiles(t, dir) {
					damageFile(t, r, file)
				}
			}
			for range rapid.IntRange(0, 3).Draw(rt, "own segments") {
				c := randomContent(r, 1, 30)
				name, body := c.seal(t, d.keys)
				if err := v.AddSealed(name, body); err != nil {
					rt.Fatal(err)
				}
				d.put(t, name, body)
				d.contents[name] = c
			}
			expect(t, v, d.all(d.names()...)...)
			var names []string
			for _, info := range v.Segments() {
				names = append(names, info.Name)
			}
			if !slices.Equal(names, d.names()) {
				rt.Fatalf("segments %v, want %v", names, d.names())
			}
			if err := errors.Join(v.Close(), m.Close()); err != nil {
				rt.Fatal(err)
			}
		}
	})
}

func TestMirrorFetchesOnce(t *testing.T) {
	d := newDrive(t)
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(1, 9))
	for range 30 {
		d.add(t, randomContent(r, 2, 40))
	}
	openView(t, openMirror(t, dir), d, d.names())
	if n := len(cacheFiles(t, dir)); n > manyLayers {
		t.Errorf("%d layers for 30 segments", n)
	}
	counted := object.Meter(d.Store)
	d.Store = counted
	v := openView(t, openMirror(t, dir), d, d.names())
	expect(t, v, d.all(d.names()...)...)
	d.add(t, randomContent(r, 2, 40))
	expect(t, openView(t, openMirror(t, dir), d, d.names()), d.all(d.names()...)...)
	if n := counted.Counts().Get; n != 1 {
		t.Errorf("%d requests for one new segment", n)
	}
}

func TestMirrorDropsWhatIsNotListed(t *testing.T) {
	d := newDrive(t)
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(2, 9))
	for range 20 {
		d.add(t, randomContent(r, 1, 40))
	}
	names := d.names()
	openView(t, openMirror(t, dir), d, names)
	store := d.Store
	d.Store = object.NewMem() // nothing can be fetched again
	for keep := len(names); keep > 0; keep -= 3 {
		v := openView(t, openMirror(t, dir), d, names[:keep])
		expect(t, v, d.all(names[:keep]...)...)
		var size int64
		for _, file := range cacheFiles(t, dir) {
			size += must(os.Stat(file))(t).Size()
		}
		if size > 512<<10 {
			t.Errorf("%d bytes for %d small segments", size, keep)
		}
	}
	openView(t, openMirror(t, dir), d, nil)
	if left := cacheFiles(t, dir); len(left) > 0 {
		t.Errorf("%v remain when nothing is listed", left)
	}
	d.Store = store
}

func TestBadSegments(t *testing.T) {
	d := newDrive(t)
	r := rand.New(rand.NewPCG(3, 9))
	good := d.add(t, randomContent(r, 2, 40))
	name, body := randomContent(r, 2, 40).seal(t, d.keys)
	body[100] ^= 1
	d.put(t, name, body)
	gone := format.SegmentName(d.keys.Host(), format.ID{1})
	for bad, cause := range map[string]error{name: seal.ErrDamaged, gone: object.ErrNotFound, "x/none": nil} {
		var named *BadSegment
		_, err := openMirror(t, "").View(context.Background(), d, d.keys, []string{good, bad})
		if !errors.As(err, &named) || named.Name != bad || cause != nil && !errors.Is(err, cause) {
			t.Errorf("%s: %v", bad, err)
		}
	}
	v := openView(t, openMirror(t, t.TempDir()), d, []string{name, gone, good}, SkipBad())
	expect(t, v, d.contents[good])
	var skipped []string
	for _, b := range v.Bad() {
		skipped = append(skipped, b.Name)
	}
	slices.Sort(skipped)
	want := []string{name, gone}
	slices.Sort(want)
	if !slices.Equal(skipped, want) {
		t.Errorf("goes without %v, want %v", skipped, want)
	}
	if err := v.AddSealed(name, body); !errors.Is(err, seal.ErrDamaged) {
		t.Errorf("damaged segment added: %v", err)
	}
	expect(t, v, d.contents[good])
}

// unreachable is a store that fails in passing.
type unreachable struct{ object.Store }

func (unreachable) Get(context.Context, string, int64) ([]byte, object.Info, error) {
	return nil, object.Info{}, &object.Error{Op: "get", Err: object.ErrUnreachable}
}

func TestPassingFailuresAreNotSkipped(t *testing.T) {
	d := newDrive(t)
	name := d.add(t, randomContent(rand.New(rand.NewPCG(4, 9)), 1, 9))
	d.Store = unreachable{d.Store}
	_, err := openMirror(t, "").View(context.Background(), d, d.keys, []string{name}, SkipBad())
	if !errors.Is(err, object.ErrUnreachable) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := openMirror(t, "").View(ctx, d, d.keys, []string{name}, SkipBad()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestRepairThatFails(t *testing.T) {
	d := newDrive(t)
	dir := t.TempDir()
	c := randomContent(rand.New(rand.NewPCG(5, 9)), 1, 300)
	name := d.add(t, c)
	v := openView(t, openMirror(t, dir), d, []string{name})
	for _, file := range cacheFiles(t, dir) {
		if err := os.Truncate(file, 0); err != nil {
			t.Fatal(err)
		}
	}
	store := d.Store
	if err := store.Delete(context.Background(), name); err != nil {
		t.Fatal(err)
	}
	id := wholeID(c.entries[0][0].ID)
	for range 2 {
		var bad *BadSegment
		if _, found, err := v.Lookup(id, nil); found || !errors.As(err, &bad) || !errors.Is(err, object.ErrNotFound) {
			t.Fatalf("look-up in what is lost: %v, %v", found, err)
		}
	}
	var failed error
	for _, err := range v.Merge(context.Background()) {
		failed = err
	}
	if !errors.Is(failed, object.ErrNotFound) {
		t.Errorf("merge of what is lost: %v", failed)
	}
	restored, body := c.seal(t, d.keys)
	d.put(t, restored, body)
	if err := v.AddSealed(restored, body); err != nil {
		t.Fatal(err)
	}
}

func TestAcceptSeesEveryCopy(t *testing.T) {
	d := newDrive(t)
	r := rand.New(rand.NewPCG(6, 9))
	id := randomID(r)
	want := make(map[format.PackName]bool)
	for i := range 12 {
		c := &content{packs: []format.PackInfo{randomPack(r)}, entries: [][]PackEntry{{{ID: id, BlockOffset: uint32(i)}}}}
		want[c.packs[0].Name] = true
		d.add(t, c)
	}
	v := openView(t, openMirror(t, ""), d, d.names())
	got := make(map[format.PackName]bool)
	_, found, err := v.Lookup(wholeID(id), func(p *format.PackInfo) bool { got[p.Name] = true; return false })
	if found || err != nil || len(got) != len(want) {
		t.Errorf("%d copies offered of %d; %v, %v", len(got), len(want), found, err)
	}
}

func TestConflictingPackRecords(t *testing.T) {
	d := newDrive(t)
	r := rand.New(rand.NewPCG(7, 9))
	info := randomPack(r)
	ids := []format.ShortID{randomID(r), randomID(r)}
	for i, id := range ids {
		variant := info
		variant.BasePacks = []format.ID{{byte(9 - i)}}
		variant.Written = int64(5 + i)
		d.add(t, &content{packs: []format.PackInfo{variant}, entries: [][]PackEntry{{{ID: id}}}})
	}
	v := openView(t, openMirror(t, t.TempDir()), d, d.names())
	var packs []*format.PackInfo
	for p := range v.Packs() {
		packs = append(packs, p)
	}
	if len(packs) != 1 || !slices.Equal(packs[0].BasePacks, []format.ID{{8}, {9}}) || packs[0].Written != 6 {
		t.Fatalf("packs are %+v", packs)
	}
	for _, id := range ids {
		if at, _, _ := v.Lookup(wholeID(id), nil); at.Pack != packs[0] {
			t.Errorf("%x is in %p, want %p", id, at.Pack, packs[0])
		}
	}
}

// TestViewIsSafeForConcurrentUse looks up, walks and adds at once, while the cache is spoiled.
func TestViewIsSafeForConcurrentUse(t *testing.T) {
	d := newDrive(t)
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(8, 9))
	for range 6 {
		d.add(t, randomContent(r, 2, 100))
	}
	contents := d.all(d.names()...)
	want := modelOf(contents...)
	v := openView(t, openMirror(t, dir), d, d.names())
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			for id := range want {
				if _, found, err := v.Lookup(wholeID(id), nil); !found || err != nil {
					t.Errorf("%x: %v, %v", id, found, err)
					return
				}
			}
		})
	}
	group.Go(func() {
		for range 3 {
			count := 0
			for g, err := range v.Merge(context.Background()) {
				if err != nil {
					t.Error(err)
					return
				}
				if want[g.ID] != nil {
					count++
				}
			}
			if count != len(want) {
				t.Errorf("%d groups of %d", count, len(want))
			}
		}
	})
	added := make([]*content, 20)
	for i := range added {
		added[i] = randomContent(r, 1, 20)
		name, body := added[i].seal(t, d.keys)
		d.put(t, name, body)
		if err := v.AddSealed(name, body); err != nil {
			t.Fatal(err)
		}
		if i%5 == 0 {
			damageFile(t, r, cacheFiles(t, dir)[0])
		}
	}
	group.Wait()
	expect(t, v, append(contents, added...)...)
}

func TestClosedView(t *testing.T) {
	d := newDrive(t)
	name := d.add(t, randomContent(rand.New(rand.NewPCG(9, 9)), 1, 9))
	m := openMirror(t, "")
	v := must(m.View(context.Background(), d, d.keys, []string{name}))(t)
	for range v.Merge(context.Background()) {
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := v.Lookup(format.ID{}, nil); !errors.Is(err, errClosed) {
		t.Error(err)
	}
	if err := v.AddSealed(name, nil); !errors.Is(err, errClosed) {
		t.Error(err)
	}
	for _, err := range v.Merge(context.Background()) {
		if !errors.Is(err, errClosed) {
			t.Error(err)
		}
	}
}

func ExampleBadSegment() {
	fmt.Println(&BadSegment{Name: "x/1", Err: object.ErrNotFound})
	// Output: read segment x/1: object not found
}
