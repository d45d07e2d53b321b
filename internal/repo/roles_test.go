package repo_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/seal"
)

// TestWriterReadsNothing has a writer, with the whole drive at hand, try to read what is
// there, its own snapshots included, and to do what is not its to do.
func TestWriterReadsNothing(t *testing.T) {
	p := newParties(t)
	content := noise(1, 5000)
	p.stored(p.writer, content)
	p.stored(p.repo, noise(2, 5000))
	for _, name := range p.names("m/") {
		session, err := format.ParseManifestObject(name)
		p.must(err)
		if _, err := p.writer.ReadOutcome(t.Context(), session); !errors.Is(err, seal.ErrNoKey) {
			t.Errorf("it reads snapshot %s: %v", session, err)
		}
	}
	rd := p.reader(p.writer)
	for info := range rd.View().Packs() {
		footer, err := p.writer.ReadFooter(t.Context(), info.Name, int64(info.Size))
		p.must(err)
		for _, b := range footer.Blocks {
			at := []repo.BlockAt{{Offset: b.Offset, Length: b.Length}}
			err := rd.Blocks(t.Context(), info.Name, at, func(_ repo.BlockAt, _ []byte, damage error) error { return damage })
			if !errors.Is(err, seal.ErrNoKey) {
				t.Errorf("it opens a block of %s: %v", info.Name, err)
			}
		}
	}
	id := p.repo.Keys().ChunkID(format.KindData, content)
	if _, err := rd.Chunk(t.Context(), format.KindData, id, uint32(len(content))); !errors.Is(err, seal.ErrNoKey) {
		t.Errorf("it reads a chunk: %v", err)
	}
	for what, try := range map[string]func() error{
		"a record": func() error {
			_, err := p.writer.WriteRecord(t.Context(), &format.Record{Kind: format.RecordPrune})
			return err
		},
		"a vetting": func() error {
			_, err := p.writer.WriteRecord(t.Context(), &format.Record{Kind: format.RecordVetting})
			return err
		},
		"a fence": func() error {
			_, err := p.writer.Fence(t.Context(), format.SessionName(p.repo.Keys().Host(), [16]byte{1}), "")
			return err
		},
		"a slot": func() error {
			_, err := p.writer.AddSlot(t.Context(), format.RoleWriter, repo.NewSlot{Secret: owner})
			return err
		},
		"a removal":  func() error { return p.writer.RemoveSlot(t.Context(), p.repo.Slot()) },
		"a rotation": func() error { _, err := p.writer.Rotate(t.Context()); return err },
	} {
		if err := try(); !errors.Is(err, seal.ErrRole) && !errors.Is(err, repo.ErrRole) {
			t.Errorf("it writes %s: %v", what, err)
		}
	}
	holdsNot(t, p.writer.Cache().Dir(), content)
}

