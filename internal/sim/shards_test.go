package sim

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
)

// jobs is for machines with several cores: a run of the simulation keeps to one.
var jobs = flag.Uint64("jobs", 1, "processes to share the seeds among")

// playInShards has other processes run the seeds, each as many, and logs what they say.
func playInShards(t *testing.T, first, count uint64) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var shards sync.WaitGroup
	for i := range *jobs {
		from, to := first+count*i/(*jobs), first+count*(i+1)/(*jobs)
		if from == to {
			continue
		}
		shards.Go(func() {
			shard := exec.CommandContext(t.Context(), self, "-test.run=^TestSimulation$", "-test.v", "-test.timeout=0",
				fmt.Sprintf("-first=%d", from), fmt.Sprintf("-seeds=%d", to-from))
			said, err := shard.CombinedOutput()
			t.Logf("seeds from %d to %d:\n%s", from, to-1, said)
			if err != nil {
				t.Errorf("seeds from %d to %d: %v", from, to-1, err)
			}
		})
	}
	shards.Wait()
}
