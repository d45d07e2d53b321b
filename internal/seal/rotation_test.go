package seal

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"firn/internal/format"
)

func TestRotationKeepsWhatIsThere(t *testing.T) {
	before, writer, _ := rings(t)
	r := recordKinds[2]
	object := mustSealRecord(t, writer, r.kind, r.name, []byte("old"))
	_, footer := mustSealFooter(t, writer, format.KindData)
	section, header := newTestSection(t, writer, format.KindData)
	b, plaintext := testBlock(0)
	block := section.SealBlock(nil, b, 16, plaintext)

	owner, root := succeed(t, before, Succession{Epoch: true})
	if owner.Epoch() != 2 || root.Number != 2 || root.DedupEpoch != 1 || before.Epoch() != 1 {
		t.Fatalf("epoch %d, root %d, dedup epoch %d, before %d", owner.Epoch(), root.Number, root.DedupEpoch, before.Epoch())
	}
	if owner.ChunkID(format.KindData, plaintext) != before.ChunkID(format.KindData, plaintext) {
		t.Error("chunks have other names")
	}
	if opened, err := owner.OpenRecord(r.name, object); err != nil || string(opened.Body) != "old" {
		t.Errorf("old manifest: %v", err)
	}
	if _, err := owner.OpenFooter(format.KindData, 1, footer); err != nil {
		t.Errorf("old footer: %v", err)
	}
	old, err := owner.OpenSection(format.KindData, header)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := old.OpenBlock(nil, block); err != nil || !bytes.Equal(got, plaintext) {
		t.Errorf("old block: %v", err)
	}
}

