package object_test

import (
	"errors"
	"slices"
	"testing"

	"firn/internal/object"
)

// TestBrowse shows what is in stores that only List.
func TestBrowse(t *testing.T) {
	dir, err := object.OpenDir(t.TempDir(), true)
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]object.Store{"memory": object.NewMem(), "folder": dir} {
		for _, name := range []string{"a", "b/c", "b/d/e", "bc", "f/g"} {
			if _, err := s.Put(t.Context(), name, []byte("12345"), object.PutOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []struct {
			prefix    string
			recursive bool
			want      []string
		}{
			{"", false, []string{"a", "b/", "bc", "f/"}},
			{"", true, []string{"a", "b/c", "b/d/e", "bc", "f/g"}},
			{"b", false, []string{"b/", "bc"}},
			{"b/", false, []string{"b/c", "b/d/"}},
			{"b/", true, []string{"b/c", "b/d/e"}},
			{"x", false, nil},
		} {
			var got []string
			for f, err := range object.Browse(t.Context(), s, c.prefix, object.BrowseOptions{Recursive: c.recursive}) {
				if err != nil {
					t.Fatal(err)
				}
				if f.Folder != (f.Name[len(f.Name)-1] == '/') || f.Folder != (f.Size == 0) || f.Old || f.Deleted {
					t.Errorf("%s: %+v", name, f)
				}
				got = append(got, f.Name)
			}
			if slices.Sort(got); !slices.Equal(got, c.want) {
				t.Errorf("%s, %q: %q", name, c.prefix, got)
			}
		}
		for _, err := range object.Browse(t.Context(), s, "", object.BrowseOptions{Versions: true}) {
			if !errors.Is(err, object.ErrUnsupported) {
				t.Errorf("%s: versions: %v", name, err)
			}
		}
		for range object.Browse(t.Context(), s, "", object.BrowseOptions{}) {
			break // and nothing breaks
		}
	}
}
