package audit_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"firn/internal/audit"
	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/seal"
	"firn/internal/snapshot"
)

// TestHonest finds nothing where snapshots come, are forgotten, deleted, and the records of
// that retired.
func TestHonest(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		var sessions []string
		for range 3 {
			sessions = append(sessions, s.save(s.owner, "alpha"), s.save(s.owner, "beta"))
		}
		report := s.audit()
		s.wants(report, nil)
		if report.Snapshots != 6 || report.Sources != 2 || report.Heads != 2 || report.Pinned != 0 {
			t.Errorf("%+v", report)
		}
		s.forget(sessions[0], sessions[3], sessions[5])
		s.wants(s.audit(), nil)
		s.prune()
		report = s.audit()
		s.wants(report, nil)
		if report.Explained == 0 || report.Pinned == 0 {
			t.Errorf("%+v", report)
		}
		s.save(s.owner, "beta")
		for range 3 {
			time.Sleep(40 * 24 * time.Hour)
			s.prune()
		}
		report = s.audit()
		s.wants(report, nil)
		if report.Explained == 0 || len(s.records().Ledgers) != 1 || len(s.records().Prunes) != 0 {
			t.Errorf("%+v, %+v", report, s.records())
		}
	})
}

func (s *stage) records() *repo.Records {
	s.Helper()
	records, err := s.owner.ReadRecords(s.Context())
	s.must(err)
	return records
}

// TestRemoved names a snapshot that is gone, whether its own chain or another tells.
func TestRemoved(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		first := s.save(s.owner, "alpha")
		seen := s.save(s.owner, "beta")
		s.save(s.owner, "alpha")
		s.remove(format.ManifestObject(first), format.ManifestObject(seen))
		report := s.audit()
		s.wants(report, map[string]audit.Kind{format.ManifestObject(first): audit.Missing, format.ManifestObject(seen): audit.Missing})
		for _, f := range report.Findings {
			if len(f.SeenBy) == 0 {
				t.Errorf("%s: nobody names it", f.Object)
			}
		}
	})
}

// TestSetBack names what this machine saw when the whole repository is set back, and what
// another machine saw when only that is left.
func TestSetBack(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		s.save(s.owner, "alpha")
		before := s.image("")
		last := s.save(s.owner, "alpha")
		s.wants(s.audit(), nil)
		for name := range s.image("") {
			if before[name] == nil {
				s.remove(name)
			}
		}
		for range 2 { // and it stays known
			s.wants(s.audit(), map[string]audit.Kind{format.ManifestObject(last): audit.Rollback})
		}
		if set := s.list(s.auditor); !slices.Equal(set.Gone, []string{last}) {
			t.Errorf("a listing misses %v", set.Gone)
		}
		s.save(s.owner, "alpha")
		s.wants(s.audit(), map[string]audit.Kind{format.ManifestObject(last): audit.Rollback})
	})
}

// TestRootSetBack names a root that is taken back; the keys it revoked stay revoked.
func TestRootSetBack(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		s.save(s.owner, "alpha")
		_, err := s.owner.Rotate(t.Context())
		s.must(err)
		again, err := repo.Open(t.Context(), s.store, repo.OpenOptions{Secret: seal.Secret{Key: &[32]byte{2}}, Cache: t.TempDir()})
		s.must(err)
		s.closes(again)
		s.auditor = again
		s.wants(s.audit(), nil)
		s.remove(format.RootName(2), format.RootCopyName(2))
		s.wants(s.audit(), map[string]audit.Kind{format.RootName(2): audit.Rollback})
	})
}

// TestReplaced names a manifest in whose place a later one of the same host stands, and
// objects that are altered or signed by others.
func TestReplaced(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		victim := s.save(s.owner, "alpha")
		s.save(s.owner, "alpha")
		rogue := s.member(3, format.RoleWriter)
		body, err := s.owner.Keys().SealRecord(format.KindManifest, format.ManifestObject(victim), (&format.Manifest{
			Session: victim, Host: "alpha", SourceKey: snapshot.SourceKey("alpha", nil),
		}).Append(nil))
		s.must(err)
		right, _, err := s.store.Get(t.Context(), format.ManifestObject(victim), 1<<20)
		s.must(err)
		s.put(format.ManifestObject(victim), body)
		s.wants(s.audit(), map[string]audit.Kind{format.ManifestObject(victim): audit.Replaced})

		forged, err := rogue.Keys().SealRecord(format.KindManifest, format.ManifestObject(victim), (&format.Manifest{Session: victim}).Append(nil))
		s.must(err)
		s.put(format.ManifestObject(victim), forged)
		s.wants(s.audit(), map[string]audit.Kind{format.ManifestObject(victim): audit.Untrusted})

		altered := slices.Clone(right)
		altered[len(altered)/2] ^= 1
		s.put(format.ManifestObject(victim), altered)
		for object, kind := range kinds(s.audit()) {
			if object != format.ManifestObject(victim) || kind != audit.Altered && kind != audit.Untrusted {
				t.Errorf("%s: %s", object, kind)
			}
		}
		s.put(format.ManifestObject(victim), right)
		s.wants(s.audit(), nil)
	})
}

func kinds(report *audit.Report) map[string]audit.Kind {
	all := map[string]audit.Kind{}
	for _, f := range report.Findings {
		all[f.Object] = f.Kind
	}
	return all
}

