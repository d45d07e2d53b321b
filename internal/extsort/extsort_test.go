package extsort

import (
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// pair is the same as another of equal key; the lower value comes first.
type pair struct{ key, value uint32 }

func pairs() Records[pair] {
	return Records[pair]{
		What:    "pairs",
		Compare: func(a, b pair) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.value, b.value)) },
		Same:    func(a, b pair) bool { return a.key == b.key },
		Size:    8,
		Append: func(dst []byte, p pair) []byte {
			return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(dst, p.key), p.value)
		},
		Parse: func(b []byte) pair { return pair{binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])} },
	}
}

func TestAgreesWithMap(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	rapid.Check(t, func(t *rapid.T) {
		s := New(pairs(), rapid.IntRange(1, 20).Draw(t, "run"))
		want := map[uint32]uint32{}
		for _, key := range rapid.SliceOfN(rapid.Uint32Range(0, 300), 0, 300).Draw(t, "keys") {
			value := rapid.Uint32Range(0, 5).Draw(t, "value")
			if err := s.Add(pair{key, value}); err != nil {
				t.Fatal(err)
			}
			if before, known := want[key]; !known || value < before {
				want[key] = value
			}
		}
		for range 2 { // it can be walked again
			w, err := s.Walk()
			if err != nil {
				t.Fatal(err)
			}
			var got []uint32
			for p, ok := w.Next(); ok; p, ok = w.Next() {
				got = append(got, p.key)
				if p.value != want[p.key] {
					t.Fatalf("%d has %d, want %d", p.key, p.value, want[p.key])
				}
			}
			if w.Err() != nil || len(got) != len(want) || !slices.IsSorted(got) {
				t.Fatalf("%d records of %d, in order %v: %v", len(got), len(want), slices.IsSorted(got), w.Err())
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) > 0 {
		t.Errorf("%d files remain", len(left))
	}
}

// TestFailuresAreTold cuts a run, and takes the place for runs away.
func TestFailuresAreTold(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for size, want := range map[int64]error{37: io.ErrUnexpectedEOF, 40: io.EOF} {
		s := New(pairs(), 10)
		for i := range uint32(100) {
			if err := s.Add(pair{i, 0}); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Truncate(s.runs[3].Name(), size); err != nil {
			t.Fatal(err)
		}
		w, err := s.Walk()
		if err != nil {
			t.Fatal(err)
		}
		count := 0
		for _, ok := w.Next(); ok; _, ok = w.Next() {
			count++
		}
		if !errors.Is(w.Err(), want) || !strings.Contains(w.Err().Error(), "pairs") {
			t.Errorf("%d records of a run of %d bytes: %v", count, size, w.Err())
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("TMPDIR", t.TempDir()+"/none")
	s := New(pairs(), 2)
	if err := errors.Join(s.Add(pair{1, 1}), s.Add(pair{2, 2})); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no place for a run: %v", err)
	}
}

func BenchmarkSort(b *testing.B) {
	const count = 1 << 20
	b.ReportAllocs()
	for b.Loop() {
		s := New(pairs(), count/4)
		for i := range uint32(count) {
			if err := s.Add(pair{i * 0x9e3779b9, i}); err != nil {
				b.Fatal(err)
			}
		}
		w, err := s.Walk()
		if err != nil {
			b.Fatal(err)
		}
		for _, ok := w.Next(); ok; {
			_, ok = w.Next()
		}
		if err := errors.Join(w.Err(), s.Close()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/count, "ns/record")
}
