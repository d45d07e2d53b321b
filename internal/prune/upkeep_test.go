package prune_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/prune"
	"firn/internal/repo"
)

func moves(o *prune.Options) { o.MaxUnused = 1e-9 }

// TestMove has packs hold what is needed beside what is not.
func TestMove(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shelf) {
		both := s.save("a", "b")
		kept := s.save("b")
		before := s.names("p/")
		s.forget(both)
		if r := s.prune(nil); r.Repacked != 0 {
			t.Errorf("it moves although waste is allowed: %+v", r)
		}
		r := s.prune(moves)
		if r.Repacked == 0 || r.RepackedBytes == 0 || r.Deleted < r.Repacked {
			t.Errorf("%+v", r)
		}
		if after := s.names("p/"); len(after) != 1 || slices.Equal(before, after) {
			t.Errorf("packs %v became %v", before, after)
		}
		s.lacks("a")
		s.holds(map[string][]string{kept: {"b"}})
		if r := s.prune(moves); r.Repacked != 0 || r.CondemnedNow != 0 {
			t.Errorf("a second time: %+v", r)
		}
	})
}

// lacks sees that a content is not stored any more.
func (s *shelf) lacks(word string) {
	s.t.Helper()
	rd, _, err := s.repo.NewReader(s.t.Context())
	s.must(err)
	if _, err := rd.Locate(s.id(word)); !errors.Is(err, repo.ErrNoChunk) {
		s.t.Errorf("content %s is still there: %v", word, err)
	}
	s.must(rd.Close())
}

// TestMergeSegments merges ten segments, keeps the inputs for a day, and names no
// dropped packs.
func TestMergeSegments(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shelf) {
		want := map[string][]string{}
		var sessions []string
		for i := range 10 {
			word := fmt.Sprintf("word%d", i)
			session := s.save(word)
			sessions = append(sessions, session)
			want[session] = []string{word}
		}
		if r := s.prune(nil); r.Merged != 10 {
			t.Errorf("%+v", r)
		}
		if n := len(s.names("x/")); n != 11 {
			t.Errorf("%d segments right after the merge", n)
		}
		s.holds(want)
		time.Sleep(25 * time.Hour)
		s.prune(nil)
		if n := len(s.names("x/")); n != 1 {
			t.Errorf("%d segments a day later", n)
		}
		s.holds(want)
		s.forget(sessions[1:]...)
		s.prune(nil)
		time.Sleep(25 * time.Hour)
		s.prune(nil)
		s.holds(map[string][]string{sessions[0]: want[sessions[0]]})
		if n := s.indexed(); n != 2 {
			t.Errorf("the index names %d packs", n)
		}
	})
}

// indexed counts the packs that the index names.
func (s *shelf) indexed() (n int) {
	s.t.Helper()
	rd, _, err := s.repo.NewReader(s.t.Context())
	s.must(err)
	for range rd.View().Packs() {
		n++
	}
	s.must(rd.Close())
	return n
}

// TestRetire lets time pass until nothing is left of a record and its sessions.
func TestRetire(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shelf) {
		s.forget(s.save("a"))
		kept := s.save("b")
		s.prune(nil)
		time.Sleep(29 * 24 * time.Hour)
		s.prune(nil)
		if _, settled := s.records(); len(settled) == 0 {
			t.Error("the records are retired after 29 days")
		}
		for range 3 {
			time.Sleep(2 * 24 * time.Hour)
			s.prune(nil)
		}
		records, err := s.repo.ReadRecords(t.Context())
		s.must(err)
		if open, settled := s.records(); len(open)+len(settled) != 1 || len(records.Ledgers) != 1 {
			t.Errorf("records are left beside the ledger of what was forgotten: %v, %v", open, settled)
		}
		// Of sessions only that of the last prune is left, and tombstones of the last month.
		if left := s.names(format.PrefixSessions); len(left) != 1 {
			t.Errorf("sessions %v", left)
		}
		time.Sleep(31 * 24 * time.Hour)
		s.prune(nil)
		if left := s.names(format.PrefixManifests); len(left) > 5 || !slices.Contains(left, "m/"+kept) {
			t.Errorf("outcomes %v", left)
		}
		s.holds(map[string][]string{kept: {"b"}})
	})
}

// TestUnindexed has packs that no segment names, of an upload that broke off.
func TestUnindexed(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shelf) {
		kept := s.save("b")
		segment := s.names("x/")
		lost := s.save("a")
		for _, name := range s.names("x/") {
			if !slices.Contains(segment, name) {
				s.must(s.store.Delete(t.Context(), name))
			}
		}
		s.must(s.store.Delete(t.Context(), "m/"+lost, "s/"+lost))
		s.must(s.repo.Cache().DropIndex())
		if r := s.prune(nil); r.CondemnedNow != 0 {
			t.Errorf("packs that may still get a segment are condemned: %+v", r)
		}
		time.Sleep(time.Hour)
		if r := s.prune(nil); r.Deleted != 2 {
			t.Errorf("an hour later: %+v", r)
		}
		s.holds(map[string][]string{kept: {"b"}})
	})
}

// TestSmallPacks joins many small packs into few.
func TestSmallPacks(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shelf) {
		want := map[string][]string{}
		for i := range 13 {
			word := fmt.Sprintf("word%d", i)
			want[s.save(word)] = []string{word}
		}
		if r := s.prune(nil); r.Repacked != 26 {
			t.Errorf("%+v", r)
		}
		if data, meta := s.names("p/"), s.names("q/"); len(data) != 1 || len(meta) != 1 {
			t.Errorf("%d data packs and %d metadata packs are left", len(data), len(meta))
		}
		s.holds(want)
	})
}

// TestDamageRetires has a record of damage go when there is nothing left that it speaks
// of, and not before: while the index names its pack, or a month has not passed.
func TestDamageRetires(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shelf) {
		session := s.save("a")
		packs := s.names("p/")
		name, err := format.ParsePackName(packs[0])
		s.must(err)
		record, err := s.repo.WriteRecord(t.Context(), &format.Record{
			Kind: format.RecordDamage, Time: time.Now().UnixNano(),
			DamagedPacks: []format.PackName{name}, DamagedChunks: []format.ID{s.id("a")},
		})
		s.must(err)
		time.Sleep(40 * 24 * time.Hour)
		s.prune(nil)
		if len(s.names(record)) == 0 {
			t.Fatal("the record is gone, and snapshots still need its pack")
		}
		again := s.save("a", "b") // stores it anew
		s.prune(nil)              // condemns the damaged pack
		if len(s.names(record)) == 0 {
			t.Fatal("the record is gone, and segments still name its pack")
		}
		for range 4 {
			time.Sleep(31 * 24 * time.Hour)
			s.prune(nil)
		}
		if left := s.names("g/"); len(left) > 0 {
			t.Errorf("%v is left", left)
		}
		s.holds(map[string][]string{session: {"a"}, again: {"a", "b"}})
	})
}

// TestProbesGo has prune take away what is left of a probe that was killed.
func TestProbesGo(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shelf) {
		s.save("a")
		_, err := s.store.Put(t.Context(), "probe/old/a", nil, object.PutOptions{})
		s.must(err)
		time.Sleep(25 * time.Hour)
		_, err = s.store.Put(t.Context(), "probe/new/a", nil, object.PutOptions{})
		s.must(err)
		s.prune(nil)
		if got := s.names("probe/"); len(got) != 1 || got[0] != "probe/new/a" {
			t.Errorf("%v is left", got)
		}
	})
}
