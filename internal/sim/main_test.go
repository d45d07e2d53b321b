package sim

import (
	"fmt"
	"os"
	"runtime/debug"
	"testing"
)

// TestMain has caches and temporary folders kept in memory where the system can:
// they are many, small and short-lived. Next to nothing outlives a run, so that there is
// no need to look for garbage as often as programs do that hold much.
func TestMain(m *testing.M) {
	debug.SetGCPercent(200)
	os.Exit(runIn("/dev/shm", m))
}

func runIn(memory string, m *testing.M) int {
	dir, err := os.MkdirTemp(memory, "firn-sim-")
	if err != nil {
		return m.Run()
	}
	defer os.RemoveAll(dir) //nolint:errcheck // nothing depends on it
	if err := os.Setenv("TMPDIR", dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}
