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

// drop decides that the pack of a block goes.
func (f *deltaFixture) drop(b placed) {
	f.t.Helper()
	s := f.begin()
	packs := []format.PackName{b.info.Name}
	name, err := f.repo.WriteRecord(f.t.Context(), &format.Record{Kind: format.RecordPrune, Time: 1, CondemnedPacks: packs})
	if err == nil {
		err = s.Settle(f.t.Context(), &format.Decision{Time: 1, Record: name, DroppedPacks: packs})
	}
	if err = errors.Join(err, s.Abandon(f.t.Context(), "test")); err != nil {
		f.t.Fatal(err)
	}
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

// TestDroppedPack: when prune takes the newest version away, the one before it is the base, and the cache does
// not keep what nothing will stand on any more.
func TestDroppedPack(t *testing.T) {
	f := newDeltaFixture(t)
	chunks := versions(4)
	first := f.block(f.night(chunks[0])[0])
	f.reopen()
	f.drop(f.block(f.night(chunks[1])[0]))
	for i, chunk := range chunks[2:] {
		f.reopen()
		if b := f.block(f.night(chunk)[0]); b.Codec != format.CodecDelta || i == 0 && !slices.Equal(b.Bases, []format.BaseRef{first.at}) {
			t.Errorf("version %d stands on %v", i+2, b.Bases)
		}
		if cached := f.cachedBases(); len(cached) != i+2 {
			t.Errorf("with version %d, %d packs are cached", i+2, len(cached))
		}
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
		Rank: bases.Later,
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

// TestProveDelta: a delta that gives back anything else than its chunk is noticed when it is sealed.
func TestProveDelta(t *testing.T) {
	f := newDeltaFixture(t)
	chunks := versions(2)
	var encoder delta.Encoder
	program, ok := encoder.Append(nil, chunks[0], chunks[1], len(chunks[1]))
	if !ok {
		t.Fatal("no delta")
	}
	s := f.begin()
	defer f.commit(s)
	p, zip := s.writer.data, s.writer.compressor.usual
	own, _, err := f.repo.keys.NewSection(format.KindData)
	if err != nil {
		t.Fatal(err)
	}
	on := []format.BaseRef{{Length: 50}}
	prove := func(chunk, base, program []byte, told ...format.BaseRef) error {
		b := &format.Block{
			Codec: format.CodecDelta, IDs: []format.ID{f.repo.keys.ChunkID(format.KindData, chunk)},
			Lengths: []uint32{uint32(len(chunk))}, Bases: told,
		}
		plaintext := zip.EncodeAll(program, format.AppendBlockContent(nil, format.CodecDelta, len(chunks[1]), on))
		return p.proveDelta(&openPack{own: own}, b, own.SealBlock(nil, b, 0, plaintext), base)
	}
	if err := prove(chunks[1], chunks[0], program, on...); err != nil {
		t.Errorf("a sound delta is refused: %v", err)
	}
	base := bytes.Clone(chunks[0])
	base[len(base)/2] ^= 1
	for name, err := range map[string]error{
		"another chunk": prove(chunks[0], chunks[0], program, on...),
		"part of it":    prove(chunks[1][:1000], chunks[0], program, on...),
		"another base":  prove(chunks[1], base, program, on...),
		"half a delta":  prove(chunks[1], chunks[0], program[:len(program)/2], on...),
		"other bases":   prove(chunks[1], chunks[0], program, format.BaseRef{Length: 51}),
	} {
		if !errors.Is(err, errUnproved) {
			t.Errorf("%s goes unnoticed: %v", name, err)
		}
	}
	for at := 0; at < len(program); at += 97 {
		flipped := bytes.Clone(program)
		flipped[at] ^= 0x20
		if err := prove(chunks[1], chunks[0], flipped, on...); !errors.Is(err, errUnproved) {
			t.Errorf("a flip at %d of %d goes unnoticed: %v", at, len(program), err)
		}
	}
}
