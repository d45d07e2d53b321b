//go:build linux

package source

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"firn/internal/format"
)

// TestAbove makes sure that what goes on beside a root does not make its
// backup look new: directories above roots come without times.
func TestAbove(t *testing.T) {
	base := t.TempDir()
	root := filepath.Join(base, "above", "root")
	if err := os.MkdirAll(filepath.Join(root, "below"), 0o755); err != nil {
		t.Fatal(err)
	}
	files, err := NewFiles([]string{root}, FilesOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	for item, err := range files.Walk(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		e := item.Entry
		inside := strings.HasPrefix(item.Path, root)
		if above := e.Flags&format.FlagAbove != 0; above == inside {
			t.Errorf("%s: above is %v", item.Path, above)
		}
		if timed := e.MTime != 0 && e.CTime != 0 && e.Inode != 0; timed != inside {
			t.Errorf("%s: has times and inode: %v", item.Path, timed)
		}
	}
}
