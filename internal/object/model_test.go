package object_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"firn/internal/object"
)

// TestDirBehavesLikeMem does the same random things to both.
func TestDirBehavesLikeMem(t *testing.T) {
	parent := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		path, err := os.MkdirTemp(parent, "")
		if err != nil {
			rt.Fatal(err)
		}
		dir, err := object.OpenDir(path, true)
		if err != nil {
			rt.Fatal(err)
		}
		stores := []object.Store{object.NewMem(), dir}
		name := rapid.SampledFrom([]string{"a", "b", "p/a", "p/ab", "p/q/a", "p/q/b", "pp/a", "x", "../a", "p/"})
		for range rapid.IntRange(1, 15).Draw(rt, "steps") {
			step := rapid.IntRange(0, 5).Draw(rt, "step")
			n := name.Draw(rt, "name")
			body := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(rt, "body")
			number := rapid.IntRange(0, 25).Draw(rt, "number")
			var outcomes []string
			for _, s := range stores {
				outcomes = append(outcomes, outcome(t, s, step, n, body, number))
			}
			if outcomes[0] != outcomes[1] {
				rt.Fatalf("step %d on %q: memory %s, folder %s", step, n, outcomes[0], outcomes[1])
			}
		}
	})
}

// outcome does one thing and describes what came of it.
func outcome(t *testing.T, s object.Store, step int, name string, body []byte, number int) string {
	ctx := t.Context()
	switch step {
	case 0:
		info, err := s.Put(ctx, name, body, object.PutOptions{})
		return fmt.Sprint(info.Name, info.Size, kind(err))
	case 1:
		info, err := s.Put(ctx, name, body, object.PutOptions{IfAbsent: true})
		return fmt.Sprint(info.Name, info.Size, kind(err))
	case 2:
		got, info, err := s.Get(ctx, name, int64(number))
		return fmt.Sprint(got, info.Name, info.Size, kind(err))
	case 3:
		err := s.GetRange(ctx, name, body, int64(number))
		if err != nil {
			return kind(err)
		}
		return fmt.Sprint(body)
	case 4:
		return kind(s.Delete(ctx, name, "p/a"))
	default:
		var names []string
		for info, err := range s.List(ctx, name[:min(number, len(name))]) {
			names = append(names, fmt.Sprint(info.Name, info.Size, kind(err)))
		}
		slices.Sort(names)
		return fmt.Sprint(names)
	}
}

func kind(err error) string {
	for _, sentinel := range []error{object.ErrNotFound, object.ErrExists, object.ErrTooLarge, object.ErrShort, object.ErrName} {
		if errors.Is(err, sentinel) {
			return sentinel.Error()
		}
	}
	return fmt.Sprint(err)
}

func FuzzCheckName(f *testing.F) {
	for _, seed := range []string{"", "a", "p/aa/bb", "../a", "a//b", "a/", ".firn/x", "a\x00", "\xff", "a\\b"} {
		f.Add(seed)
	}
	path := f.TempDir()
	dir, err := object.OpenDir(path, true)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name string) {
		valid := object.CheckName(name) == nil
		_, err := dir.Head(t.Context(), name)
		if valid && !errors.Is(err, object.ErrNotFound) || !valid && !errors.Is(err, object.ErrName) {
			t.Errorf("name %q, valid: %v: %v", name, valid, err)
		}
		for info, err := range dir.List(t.Context(), name) {
			t.Errorf("an empty drive lists %q, %v", info.Name, err)
		}
	})
}
