//go:build unix

package realtest

import (
	"math/rand/v2"
	"path/filepath"
	"testing"

	"firn/internal/object/s3/s3test"
)

// few rounds are run, by few hosts, unless -rounds asks for more.
const (
	fewRounds, fewHosts = 6, 6
	manyHosts           = 18
	verifyEvery         = 10 // rounds
	manyRounds          = 20 // in which processes must have been killed and packs deleted
)

// TestKilled has many hosts share a drive, kills processes at random and sees that
// what was reported done is there.
func TestKilled(t *testing.T) {
	for _, kind := range []string{s3test.MinIO, s3test.Versity} {
		t.Run(kind, func(t *testing.T) { play(t, bucket(t, kind)) })
	}
	t.Run("folder", func(t *testing.T) { play(t, folderAt(filepath.Join(t.TempDir(), "drive"))) })
}

// play runs rounds on a drive.
func play(t *testing.T, on drive) {
	count, size := fewRounds, fewHosts
	if *rounds > 0 {
		count, size = *rounds, manyHosts
	}
	if *hosts > 0 {
		size = *hosts
	}
	start := drawn()
	t.Logf("again: go test ./internal/realtest -run %s -seed %d -rounds %d -hosts %d", t.Name(), start, count, size)
	f := newFleet(t, on, size, start)
	random := rand.New(rand.NewPCG(start, 2))
	processes, played := 0, 0
	for round := 1; round <= count && !t.Failed(); round++ {
		played = round
		processes += f.round(random)
		if round%verifyEvery == 0 || round == count {
			f.verify(random, round == count)
			t.Logf("round %d is done", round)
		}
	}
	f.tell(played, processes)
}
