//go:build unix

package realtest

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"firn/internal/object/s3/s3test"
)

var (
	rounds = flag.Int("rounds", 0, "rounds of processes that are killed; 0 for a few")
	seed   = flag.Uint64("seed", 0, "of what the processes do and when they are killed; 0 for another each time")
	ready  = flag.String("firn", "", "program to test; empty for one built from this source")
	hosts  = flag.Int("hosts", 0, "hosts that share a drive; 0 for as many as suit the rounds")
)

// drawn returns the seed.
func drawn() uint64 {
	if *seed != 0 {
		return *seed
	}
	return uint64(time.Now().UnixNano())
}

func TestMain(m *testing.M) { os.Exit(s3test.Main(cleaning{m})) }

// cleaning runs tests and removes the program that they built.
type cleaning struct{ tests *testing.M }

// Run implements what s3test.Main runs.
func (c cleaning) Run() int {
	code := c.tests.Run()
	if built.folder == "" {
		return code
	}
	if err := os.RemoveAll(built.folder); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// built is the program under test.
var built struct {
	once   sync.Once
	folder string
	err    error
}

// program returns the path of firn, built from this source.
func program(t *testing.T) string {
	t.Helper()
	if *ready != "" {
		return *ready
	}
	built.once.Do(func() {
		if built.folder, built.err = os.MkdirTemp("", "firn-real-"); built.err != nil {
			return
		}
		out, err := exec.Command("go", "build", "-o", filepath.Join(built.folder, "firn"), "firn/cmd/firn").CombinedOutput()
		if err != nil {
			built.err = fmt.Errorf("build firn: %w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.folder, "firn")
}
