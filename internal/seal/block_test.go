package seal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/zeebo/blake3"

	"firn/internal/format"
)

// testBlock is a block with what goes into its context, and a plaintext to go with it.
func testBlock(number uint32) (*format.Block, []byte) {
	b := &format.Block{
		Number:  number,
		Codec:   format.CodecZstd,
		IDs:     []format.ID{{1}, {2}},
		Lengths: []uint32{150, 100},
	}
	return b, append([]byte{1, 250, 1}, "compressed, they say"...)
}

// testDelta is the same with a base.
func testDelta() (*format.Block, []byte) {
	base := format.ID{7, 7}
	b := &format.Block{
		Number: 3, Codec: format.CodecDelta, IDs: []format.ID{{5}}, Lengths: []uint32{100},
		Bases: []format.BaseRef{{Pack: base, Offset: 300, Length: 70}},
	}
	plaintext := slices.Concat([]byte{2, 100, 1}, base[:], []byte{0xac, 0x02, 70}, []byte("delta"))
	return b, plaintext
}

func newTestSection(t testing.TB, k *Keyring, kind format.Kind) (*Section, []byte) {
	t.Helper()
	s, header, err := k.NewSection(kind)
	if err != nil {
		t.Fatal(err)
	}
	if len(header) != format.SectionHeaderSize {
		t.Fatalf("section header has %d bytes", len(header))
	}
	return s, header
}

func TestBlocksOpenThroughTheHeader(t *testing.T) {
	owner, writer, maintainer := rings(t)
	for _, kind := range []format.Kind{format.KindData, format.KindMeta} {
		sealing, header := newTestSection(t, writer, kind)
		reader := owner
		if kind == format.KindMeta {
			reader = maintainer
		}
		opening, err := reader.OpenSection(kind, append(header, "blocks"...))
		if err != nil {
			t.Fatal(err)
		}
		for number := range uint32(3) {
			b, plaintext := testBlock(number)
			before := []byte("before")
			sealed := sealing.SealBlock(bytes.Clone(before), b, 16, plaintext)
			if !bytes.HasPrefix(sealed, before) || len(sealed) != len(before)+24+len(plaintext)+16 {
				t.Fatalf("sealed block has %d bytes", len(sealed)-len(before))
			}
			got, err := opening.OpenBlock(bytes.Clone(before), sealed[len(before):])
			if err != nil || !bytes.Equal(got, append(before, plaintext...)) {
				t.Fatalf("opened %q, %v", got, err)
			}
			block := sealed[len(before):]
			if got, err = opening.OpenBlock(block[24:24], block); err != nil || !bytes.Equal(got, plaintext) {
				t.Fatalf("opened in place %q, %v", got, err)
			}
		}
	}
}

// TestBlockFollowsTheDefinition opens blocks as docs/format.md §6.1 says it.
func TestBlockFollowsTheDefinition(t *testing.T) {
	secret := [32]byte{0x5e}
	repository := format.ID{0xab}
	s := newSection(repository, format.KindData, secret)
	zstd, zstdText := testBlock(9)
	delta, deltaText := testDelta()
	for _, test := range []struct {
		block         *format.Block
		text          []byte
		payloadLength uint32
		base          []byte
	}{
		{zstd, zstdText, uint32(len("compressed, they say")), nil},
		{delta, deltaText, uint32(len("delta")), slices.Concat([]byte{1}, delta.Bases[0].Pack[:], []byte{0x2c, 1, 0, 0})},
	} {
		sealed := s.SealBlock(nil, test.block, 4711, test.text)
		number := binary.LittleEndian.AppendUint32(nil, test.block.Number)

		h, _ := blake3.NewKeyed(secret[:])
		h.Write([]byte("context"))
		h.Write(number)
		h.Write([]byte{byte(test.block.Codec)})
		h.Write(binary.LittleEndian.AppendUint32(nil, test.payloadLength))
		for i, id := range test.block.IDs {
			h.Write(id[:])
			h.Write(binary.LittleEndian.AppendUint32(nil, test.block.Lengths[i]))
		}
		h.Write(test.base)
		context := h.Sum(nil)[:16]
		clear := slices.Concat(binary.LittleEndian.AppendUint32(nil, 4711), number, context)
		if !bytes.Equal(sealed[:24], clear) {
			t.Errorf("block begins with %x, want %x", sealed[:24], clear)
		}

		h, _ = blake3.NewKeyed(secret[:])
		h.Write(slices.Concat([]byte("key"), number, context))
		data := slices.Concat(repository[:], []byte("p"), number, context)
		plaintext, err := plainOpen(h.Sum(nil), make([]byte, 12), sealed[24:], data)
		if err != nil || !bytes.Equal(plaintext, test.text) {
			t.Errorf("sealed otherwise: %v", err)
		}
	}
}

