package repo

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"

	"firn/internal/format"
	"firn/internal/object"
)

// spanStore notes which parts of data packs are read.
type spanStore struct {
	object.Store
	mu    sync.Mutex
	spans map[string][][2]int64 // offset and end
}

func (s *spanStore) GetRange(ctx context.Context, name string, p []byte, offset int64) error {
	if pack, err := format.ParsePackName(name); err == nil && pack.Kind == format.KindData {
		s.mu.Lock()
		s.spans[name] = append(s.spans[name], [2]int64{offset, offset + int64(len(p))})
		s.mu.Unlock()
	}
	return s.Store.GetRange(ctx, name, p, offset)
}

// twice returns how many bytes were read that had been read before, and with how many
// requests all was.
func (s *spanStore) twice() (bytes int64, requests int) {
	for _, spans := range s.spans {
		requests += len(spans)
		for i, a := range spans {
			for _, b := range spans[:i] {
				bytes += max(0, min(a[1], b[1])-max(a[0], b[0]))
			}
		}
	}
	return bytes, requests
}

// nightly stores some versions of a table, whose chunks are deltas on deltas.
func nightly(f *deltaFixture) (ids []format.ID, chunks [][]byte) {
	all := versions(5)
	for i, v := range all {
		for at := 0; at < len(v); at += 1 << 20 {
			part := v[at:min(at+1<<20, len(v))]
			ids, chunks = append(ids, f.night(part)...), append(chunks, part)
		}
		if i < len(all)-1 {
			f.reopen()
		}
	}
	return ids, chunks
}

// readAll reads the blocks of chunks by a Reading and returns what was visited.
func (f *deltaFixture) readAll(ids []format.ID, limit int, stop error) (got map[blockName][]byte, damaged int, s *spanStore, err error) {
	f.t.Helper()
	s = &spanStore{Store: f.store, spans: map[string][][2]int64{}}
	own := *f.repo
	own.store = s
	rd := f.reader(&own)
	defer f.close(rd)
	var mu sync.Mutex
	got = map[blockName][]byte{}
	r := rd.NewReading(3, nil, func(pack format.PackName, at BlockAt, content []byte, damage error) error {
		mu.Lock()
		defer mu.Unlock()
		key := blockName{pack, at}
		if _, known := got[key]; known {
			f.t.Errorf("block at %d of %x is visited twice", at.Offset, pack.Hash[:4])
		}
		if got[key] = bytes.Clone(content); damage != nil {
			damaged++
		}
		return stop
	})
	r.limit = limit
	for _, id := range ids {
		at, err := rd.Locate(id)
		if err != nil {
			f.t.Fatal(err)
		}
		r.Want(at.Pack, []BlockAt{{at.BlockOffset, at.BlockLength}})
	}
	err = r.Run(f.t.Context())
	if len(r.waiting.on) > 0 || r.waiting.held != 0 {
		if err == nil {
			f.t.Errorf("%d blocks are waited for at the end, %d bytes held", len(r.waiting.on), r.waiting.held)
		}
	}
	return got, damaged, s, err
}

// TestReadingOnce: deltas on deltas are read with what they stand on, nothing twice.
func TestReadingOnce(t *testing.T) {
	f := newDeltaFixture(t)
	ids, chunks := nightly(f)
	for _, some := range [][]format.ID{ids, ids[len(ids)-2:], ids[len(ids)/2:]} {
		got, damaged, s, err := f.readAll(some, waitingMax, nil)
		if err != nil || damaged > 0 || len(got) != len(some) {
			t.Fatalf("%v, %d damaged, %d blocks of %d", err, damaged, len(got), len(some))
		}
		if again, requests := s.twice(); again > 0 || requests > len(f.blocks()) {
			t.Errorf("%d bytes read twice, %d requests", again, requests)
		}
		f.wantContents(got, chunks)
	}
}

// wantContents sees that what was visited is content of chunks.
func (f *deltaFixture) wantContents(got map[blockName][]byte, chunks [][]byte) {
	f.t.Helper()
	known := map[string]bool{}
	for _, c := range chunks {
		known[string(c)] = true
	}
	for name, content := range got {
		if !known[string(content)] {
			f.t.Errorf("block at %d has other content, of %d bytes", name.at.Offset, len(content))
		}
	}
}

