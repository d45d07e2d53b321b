package check_test

import (
	"testing"

	"firn/internal/check"
	"firn/internal/format"
	"firn/internal/index"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/seal"
)

// with opens the repository as a member of its own.
func with(t *testing.T, r *repo.Repository, store object.Store, n byte, role format.Role) *repo.Repository {
	t.Helper()
	secret := seal.Secret{Key: &[32]byte{n}}
	if _, err := r.AddSlot(t.Context(), role, repo.NewSlot{Secret: secret}); err != nil {
		t.Fatal(err)
	}
	member, err := repo.Open(t.Context(), store, repo.OpenOptions{Secret: secret, Cache: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeAll(t, member) })
	return member
}

// doubted counts the packs on which one who trusts vetted ones only does not build.
func doubted(t *testing.T, store object.Store) (n int) {
	t.Helper()
	r := open(t, store)
	rd, _, err := r.TrustingReader(t.Context(), records(t, r), repo.TrustVetted)
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(t, rd)
	packs := map[format.PackName]bool{}
	for g, err := range rd.View().Merge(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range g.At {
			if at.Doubted {
				packs[at.Pack.Name] = true
			}
		}
	}
	return len(packs)
}

// TestVet vouches for what was read and is right, once, and for nothing else.
func TestVet(t *testing.T) {
	store := object.NewMem()
	r, _, _ := small(t, store)
	packs := doubted(t, store)
	if packs == 0 {
		t.Fatal("a stranger's packs are trusted though nobody vetted them")
	}
	maintainer := with(t, r, store, 2, format.RoleMaintainer)
	vet := all
	vet.Vet = true
	if run(t, maintainer, vet); doubted(t, store) != packs-len(list(t, store, "q/")) {
		t.Errorf("of %d packs %d are not vetted by a maintainer, who can open metadata packs only", packs, doubted(t, store))
	}
	report := run(t, r, vet)
	if report.Vetted == 0 || report.Unvetted != nil || doubted(t, store) > 0 {
		t.Errorf("vetted %d packs (%v), %d are left", report.Vetted, report.Unvetted, doubted(t, store))
	}
	if again := run(t, r, vet); again.Vetted > 0 {
		t.Errorf("%d packs were vetted again", again.Vetted)
	}
}

// TestVetNothingFalse vouches for no pack that is damaged, or of which the index says what
// is not so.
func TestVetNothingFalse(t *testing.T) {
	store := object.NewMem()
	r, _, _ := small(t, store)
	body := get(t, store, list(t, store, "p/")[0])
	body[len(body)/2] ^= 1
	put(t, store, list(t, store, "p/")[0], body)
	liar := with(t, r, store, 3, format.RoleWriter)
	lie(t, r, liar, store)
	before := doubted(t, store)
	vet := all
	vet.Vet, vet.NoRecord = true, true
	run(t, r, vet)
	if left := doubted(t, store); left == 0 || left == before {
		t.Errorf("%d packs of %d are not vetted", left, before)
	}
}

// lie has a host list, in a pack of others, a chunk that is not there. It returns the pack.
func lie(t *testing.T, r, liar *repo.Repository, store object.Store) format.PackName {
	t.Helper()
	rd, _, err := r.NewReader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(t, rd)
	var at index.Location
	for group, err := range rd.View().Merge(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if at = group.At[0]; at.Pack.Name.Kind == format.KindData && at.Pack.Name.Object() != list(t, store, "p/")[0] {
			break
		}
	}
	b := index.NewBuilder()
	b.AddPack(*at.Pack, []index.PackEntry{{
		ID: format.ShortID{1, 2, 3}, BlockOffset: at.BlockOffset, BlockLength: at.BlockLength, ChunkOffset: at.ChunkOffset,
	}})
	name, body, err := b.Seal(liar.Keys(), nil, liar.Now())
	if err != nil {
		t.Fatal(err)
	}
	put(t, store, name, body)
	return at.Pack.Name
}

// TestDistrustedLiesBlameNobody has the word of a distrusted host make no pack of others
// look wrong.
func TestDistrustedLiesBlameNobody(t *testing.T) {
	store := object.NewMem()
	r, _, _ := small(t, store)
	liar := with(t, r, store, 3, format.RoleWriter)
	pack := lie(t, r, liar, store)
	opts := all
	opts.NoRecord = true
	if report := run(t, r, opts); len(report.Findings) != 1 || report.Findings[0].Object != pack.Object() {
		t.Fatalf("%s", describe(report))
	}
	if _, err := r.Distrust(t.Context(), liar.Keys().Host(), "test"); err != nil {
		t.Fatal(err)
	}
	if report := run(t, r, opts); len(report.Findings) > 0 {
		t.Errorf("%s", describe(report))
	}
}

// TestRestsOnDistrusted names the snapshots of others, and only those, that need what only a
// distrusted host stored.
func TestRestsOnDistrusted(t *testing.T) {
	store := object.NewMem()
	r, _, _ := small(t, store)
	other := with(t, r, store, 3, format.RoleWriter)
	dir := t.TempDir()
	files{"x": noise(77, 10<<10), "y": noise(78, 10<<10)}.write(t, dir)
	backUp(t, other, dir, false)
	snapshots := run(t, r, all).Snapshots
	if err := distrust(t, other, r); err != nil {
		t.Fatal(err)
	}
	if report := run(t, open(t, store), all); len(report.Findings) > 0 {
		t.Errorf("its own snapshots are named: %s", describe(report))
	}
	backUp(t, open(t, store), dir, false) // which stores all of it anew
	report := run(t, open(t, store), all)
	if len(report.Findings) > 0 || report.Snapshots != snapshots+1 {
		t.Errorf("%s", describe(report))
	}
	if _, err := r.Retrust(t.Context(), records(t, r), other.Keys().Host(), ""); err != nil {
		t.Fatal(err)
	}
	third := t.TempDir()
	files{"z": noise(79, 10<<10)}.write(t, third)
	backUp(t, other, third, false)
	backUp(t, open(t, store), third, false) // which builds on it
	if err := distrust(t, other, r); err != nil {
		t.Fatal(err)
	}
	report = run(t, open(t, store), all)
	if len(report.Findings) != 1 || report.Damaged() {
		t.Fatalf("%s", describe(report))
	}
	f := report.Findings[0]
	if f.Kind != check.Distrusted || f.SnapshotCount != 1 || f.PathCount == 0 || f.Unreadable > 0 || report.Record != "" {
		t.Errorf("%+v, record %q", f, report.Record)
	}
}

func distrust(t *testing.T, whom, by *repo.Repository) error {
	t.Helper()
	_, err := by.Distrust(t.Context(), whom.Keys().Host(), "test")
	return err
}

func records(t *testing.T, r *repo.Repository) *repo.Records {
	t.Helper()
	records, err := r.ReadRecords(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return records
}
