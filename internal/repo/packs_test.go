package repo_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
)

// chunks are small ones, which share blocks, and large ones, which fill packs.
func chunks() (all [][]byte) {
	for i := range 400 {
		all = append(all, noise(i, 100+i))
	}
	for i := range 3 {
		all = append(all, noise(1000+i, 700_000))
	}
	return append(all, bytes.Repeat([]byte("firn "), 200_000))
}

// TestPacks stores chunks and looks at all that is written of them.
func TestPacks(t *testing.T) {
	b := newBench(t, object.NewMem())
	all := chunks()
	s := b.save(all...)
	if st := s.Stats(); st.ChunksAdded < uint64(len(all)) || st.PacksAdded < 4 || st.BytesStored == 0 {
		t.Errorf("%+v", st)
	}
	r := b.open(b.store, owner)
	rd := b.reader(r)
	for i, chunk := range all {
		got, err := rd.Chunk(t.Context(), format.KindData, r.Keys().ChunkID(format.KindData, chunk), uint32(len(chunk)))
		if err != nil || !bytes.Equal(got, chunk) {
			t.Errorf("chunk %d: %v", i, err)
		}
	}
	indexed := 0
	for info := range rd.View().Packs() {
		indexed++
		body := b.get(info.Name.Object())
		if sha256.Sum256(body) != info.Name.Hash || uint64(len(body)) != info.Size || info.Used == 0 || info.Used > info.Size {
			t.Errorf("%v does not fit %d bytes", info, len(body))
		}
		footer, err := r.ReadFooter(t.Context(), info.Name, int64(len(body)))
		b.must(err)
		if info.Name.Kind == format.KindData {
			b.mirrored(r, rd, info, footer)
		}
	}
	if packs := len(b.names("p/")) + len(b.names("q/")); packs != indexed {
		t.Errorf("%d packs, %d indexed", packs, indexed)
	}
}

// mirrored sees that a metadata pack holds what a data pack's footer says.
func (b *bench) mirrored(r *repo.Repository, rd *repo.Reader, info *format.PackInfo, footer *format.Footer) {
	b.Helper()
	at, err := rd.Locate(r.Keys().MirrorID(info.Name))
	b.must(err)
	var mirror format.Mirror
	b.must(rd.Blocks(b.Context(), at.Pack.Name, []repo.BlockAt{{Offset: at.BlockOffset, Length: at.BlockLength}},
		func(_ repo.BlockAt, content []byte, damage error) error {
			return errors.Join(damage, decodeAt(&mirror, content[at.ChunkOffset:], info))
		}))
	if mirror.Pack != info.Name.Hash || mirror.Size != info.Size || len(mirror.Blocks) != len(footer.Blocks) {
		b.Errorf("the mirror of %v has %d blocks instead of %d", info.Name, len(mirror.Blocks), len(footer.Blocks))
	}
	for i, block := range mirror.Blocks {
		if want := footer.Blocks[i]; block.Offset != want.Offset || block.Length != want.Length || len(block.IDs) != len(want.IDs) {
			b.Errorf("block %d of the mirror of %v differs", i, info.Name)
		}
	}
}

// decodeAt decodes a mirror that others may follow.
func decodeAt(m *format.Mirror, content []byte, of *format.PackInfo) error {
	for end := len(content); end > 0; end-- {
		if m.Decode(content[:end]) == nil && m.Pack == of.Name.Hash {
			return nil
		}
	}
	return fmt.Errorf("no mirror of %v", of.Name)
}

func TestDeduplication(t *testing.T) {
	b := newBench(t, object.NewMem())
	s := b.begin(b.repo)
	if fresh := b.add(s, noise(1, 100), noise(1, 100), noise(2, 100)); fresh != 2 {
		t.Errorf("%d chunks are new within a session", fresh)
	}
	_, err := s.Commit(t.Context(), &format.Manifest{})
	b.must(err)
	packs := len(b.names("p/"))
	again := b.begin(b.open(b.store, owner))
	if fresh := b.add(again, noise(1, 100), noise(2, 100)); fresh != 0 {
		t.Errorf("%d chunks are new in another", fresh)
	}
	_, err = again.Commit(t.Context(), &format.Manifest{})
	b.must(err)
	if after := len(b.names("p/")); after != packs {
		t.Errorf("%d packs became %d", packs, after)
	}
}

