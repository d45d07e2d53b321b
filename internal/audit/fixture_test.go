package audit_test

import (
	"context"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"firn/internal/audit"
	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/prune"
	"firn/internal/repo"
	"firn/internal/seal"
	"firn/internal/snapshot"
)

// stage is a repository with two sources, whose machines see each other's snapshots, and a
// machine that audits.
type stage struct {
	*testing.T
	store   *object.Mem
	owner   *repo.Repository
	auditor *repo.Repository
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{T: t, store: object.NewMem()}
	secret := seal.Secret{Key: &[32]byte{1}}
	r, err := repo.Create(t.Context(), s.store, repo.CreateOptions{Slots: []repo.NewSlot{{Secret: secret}}, Cache: t.TempDir()})
	s.must(err)
	s.owner = r
	s.closes(r)
	s.auditor = s.member(2, format.RoleMaintainer)
	return s
}

func (s *stage) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *stage) closes(r *repo.Repository) { s.Cleanup(func() { s.must(r.Close()) }) }

// member adds a key slot and opens the repository with it, on a machine of its own.
func (s *stage) member(n byte, role format.Role) *repo.Repository {
	s.Helper()
	secret := seal.Secret{Key: &[32]byte{n}}
	_, err := s.owner.AddSlot(s.Context(), role, repo.NewSlot{Secret: secret})
	s.must(err)
	r, err := repo.Open(s.Context(), s.store, repo.OpenOptions{Secret: secret, Cache: s.TempDir()})
	s.must(err)
	s.closes(r)
	return r
}

func (s *stage) list(r *repo.Repository) *snapshot.Set {
	s.Helper()
	records, err := r.ReadRecords(s.Context())
	s.must(err)
	set, err := snapshot.List(s.Context(), r, records)
	s.must(err)
	return set
}

// save commits an empty snapshot of a source, chained as a backup does, some time after
// the one before.
func (s *stage) save(r *repo.Repository, host string) string {
	s.Helper()
	time.Sleep(time.Hour)
	session, err := r.Begin(s.Context(), repo.SessionOptions{})
	s.must(err)
	set := s.list(r)
	_, err = session.LoadIndex(s.Context())
	s.must(err)
	key := snapshot.SourceKey(host, nil)
	_, err = session.Commit(s.Context(), &format.Manifest{
		Host: host, SourceKey: key, Previous: set.Heads(key), Seen: set.HeadsOfOthers(key),
	})
	s.must(err)
	return session.Name()
}

func (s *stage) audit() *audit.Report {
	s.Helper()
	report, err := audit.Run(s.Context(), s.auditor)
	s.must(err)
	return report
}

func (s *stage) forget(sessions ...string) {
	s.Helper()
	s.must(prune.Forget(s.Context(), s.owner, sessions, "test"))
}

func (s *stage) prune() {
	s.Helper()
	_, err := prune.Run(s.Context(), s.owner, prune.Options{Grace: -1, Stale: time.Hour})
	s.must(err)
}

// image is all objects under some prefixes.
func (s *stage) image(prefixes ...string) map[string][]byte {
	s.Helper()
	all := map[string][]byte{}
	for _, prefix := range prefixes {
		for info, err := range s.store.List(s.Context(), prefix) {
			s.must(err)
			body, _, err := s.store.Get(s.Context(), info.Name, 1<<30)
			s.must(err)
			all[info.Name] = body
		}
	}
	return all
}

func (s *stage) put(name string, body []byte) {
	s.Helper()
	_, err := s.store.Put(s.Context(), name, body, object.PutOptions{})
	s.must(err)
}

func (s *stage) remove(names ...string) {
	s.Helper()
	s.must(s.store.Delete(s.Context(), names...))
}

// wants compares the findings with kinds by object.
func (s *stage) wants(report *audit.Report, want map[string]audit.Kind) {
	s.Helper()
	got := map[string]audit.Kind{}
	tampered := false
	for _, f := range report.Findings {
		got[f.Object] = f.Kind
		tampered = tampered || f.Kind != audit.Fork && f.Kind != audit.Restart
	}
	if !maps.Equal(got, want) || tampered != report.Tampered() {
		for _, f := range report.Findings {
			s.Logf("%s %s: %s %v", f.Kind, f.Object, f.Detail, f.SeenBy)
		}
		s.Errorf("found %v, want %v; tampered %v", got, want, report.Tampered())
	}
}

// inBubble runs a test in virtual time.
func inBubble(t *testing.T, test func(t *testing.T, s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newStage(t)) })
}

// guarded is a store that refuses to read packs.
type guarded struct {
	object.Store
	s *stage
}

func (g *guarded) Get(ctx context.Context, name string, limit int64) ([]byte, object.Info, error) {
	g.refuse(name)
	return g.Store.Get(ctx, name, limit)
}

func (g *guarded) GetRange(ctx context.Context, name string, p []byte, offset int64) error {
	g.refuse(name)
	return g.Store.GetRange(ctx, name, p, offset)
}

func (g *guarded) refuse(name string) {
	if strings.HasPrefix(name, format.PrefixData) || strings.HasPrefix(name, format.PrefixMeta) {
		g.s.Errorf("%s is read", name)
	}
}
