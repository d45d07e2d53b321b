package repo

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"firn/internal/bases"
	"firn/internal/delta"
	"firn/internal/format"
)

// versions are n contents, each a little other than the one before.
func versions(n int) (all [][]byte) {
	content := randomBytes(1, 1<<20)
	for i := range n {
		all = append(all, content)
		content = overwritten(content, uint64(i), 2)
	}
	return all
}

func (f *deltaFixture) record(record *format.Record) {
	f.t.Helper()
	record.Time = 1
	if _, err := f.repo.WriteRecord(f.t.Context(), record); err != nil {
		f.t.Fatal(err)
	}
}

func (f *deltaFixture) condemn(b placed) {
	f.t.Helper()
	f.record(&format.Record{Kind: format.RecordPrune, CondemnedPacks: []format.PackName{b.info.Name}})
}

func (f *deltaFixture) damage(b placed) {
	f.t.Helper()
	f.record(&format.Record{
		Kind: format.RecordDamage, DamagedPacks: []format.PackName{b.info.Name}, DamagedChunks: []format.ID{b.IDs[0]},
	})
}

// TestBasesThatDoNotCount: what a writer may not rely on is no base; when only the newest version is
// such, the one before it is.
func TestBasesThatDoNotCount(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(f *deltaFixture, stored []placed)
		base  int // the version that the last one stands on; -1: none
		left  int // files in the cache
	}{
		{"all is well", func(*deltaFixture, []placed) {}, 1, 3},
		{"newest condemned", func(f *deltaFixture, s []placed) { f.condemn(s[1]) }, 0, 3},
		{"newest damaged", func(f *deltaFixture, s []placed) { f.damage(s[1]) }, 0, 3},
		{"its base condemned", func(f *deltaFixture, s []placed) { f.condemn(s[0]) }, -1, 3},
		{"its base damaged", func(f *deltaFixture, s []placed) { f.damage(s[0]) }, -1, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newDeltaFixture(t)
			chunks := versions(3)
			ids := f.night(chunks[0])
			f.reopen()
			ids = append(ids, f.night(chunks[1])...)
			stored := []placed{f.block(ids[0]), f.block(ids[1])}
			if !slices.Equal(stored[1].Bases, []format.BaseRef{stored[0].at}) {
				t.Fatalf("the second stands on %v", stored[1].Bases)
			}
			c.spoil(f, stored)
			f.reopen()
			ids = append(ids, f.night(chunks[2])...)
			last := f.block(ids[2])
			switch {
			case c.base < 0 && last.Codec == format.CodecDelta:
				t.Errorf("it stands on %v", last.Bases)
			case c.base == 1 && last.Codec != format.CodecDelta:
				t.Error("it is no delta")
			case c.base == 0 && !slices.Equal(last.Bases, []format.BaseRef{stored[0].at}):
				t.Errorf("it stands on %v, not on %v", last.Bases, stored[0].at)
			}
			if left := f.cachedBases(); len(left) != c.left {
				t.Errorf("%d files are left in the cache, not %d", len(left), c.left)
			}
			f.wantChunks(ids, chunks)
		})
	}
}

// TestDamagedChunkIsNoBase, though nothing is known against its pack.
func TestDamagedChunkIsNoBase(t *testing.T) {
	f := newDeltaFixture(t)
	chunks := versions(2)
	ids := f.night(chunks[0])
	s := f.begin()
	s.damaged[ids[0]] = true
	b := s.NewBlockWriter(format.KindData)
	ids = append(ids, f.add(b, chunks[1]))
	f.commit(s)
	if b := f.block(ids[1]); b.Codec == format.CodecDelta {
		t.Errorf("it stands on %v", b.Bases)
	}
}

