package restore_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"firn/internal/object"
	"firn/internal/repo"
	"firn/internal/restore"
	"firn/internal/target"
)

// TestForgedKeys restores trees that no Firn writes. Nothing of them is believed.
func TestForgedKeys(t *testing.T) {
	for text, forged := range map[string]string{
		"AB/x": "../x", "AB": "/x", "A/x": "./x", "A/BC/DE/x": "A/../../x", "AB/CD/": "AB/../", "ABC": "A\x00C", "A/B": "A//",
	} {
		t.Run(forged, func(t *testing.T) {
			kind := file(noise(1, 9))
			if strings.HasSuffix(text, "/") {
				kind = folder()
			}
			s := stowForged(t, text, forged, map[string]spec{text: kind})
			around := t.TempDir()
			dir := filepath.Join(around, "target")
			told, _, err := s.toDisk(s.store, dir, restore.Options{})
			if err == nil && len(told) == 0 {
				t.Error("it is believed")
			}
			s.names(t, around, []string{"target/"})
		})
	}
}

// TestHostileTrees restores trees that lead out of the target. Nothing may be made
// there, and what else is in them is restored.
func TestHostileTrees(t *testing.T) {
	for name, test := range map[string]struct {
		specs map[string]spec
		link  string // made in the target beforehand, to the folder around it
	}{
		"through its own link": {map[string]spec{"l": link(".."), "l/": folder(), "l/x": file(noise(1, 9))}, ""},
		"through a link there": {map[string]spec{"l/x": file(noise(1, 9))}, "l"},
		"onto a link there":    {map[string]spec{"l": file(noise(1, 9))}, "l"},
		"into a file":          {map[string]spec{"f": file(noise(1, 9)), "f/x": file(noise(2, 9))}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			maps.Copy(test.specs, map[string]spec{"good": file(noise(3, 99))})
			s := stow(t, test.specs)
			around := t.TempDir()
			dir := filepath.Join(around, "target")
			s.must(os.Mkdir(dir, 0o700))
			if test.link != "" {
				s.must(os.Symlink(around, filepath.Join(dir, test.link)))
			}
			if _, _, err := s.toDisk(s.store, dir, restore.Options{}); err != nil {
				t.Fatal(err)
			}
			if outside, err := os.ReadDir(around); err != nil || len(outside) != 1 {
				t.Errorf("beside the target there is %v, %v", outside, err)
			}
			if got, err := os.ReadFile(filepath.Join(dir, "good")); err != nil || string(got) != string(noise(3, 99)) {
				t.Errorf("the good file: %v", err)
			}
		})
	}
}

// TestDamage breaks the pack of some files: these are named, the others restored.
func TestDamage(t *testing.T) {
	body := func(s *stock, name string) []byte {
		got, _, err := s.store.Get(s.Context(), name, 1<<30)
		s.must(err)
		return got
	}
	put := func(s *stock, name string, body []byte) {
		_, err := s.store.Put(s.Context(), name, body, object.PutOptions{})
		s.must(err)
	}
	for name, harm := range map[string]func(s *stock, pack string){
		"missing": func(s *stock, pack string) { s.must(s.store.Delete(s.Context(), pack)) },
		"cut":     func(s *stock, pack string) { put(s, pack, body(s, pack)[:1300]) },
		"empty":   func(s *stock, pack string) { put(s, pack, nil) },
		"flipped": func(s *stock, pack string) {
			b := body(s, pack)
			b[1300] ^= 4
			put(s, pack, b)
		},
		"another": func(s *stock, pack string) { put(s, pack, body(s, s.packOf(noise(2, 3000)))) },
	} {
		t.Run(name, func(t *testing.T) {
			s := stow(t,
				map[string]spec{"bad/one": file(noise(1, 3000)), "bad/two": file(noise(1, 3000), 10)},
				map[string]spec{"good": file(noise(2, 3000)), "mixed": file(noise(1, 3000), noise(2, 3000))})
			harm(s, s.packOf(noise(1, 3000)))
			dir := t.TempDir()
			told, p, err := s.toDisk(s.store, dir, restore.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := slices.Sorted(maps.Keys(told)); !slices.Equal(got, []string{"bad/one", "bad/two", "mixed"}) || p.Problems.Load() != 3 {
				t.Errorf("problems %v", told)
			}
			for key, problem := range told {
				if !repo.IsDamage(problem) {
					t.Errorf("%s: %v", key, problem)
				}
			}
			s.names(t, dir, []string{"bad/", "good"})
			s.reader(s.store, func(rd *repo.Reader) {
				err := restore.ToArchive(t.Context(), rd, s.root, memory{}, restore.Options{})
				if !repo.IsDamage(err) || !strings.Contains(err.Error(), "bad/one") {
					t.Errorf("to an archive: %v", err)
				}
			})
		})
	}
}

// TestVerify reads back what was restored.
func TestVerify(t *testing.T) {
	s := stow(t, someTree())
	dir := t.TempDir()
	if told, _, err := s.toDisk(s.store, dir, restore.Options{}); err != nil || len(told) > 0 {
		t.Fatalf("%v, %v", err, told)
	}
	steps := []struct {
		name   string
		change func() error
		want   []string
	}{
		{"nothing changed", func() error { return nil }, nil},
		{"another content", func() error { return os.WriteFile(filepath.Join(dir, "a/one"), noise(99, 100), 0o600) }, []string{"a/one"}},
		{"a file gone", func() error { return os.Remove(filepath.Join(dir, "z")) }, []string{"a/one", "z"}},
		{"no hole", func() error {
			return os.WriteFile(filepath.Join(dir, "hole"), append(make([]byte, 1<<16-1), 1), 0o600)
		}, []string{"a/one", "hole", "z"}},
	}
	for _, step := range steps {
		s.must(step.change())
		told := problems{}
		s.reader(s.store, func(rd *repo.Reader) {
			disk, err := target.NewDisk(dir, target.DiskOptions{})
			s.must(err)
			p := &restore.Progress{OnProblem: func(path string, err error) { told[path] = err }}
			s.must(restore.Verify(t.Context(), rd, s.root, disk, restore.Options{Progress: p}))
			s.must(disk.Close())
		})
		if got := slices.Sorted(maps.Keys(told)); !slices.Equal(got, step.want) {
			t.Errorf("%s: %v instead of %v", step.name, told, step.want)
		}
	}
}
