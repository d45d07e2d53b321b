//go:build sim

package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
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

// world is one run of the simulation.
type world struct {
	server   *server
	model    *model
	contents [][]byte
	prune    prune.Options
	caches   string // folder
	clients  []*client
	pauses   []time.Duration
	brief    bool                                         // no looking for leaks
	plant    func(c *client, s object.Store) object.Store // a planted bug; nil for none
}

// simulate runs a seed and returns what was violated. change, if not nil, is told of
// the world before it begins.
func simulate(t *testing.T, seed uint64, trace bool, change func(w *world)) *model {
	t.Helper()
	cryptotest.SetGlobalRandom(t, seed)
	caches, err := os.MkdirTemp("", "caches-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(caches) //nolint:errcheck // below the tests' folder
	var m *model
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, rand.New(rand.NewPCG(seed, 1)), caches)
		m = w.model
		if trace {
			w.server.tracing = t.Logf
		}
		if change != nil {
			change(w)
		}
		w.run(t)
	})
	return m
}

func newWorld(t *testing.T, random *rand.Rand, caches string) *world {
	t.Helper()
	some := func(p float64) float64 { return p * float64(random.IntN(4)) }
	f := faults{
		fail: some(0.002), lose: some(0.002), late: some(0.002), delay: some(0.004), stall: some(0.002), crash: some(0.002),
		conditional: random.IntN(3) > 0,
	}
	if random.IntN(5) == 0 {
		f.listingDelay = time.Duration(1+random.IntN(300)) * time.Second
	}
	w := &world{server: newServer(random, f), model: newModel(), caches: caches, pauses: paces[random.IntN(len(paces))]}
	w.prune = prune.Options{
		Grace: []time.Duration{-1, time.Hour, 24 * time.Hour}[random.IntN(3)], MaxUnused: []float64{1e-9, 0.05, 0.3}[random.IntN(3)],
		ListingDelay: f.listingDelay, Writer: smallWriter,
	}
	for range 4 + random.IntN(8) {
		body := make([]byte, 1+random.IntN(20_000))
		for i := range body {
			body[i] = byte(random.Uint32())
		}
		w.contents = append(w.contents, body)
	}
	if err := create(t.Context(), w.store()); err != nil {
		t.Fatal(err)
	}
	for i := range 2 + random.IntN(4) {
		c := &client{
			world: w, name: fmt.Sprintf("c%d", i), random: rand.New(rand.NewPCG(random.Uint64(), 2)),
			role: roles[random.IntN(len(roles))], host: fmt.Sprintf("host%d", random.IntN(3)),
			clock: time.Now().Add(time.Duration(random.NormFloat64() * float64(24*time.Hour))), drift: 1 + random.NormFloat64()/100,
			files: files{},
		}
		if i == 0 {
			c.role = roles[0]
		}
		if random.IntN(4) > 0 {
			c.cache = filepath.Join(caches, c.name)
		}
		w.clients = append(w.clients, c)
	}
	return w
}

// store is the drive itself, without faults.
func (w *world) store() object.Store {
	return objecttest.Restrict(w.server.mem, object.Capabilities{IfAbsent: w.server.faults.conditional, Attests: true})
}

// grace is how long unannounced readers may rely on what they saw.
func (w *world) grace() time.Duration { return max(0, w.prune.Grace) }

// run lets the clients live, and then time pass.
func (w *world) run(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	w.server.trace("%+v, prune %+v", w.server.faults, w.prune)
	var clients sync.WaitGroup
	w.server.running = len(w.clients)
	for _, c := range w.clients {
		pieces := 2 + c.random.IntN(6)
		clients.Go(func() {
			c.live(ctx, pieces)
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

// verify restores every snapshot there is.
func (w *world) verify(ctx context.Context, when string) {
	fail := func(format string, args ...any) { w.model.fail(when+": "+format, args...) }
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
		return walkPacks(ctx, r)
	})
	if err != nil {
		fail("%v", err)
	}
}

// age prunes again and again over some months, until nothing may be left that
// nobody needs.
func (w *world) age(ctx context.Context) {
	opts := w.prune
	opts.Grace, opts.ListingDelay, opts.MaxUnused = 24*time.Hour, 0, 1e-9
	opts.Progress = func(text string) { w.server.trace("prune of aged data: %s", text) }
	for _, days := range []time.Duration{1, 2, 31, 2, 31, 2, 2} {
		time.Sleep(days * 24 * time.Hour)
		err := machine{cache: w.caches}.with(ctx, w.store(), func(r *repo.Repository) error {
			report, err := prune.Run(ctx, r, opts)
			w.server.trace("prune of aged data: %+v, %v", report, err)
			if err == nil && len(report.Waiting) > 0 {
				err = fmt.Errorf("it waits for %v", report.Waiting)
			}
			return err
		})
		if err != nil {
			w.model.fail("prune of aged data: %v", err)
			return
		}
	}
	w.verify(ctx, "after all prunes")
	w.leaks(ctx)
}

// leaks looks for what should have gone.
func (w *world) leaks(ctx context.Context) {
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
		return nil
	})
	var left []string
	for _, prefix := range []string{format.PrefixSessions, format.PrefixHeartbeats, format.PrefixRecords} {
		for info, listed := range w.store().List(ctx, prefix) {
			err = errors.Join(err, listed)
			if prefix == format.PrefixRecords || time.Since(info.Modified) > 3*24*time.Hour {
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
