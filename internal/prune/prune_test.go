package prune_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/object/objecttest"
	"firn/internal/prune"
	"firn/internal/repo"
	"firn/internal/seal"
	"firn/internal/snapshot"
)

// inBubble runs a test in virtual time on a drive with conditional writes.
func inBubble(t *testing.T, test func(t *testing.T, s *shelf)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newShelf(t, object.NewMem())) })
}

func TestNothingToDo(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shelf) {
		kept := s.save("a", "b")
		before := s.names("p/", "q/", "x/", "m/"+kept)
		if r := s.prune(nil); r.CondemnedNow+r.Deleted+r.Merged+r.Repacked != 0 || r.Packs != len(s.names("p/", "q/")) {
			t.Errorf("%+v", r)
		}
		if after := s.names("p/", "q/", "x/", "m/"+kept); !slices.Equal(before, after) {
			t.Errorf("%v became %v", before, after)
		}
		if open, settled := s.records(); len(open)+len(settled) > 0 {
			t.Errorf("records %v, %v", open, settled)
		}
		s.holds(map[string][]string{kept: {"a", "b"}})
	})
}

func TestUnusedPacksGo(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shelf) {
		gone, kept := s.save("a"), s.save("b")
		s.forget(gone)
		r := s.prune(nil)
		if r.CondemnedNow != 2 || r.Deleted != 2 || r.Manifests != 1 || r.Later != 0 || r.DeletedBytes == 0 {
			t.Errorf("%+v", r)
		}
		s.holds(map[string][]string{kept: {"b"}})
		if left := s.names("m/"+gone, "s/"+gone); len(left) > 0 {
			t.Errorf("%v is left", left)
		}
		// Who comes later does not take the content for stored.
		again := s.save("a")
		s.holds(map[string][]string{kept: {"b"}, again: {"a"}})
	})
}

func TestGrace(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shelf) {
		gone := s.save("a")
		s.forget(gone)
		day := func(o *prune.Options) { o.Grace = 24 * time.Hour }
		packs := len(s.names("p/", "q/"))
		for range 2 {
			r := s.prune(day)
			if r.Deleted != 0 || r.Later != 2 || !r.LaterAt.After(time.Now().Add(22*time.Hour)) || len(s.names("p/", "q/")) != packs {
				t.Errorf("within the grace: %+v, packs %v", r, s.names("p/", "q/"))
			}
			time.Sleep(time.Hour)
		}
		time.Sleep(24 * time.Hour)
		if r := s.prune(day); r.Deleted != 2 || r.Later != 0 {
			t.Errorf("after it: %+v", r)
		}
	})
}

// TestRunningSession has a session begin before a record: it may rely on what the
// record condemns, and is waited for.
func TestRunningSession(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shelf) {
		gone := s.save("a")
		s.forget(gone)
		running := s.begin(s.repo)
		r := s.prune(nil)
		if len(r.Waiting) != 1 || r.Waiting[0].Name != running.Name() || r.CondemnedNow != 2 || r.Deleted != 0 {
			t.Errorf("%+v", r)
		}
		if open, _ := s.records(); len(open) != 2 { // that of forget and that of prune
			t.Errorf("%d records are open", len(open))
		}
		late := s.begin(s.repo)
		if has, err := late.Has(s.id("a")); err != nil || has {
			t.Errorf("a later session relies on a condemned pack: %v, %v", has, err)
		}
		s.must(late.Abandon(t.Context(), "test"))
		if has, err := running.Has(s.id("a")); err != nil || !has {
			t.Errorf("the running session does not find the pack: %v, %v", has, err)
		}
		made := s.add(running, "a")
		_, err := running.Commit(t.Context(), &format.Manifest{Root: made.ID, RootLength: made.Length, Sums: made.Sums})
		s.must(err)
		// The second mark sees what it committed: its content stays, the tree of the
		// forgotten snapshot too, since the two are the same.
		if r := s.prune(nil); r.Deleted != 0 || len(r.Waiting) != 0 {
			t.Errorf("%+v", r)
		}
		s.holds(map[string][]string{running.Name(): {"a"}})
	})
}