func TestRotationShutsOldBundlesOut(t *testing.T) {
	before, writer, maintainer := rings(t)
	owner, root := succeed(t, before, Succession{Epoch: true})
	r := recordKinds[0]
	object := mustSealRecord(t, owner, r.kind, r.name, []byte("new"))
	_, footer := mustSealFooter(t, owner, format.KindMeta)
	_, header := newTestSection(t, owner, format.KindMeta)
	old, err := Open(maintainer.bundle, root, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.OpenRecord(r.name, object); !errors.Is(err, ErrNoKey) {
		t.Errorf("new record: %v", err)
	}
	if _, err := old.OpenFooter(format.KindMeta, 2, footer); !errors.Is(err, ErrNoKey) {
		t.Errorf("new footer: %v", err)
	}
	if _, err := old.OpenSection(format.KindMeta, header); !errors.Is(err, ErrNoKey) {
		t.Errorf("new section: %v", err)
	}
	if old, err = Open(writer.bundle, root, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := old.SealRecord(r.kind, r.name, nil); !errors.Is(err, ErrNoKey) {
		t.Errorf("an old writer writes a session: %v", err)
	}
	if _, err := old.SealFooter(format.KindData, testFooter()); !errors.Is(err, ErrNoKey) {
		t.Errorf("an old writer writes a footer: %v", err)
	}
	fresh := member(t, owner, format.RoleWriter)
	if _, err := owner.OpenRecord(r.name, mustSealRecord(t, fresh, r.kind, r.name, nil)); err != nil {
		t.Errorf("a new writer's session: %v", err)
	}
	_, header = newTestSection(t, fresh, format.KindData)
	if epoch, _, err := format.ParseSectionHeader(header); err != nil || epoch != 2 {
		t.Errorf("a new writer's section is of epoch %d, %v", epoch, err)
	}
}

// TestRenewals gives members the keys of new epochs with the root, whatever the age of
// their bundles, and an owner's bundle needs nothing.
func TestRenewals(t *testing.T) {
	first, writer, maintainer := rings(t)
	members := Succession{Epoch: true, Members: []Member{memberOf(writer), memberOf(maintainer)}}
	second, _ := succeed(t, first, members)
	third, root := succeed(t, second, members)
	if len(root.Renewals) != 2 || third.Epoch() != 3 {
		t.Fatalf("%d renewals, epoch %d", len(root.Renewals), third.Epoch())
	}
	for _, old := range []*Keyring{first, writer, maintainer} {
		k, err := Open(old.bundle, root, old.HostSeed())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range recordKinds[:2] {
			if _, err := third.OpenRecord(r.name, mustSealRecord(t, k, r.kind, r.name, nil)); err != nil {
				t.Errorf("role %d: %v", k.Role(), err)
			}
		}
		for kind, may := range map[format.Kind]bool{
			format.KindData: k.Role() == format.RoleOwner, format.KindMeta: k.Role() != format.RoleWriter,
		} {
			_, header := newTestSection(t, third, kind)
			if _, err := k.OpenSection(kind, header); may != (err == nil) {
				t.Errorf("role %d opens a section of %c: %v", k.Role(), kind, err)
			}
		}
	}
}

func TestRevokedMembersGetNoRenewal(t *testing.T) {
	owner, writer, maintainer := rings(t)
	members := []Member{memberOf(writer), memberOf(maintainer)}
	owner, root := succeed(t, owner, Succession{Epoch: true, Revoke: [][]byte{writer.Certificate().PublicKey}, Members: members})
	if len(root.Renewals) != 1 || root.Renewals[0].Host != maintainer.Host() {
		t.Errorf("%d renewals", len(root.Renewals))
	}
	if _, root = succeed(t, owner, Succession{Epoch: true, Members: members}); len(root.Renewals) != 1 {
		t.Errorf("%d renewals after the next rotation", len(root.Renewals))
	}
}

// A slot whose role was altered on the drive gets the keys of nobody: not its holder
// the maintainer's.
func TestRenewalsGoByRole(t *testing.T) {
	owner, writer, _ := rings(t)
	raised := memberOf(writer)
	raised.Role = format.RoleMaintainer
	_, root := succeed(t, owner, Succession{Epoch: true, Members: []Member{raised}})
	if k := reopen(t, writer, root); k.ReadsMetadata() {
		t.Error("a writer reads metadata")
	} else if _, err := k.SealRecord(recordKinds[0].kind, recordKinds[0].name, nil); !errors.Is(err, ErrNoKey) {
		t.Errorf("a writer without a renewal writes: %v", err)
	}
}

func TestRenewalsRefuseChanges(t *testing.T) {
	owner, writer, maintainer := rings(t)
	_, root := succeed(t, owner, Succession{Epoch: true, Members: []Member{memberOf(writer), memberOf(maintainer)}})
	of := func(k *Keyring) *format.Renewal {
		for i := range root.Renewals {
			if root.Renewals[i].Host == k.Host() {
				return &root.Renewals[i]
			}
		}
		t.Fatal("no renewal")
		return nil
	}
	own, other := of(writer), of(maintainer)
	own.Salt, other.Salt, own.Sealed, other.Sealed = other.Salt, own.Salt, other.Sealed, own.Sealed
	signRoot(owner.owner, root)
	if _, err := Open(writer.bundle, root, nil); !errors.Is(err, ErrDamaged) {
		t.Errorf("a renewal of another host: %v", err)
	}
}

// A machine that does not see the newest root yet may open a slot made under it.
func TestBundleMayBeAheadOfTheRoot(t *testing.T) {
	before := newOwner(t)
	after, _ := succeed(t, before, Succession{Epoch: true})
	between, err := Open(member(t, after, format.RoleWriter).bundle, before.Root(), nil)
	if err != nil || between.Epoch() != 1 {
		t.Errorf("opened with %v", err)
	}
}

// An epoch's keys follow from the owner: a rotation done twice does not make two.
func TestEpochsAreDerived(t *testing.T) {
	before := newOwner(t)
	one, _ := succeed(t, before, Succession{Epoch: true})
	two, _ := succeed(t, before, Succession{Epoch: true})
	three, _ := succeed(t, two, Succession{Epoch: true})
	other, _ := succeed(t, newOwner(t), Succession{Epoch: true})
	same := func(a, b *Keyring, i, j int) bool {
		x, y := a.held().Epochs[i], b.held().Epochs[j]
		x.Number, y.Number = 0, 0
		return reflect.DeepEqual(x, y)
	}
	if !same(one, two, 1, 1) || same(two, three, 1, 2) || same(one, other, 1, 1) {
		t.Error("keys of an epoch do not follow from owner and number alone")
	}
	keys := three.held().Epochs[1]
	seen := map[string]bool{}
	for _, key := range [][]byte{keys.Dedup, keys.Index, keys.DataSecret, keys.MetadataSecret} {
		seen[string(key)] = len(key) == keySize
	}
	if len(seen) != 4 {
		t.Error("two keys of an epoch are the same")
	}
}
