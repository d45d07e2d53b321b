//go:build unix

package realtest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"firn/internal/alike"
)

// do does an errand and judges how it ended.
func (h *host) do(e errand) {
	random := rand.New(rand.NewPCG(e.seed, 1))
	var ended ending
	kill := time.Duration(e.kill * float64(h.fleet.usual(e.verb)))
	switch e.verb {
	case "backup":
		ended = h.backUp(random, kill)
	case "restore":
		ended = h.restore(random, kill)
	case "forget":
		ended = h.forget(random, kill)
	case "prune":
		ended = h.run(kill, "prune", "--grace", "0", "--wait", pick(random, "0s", "4s"),
			"--max-unused", pick(random, "0", "5", "30"))
		h.judge(ended)
	case "check":
		ended = h.run(kill, append([]string{"check"}, pick(random, nil, []string{"--read-data=30%"})...)...)
		h.judge(ended)
	case "repair":
		ended = h.run(kill, "repair", pick(random, "index", "root"))
		h.judge(ended)
	case "change key":
		ended = h.changeKey(kill)
	case "add key":
		ended = h.addKey(random, kill)
	}
	if !ended.killed() {
		h.fleet.took(e.verb, ended.took)
	} else if random.IntN(8) == 0 {
		h.loseCache()
	}
}

func pick[T any](random *rand.Rand, choices ...T) T { return choices[random.IntN(len(choices))] }

// cutOff are the codes with which processes may end whose drive is going away.
var cutOff = map[int]bool{exitFailed: true, exitPartly: true, exitNoRepository: true}

// judge says whether a process may end so: done, killed, or shut out by a prune that
// took it for dead.
func (h *host) judge(e ending, allowed ...int) bool {
	switch {
	case e.code == exitDone:
		return true
	case e.killed(), e.code == exitConflict, h.fleet.cutOff && cutOff[e.code]:
		return false
	}
	for _, code := range allowed {
		if e.code == code {
			return false
		}
	}
	h.fleet.t.Errorf("%s: %v", h.name, e)
	return false
}

// backUp copies the source, so that it is known what is to be kept, and backs it up,
// sometimes while a part of it changes that is not compared.
func (h *host) backUp(random *rand.Rand, kill time.Duration) ending {
	f := h.fleet
	if err := h.source.change(random); err != nil {
		f.t.Errorf("change source: %v", err)
	}
	p := h.begin(h.source.steady())
	var allowed []int
	if random.IntN(3) == 0 {
		allowed = append(allowed, exitPartly)
		stop := make(chan struct{})
		var stirring sync.WaitGroup
		defer stirring.Wait()
		defer close(stop)
		stirring.Go(func() {
			if err := h.source.stir(stop, random.Uint64()); err != nil {
				f.t.Errorf("stir source: %v", err)
			}
		})
	}
	e := h.run(kill, "backup", "--json", "--tag", p.tag, h.source.folder)
	h.judge(e, allowed...)
	if id := e.snapshot(); id != "" {
		f.ledger.report(p.tag, id)
	} else if e.code == exitDone {
		f.t.Errorf("a backup is done and names no snapshot: %v", e)
	}
	return e
}

// begin copies a source for a backup that is about to be made.
func (h *host) begin(source string) *promise {
	f := h.fleet
	h.backup++
	p := &promise{tag: fmt.Sprintf("%s/%d", h.name, h.backup), source: source}
	p.copied = filepath.Join(f.folder, "copies", strings.ReplaceAll(p.tag, "/", "-"))
	if out, err := exec.Command("cp", "-a", p.source, p.copied).CombinedOutput(); err != nil {
		f.t.Errorf("copy source: %v\n%s", err, out)
	}
	f.ledger.begin(p)
	return p
}

// forget forgets some snapshots by their names.
func (h *host) forget(random *rand.Rand, kill time.Duration) ending {
	snapshots := h.fleet.ledger.forget(random, h.fleet.most)
	if len(snapshots) == 0 {
		return ending{code: -1}
	}
	e := h.run(kill, append([]string{"forget"}, snapshots...)...)
	// Another host may have forgotten one that this one was killed over.
	h.judge(e)
	return e
}

// restore restores some snapshot. It may fail only if that is forgotten meanwhile.
func (h *host) restore(random *rand.Rand, kill time.Duration) ending {
	p := h.fleet.ledger.some(random)
	if p == nil {
		return ending{code: -1}
	}
	e, same := h.compare(p, kill)
	if e.code != exitDone && h.fleet.ledger.isForgotten(p) {
		return e
	}
	if h.judge(e) && !same {
		h.fleet.t.Errorf("%s: snapshot %s is not what was backed up", h.name, p.snapshot)
	}
	return e
}

// compare restores a promise and compares it with the copy.
func (h *host) compare(p *promise, kill time.Duration) (e ending, same bool) {
	f := h.fleet
	to, err := os.MkdirTemp(f.folder, "restored-")
	if err != nil {
		f.t.Error(err)
		return ending{}, false
	}
	defer os.RemoveAll(to) //nolint:errcheck // below the test's folder
	to = filepath.Join(to, "to")
	e = h.run(kill, "restore", p.snapshot+":"+p.source, "--to", to)
	if e.code != exitDone {
		return e, false
	}
	// The target's own folder is the tests', not the snapshot's.
	if err := alikeTimes(p.copied, to); err != nil {
		f.t.Error(err)
	}
	_, differences, err := alike.Folders(f.t.Context(), p.copied, to)
	if err != nil {
		f.t.Errorf("compare %s: %v", p.tag, err)
	}
	for _, d := range differences {
		f.t.Errorf("%s as restored from %s: %v", p.tag, p.snapshot, d)
	}
	return e, len(differences) == 0
}

// alikeTimes gives one folder the mode and times of another.
func alikeTimes(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if err := os.Chmod(to, info.Mode()); err != nil {
		return err
	}
	return os.Chtimes(to, time.Time{}, info.ModTime())
}

// changeKey replaces the key of the host.
func (h *host) changeKey(kill time.Duration) ending {
	next := filepath.Join(h.folder, fmt.Sprintf("key%d", h.fleet.number()))
	e := h.run(kill, "key", "change", "--new-key-file", next)
	switch {
	case h.judge(e):
		h.keys = []string{next}
	case e.killed():
		h.keys = append(h.keys, next)
		h.settleKey()
	}
	return e
}

// addKey adds a key for a writer, opens the repository with it and removes it again.
func (h *host) addKey(random *rand.Rand, kill time.Duration) ending {
	label := fmt.Sprintf("spare%d", h.fleet.number())
	file := filepath.Join(h.folder, label)
	e := h.run(kill, "key", "add", "--role", pick(random, "writer", "maintainer", "owner"), "--label", label, "--new-key-file", file)
	if !h.judge(e) {
		return e
	}
	list := h.run(0, "key", "list", "--json")
	if !h.judge(list) { // the drive may have lost its power since
		return e
	}
	for _, l := range list.lines() {
		if l.Label == label {
			h.judge(h.run(0, "key", "remove", l.ID))
			return e
		}
	}
	h.fleet.t.Errorf("%s: the key %s was added and is not listed: %v", h.name, label, list)
	return e
}