// TestPackThatIsGone: a base whose pack is in no segment is none. Its cached
// file goes, unless it is so young that a segment may yet come.
func TestPackThatIsGone(t *testing.T) {
	for _, age := range []time.Duration{time.Minute, 24 * time.Hour} {
		f := newDeltaFixture(t)
		chunks := versions(2)
		f.night(chunks[0])
		names, err := f.repo.SegmentNames(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := f.store.Delete(t.Context(), names...); err != nil {
			t.Fatal(err)
		}
		f.time = f.time.Add(age)
		old := f.cachedBases()
		ids := f.night(chunks[1])
		if b := f.block(ids[0]); b.Codec == format.CodecDelta {
			t.Errorf("after %v it stands on %v", age, b.Bases)
		}
		_, err = os.Stat(old[0])
		if gone := errors.Is(err, os.ErrNotExist); len(old) != 1 || gone != (age > indexedWithin) {
			t.Errorf("after %v, of %v: %v", age, old, err)
		}
		f.wantChunks(ids, chunks[1:])
	}
}

// TestFreshPackIsNoBase: nothing stands on a pack of its own session before a segment lists that.
func TestFreshPackIsNoBase(t *testing.T) {
	f := newDeltaFixture(t)
	chunks := versions(3)
	s := f.begin()
	b := s.NewBlockWriter(format.KindData)
	ids := []format.ID{f.add(b, chunks[0])}
	if err := s.writer.data.finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(f.cachedBases()) != 1 {
		t.Fatalf("cached: %v", f.cachedBases())
	}
	ids = append(ids, f.add(b, chunks[1]))
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	ids = append(ids, f.add(b, chunks[2]))
	f.commit(s)
	first, second, third := f.block(ids[0]), f.block(ids[1]), f.block(ids[2])
	if second.Codec == format.CodecDelta {
		t.Errorf("the second stands on %v before it was indexed", second.Bases)
	}
	if third.Codec != format.CodecDelta || third.Bases[0] != second.at && third.Bases[0] != first.at {
		t.Errorf("the third stands on %v", third.Bases)
	}
	f.wantChunks(ids, chunks)
}

// TestCorruptBase flips bits of the cached base, before it is opened and after.
func TestCorruptBase(t *testing.T) {
	flip := func(t *testing.T, path string, at int) {
		t.Helper()
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[(len(b)+at)%len(b)] ^= 1
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, at := range []int{0, 5000, 500_000, -1, -5, -300} {
		for _, open := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d/%v", at, open), func(t *testing.T) {
				f := newDeltaFixture(t)
				chunks := versions(2)
				ids := f.night(chunks[0])
				s := f.begin()
				b := s.NewBlockWriter(format.KindData)
				if open {
					s.writer.deltas.load()
				}
				flip(t, f.cachedBases()[0], at)
				ids = append(ids, f.add(b, chunks[1]))
				f.commit(s)
				tableOnly := open && at < 0 // it was read before
				if b := f.block(ids[1]); (b.Codec == format.CodecDelta) != tableOnly {
					t.Errorf("codec %d", b.Codec)
				}
				f.wantChunks(ids, chunks)
			})
		}
	}
}

// TestForgedBase: a cached base that is sealed well and is not what the chunk's ID
// says is dropped.
func TestForgedBase(t *testing.T) {
	f := newDeltaFixture(t)
	chunks := versions(2)
	ids := f.night(chunks[0])
	s := f.begin()
	stored := f.block(ids[0])
	cache := bases.Open(filepath.Join(f.repo.cache.dir, "bases"), f.repo.keys, 1<<30, f.now)
	wrong := bytes.Clone(chunks[0])
	wrong[12345] ^= 1
	err := cache.Keep(stored.at.Pack, []bases.Kept{{
		Block: bases.Block{
			At: stored.at, Chunk: ids[0], Size: len(wrong), Whole: len(wrong), Sketch: cache.Sketch(nil, wrong),
		},
		Changing: true,
		Plaintext: func(dst []byte) ([]byte, error) {
			return append(format.AppendBlockContent(dst, format.CodecStored, len(wrong), nil), wrong...), nil
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	ids = append(ids, f.add(s.NewBlockWriter(format.KindData), chunks[1]))
	if left := f.cachedBases(); len(left) > 0 {
		t.Errorf("the forged one stays: %v", left)
	}
	f.commit(s)
	if b := f.block(ids[1]); b.Codec == format.CodecDelta {
		t.Error("it is a delta")
	}
	f.wantChunks(ids, chunks)
}

// TestBaseThatStopsCounting between the choice of it and its use is not used.
func TestBaseThatStopsCounting(t *testing.T) {
	f := newDeltaFixture(t)
	chunks := versions(2)
	ids := f.night(chunks[0])
	s := f.begin()
	d := s.NewBlockWriter(format.KindData).deltas
	d.load()
	l, err := d.line(d.cache.Block(f.block(ids[0]).at))
	if err != nil || len(l) != 1 {
		t.Fatal(l, err)
	}
	if standing, err := d.standOn(t.Context(), []line{l}, 0, chunks[1]); err != nil || standing == nil || standing.depth != 1 {
		t.Fatalf("%+v, %v", standing, err)
	}
	s.damaged[ids[0]] = true
	if standing, err := d.standOn(t.Context(), []line{l}, 0, chunks[1]); err != nil || standing != nil {
		t.Errorf("%+v, %v", standing, err)
	}
	f.commit(s)
}

// TestProves: a delta that gives back anything else is noticed.
func TestProves(t *testing.T) {
	chunks := versions(2)
	var encoder delta.Encoder
	program, ok := encoder.Append(nil, chunks[0], chunks[1], len(chunks[1]))
	if !ok {
		t.Fatal("no delta")
	}
	d := &deltaWriter{base: chunks[0], program: program}
	if !d.proves(chunks[1]) {
		t.Error("a sound delta is refused")
	}
	if d.proves(chunks[0]) || d.proves(chunks[1][:1000]) {
		t.Error("it proves another chunk")
	}
	for at := 0; at < len(program); at += 97 {
		d.program = bytes.Clone(program)
		d.program[at] ^= 0x20
		if d.proves(chunks[1]) {
			t.Errorf("a flip at %d of %d goes unnoticed", at, len(program))
		}
	}
	d.program = program
	d.base = bytes.Clone(chunks[0])
	d.base[len(d.base)/2] ^= 1
	if d.proves(chunks[1]) {
		t.Error("another base goes unnoticed")
	}
	d.program = program[:len(program)/2]
	if d.proves(chunks[1]) {
		t.Error("half a delta goes unnoticed")
	}
}