// TestUnflushed has a session commit while a block is still being gathered.
func TestUnflushed(t *testing.T) {
	b := newBench(t, object.NewMem())
	s := b.begin(b.repo)
	w := s.NewBlockWriter(format.KindData)
	_, _, err := w.Add(t.Context(), noise(1, 100))
	b.must(err)
	if _, err := s.Commit(t.Context(), &format.Manifest{}); err == nil {
		t.Error("a snapshot without its content is committed")
	}
	b.must(s.Abandon(t.Context(), "test"))
	if outcome := b.get("m/" + s.Name()); len(outcome) == 0 {
		t.Error("the session has no outcome")
	}
}

// TestDamagedPack breaks a pack in every way and reads a chunk of it.
func TestDamagedPack(t *testing.T) {
	chunk := noise(1, 3000)
	for name, harm := range map[string]func(b *bench, pack string){
		"missing":      func(b *bench, pack string) { b.must(b.store.Delete(b.Context(), pack)) },
		"empty":        func(b *bench, pack string) { b.put(pack, nil) },
		"cut":          func(b *bench, pack string) { b.put(pack, b.get(pack)[:2000]) },
		"block":        func(b *bench, pack string) { b.flip(pack, 2000) },
		"block header": func(b *bench, pack string) { b.flip(pack, format.HeaderSize+format.SectionHeaderSize+1) },
		"section":      func(b *bench, pack string) { b.flip(pack, format.HeaderSize+20) },
		"another pack": func(b *bench, pack string) { b.put(pack, b.get(b.names("q/")[0])) },
		"random bytes": func(b *bench, pack string) { b.put(pack, noise(77, len(b.get(pack)))) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, object.NewMem())
			b.save(chunk)
			id := b.repo.Keys().ChunkID(format.KindData, chunk)
			rd := b.reader(b.repo)
			at, err := rd.Locate(id)
			b.must(err)
			harm(b, at.Pack.Name.Object())
			if got, err := rd.Chunk(t.Context(), format.KindData, id, uint32(len(chunk))); !repo.IsDamage(err) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			// A damage record has the next session store it again, and both are tried.
			_, err = b.repo.WriteRecord(t.Context(), &format.Record{Kind: format.RecordDamage, DamagedPacks: []format.PackName{at.Pack.Name}, DamagedChunks: []format.ID{id}})
			b.must(err)
			b.save(chunk)
			got, err := b.reader(b.repo).Chunk(t.Context(), format.KindData, id, uint32(len(chunk)))
			if name != "missing" && err != nil || !bytes.Equal(got, chunk) && err == nil {
				t.Errorf("after it was stored anew: %v", err)
			}
		})
	}
}

// TestDamagedFooter reads footers that are not whole.
func TestDamagedFooter(t *testing.T) {
	for name, harm := range map[string]func(b *bench, pack string, size int){
		"footer":  func(b *bench, pack string, size int) { b.flip(pack, size-format.PackTrailerSize-50) },
		"trailer": func(b *bench, pack string, size int) { b.flip(pack, size-2) },
		"header":  func(b *bench, pack string, _ int) { b.flip(pack, 1) },
		"cut":     func(b *bench, pack string, size int) { b.put(pack, b.get(pack)[:size-100]) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, object.NewMem())
			b.save(noise(1, 3000))
			for info := range b.reader(b.repo).View().Packs() {
				harm(b, info.Name.Object(), int(info.Size))
				if _, err := b.repo.ReadFooter(t.Context(), info.Name, int64(info.Size)); !repo.IsDamage(err) {
					t.Errorf("%v: %v", info.Name, err)
				}
			}
		})
	}
}

// TestCacheIsNotBelieved alters every file of a cache, and then takes them away.
func TestCacheIsNotBelieved(t *testing.T) {
	b := newBench(t, object.NewMem())
	s := b.save(noise(1, 3000))
	dir := b.repo.Cache().Dir()
	id := b.repo.Keys().ChunkID(format.KindData, noise(1, 3000))
	read := func(what string) {
		t.Helper()
		out, err := b.repo.ReadOutcome(t.Context(), s.Name())
		if err != nil || out.Manifest == nil {
			t.Errorf("%s: outcome: %v", what, err)
		}
		rd, _, err := b.repo.NewReader(t.Context())
		b.must(err)
		if _, err := rd.Chunk(t.Context(), format.KindData, id, 3000); err != nil {
			t.Errorf("%s: chunk: %v", what, err)
		}
		b.must(rd.Close())
	}
	read("whole")
	objects := filepath.Join(dir, "objects")
	b.must(filepath.WalkDir(objects, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.WriteFile(path, []byte("something else"), 0o600)
	}))
	read("altered")
	b.must(os.RemoveAll(objects))
	read("gone")
}
