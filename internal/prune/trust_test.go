package prune_test

import (
	"testing"
	"testing/synctest"
	"time"

	"firn/internal/format"
	"firn/internal/index"
	"firn/internal/object"
	"firn/internal/prune"
	"firn/internal/repo"
	"firn/internal/seal"
)

// rogue opens the repository as a writer of its own.
func (s *shelf) rogue() *repo.Repository {
	s.t.Helper()
	secret := seal.Secret{Key: &[32]byte{9}}
	_, err := s.repo.AddSlot(s.t.Context(), format.RoleWriter, repo.NewSlot{Secret: secret})
	s.must(err)
	r, err := repo.Open(s.t.Context(), s.store, repo.OpenOptions{Secret: secret, Cache: s.t.TempDir()})
	s.must(err)
	s.t.Cleanup(func() { s.must(r.Close()) })
	return r
}

// lie has a host store rubbish, more than others have, and list a word's chunk there.
func (s *shelf) lie(as *repo.Repository, word string) {
	s.t.Helper()
	session := s.begin(as)
	made := s.add(session, "rubbish 1", "rubbish 2", "rubbish 3", "rubbish 4")
	_, err := session.Commit(s.t.Context(), &format.Manifest{Root: made.ID, RootLength: made.Length, Sums: made.Sums})
	s.must(err)
	rd, _, err := s.repo.NewReader(s.t.Context())
	s.must(err)
	defer rd.Close() //nolint:errcheck // nothing was written through it
	place, err := rd.Locate(s.id("rubbish 1"))
	s.must(err)
	b := index.NewBuilder()
	b.AddPack(*place.Pack, []index.PackEntry{{
		ID: s.id(word).Short(), BlockOffset: place.BlockOffset, BlockLength: place.BlockLength, ChunkOffset: place.ChunkOffset,
	}})
	name, body, err := b.Seal(as.Keys(), nil, as.Now())
	s.must(err)
	_, err = s.store.Put(s.t.Context(), name, body, object.PutOptions{})
	s.must(err)
}

// whole reports whether a word's chunk can be read.
func (s *shelf) whole(word string) bool {
	s.t.Helper()
	rd, _, err := s.repo.NewReader(s.t.Context())
	s.must(err)
	defer rd.Close() //nolint:errcheck // nothing was written through it
	_, err = rd.Chunk(s.t.Context(), format.KindData, s.id(word), uint32(len(content(word))))
	return err == nil
}

// TestLiesPruneNothing has a host list another's chunk in its own pack, which is needed
// more. Prune, told whom to trust, keeps the copy that is there; and it keeps what it is
// told to trust over many runs, merges of segments among them.
func TestLiesPruneNothing(t *testing.T) {
	for name, defend := range map[string]func(s *shelf, liar *repo.Repository, o *prune.Options){
		"nobody is told": nil,
		"vetted only":    func(_ *shelf, _ *repo.Repository, o *prune.Options) { o.Trust = repo.TrustVetted },
		"distrusted": func(s *shelf, liar *repo.Repository, _ *prune.Options) {
			records, err := s.repo.ReadRecords(s.t.Context())
			s.must(err)
			if records.Distrusted()[liar.Keys().Host()] == nil {
				_, err := s.repo.Distrust(s.t.Context(), liar.Keys().Host(), "test")
				s.must(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShelf(t, object.NewMem())
				s.save("precious")
				liar := s.rogue()
				s.lie(liar, "precious")
				for range 12 { // enough small segments for a merge
					s.save("precious")
				}
				for range 5 {
					time.Sleep(48 * time.Hour)
					s.prune(func(o *prune.Options) {
						if defend != nil {
							defend(s, liar, o)
						}
					})
				}
				if got := s.whole("precious"); got != (defend != nil) {
					t.Errorf("the chunk can be read: %v", got)
				}
			})
		})
	}
}

// TestMergePassesVettingOn has segments of which all was vetted stay so when an owner's
// prune merges them, and what was vetted beside others' words not spread to these.
func TestMergePassesVettingOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, object.NewMem())
		vet := func() {
			rd, _, err := s.repo.NewReader(t.Context())
			s.must(err)
			record := format.Record{Kind: format.RecordVetting}
			for info := range rd.View().Packs() {
				record.VettedPacks = append(record.VettedPacks, info.Name)
			}
			for _, segment := range rd.View().Segments() {
				record.VettedSegments = append(record.VettedSegments, segment.Name)
			}
			s.must(rd.Close())
			_, err = s.repo.WriteRecord(t.Context(), &record)
			s.must(err)
		}
		vettedOf := func(words ...string) (got []bool) {
			other := s.vettingReader()
			defer other.Close() //nolint:errcheck // nothing was written through it
			for _, word := range words {
				at, err := other.Locate(s.id(word))
				s.must(err)
				got = append(got, !at.Doubted)
			}
			return got
		}
		for _, word := range []string{"a", "b", "c", "d", "f"} {
			s.save(word)
		}
		vet()
		for _, word := range []string{"g", "h", "i", "j", "l"} {
			s.save(word)
		}
		for round := range 4 {
			if got := vettedOf("a", "f", "g", "l"); !got[0] || !got[1] || got[2] || got[3] {
				t.Fatalf("round %d: vetted: %v", round, got)
			}
			time.Sleep(48 * time.Hour)
			s.prune(nil)
		}
		rd, _, err := s.repo.NewReader(t.Context())
		s.must(err)
		if n := len(rd.View().Segments()); n > 2 {
			t.Errorf("%d segments are left", n)
		}
		s.must(rd.Close())
		records, err := s.repo.ReadRecords(t.Context())
		s.must(err)
		if n := len(records.Vettings); n > 1 {
			t.Errorf("%d vetting records are left", n)
		}
	})
}

// vettingReader is a reader of somebody who trusts what was vetted only.
func (s *shelf) vettingReader() *repo.Reader {
	s.t.Helper()
	r, err := repo.Open(s.t.Context(), s.store, repo.OpenOptions{Secret: owner, Cache: s.t.TempDir()})
	s.must(err)
	s.t.Cleanup(func() { s.must(r.Close()) })
	records, err := r.ReadRecords(s.t.Context())
	s.must(err)
	rd, _, err := r.TrustingReader(s.t.Context(), records, repo.TrustVetted)
	s.must(err)
	return rd
}

// TestLedgersAreMerged keeps what was forgotten in few records.
func TestLedgersAreMerged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, object.NewMem())
		s.save("kept")
		var forgotten []string
		for range 20 {
			forgotten = append(forgotten, s.save("gone"))
			s.forget(forgotten[len(forgotten)-1])
			time.Sleep(48 * time.Hour)
			s.prune(nil)
		}
		for range 3 {
			time.Sleep(40 * 24 * time.Hour)
			s.prune(nil)
		}
		records, err := s.repo.ReadRecords(t.Context())
		s.must(err)
		if n := len(records.Ledgers); n == 0 || n > 17 || len(records.Prunes) > 0 {
			t.Errorf("%d ledgers, %d records of prune are left", n, len(records.Prunes))
		}
		for _, session := range forgotten {
			if !records.Forgotten()[session] || !records.Settled()[session] {
				t.Errorf("%s is not forgotten any more", session)
			}
		}
	})
}