// holdsNot looks for content in a folder.
func holdsNot(t *testing.T, dir string, content []byte) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(path)
		if bytes.Contains(body, content[:64]) {
			t.Errorf("%s holds content in the clear", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestMaintainerReadsNoContent has a maintainer read snapshots and trees, and nothing of files.
func TestMaintainerReadsNoContent(t *testing.T) {
	p := newParties(t)
	content := noise(1, 5000)
	s := p.begin(p.writer)
	p.add(s, content)
	pages := s.NewPageWriter()
	page := noise(3, 300)
	id, err := pages.WritePage(t.Context(), page)
	p.must(err)
	p.must(pages.Flush(t.Context()))
	_, err = s.Commit(t.Context(), &format.Manifest{})
	p.must(err)
	if out, err := p.maintainer.ReadOutcome(t.Context(), s.Name()); err != nil || out.Manifest == nil {
		t.Errorf("it reads no snapshot: %v", err)
	}
	rd := p.reader(p.maintainer)
	if got, err := rd.ReadPage(t.Context(), id, uint32(len(page))); err != nil || !bytes.Equal(got, page) {
		t.Errorf("it reads no page: %v", err)
	}
	chunk := p.repo.Keys().ChunkID(format.KindData, content)
	if _, err := rd.Chunk(t.Context(), format.KindData, chunk, uint32(len(content))); !errors.Is(err, seal.ErrNoKey) {
		t.Errorf("it reads a chunk: %v", err)
	}
	for what, try := range map[string]func() error{
		"a slot": func() error {
			_, err := p.maintainer.AddSlot(t.Context(), format.RoleOwner, repo.NewSlot{Secret: owner})
			return err
		},
		"a rotation": func() error { _, err := p.maintainer.Rotate(t.Context()); return err },
	} {
		if err := try(); !errors.Is(err, seal.ErrRole) && !errors.Is(err, repo.ErrRole) {
			t.Errorf("it writes %s: %v", what, err)
		}
	}
}

// TestUnreadableSlot lists a slot that is damaged beside the others, and removes it.
func TestUnreadableSlot(t *testing.T) {
	b := newBench(t, object.NewMem())
	id, err := b.repo.AddSlot(t.Context(), format.RoleWriter, repo.NewSlot{Secret: seal.Secret{Key: &[32]byte{2}}, Label: "web1"})
	b.must(err)
	b.put(format.SlotName(id), []byte("FIRNk rubbish"))
	slots, err := b.repo.Slots(t.Context())
	b.must(err)
	if len(slots) != 2 {
		t.Fatalf("%+v", slots)
	}
	for _, s := range slots {
		if (s.Damage != nil) != (s.ID == id) || s.Name != format.SlotName(s.ID) {
			t.Errorf("%+v", s)
		}
	}
	b.must(b.repo.RemoveSlot(t.Context(), id))
	if slots, err := b.repo.Slots(t.Context()); err != nil || len(slots) != 1 {
		t.Errorf("%+v, %v", slots, err)
	}
	b.put(format.SlotName(b.repo.Slot()), []byte("FIRNk rubbish")) // the last one
	if err := b.repo.RemoveSlot(t.Context(), b.repo.Slot()); !errors.Is(err, repo.ErrLastSlot) {
		t.Errorf("the last slot of an owner is removed: %v", err)
	}
}

// TestLostSlot has one slot vanish from the drive: all others open as before, and whose is
// lost is told that its key does not fit, and can be given another.
func TestLostSlot(t *testing.T) {
	p := newParties(t)
	writer, recovery := seal.Secret{Key: &[32]byte{2}}, seal.Secret{Key: &[32]byte{7}}
	_, err := p.repo.AddSlot(t.Context(), format.RoleOwner, repo.NewSlot{Secret: recovery})
	p.must(err)
	p.must(p.store.Delete(t.Context(), format.SlotName(p.writer.Slot()), format.SlotName(p.repo.Slot())))
	for name, lost := range map[string]seal.Secret{"writer": writer, "owner": owner} {
		if _, err := repo.Open(t.Context(), p.store, repo.OpenOptions{Secret: lost}); !errors.Is(err, seal.ErrSecret) {
			t.Errorf("the lost slot of the %s opens: %v", name, err)
		}
	}
	again := p.open(p.store, recovery)
	_, err = again.AddSlot(t.Context(), format.RoleWriter, repo.NewSlot{Secret: writer})
	p.must(err)
	p.stored(p.open(p.store, writer), noise(1, 100))
	p.stored(p.other, noise(2, 100))
}

// TestPassphraseChangedElsewhere has a machine work on while another replaces the slot that
// it opened with, and be told so when it opens next; its cache keeps nothing open.
func TestPassphraseChangedElsewhere(t *testing.T) {
	b := newBench(t, object.NewMem())
	cache := t.TempDir()
	here, err := repo.Open(t.Context(), b.store, repo.OpenOptions{Secret: owner, Cache: cache})
	b.must(err)
	s := b.begin(here)
	b.add(s, noise(1, 100))
	changed := seal.Secret{Passphrase: []byte("spring")}
	_, err = b.repo.AddSlot(t.Context(), format.RoleOwner, repo.NewSlot{Secret: changed, Cost: seal.Argon2Cost{Time: 1, MemoryKiB: 8, Threads: 1}})
	b.must(err)
	b.must(b.repo.RemoveSlot(t.Context(), b.repo.Slot()))
	_, err = s.Commit(t.Context(), &format.Manifest{})
	b.must(err)
	b.must(here.Close())
	if _, err := repo.Open(t.Context(), b.store, repo.OpenOptions{Secret: owner, Cache: cache}); !errors.Is(err, seal.ErrSecret) {
		t.Errorf("the old secret opens: %v", err)
	}
	again, err := repo.Open(t.Context(), b.store, repo.OpenOptions{Secret: changed, Cache: cache})
	b.must(err)
	if out, err := again.ReadOutcome(t.Context(), s.Name()); err != nil || out.Manifest == nil {
		t.Errorf("the snapshot is not there: %v", err)
	}
	b.must(again.Close())
}

// TestRemovedWriter has a writer's slot go while it backs up: that ends well, it opens no
// more, and its snapshots stay.
func TestRemovedWriter(t *testing.T) {
	p := newParties(t)
	s := p.begin(p.writer)
	p.add(s, noise(1, 100))
	p.must(p.repo.RemoveSlot(t.Context(), p.writer.Slot()))
	_, err := s.Commit(t.Context(), &format.Manifest{})
	p.must(err)
	if _, err := repo.Open(t.Context(), p.store, repo.OpenOptions{Secret: seal.Secret{Key: &[32]byte{2}}}); !errors.Is(err, seal.ErrSecret) {
		t.Errorf("a removed writer opens: %v", err)
	}
	if out, err := p.repo.ReadOutcome(t.Context(), s.Name()); err != nil || out.Manifest == nil {
		t.Errorf("its snapshot is gone: %v", err)
	}
}

// TestRemoveEachOther has two owners remove each other's slot at the same time: nobody is
// locked out for good.
func TestRemoveEachOther(t *testing.T) {
	mem := object.NewMem()
	b := newBench(t, mem)
	second := seal.Secret{Key: &[32]byte{2}}
	id, err := b.repo.AddSlot(t.Context(), format.RoleOwner, repo.NewSlot{Secret: second})
	b.must(err)
	theirs := b.open(mem, second)
	store := &crossing{Store: mem}
	mine := b.open(store, owner)
	store.cross = func() {
		if err := theirs.RemoveSlot(t.Context(), b.repo.Slot()); err != nil {
			t.Error(err) // the first to look again still sees the other's
		}
	}
	if err := mine.RemoveSlot(t.Context(), id); !errors.Is(err, repo.ErrLastSlot) {
		t.Errorf("the second to look again: %v", err)
	}
	slots, err := b.repo.Slots(t.Context())
	b.must(err)
	if len(slots) != 1 {
		t.Errorf("%d slots are left", len(slots))
	}
	b.open(mem, second)
}

// crossing is a store in which something happens right before the first deletion.
type crossing struct {
	object.Store
	cross func()
}

func (c *crossing) Delete(ctx context.Context, names ...string) error {
	if cross := c.cross; cross != nil {
		c.cross = nil
		cross()
	}
	return c.Store.Delete(ctx, names...)
}