// TestReturned names a snapshot that was deleted and is put back, long after; it counts for nothing.
func TestReturned(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		old := s.save(s.owner, "alpha")
		s.save(s.owner, "alpha")
		body := s.image(format.ManifestObject(old))
		s.forget(old)
		s.prune()
		for range 2 {
			time.Sleep(40 * 24 * time.Hour)
			s.prune()
		}
		if len(s.image(format.ManifestObject(old))) > 0 || len(s.records().Prunes) > 0 {
			t.Fatal("it is not swept, or its record is there")
		}
		s.put(format.ManifestObject(old), body[format.ManifestObject(old)])
		s.wants(s.audit(), map[string]audit.Kind{format.ManifestObject(old): audit.Returned})
		for _, found := range s.list(s.owner).Snapshots {
			if found.Session == old {
				t.Error("it is listed as a snapshot")
			}
		}
		s.prune() // which needs nothing of it
	})
}

// TestWithheldDistrust names a record of distrust that is gone, which counts all the same
// where it was seen.
func TestWithheldDistrust(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		bad := s.member(3, format.RoleWriter)
		name, err := s.owner.Distrust(t.Context(), bad.Keys().Host(), "test")
		s.must(err)
		s.wants(s.audit(), nil)
		_, err = s.auditor.ReadRecords(t.Context())
		s.must(err)
		s.remove(name)
		for range 2 {
			s.wants(s.audit(), map[string]audit.Kind{name: audit.Withheld})
			records, err := s.auditor.ReadRecords(t.Context())
			s.must(err)
			if records.Distrusted()[bad.Keys().Host()] == nil {
				t.Error("the host is trusted again")
			}
		}
	})
}

// TestRevokedKey names what a revoked key signs.
func TestRevokedKey(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		bad := s.member(3, format.RoleWriter)
		time.Sleep(time.Hour)
		session, err := bad.Begin(t.Context(), repo.SessionOptions{})
		s.must(err)
		_, err = session.LoadIndex(t.Context())
		s.must(err)
		_, err = s.owner.Rotate(t.Context(), bad.Keys().Host().String())
		s.must(err)
		again, err := repo.Open(t.Context(), s.store, repo.OpenOptions{Secret: seal.Secret{Key: &[32]byte{2}}, Cache: t.TempDir()})
		s.must(err)
		s.closes(again)
		s.auditor = again
		name := format.ManifestObject(format.SessionName(bad.Keys().Host(), [16]byte{9}))
		body, err := bad.Keys().SealRecord(format.KindManifest, name, (&format.Manifest{}).Append(nil))
		s.must(err)
		s.put(name, body)
		s.wants(s.audit(), map[string]audit.Kind{name: audit.Revoked})
		s.must(session.Abandon(t.Context(), "test"))
	})
}

// TestForks explains two backups at the same time, and not two of which one did not see
// the other though it came later.
func TestForks(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		s.save(s.owner, "alpha")
		key := snapshot.SourceKey("alpha", nil)
		heads := s.list(s.owner).Heads(key)
		run := func(previous []format.Head, before time.Duration) string {
			session, err := s.owner.Begin(t.Context(), repo.SessionOptions{})
			s.must(err)
			_, err = session.LoadIndex(t.Context())
			s.must(err)
			time.Sleep(before)
			_, err = session.Commit(t.Context(), &format.Manifest{Host: "alpha", SourceKey: key, Previous: previous})
			s.must(err)
			return session.Name()
		}
		run(heads, time.Minute)
		run(heads, time.Minute)
		report := s.audit()
		s.wants(report, nil)
		if report.Concurrent != 1 || report.Heads != 2 {
			t.Errorf("%+v", report)
		}
		time.Sleep(time.Hour)
		late := run(heads, time.Minute)
		s.wants(s.audit(), map[string]audit.Kind{format.ManifestObject(late): audit.Fork})
		time.Sleep(time.Hour)
		anew := run(nil, time.Minute)
		s.wants(s.audit(), map[string]audit.Kind{format.ManifestObject(late): audit.Fork, format.ManifestObject(anew): audit.Restart})
	})
}

// TestWriter cannot audit, and says so.
func TestWriter(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		s.auditor = s.member(3, format.RoleWriter)
		if _, err := audit.Run(t.Context(), s.auditor); !errors.Is(err, repo.ErrRole) {
			t.Error(err)
		}
	})
}

// TestReadsNoTree reads no pack and no tree, and writes nothing.
func TestReadsNoTree(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		s.save(s.owner, "alpha")
		before := s.image("")
		meter := object.Meter(s.store)
		r, err := repo.Open(t.Context(), &guarded{meter, s}, repo.OpenOptions{Secret: seal.Secret{Key: &[32]byte{2}}, Cache: t.TempDir()})
		s.must(err)
		s.closes(r)
		counts := meter.Counts()
		s.auditor = r
		s.wants(s.audit(), nil)
		if after := meter.Counts(); after.Put != counts.Put || after.Delete != counts.Delete {
			t.Errorf("it wrote: %+v", after)
		}
		if !maps.EqualFunc(before, s.image(""), slices.Equal[[]byte]) {
			t.Error("objects came or went")
		}
	})
}
