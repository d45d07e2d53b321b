package object_test

import (
	"path/filepath"
	"testing"

	"firn/internal/object"
	"firn/internal/object/objecttest"
)

func TestConformanceOfMem(t *testing.T) {
	objecttest.Run(t, func(*testing.T) object.Store { return object.NewMem() })
}

func TestMemCopies(t *testing.T) {
	objecttest.RunCopier(t, "GLACIER", func(*testing.T) object.Store { return object.NewMem() })
}

func TestConformanceOfDir(t *testing.T) {
	objecttest.Run(t, func(t *testing.T) object.Store { return openDir(t) })
}

func TestConformanceOfMetered(t *testing.T) {
	objecttest.Run(t, func(*testing.T) object.Store { return object.Meter(object.NewMem()) })
}

// openDir returns a new folder drive.
func openDir(t testing.TB) *object.Dir {
	t.Helper()
	d, err := object.OpenDir(filepath.Join(t.TempDir(), "new", "drive"), true)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
