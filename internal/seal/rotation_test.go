package seal

import (
	"bytes"
	"errors"
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

	owner, root, err := before.Rotate()
	if err != nil {
		t.Fatal(err)
	}
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
	owner, root, err := before.Rotate()
	if err != nil {
		t.Fatal(err)
	}
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

// Slots are written before the root that begins their newest epoch.
func TestBundleMayBeAheadOfTheRoot(t *testing.T) {
	before := newOwner(t)
	after, _, err := before.Rotate()
	if err != nil {
		t.Fatal(err)
	}
	b, err := after.Bundle(format.RoleOwner)
	if err != nil {
		t.Fatal(err)
	}
	between, err := Open(b, before.Root(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if between.Epoch() != 1 {
		t.Errorf("writes with epoch %d", between.Epoch())
	}
	again, root, err := between.Rotate()
	if err != nil || again.Epoch() != 2 || root.Number != 2 {
		t.Errorf("rotation begun again: %v", err)
	}
}