// TestWaits has prune itself wait for a session.
func TestWaits(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shelf) {
		s.forget(s.save("a"))
		running := s.begin(s.repo)
		ended := make(chan error, 1)
		go func() {
			time.Sleep(10 * time.Minute)
			ended <- running.Abandon(t.Context(), "test")
		}()
		began := time.Now()
		r := s.prune(func(o *prune.Options) { o.Wait = time.Hour })
		s.must(<-ended)
		if waited := time.Since(began); len(r.Waiting) != 0 || r.Deleted != 2 || waited < 10*time.Minute || waited > 11*time.Minute {
			t.Errorf("after %v: %+v", waited, r)
		}
	})
}

// TestStaleSession has a machine go down in a session.
func TestStaleSession(t *testing.T) {
	for name, conditional := range map[string]bool{"conditional writes": true, "none": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				drive := objecttest.Restrict(object.NewMem(), object.Capabilities{IfAbsent: conditional, Attests: true})
				s := newShelf(t, drive)
				s.forget(s.save("a"))
				line := objecttest.NewFault(drive, 0)
				r, err := repo.Open(t.Context(), line, repo.OpenOptions{Secret: owner})
				s.must(err)
				session := s.begin(r)
				made := s.add(session, "a", "b")
				line.Add(objecttest.Rule{Do: objecttest.Fail})
				time.Sleep(29 * time.Minute)
				if report := s.prune(nil); len(report.Waiting) != 1 {
					t.Errorf("after 29 minutes: %+v", report)
				}
				time.Sleep(2 * time.Minute)
				began := time.Now()
				if report := s.prune(nil); len(report.Waiting) != 0 || report.Deleted == 0 {
					t.Errorf("after 31 minutes: %+v", report)
				}
				if waited := time.Since(began); !conditional && waited < time.Hour {
					t.Errorf("decided %v after the fence", waited)
				}
				line.Heal()
				_, err = session.Commit(t.Context(), &format.Manifest{Root: made.ID, RootLength: made.Length, Sums: made.Sums})
				if !errors.Is(err, repo.ErrFenced) {
					t.Errorf("commit after the fence: %v", err)
				}
				s.must(errors.Join(session.Abandon(t.Context(), "test"), r.Close()))
				s.holds(map[string][]string{})
			})
		})
	}
}

// TestOrphan has the author of a record go down before it settled it, on a drive where
// nobody else may. The record must not stay for good.
func TestOrphan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		drive := objecttest.Restrict(object.NewMem(), object.Capabilities{Attests: true})
		s := newShelf(t, drive)
		gone, kept := s.save("a"), s.save("b")
		line := objecttest.NewFault(drive, 0, objecttest.Rule{Op: objecttest.Put, Name: "g/*.s", Do: objecttest.Stop})
		r, err := repo.Open(t.Context(), line, repo.OpenOptions{Secret: owner})
		s.must(err)
		s.forget(gone)
		if _, err := prune.Run(t.Context(), r, options(nil)); !errors.Is(err, objecttest.ErrStopped) {
			t.Fatalf("the author settles: %v", err)
		}
		s.must(r.Close())
		time.Sleep(time.Hour)
		s.prune(nil) // closes the author's session and condemns the packs itself
		time.Sleep(24 * time.Hour)
		s.prune(nil)
		if open, _ := s.records(); len(open) > 0 {
			t.Errorf("still there: %v", open)
		}
		if left := len(s.names("p/", "q/")); left != 2 {
			t.Errorf("%d packs are left", left)
		}
		s.holds(map[string][]string{kept: {"b"}})
	})
}

// TestNeededOrphan has a record stay behind, on a drive where only its author may
// settle it, that condemns what is needed again: no later run has anything to settle.
func TestNeededOrphan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, objecttest.Restrict(object.NewMem(), object.Capabilities{Attests: true}))
		both := s.save("a", "b")
		kept := s.save("b")
		s.forget(both)
		s.prune(nil)
		running := s.begin(s.repo)
		if r := s.prune(moves); len(r.Waiting) != 1 || r.Repacked == 0 {
			t.Errorf("%+v", r)
		}
		made := s.add(running, "a")
		_, err := running.Commit(t.Context(), &format.Manifest{Root: made.ID, RootLength: made.Length, Sums: made.Sums})
		s.must(err)
		time.Sleep(24 * time.Hour)
		s.prune(nil)
		if open, _ := s.records(); len(open) > 0 {
			t.Errorf("still there: %v", open)
		}
		s.holds(map[string][]string{kept: {"b"}, running.Name(): {"a"}})
	})
}

