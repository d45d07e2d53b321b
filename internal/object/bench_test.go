package object_test

import (
	"crypto/sha256"
	"fmt"
	"testing"

	"firn/internal/object"
)

var sizes = []struct {
	name string
	size int
}{{"1KiB", 1 << 10}, {"1MiB", 1 << 20}, {"32MiB", 32 << 20}}

func BenchmarkMem(b *testing.B) {
	benchmark(b, func(b *testing.B) object.Store { return object.NewMem() })
}

func BenchmarkDir(b *testing.B) {
	benchmark(b, func(b *testing.B) object.Store { return openDir(b) })
}

func benchmark(b *testing.B, open func(*testing.B) object.Store) {
	for _, c := range sizes {
		body := make([]byte, c.size)
		sum := sha256.Sum256(body)
		run := func(name string, work func(b *testing.B, s object.Store, i int) error) {
			b.Run(name+"/"+c.name, func(b *testing.B) {
				s := open(b)
				mustPut(b, s, "p/00/a", string(body))
				b.SetBytes(int64(c.size))
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if err := work(b, s, i); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		run("Put", func(b *testing.B, s object.Store, i int) error {
			_, err := s.Put(b.Context(), fmt.Sprintf("p/%02x/x", i%256), body, object.PutOptions{})
			return err
		})
		run("PutAttested", func(b *testing.B, s object.Store, i int) error {
			_, err := s.Put(b.Context(), fmt.Sprintf("p/%02x/x", i%256), body, object.PutOptions{SHA256: &sum})
			return err
		})
		run("Get", func(b *testing.B, s object.Store, _ int) error {
			_, _, err := s.Get(b.Context(), "p/00/a", int64(c.size))
			return err
		})
		run("GetRange", func(b *testing.B, s object.Store, _ int) error {
			return s.GetRange(b.Context(), "p/00/a", body, 0)
		})
	}
	b.Run("List/1000", func(b *testing.B) {
		s := open(b)
		for i := range 1000 {
			mustPut(b, s, fmt.Sprintf("p/%02x/%d", i%16, i), "x")
		}
		b.ReportAllocs()
		for b.Loop() {
			for _, err := range s.List(b.Context(), "p/") {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