// TestReadingInLittleMemory reads bases out of turn, and all that is wanted.
func TestReadingInLittleMemory(t *testing.T) {
	f := newDeltaFixture(t)
	ids, chunks := nightly(f)
	for _, some := range [][]format.ID{ids, ids[len(ids)-2:]} {
		got, damaged, _, err := f.readAll(some, 1, nil)
		if err != nil || damaged > 0 || len(got) != len(some) {
			t.Fatalf("%v, %d damaged, %d blocks of %d", err, damaged, len(got), len(some))
		}
		f.wantContents(got, chunks)
	}
}

// TestReadingStops when the visitor says so.
func TestReadingStops(t *testing.T) {
	f := newDeltaFixture(t)
	ids, _ := nightly(f)
	enough := errors.New("enough")
	if got, _, _, err := f.readAll(ids, waitingMax, enough); !errors.Is(err, enough) || len(got) > maxOpeners {
		t.Errorf("%v after %d blocks", err, len(got))
	}
}

// TestReadingDamage: what stands on a damaged block, or one that is gone, is visited with the
// damage, and the rest is read.
func TestReadingDamage(t *testing.T) {
	f := newDeltaFixture(t)
	ids, chunks := nightly(f)
	first := f.block(ids[0])
	above := map[format.ID]bool{ids[0]: true}
	blocks := f.blocks()
	for range maxDeltaDepth {
		for _, b := range blocks {
			for _, ref := range b.Bases {
				if above[blocks[ref].IDs[0]] {
					above[b.IDs[0]] = true
				}
			}
		}
	}
	if len(above) < 3 {
		t.Fatal("nothing stands on the first block")
	}
	name := format.PackName{Kind: format.KindData, Hash: first.at.Pack}.Object()
	body, _, err := f.store.Get(t.Context(), name, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	harms := map[string]func() error{
		"flipped": func() error {
			b := bytes.Clone(body)
			b[first.Offset+100] ^= 1
			_, err := f.store.Put(t.Context(), name, b, object.PutOptions{})
			return err
		},
		"gone": func() error { return f.store.Delete(t.Context(), name) },
	}
	for how, harm := range harms {
		if err := harm(); err != nil {
			t.Fatal(err)
		}
		for _, limit := range []int{1, waitingMax} {
			got, damaged, _, err := f.readAll(ids, limit, nil)
			if err != nil || damaged != len(above) || len(got) != len(ids) {
				t.Errorf("%s: %v, %d damaged of %d, %d blocks of %d", how, err, damaged, len(above), len(got), len(ids))
			}
			for name, content := range got {
				if len(content) == 0 {
					delete(got, name)
				}
			}
			f.wantContents(got, chunks)
		}
	}
}

// TestRanges cuts long runs evenly and keeps far blocks apart.
func TestRanges(t *testing.T) {
	for _, test := range []struct {
		blocks, length, gap uint32
		want                int
	}{
		{1, 100, 0, 1}, {33, 1 << 20, 0, 2}, {34, 1 << 20, 0, 3}, {16, 1 << 20, 0, 1}, {17, 1 << 20, 0, 2}, {20, 1000, rangeGap + 1, 20},
		{20, 1000, rangeGap, 2}, {3, 15 << 20, 0, 3}, {4, 5 << 20, 0, 2},
	} {
		requests := 0
		var longest uint32
		blocks := make([]BlockAt, test.blocks)
		for i := range blocks {
			blocks[i] = BlockAt{16 + uint32(i)*(test.length+test.gap), test.length}
		}
		for len(blocks) > 0 {
			n := coalesce(blocks[0].Offset, len(blocks), func(i int) BlockAt { return blocks[i] })
			longest = max(longest, blocks[n-1].Offset+test.length-blocks[0].Offset)
			blocks, requests = blocks[n:], requests+1
		}
		if requests != test.want || longest > rangeMax+test.length {
			t.Errorf("%+v: %d requests of up to %d bytes", test, requests, longest)
		}
	}
}
