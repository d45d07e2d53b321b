package cost_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firn/internal/audit"
	"firn/internal/check"
	"firn/internal/cost"
	"firn/internal/format"
	"firn/internal/object/objecttest"
	"firn/internal/prune"
	"firn/internal/repair"
	"firn/internal/repo"
	"firn/internal/snapshot"
	"firn/internal/storageconfig"
	"firn/internal/tree"
)

// TestEverydayWork: with every data pack frozen, all that is done every day works and
// reads none of them: backups, of deltas too and with an empty cache; listing, finding
// and comparing snapshots; check, forget, prune, audit; making the index anew.
func TestEverydayWork(t *testing.T) {
	for _, class := range []string{"GLACIER", "DEEP_ARCHIVE", objecttest.ArchiveAccess} {
		t.Run(class, func(t *testing.T) {
			p := newPlace(t)
			p.deltas = 0 // the default
			p.write("dump.sql", 9<<19, 1)
			p.write("notes", 1<<20, 2)
			first := p.backup()
			p.freeze(class)
			p.change("dump.sql")
			second := p.backup()
			p.freeze(class)
			p.look(first, second)
			p.forgetCache()
			p.change("dump.sql")
			p.backup()
			p.freeze(class)
			p.care(first)
			p.remake(class)
			if vain := p.cold.Vain(); len(vain) > 0 {
				t.Errorf("frozen packs were read: %v", vain)
			}
		})
	}
}

// freeze moves all data packs into an archive class.
func (p *place) freeze(class string) {
	p.must(p.cold.Transition(p.t.Context(), format.PrefixData, class))
}

// change writes some bytes in the middle of a file.
func (p *place) change(name string) {
	p.t.Helper()
	path := filepath.Join(p.home, name)
	body, err := os.ReadFile(path)
	p.must(err)
	for i := range 100 {
		body[len(body)/2+i] ^= 0x55
	}
	body[len(body)/2]++
	p.must(os.WriteFile(path, body, 0o600))
}

// look lists, walks, searches and compares snapshots, and reckons what a restore costs.
func (p *place) look(a, b *snapshot.Snapshot) {
	p.t.Helper()
	ctx := p.t.Context()
	rd, bad, err := p.repo.NewReader(ctx)
	p.must(err)
	defer func() { p.must(rd.Close()) }()
	found := ""
	for item, err := range tree.Walk(ctx, rd, b.Tree(), nil) {
		p.must(err)
		if strings.HasSuffix(string(item.Key), "dump.sql") {
			found = string(item.Key)
		}
	}
	changes := 0
	for _, err := range tree.Diff(ctx, rd, a.Tree(), b.Tree()) {
		p.must(err)
		changes++
	}
	deltas := false
	for info := range rd.View().Packs() {
		deltas = deltas || len(info.BasePacks) > 0
	}
	if !deltas {
		p.t.Error("no deltas were written")
	}
	if len(bad) > 0 || found == "" || changes == 0 {
		p.t.Errorf("%d bad segments, found %q, %d changes", len(bad), found, changes)
	}
	if e := p.inventory().Month(p.terms()); len(e.Items) == 0 {
		p.t.Error("nothing costs anything")
	}
	if packs := cost.WrittenBy(rd.View(), b); len(packs) == 0 {
		p.t.Error("the backup wrote nothing")
	}
}

// forgetCache begins with an empty cache.
func (p *place) forgetCache() {
	p.t.Helper()
	p.must(p.repo.Close())
	r, err := repo.Open(p.t.Context(), p.cold, repo.OpenOptions{Secret: owner, Cache: p.t.TempDir()})
	p.must(err)
	p.repo = r
}

// care checks, audits, forgets a snapshot and prunes.
func (p *place) care(gone *snapshot.Snapshot) {
	p.t.Helper()
	ctx := p.t.Context()
	report, err := check.Run(ctx, p.repo, check.Options{})
	p.must(err)
	if report.Damaged() {
		p.t.Errorf("damage: %+v", report.Findings)
	}
	_, err = audit.Run(ctx, p.repo)
	p.must(err)
	p.must(prune.Forget(ctx, p.repo, []string{gone.Session}, "test"))
	archive := storageconfig.Archive
	for range 2 {
		_, err = prune.Run(ctx, p.repo, prune.Options{Grace: -1, MaxUnused: 1e-9, Archive: archive})
		p.must(err)
	}
}

// remake deletes the index and makes it anew from mirrored footers, with an empty
// cache.
func (p *place) remake(class string) {
	p.t.Helper()
	ctx := p.t.Context()
	var segments []string
	for info, err := range p.cold.List(ctx, format.PrefixSegments) {
		p.must(err)
		segments = append(segments, info.Name)
	}
	p.must(p.cold.Delete(ctx, segments...))
	p.forgetCache()
	_, err := repair.Index(ctx, p.repo, repair.Options{})
	p.must(err)
	p.freeze(class)
	report, err := check.Run(ctx, p.repo, check.Options{})
	p.must(err)
	if report.Damaged() {
		p.t.Errorf("with the index made anew: %+v", report.Findings)
	}
}
