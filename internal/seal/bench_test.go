package seal

import (
	"testing"

	"firn/internal/format"
)

func BenchmarkChunkID(b *testing.B) {
	k := newOwner(b)
	for name, size := range map[string]int{"4KiB": 4 << 10, "1MiB": 1 << 20} {
		data := make([]byte, size)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				k.ChunkID(format.KindData, data)
			}
		})
	}
}

func BenchmarkBlock(b *testing.B) {
	s := newSection(format.ID{1}, format.KindData, [32]byte{1})
	for name, size := range map[string]int{"4KiB": 4 << 10, "1MiB": 1 << 20} {
		plaintext := make([]byte, size)
		record, _ := testBlock(0)
		sealed := s.SealBlock(nil, record, 16, plaintext)
		b.Run("Seal/"+name, func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				sealed = s.SealBlock(sealed[:0], record, 16, plaintext)
			}
		})
		b.Run("Open/"+name, func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.OpenBlock(plaintext[:0], sealed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSection(b *testing.B) {
	k := newOwner(b)
	_, header := newTestSection(b, k, format.KindData)
	b.Run("New", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			newTestSection(b, k, format.KindData)
		}
	})
	b.Run("Open", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := k.OpenSection(format.KindData, header); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkSegmentPage(b *testing.B) {
	c := mustSegmentCipher(b, newOwner(b), format.ID{1})
	plaintext := make([]byte, 2048*30)
	sealed := c.Seal(nil, 1, plaintext)
	b.SetBytes(int64(len(plaintext)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Open(plaintext[:0], 1, sealed); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	k := newOwner(b)
	r := recordKinds[0]
	object := mustSealRecord(b, k, r.kind, r.name, make([]byte, 100))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.OpenRecord(r.name, object); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	owner := newOwner(b)
	bundle, err := owner.Bundle(format.RoleOwner)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Open(bundle, owner.Root(), nil); err != nil {
			b.Fatal(err)
		}
	}
}
