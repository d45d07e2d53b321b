package repo

import (
	"bytes"
	"errors"
	"testing"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/seal"
)

// TestProve has a byte fail in memory at each step between a chunk and its
// upload: nothing of the pack may reach the drive.
func TestProve(t *testing.T) {
	for name, fail := range map[string]func(o *openPack){
		"none":     func(*openPack) {},
		"sealed":   func(o *openPack) { o.buf[o.blocks[0].Offset+30] ^= 1 },
		"chunk ID": func(o *openPack) { o.blocks[0].IDs[0][5] ^= 1 },
		"length":   func(o *openPack) { o.blocks[0].Lengths[0]-- },
		"length of the last chunk": func(o *openPack) {
			last := &o.blocks[len(o.blocks)-1]
			last.Lengths[len(last.Lengths)-1]++
		},
	} {
		for _, kind := range []format.Kind{format.KindData, format.KindMeta} {
			store := object.NewMem()
			r, err := Create(t.Context(), store, CreateOptions{
				Slots: []NewSlot{{Secret: seal.Secret{Key: &[32]byte{4}}}}, Cache: t.TempDir(),
			})
			if err != nil {
				t.Fatal(err)
			}
			err = storeAndFail(t, r, kind, fail)
			packs := 0
			for _, prefix := range []string{format.PrefixData, format.PrefixMeta} {
				for range store.List(t.Context(), prefix) {
					packs++
				}
			}
			if good := name == "none"; good != (err == nil) || good != (packs > 0) || !good && !errors.Is(err, errUnproved) {
				t.Errorf("%s, %v: %v, %d packs", name, kind, err, packs)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// storeAndFail stores two chunks and has the memory fail before they are uploaded.
func storeAndFail(t *testing.T, r *Repository, kind format.Kind, fail func(*openPack)) error {
	s, err := r.Begin(t.Context(), SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.end()
	if _, err := s.LoadIndex(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := s.NewBlockWriter(kind)
	for _, chunk := range [][]byte{bytes.Repeat([]byte("some content "), 100), bytes.Repeat([]byte{0, 1, 2, 3}, 500)} {
		if _, _, err := b.Add(t.Context(), chunk); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	packer := s.writer.data
	if kind == format.KindMeta {
		packer = s.writer.meta
	}
	packer.open.sealing.Wait()
	fail(packer.open)
	return s.Flush(t.Context())
}

// TestProveSealed has a byte fail after a delta was proved: what is sealed, and what is
// told of it, is looked at once more before the upload.
func TestProveSealed(t *testing.T) {
	r, err := Create(t.Context(), object.NewMem(), CreateOptions{Slots: []NewSlot{{Secret: seal.Secret{Key: &[32]byte{4}}}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() }) // nothing was written
	own, _, err := r.keys.NewSection(format.KindData)
	if err != nil {
		t.Fatal(err)
	}
	for name, fail := range map[string]func(b *format.Block, sealed []byte){
		"none":     func(*format.Block, []byte) {},
		"sealed":   func(_ *format.Block, sealed []byte) { sealed[len(sealed)/2] ^= 1 },
		"chunk ID": func(b *format.Block, _ []byte) { b.IDs[0][5] ^= 1 },
		"length":   func(b *format.Block, _ []byte) { b.Lengths[0]++ },
		"number":   func(b *format.Block, _ []byte) { b.Number++ },
	} {
		b := &format.Block{Codec: format.CodecDelta, IDs: []format.ID{{7}}, Lengths: []uint32{900}, Bases: []format.BaseRef{{Length: 50}}}
		plaintext := format.AppendBlockContent(nil, format.CodecDelta, 900, b.Bases)
		sealed := own.SealBlock(nil, b, 0, append(plaintext, "program"...))
		o := &openPack{own: own}
		o.proofs.keep(b)
		fail(b, sealed)
		if err := o.proveSealed(b, sealed, new([]byte)); (name == "none") != (err == nil) || err != nil && !errors.Is(err, errUnproved) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