// TestDryRun plans and changes nothing.
func TestDryRun(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shelf) {
		s.forget(s.save("a"))
		s.save("b")
		before := s.names("")
		r := s.prune(func(o *prune.Options) { o.DryRun = true })
		if r.CondemnedNow != 2 || r.CondemnedSize == 0 || r.Deleted != 0 {
			t.Errorf("%+v", r)
		}
		if after := s.names(""); !slices.Equal(before, after) {
			t.Errorf("objects %v became %v", before, after)
		}
	})
}

// TestLost has prune decide nothing when it cannot see all that is needed.
func TestLost(t *testing.T) {
	for name, harm := range map[string]func(s *shelf, kept string) []string{
		"a segment is gone":    func(s *shelf, _ string) []string { return s.names("x/") },
		"a manifest is broken": func(_ *shelf, kept string) []string { return []string{"m/" + kept} },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, s *shelf) {
				s.forget(s.save("a"))
				kept := s.save("b")
				for _, object := range harm(s, kept) {
					s.must(s.damage(object))
				}
				packs := s.names("p/", "q/")
				if _, err := prune.Run(t.Context(), s.repo, options(nil)); err == nil {
					t.Error("it goes on")
				}
				if after := s.names("p/", "q/"); !slices.Equal(packs, after) {
					t.Errorf("packs %v became %v", packs, after)
				}
				if open, settled := s.records(); len(open)+len(settled) != 1 {
					t.Errorf("records: open %v, settled %v", open, settled)
				}
			})
		})
	}
}

// damage breaks a manifest, and deletes a segment; its copy in the cache goes too.
func (s *shelf) damage(name string) error {
	reset := s.repo.Cache().Reset()
	if name[0] == 'x' {
		return errors.Join(reset, s.store.Delete(s.t.Context(), name), s.repo.Cache().DropIndex())
	}
	_, err := s.store.Put(s.t.Context(), name, []byte("broken"), object.PutOptions{})
	return errors.Join(reset, err)
}

func TestRoles(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shelf) {
		gone, kept := s.save("a"), s.save("b")
		key := seal.Secret{Key: &[32]byte{2}}
		_, err := s.repo.AddSlot(t.Context(), format.RoleWriter, repo.NewSlot{Secret: key})
		s.must(err)
		writer, err := repo.Open(t.Context(), s.store, repo.OpenOptions{Secret: key})
		s.must(err)
		if _, err := prune.Run(t.Context(), writer, options(nil)); !errors.Is(err, repo.ErrRole) {
			t.Errorf("a writer prunes: %v", err)
		}
		if err := prune.Forget(t.Context(), writer, []string{gone}, ""); !errors.Is(err, repo.ErrRole) {
			t.Errorf("a writer forgets: %v", err)
		}
		s.must(writer.Close())
		key = seal.Secret{Key: &[32]byte{3}}
		_, err = s.repo.AddSlot(t.Context(), format.RoleMaintainer, repo.NewSlot{Secret: key})
		s.must(err)
		maintainer, err := repo.Open(t.Context(), s.store, repo.OpenOptions{Secret: key})
		s.must(err)
		s.must(prune.Forget(t.Context(), maintainer, []string{gone}, ""))
		r, err := prune.Run(t.Context(), maintainer, options(nil))
		s.must(err)
		s.must(maintainer.Close())
		if r.Deleted != 2 {
			t.Errorf("a maintainer: %+v", r)
		}
		s.holds(map[string][]string{kept: {"b"}})
	})
}

// TestForgetTwice forgets what is forgotten, and nothing.
func TestForgetTwice(t *testing.T) {
	inBubble(t, func(t *testing.T, s *shelf) {
		gone := s.save("a")
		s.forget(gone)
		s.forget(gone)
		s.forget()
		s.fresh(func(_ context.Context, _ *repo.Repository, set *snapshot.Set) {
			if len(set.Snapshots) != 0 || len(set.Forgotten) != 1 {
				t.Errorf("%d snapshots, %d forgotten", len(set.Snapshots), len(set.Forgotten))
			}
		})
		if r := s.prune(nil); r.Manifests != 1 {
			t.Errorf("%+v", r)
		}
	})
}