func TestContextFollowsTheContent(t *testing.T) {
	s := newSection(format.ID{}, format.KindData, [32]byte{1})
	seen := make(map[string]string)
	note := func(what string, b *format.Block, plaintext []byte) {
		context := string(s.SealBlock(nil, b, 0, plaintext)[8:24])
		if before, ok := seen[context]; ok {
			t.Errorf("%s and %s have one context", what, before)
		}
		seen[context] = what
	}
	for what, change := range map[string]func(*format.Block){
		"itself":       func(*format.Block) {},
		"number":       func(b *format.Block) { b.Number++ },
		"codec":        func(b *format.Block) { b.Codec = format.CodecStored },
		"id":           func(b *format.Block) { b.IDs[1][31]++ },
		"order":        func(b *format.Block) { b.IDs[0], b.IDs[1] = b.IDs[1], b.IDs[0] },
		"lengths":      func(b *format.Block) { b.Lengths[0]++; b.Lengths[1]-- },
		"fewer chunks": func(b *format.Block) { b.IDs, b.Lengths = b.IDs[:1], b.Lengths[:1] },
	} {
		b, plaintext := testBlock(1)
		change(b)
		note(what, b, plaintext)
	}
	b, plaintext := testBlock(1)
	note("payload length", b, append(plaintext, 'x'))
	d, plaintext := testDelta()
	note("delta", d, plaintext)
	d.Bases[0].Pack = format.ID{8}
	note("base pack", d, plaintext)
	d.Bases[0].Offset++
	note("base offset", d, plaintext)
	d.Bases = append(d.Bases, d.Bases[0])
	note("second base", d, plaintext)
}

func TestBlockRefusesChanges(t *testing.T) {
	s := newSection(format.ID{1}, format.KindData, [32]byte{1})
	b, plaintext := testBlock(5)
	sealed := s.SealBlock(nil, b, 16, plaintext)
	damaged(sealed, func(what string, data []byte) {
		if bytes.Equal(data[min(4, len(data)):], sealed[4:]) {
			return // the section offset is not sealed, so that blocks can move
		}
		got, err := s.OpenBlock([]byte("kept"), data)
		if !errors.Is(err, ErrDamaged) || string(got) != "kept" {
			t.Fatalf("changed %s: %q, %v", what, got, err)
		}
	})
	for name, other := range map[string]*Section{
		"section":    newSection(format.ID{1}, format.KindData, [32]byte{2}),
		"kind":       newSection(format.ID{1}, format.KindMeta, [32]byte{1}),
		"repository": newSection(format.ID{2}, format.KindData, [32]byte{1}),
	} {
		if _, err := other.OpenBlock(nil, sealed); !errors.Is(err, ErrDamaged) {
			t.Errorf("another %s opens it: %v", name, err)
		}
	}
}

func TestBlocksMoveWithTheirSection(t *testing.T) {
	s := newSection(format.ID{1}, format.KindData, [32]byte{1})
	b, plaintext := testBlock(5)
	sealed := s.SealBlock(nil, b, 16, plaintext)
	binary.LittleEndian.PutUint32(sealed, 99999)
	if got, err := s.OpenBlock(nil, sealed); err != nil || !bytes.Equal(got, plaintext) {
		t.Errorf("opened %q, %v", got, err)
	}
}

func TestSectionHeaderRefusesChanges(t *testing.T) {
	owner := newOwner(t)
	s, header := newTestSection(t, owner, format.KindData)
	b, plaintext := testBlock(0)
	sealed := s.SealBlock(nil, b, 16, plaintext)
	opens := func(kind format.Kind, header []byte) error {
		s, err := owner.OpenSection(kind, header)
		if err != nil {
			return err
		}
		_, err = s.OpenBlock(nil, sealed)
		return err
	}
	for i := 0; i < len(header); i += 7 { // each costs a decapsulation
		changed := bytes.Clone(header)
		changed[i] ^= 1 << (i % 8)
		if err := opens(format.KindData, changed); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNoKey) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
	if err := opens(format.KindMeta, header); !errors.Is(err, ErrDamaged) {
		t.Errorf("as a section of the other kind: %v", err)
	}
	if err := opens(format.KindData, header[:len(header)-1]); !errors.Is(err, ErrDamaged) {
		t.Errorf("cut short: %v", err)
	}
}

func TestSectionServesManyAtOnce(t *testing.T) {
	s := newSection(format.ID{1}, format.KindData, [32]byte{1})
	var group sync.WaitGroup
	for worker := range uint32(8) {
		group.Go(func() {
			for i := range uint32(50) {
				b, plaintext := testBlock(worker*50 + i)
				plaintext = append(plaintext, byte(worker), byte(i))
				got, err := s.OpenBlock(nil, s.SealBlock(nil, b, 16, plaintext))
				if err != nil || !bytes.Equal(got, plaintext) {
					t.Errorf("block %d: %v", b.Number, err)
				}
			}
		})
	}
	group.Wait()
}
