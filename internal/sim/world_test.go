package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/object/objecttest"
	"firn/internal/prune"
	"firn/internal/repo"
)

// world is one run of a scenario.
type world struct {
	*scenario
	server   *server
	model    *model
	families [][][]byte // contents and their later versions
	caches   string     // folder
}

// simulate plays a scenario and returns what was violated. trace, if not nil, is
// told of every operation.
//
// One goroutine runs at a time, so that randomness is drawn in the same order each time.
func simulate(t *testing.T, s *scenario, trace func(format string, args ...any)) *model {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	objects := founded(t)
	cryptotest.SetGlobalRandom(t, s.seed)
	caches, err := os.MkdirTemp("", "caches-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(caches) //nolint:errcheck // below the tests' folder
	m := newModel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(s, m, caches)
		if trace != nil {
			w.server.tracing = trace
		}
		if err := fill(t.Context(), w.server.mem, objects); err != nil {
			t.Fatal(err)
		}
		w.run(t.Context())
	})
	return m
}

func newWorld(s *scenario, m *model, caches string) *world {
	random := rand.New(rand.NewPCG(s.seed, 2))
	w := &world{scenario: s, server: newServer(random, s.faults), model: m, caches: caches}
	for i := range s.contents {
		size := 1 + random.IntN(20_000)
		if i == 0 && s.large {
			size += largeContent
		}
		w.families = append(w.families, versions(random, size, s.versions))
	}
	return w
}

// versions draws a content and some later versions of it, each a little different
// from the one before.
func versions(random *rand.Rand, size, n int) [][]byte {
	body := make([]byte, size)
	for i := range body {
		body[i] = byte(random.Uint32())
	}
	copy(body[size/2:], body[:size/4]) // it can be compressed, as bases must be
	family := [][]byte{body}
	for len(family) < n {
		next := append([]byte{byte(random.Uint32())}, family[len(family)-1]...)
		next[random.IntN(len(next))] ^= 1 + byte(random.IntN(255))
		family = append(family, next)
	}
	return family
}

// store is the drive itself, without faults.
func (w *world) store() object.Store {
	return sameDrive{objecttest.Restrict(w.server.mem, object.Capabilities{IfAbsent: w.faults.conditional, Attests: true})}
}

// sameDrive is the drive as a cache knows it.
type sameDrive struct{ object.Store }

func (sameDrive) Location() string { return "simulation" }

// grace is how long unannounced readers may rely on what they saw.
func (w *world) grace() time.Duration { return max(0, w.prune.Grace) }

// run lets the clients live, and then time pass.
func (w *world) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w.server.trace("%+v, prune %+v", w.faults, w.prune)
	var clients sync.WaitGroup
	w.server.running = len(w.clients)
	for i := range w.clients {
		c := w.newClient(&w.clients[i])
		clients.Go(func() {
			c.live(ctx)
			w.server.mu.Lock()
			w.server.running--
			w.server.mu.Unlock()
			w.server.wakeUp()
		})
	}
	w.server.serve()
	clients.Wait()
	w.verify(ctx, "when all clients are done")
	if len(w.model.failures) == 0 && !w.brief {
		w.age(ctx)
	}
}

func (w *world) newClient(plan *clientPlan) *client {
	c := &client{clientPlan: plan, world: w, clock: time.Now().Add(plan.skew), files: files{}}
	if plan.cached {
		c.cache = c.ownCache()
	}
	return c
}

// verify restores every snapshot there is.
func (w *world) verify(ctx context.Context, when string) {
	fail := func(format string, args ...any) {
		w.model.count("losses")
		w.model.fail(when+": "+format, args...)
	}
	err := machine{}.with(ctx, w.store(), func(r *repo.Repository) error {
		set, err := list(ctx, r)
		if err != nil {
			return err
		}
		for _, missing := range w.model.missing(set) {
			fail("%s is missing", missing)
		}
		for _, damage := range set.Damage {
			fail("%v", damage)
		}
		for _, s := range set.Snapshots {
			got, err := bring(ctx, r, s)
			if err != nil {
				fail("restore %s: %v", s.Session, err)
				continue
			}
			w.model.judge(s, got)
		}
		return errors.Join(w.countDeltas(ctx, r), walkPacks(ctx, r))
	})
	if err != nil {
		fail("%v", err)
	}
}

