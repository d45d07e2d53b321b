package source

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"weak"
)

// TestWalkForgets makes sure that nothing holds on to what was handed out long
// ago: else a walk's memory would grow with the tree.
func TestWalkForgets(t *testing.T) {
	root := t.TempDir()
	const folders = 60
	for n := range folders {
		dir := filepath.Join(root, "above", fmt.Sprintf("%02d", n), "below")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"a", "b"} {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	f, err := NewFiles([]string{root}, FilesOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var early []weak.Pointer[Item]
	last := filepath.Join(root, "above", fmt.Sprintf("%02d", folders-1), "below", "b")
	for item, err := range f.Walk(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if filepath.Base(item.Path) == "a" && len(early) < folders/2 {
			early = append(early, weak.Make(item))
		}
		if item.Path != last {
			continue
		}
		runtime.GC()
		runtime.GC()
		held := 0
		for _, w := range early {
			if w.Value() != nil {
				held++
			}
		}
		// What a worker has just let go of may still lie on its stack.
		if len(early) < folders/2 || held > len(early)/4 {
			t.Errorf("%d of %d items handed out long ago are still in memory", held, len(early))
		}
	}
}
