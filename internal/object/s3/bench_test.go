package s3_test

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"testing"

	"firn/internal/object"
	"firn/internal/object/s3/s3test"
)

// BenchmarkPack writes and reads whole packs.
func BenchmarkPack(b *testing.B) {
	body := make([]byte, 32<<20)
	rand.NewChaCha8([32]byte{}).Read(body)
	sum := sha256.Sum256(body)
	for _, server := range servers {
		for _, client := range clients {
			c := configOf(s3test.Start(b, server), client)
			s := open(b, c)
			b.Run(fmt.Sprintf("put/%s/%s", server, client), func(b *testing.B) {
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := s.Put(b.Context(), "pack", body, object.PutOptions{SHA256: &sum}); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run(fmt.Sprintf("range/%s/%s", server, client), func(b *testing.B) {
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				p := make([]byte, len(body))
				for b.Loop() {
					if err := s.GetRange(b.Context(), "pack", p, 0); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkSmall writes one small object after the other.
func BenchmarkSmall(b *testing.B) {
	for _, client := range clients {
		f := newFake(b)
		s := openConfig(b, f.config(client))
		b.Run(client, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Put(b.Context(), "a", []byte("small"), object.PutOptions{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
