//go:build unix

package realtest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// host is a machine: a home with a cache, a source, and a key of its own.
type host struct {
	fleet  *fleet
	name   string
	folder string
	role   string
	keys   []string // files, the newest last; while a change of keys was killed, two
	source sourceTree
	backup int // number of the last one
}

func (f *fleet) newHost(number int, role string) (*host, error) {
	name := fmt.Sprintf("host%d", number)
	h := &host{fleet: f, name: name, folder: filepath.Join(f.folder, name), role: role}
	h.source = sourceTree{filepath.Join(h.folder, "source"), f.seed}
	if err := os.MkdirAll(h.source.steady(), 0o755); err != nil {
		return nil, err
	}
	return h, nil
}

func (h *host) key() string { return h.keys[len(h.keys)-1] }

// run runs the program on this host.
func (h *host) run(kill time.Duration, args ...string) ending {
	args = append(args, "-d", h.fleet.drive.name, "--host", h.name, "--key-file", h.key())
	e := call{h.fleet.program, args, environment(filepath.Join(h.folder, "home"), h.fleet.drive.env...), kill}.run(h.fleet.t)
	switch {
	case e.killed():
		h.fleet.ledger.count(args[0] + " killed")
	case e.code == exitDone:
		h.fleet.ledger.count(args[0] + " done")
	default:
		h.fleet.ledger.count(fmt.Sprintf("%s exit %d", args[0], e.code))
	}
	return e
}

// settleKey finds out which key of a change that was killed opens the repository.
// One of them must.
func (h *host) settleKey() {
	if len(h.keys) == 1 {
		return
	}
	candidates := h.keys
	var last ending
	for i := len(candidates) - 1; i >= 0; i-- {
		h.keys = candidates[i : i+1]
		if _, err := os.Stat(h.key()); err != nil {
			continue
		}
		if last = h.run(0, "key", "list"); last.code == exitDone {
			return
		}
	}
	h.fleet.t.Errorf("%s is locked out: no key of %v opens the repository: %v", h.name, candidates, last)
}

// loseCache is what happens to machines that are set up anew. Another process may be
// using the cache, and go on writing to it.
func (h *host) loseCache() {
	if err := os.RemoveAll(filepath.Join(h.folder, "home", ".cache")); err != nil && !errors.Is(err, syscall.ENOTEMPTY) {
		h.fleet.t.Error(err)
	}
}

// errand is what a host does in a round.
type errand struct {
	verb string
	seed uint64
	kill float64 // share of the time it usually takes, after which it is killed; 0 for never
}

// weights of the errands of each role, backups apart.
var weights = map[string]map[string]int{
	"owner":      {"forget": 4, "prune": 6, "check": 2, "restore": 6, "change key": 1, "add key": 1, "repair": 1},
	"maintainer": {"prune": 8, "check": 2, "forget": 2},
	"writer":     {"": 1},
}

// verbs in the order in which they are drawn.
var verbs = []string{"", "forget", "prune", "check", "restore", "change key", "add key", "repair"}

// draw chooses what a host does in a round: a backup, mostly, and something else beside it.
// A change of keys is done alone, since the old key stops to work at some moment.
func (h *host) draw(random *rand.Rand) (errands []errand) {
	total := 0
	for _, weight := range weights[h.role] {
		total += weight
	}
	other, at := "", random.IntN(total)
	for _, verb := range verbs {
		if at -= weights[h.role][verb]; at < 0 {
			other = verb
			break
		}
	}
	var chosen []string
	if h.role != "maintainer" && other != "change key" && random.IntN(4) > 0 {
		chosen = append(chosen, "backup")
	}
	if other != "" {
		chosen = append(chosen, other)
	}
	for _, verb := range chosen {
		e := errand{verb: verb, seed: random.Uint64()}
		if random.IntN(5) < 2 {
			e.kill = 0.01 + 1.2*random.Float64()
		}
		errands = append(errands, e)
	}
	return errands
}
