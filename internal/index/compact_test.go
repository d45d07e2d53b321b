package index

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"firn/internal/format"
)

// emitted is a segment that Compact handed out.
type emitted struct {
	name string
	body []byte
}

func compactAll(t testing.TB, v *View, d *drive, inputs []string, drop func(*format.PackInfo) bool, now time.Time) []emitted {
	t.Helper()
	var out []emitted
	err := v.Compact(t.Context(), d.keys, inputs, drop, now, func(name string, body []byte) error {
		out = append(out, emitted{name, bytes.Clone(body)})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCompactAgreesWithModel(t *testing.T) {
	d := newDrive(t)
	rapid.Check(t, func(rt *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		clear(d.contents)
		for range rapid.IntRange(1, 12).Draw(rt, "segments") {
			c := randomContent(r, r.IntN(4), r.IntN(80), d.all(d.names()...)...)
			d.add(t, c)
			if r.IntN(3) == 0 { // the same again, with one pack more, as after a merge
				more := randomContent(r, 1, 5)
				d.add(t, &content{append(slices.Clone(c.packs), more.packs...), append(slices.Clone(c.entries), more.entries...)})
			}
		}
		names := d.names()
		v := openView(t, openMirror(t, ""), d, names)
		inputs := slices.DeleteFunc(slices.Clone(names), func(string) bool { return r.IntN(4) == 0 })
		dropped := func(p *format.PackInfo) bool { return p.Name.Hash[0]%3 == 0 }
		var kept []*content
		for _, c := range d.all(inputs...) {
			left := new(content)
			for i := range c.packs {
				if !dropped(&c.packs[i]) {
					left.packs = append(left.packs, c.packs[i])
					left.entries = append(left.entries, c.entries[i])
				}
			}
			kept = append(kept, left)
		}
		var out []emitted
		run := compaction{keys: d.keys, inputs: inputs, drop: dropped, now: testTime,
			size: rapid.SampledFrom([]int{1000, 4000, compactSize}).Draw(rt, "size"),
			emit: func(name string, body []byte) error {
				out = append(out, emitted{name, bytes.Clone(body)})
				return nil
			}}
		if err := run.run(t.Context(), v); err != nil {
			rt.Fatal(err)
		}
		clear(d.contents)
		var merged []string
		for _, s := range out {
			d.put(t, s.name, s.body)
			merged = append(merged, s.name)
		}
		w := openView(t, openMirror(t, ""), d, merged)
		expect(t, w, kept...)
		if len(out) > 0 {
			expectInputs(t, w, merged, inputs)
		}
	})
}

// expectInputs checks that of the merged segments only the last replaces the inputs.
func expectInputs(t testing.TB, v *View, merged, inputs []string) {
	t.Helper()
	for _, info := range v.Segments() {
		var want []string
		if info.Name == merged[len(merged)-1] {
			want = inputs
		}
		if !slices.Equal(info.Inputs, want) {
			t.Errorf("inputs of %s are %v, want %v", info.Name, info.Inputs, want)
		}
	}
}

// TestCompactIsDeterministic merges the same segments from layers that came about in different ways.
func TestCompactIsDeterministic(t *testing.T) {
	d := newDrive(t)
	r := rand.New(rand.NewPCG(1, 7))
	for range 14 {
		d.add(t, randomContent(r, 2, 300, d.all(d.names()...)...))
	}
	names := d.names()
	reversed := slices.Clone(names)
	slices.Reverse(reversed)
	grown := openView(t, openMirror(t, ""), d, names[:3])
	for _, name := range reversed {
		if err := grown.AddSealed(name, d.body(t, name)); err != nil {
			t.Fatal(err)
		}
	}
	one := compactAll(t, openView(t, openMirror(t, ""), d, names), d, names, nil, testTime)
	two := compactAll(t, grown, d, reversed, nil, testTime.Add(time.Hour))
	if len(one) != 1 || len(two) != 1 {
		t.Fatalf("%d and %d segments", len(one), len(two))
	}
	a, b := one[0].body, two[0].body
	trailer := must(format.ParseSegmentTrailer(a[len(a)-format.SegmentTrailerSize:]))(t)
	if !bytes.Equal(a[:trailer.DirectoryOffset], b[:trailer.DirectoryOffset]) {
		t.Error("the same segments merge into different bytes")
	}
}

// compactInto merges all segments into some of about size bytes.
func compactInto(t testing.TB, v *View, d *drive, size int) []emitted {
	t.Helper()
	var out []emitted
	run := compaction{keys: d.keys, inputs: d.names(), now: testTime, size: size, emit: func(name string, body []byte) error {
		out = append(out, emitted{name, bytes.Clone(body)})
		return nil
	}}
	if err := run.run(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestCompactDivides(t *testing.T) {
	d := newDrive(t)
	r := rand.New(rand.NewPCG(2, 7))
	c := &content{packs: []format.PackInfo{randomPack(r), randomPack(r)}, entries: make([][]PackEntry, 2)}
	const count, size = 100_000, 1 << 20
	for i := range count {
		c.entries[i%2] = append(c.entries[i%2], PackEntry{ID: randomID(r), BlockOffset: uint32(i)})
	}
	name := d.add(t, c)
	out := compactInto(t, openView(t, openMirror(t, t.TempDir()), d, []string{name}), d, size)
	if len(out) != 4 { // each pack is too large for one
		t.Fatalf("%d segments", len(out))
	}
	clear(d.contents)
	var names []string
	for _, s := range out {
		if len(s.body) > size*64/63 {
			t.Errorf("a segment of %d bytes", len(s.body))
		}
		d.put(t, s.name, s.body)
		names = append(names, s.name)
	}
	w := openView(t, openMirror(t, t.TempDir()), d, names)
	expectInputs(t, w, names, []string{name})
	expectGroups(t, w, modelOf(c))
	for _, pair := range [][2]int{{0, 1}, {2, 3}} {
		before, after := d.firstIDs(t, out[pair[0]]), d.firstIDs(t, out[pair[1]])
		if before[len(before)-1] >= after[0] {
			t.Error("the ranges of IDs overlap")
		}
	}
}

// TestCompactKeepsPacksTogether merges more than a segment holds, and wants each pack in few of them.
func TestCompactKeepsPacksTogether(t *testing.T) {
	d := newDrive(t)
	for i := range 4 {
		c := benchContent(uint64(i), 40_000)
		for k := range c.packs {
			c.packs[k].Written = int64(1000*i + k)
		}
		d.add(t, c)
	}
	inputs, contents := d.names(), d.all(d.names()...)
	dir := t.TempDir()
	v := openView(t, openMirror(t, dir), d, inputs)
	out := compactInto(t, v, d, 1<<20)
	if len(out) < 5 || len(out) > 6 {
		t.Errorf("%d segments", len(out))
	}
	listed, packs := 0, 0
	clear(d.contents)
	var names []string
	for _, s := range out {
		d.put(t, s.name, s.body)
		names = append(names, s.name)
	}
	w := openView(t, openMirror(t, ""), d, names)
	for _, info := range w.Segments() {
		listed += int(info.Packs)
	}
	for range w.Packs() {
		packs++
	}
	if listed > packs+packs/20 {
		t.Errorf("%d packs are listed %d times", packs, listed)
	}
	expectGroups(t, w, modelOf(contents...))
	if left := must(filepath.Glob(filepath.Join(dir, "*"+partSuffix)))(t); len(left) > 0 {
		t.Errorf("files remain: %v", left)
	}
}

// firstIDs returns what a segment's directory says of its pages.
func (d *drive) firstIDs(t testing.TB, s emitted) []uint64 {
	t.Helper()
	trailer := must(format.ParseSegmentTrailer(s.body[len(s.body)-format.SegmentTrailerSize:]))(t)
	cipher := must(d.keys.SegmentCipher(d.keys.Epoch(), trailer.ContentID))(t)
	plain := must(cipher.OpenDirectory(nil, directoryPage, s.body[trailer.DirectoryOffset:len(s.body)-format.SegmentTrailerSize]))(t)
	var directory format.Directory
	if err := directory.Decode(plain); err != nil {
		t.Fatal(err)
	}
	return directory.FirstIDs
}

func TestCompactErrors(t *testing.T) {
	d := newDrive(t)
	name := d.add(t, randomContent(rand.New(rand.NewPCG(3, 7)), 2, 9))
	v := openView(t, openMirror(t, ""), d, []string{name})
	full := errors.New("full")
	err := v.Compact(t.Context(), d.keys, []string{name}, nil, testTime, func(string, []byte) error { return full })
	if !errors.Is(err, full) {
		t.Error(err)
	}
	if err := v.Compact(t.Context(), d.keys, []string{name, "x/unknown"}, nil, testTime, nil); err == nil {
		t.Error("an input that is not in the view passes")
	}
}

// TestCompactOfNothing drops all packs: the inputs are replaced all the same.
func TestCompactOfNothing(t *testing.T) {
	d := newDrive(t)
	name := d.add(t, randomContent(rand.New(rand.NewPCG(3, 7)), 2, 9))
	v := openView(t, openMirror(t, ""), d, []string{name})
	out := compactAll(t, v, d, []string{name}, func(*format.PackInfo) bool { return true }, testTime)
	if len(out) != 1 {
		t.Fatalf("%d segments", len(out))
	}
	d.put(t, out[0].name, out[0].body)
	w := openView(t, openMirror(t, ""), d, []string{out[0].name})
	expect(t, w)
	expectInputs(t, w, []string{out[0].name}, []string{name})
}
