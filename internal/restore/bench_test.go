package restore_test

import (
	"fmt"
	"testing"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/restore"
	"firn/internal/tree"
)

// BenchmarkPlan says which packs a restore of 20,000 files reads, and how much of each.
func BenchmarkPlan(b *testing.B) {
	const files = 20_000
	r, err := repo.Create(b.Context(), object.NewMem(), repo.CreateOptions{Slots: []repo.NewSlot{{Secret: owner, Label: "first"}}, Cache: b.TempDir()})
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	must(err)
	b.Cleanup(func() { must(r.Close()) })
	s, err := r.Begin(b.Context(), repo.SessionOptions{})
	must(err)
	_, err = s.LoadIndex(b.Context())
	must(err)
	data, pages := s.NewBlockWriter(format.KindData), s.NewPageWriter()
	builder := tree.NewBuilder(pages, tree.Shape{CutKey: r.Keys().PageCutKey(), Min: 32, Mean: 160, Max: 512})
	for i := range files {
		chunk := fmt.Appendf(nil, "content of file %d", i)
		id, _, err := data.Add(b.Context(), chunk)
		must(err)
		must(builder.Add(b.Context(), fmt.Appendf(nil, "folder/file%06d", i), &format.Entry{Type: format.TypeFile, Mode: 0o600, Size: uint64(len(chunk)),
			Content: []format.Piece{{ID: id, Length: uint64(len(chunk))}}}))
	}
	root, err := builder.Finish(b.Context())
	must(err)
	must(data.Flush(b.Context()))
	must(pages.Flush(b.Context()))
	_, err = s.Commit(b.Context(), &format.Manifest{})
	must(err)
	rd, _, err := r.NewReader(b.Context())
	must(err)
	b.Cleanup(func() { must(rd.Close()) })
	b.ReportAllocs()
	for b.Loop() {
		packs, err := restore.Packs(b.Context(), rd, root, restore.Options{})
		must(err)
		if len(packs) == 0 {
			b.Fatal("no pack is needed")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/files, "ns/file")
}
