package repo_test

import (
	"fmt"
	"testing"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
)

// prose returns n bytes that compress as texts do, other ones for each number.
func prose(number, n int) []byte {
	b := make([]byte, 0, n+32)
	for i := number * 7919; len(b) < n; i++ {
		b = fmt.Appendf(b, "%d the %x of line %d, ", i%977, i*i, i)
	}
	return b[:n]
}

// BenchmarkBlockWriter names, compresses, seals, proves and puts new chunks of 16 KiB, 64 MiB a round.
func BenchmarkBlockWriter(b *testing.B) {
	const size, count = 16 << 10, 4096
	for name, content := range map[string]func(number, n int) []byte{"text": prose, "random": noise} {
		b.Run(name, func(b *testing.B) {
			chunks := make([][]byte, count)
			for i := range chunks {
				chunks[i] = content(i, size)
			}
			b.SetBytes(size * count)
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				r := benchRepository(b)
				b.StartTimer()
				writeChunks(b, r, chunks)
			}
		})
	}
}

// BenchmarkReader reads and verifies chunks of 16 KiB in the order in which they were stored.
func BenchmarkReader(b *testing.B) {
	const size, count = 16 << 10, 4096
	chunks := make([][]byte, count)
	for i := range chunks {
		chunks[i] = prose(i, size)
	}
	r := benchRepository(b)
	ids := writeChunks(b, r, chunks)
	b.SetBytes(size * count)
	b.ReportAllocs()
	for b.Loop() {
		rd, _, err := r.NewReader(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		for _, id := range ids {
			if _, err := rd.Chunk(b.Context(), format.KindData, id, size); err != nil {
				b.Fatal(err)
			}
		}
		if err := rd.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func benchRepository(b *testing.B) *repo.Repository {
	b.Helper()
	r, err := repo.Create(b.Context(), object.NewMem(), repo.CreateOptions{Slots: []repo.NewSlot{{Secret: owner, Label: "first"}}, Cache: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := r.Close(); err != nil {
			b.Error(err)
		}
	})
	return r
}

// writeChunks stores chunks in one session.
func writeChunks(b *testing.B, r *repo.Repository, chunks [][]byte) (ids []format.ID) {
	b.Helper()
	s, err := r.Begin(b.Context(), repo.SessionOptions{Writer: repo.WriterOptions{DeltaCache: -1}})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := s.LoadIndex(b.Context()); err != nil {
		b.Fatal(err)
	}
	w := s.NewBlockWriter(format.KindData)
	for _, chunk := range chunks {
		id, _, err := w.Add(b.Context(), chunk)
		if err != nil {
			b.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := w.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	if _, err := s.Commit(b.Context(), &format.Manifest{}); err != nil {
		b.Fatal(err)
	}
	return ids
}