// countDeltas counts the packs that stand on others.
func (w *world) countDeltas(ctx context.Context, r *repo.Repository) error {
	rd, _, err := r.NewReader(ctx)
	if err != nil {
		return err
	}
	defer rd.Close() //nolint:errcheck // read only
	for info := range rd.View().Packs() {
		w.model.add("packs on others", min(1, len(info.BasePacks)))
	}
	return nil
}

// age prunes now and again over months, until there is nothing left to do. It must
// come to that.
func (w *world) age(ctx context.Context) {
	for round := range 16 {
		time.Sleep([]time.Duration{2, 31}[round%2] * 24 * time.Hour)
		records, err := w.pruneAged(ctx)
		if err != nil {
			w.model.fail("prune of aged data: %v", err)
			return
		}
		if records == 0 {
			break
		}
	}
	w.verify(ctx, "after all prunes")
	w.leaks(ctx)
}

// pruneAged prunes once and returns how many records are left.
func (w *world) pruneAged(ctx context.Context) (records int, err error) {
	opts := w.prune
	opts.Grace, opts.ListingDelay, opts.MaxUnused = 24*time.Hour, 0, 1e-9
	opts.Progress = func(text string) { w.server.trace("prune of aged data: %s", text) }
	err = machine{cache: w.caches}.with(ctx, w.store(), func(r *repo.Repository) error {
		report, err := prune.Run(ctx, r, opts)
		w.server.trace("prune of aged data: %+v, %v", report, err)
		if err == nil && len(report.Waiting) > 0 {
			err = fmt.Errorf("it waits for %v", report.Waiting)
		}
		if err != nil {
			return err
		}
		left, err := r.ReadRecords(ctx)
		if err == nil {
			records = len(left.Prunes) + len(left.Retired)
		}
		return err
	})
	return records, err
}

// leaks looks for what should have gone.
func (w *world) leaks(ctx context.Context) {
	ledgers := map[string]bool{} // of what was forgotten: they stay
	err := machine{cache: w.caches}.with(ctx, w.store(), func(r *repo.Repository) error {
		opts := w.prune
		opts.DryRun = true
		report, err := prune.Run(ctx, r, opts)
		if err != nil {
			return err
		}
		if report.CondemnedNow > 0 || report.Later > 0 {
			w.model.fail("leak: %d packs that nobody needs, and %d condemned ones", report.CondemnedNow, report.Later)
		}
		set, err := list(ctx, r)
		if err != nil {
			return err
		}
		if len(set.Forgotten) > 0 {
			w.model.fail("leak: %d forgotten manifests", len(set.Forgotten))
		}
		records, err := r.ReadRecords(ctx)
		if err != nil {
			return err
		}
		for i := range records.Ledgers {
			ledgers[records.Ledgers[i].Name] = true
		}
		return nil
	})
	var left []string
	for _, prefix := range []string{format.PrefixSessions, format.PrefixHeartbeats, format.PrefixRecords} {
		for info, listed := range w.store().List(ctx, prefix) {
			err = errors.Join(err, listed)
			if prefix == format.PrefixRecords && !ledgers[info.Name] || prefix != format.PrefixRecords && time.Since(info.Modified) > 3*24*time.Hour {
				left = append(left, info.Name)
			}
		}
	}
	if len(left) > 0 {
		w.model.fail("leak: %v", left)
	}
	if err != nil {
		w.model.fail("look for leaks: %v", err)
	}
}
