package target

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"firn/internal/format"
)

// TestAboveHasNoTimes restores a directory whose times are not known: it gets
// none.
func TestAboveHasNoTimes(t *testing.T) {
	dir := t.TempDir()
	d, err := NewDisk(dir, DiskOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, x := range []struct {
		key   string
		flags uint32
	}{{"above/", format.FlagAbove}, {"old/", 0}} {
		if _, err := d.Prepare([]byte(x.key), &format.Entry{Type: format.TypeDirectory, Mode: 0o755, Flags: x.flags}); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, recent := range map[string]bool{"above": true, "old": false} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := time.Since(info.ModTime()) < time.Hour; got != recent {
			t.Errorf("%s was modified %v", name, info.ModTime())
		}
	}
}
