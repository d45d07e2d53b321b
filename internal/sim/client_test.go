package sim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"firn/internal/object"
	"firn/internal/object/objecttest"
	"firn/internal/prune"
	"firn/internal/repair"
	"firn/internal/repo"
	"firn/internal/snapshot"
)

// client is a machine with a clock and a cache of its own that does one errand
// after the other.
type client struct {
	*clientPlan
	world  *world
	clock  time.Time // what its clock showed when the run began
	cache  string
	files  files
	backup int        // number of the last one
	random *rand.Rand // of the errand
	doing  string     // the errand's verb
}

// live does the errands, with pauses.
func (c *client) live(ctx context.Context) {
	for _, e := range c.errands {
		time.Sleep(e.pause)
		c.random, c.doing = rand.New(rand.NewPCG(e.seed, 3)), e.verb
		ctx, line := c.world.server.connect(ctx, c.name)
		err := c.work(ctx, line)
		line.hangUp()
		switch {
		case err == nil:
			c.world.model.count(e.verb + " done")
		case line.crashed():
			c.world.model.count(e.verb + " crashed")
			time.Sleep(e.pause)
			if c.random.IntN(4) == 0 {
				c.loseCache()
			}
		case excusable(err):
			c.world.model.count(e.verb + " failed")
		default:
			if lost(err) {
				c.world.model.count("losses")
			}
			c.world.model.fail("%s: errand %d: %s: %v", c.name, e.number, e.verb, err)
		}
		c.world.server.trace("%s: %s ends: %v", c.name, e.verb, err)
	}
}

func (c *client) loseCache() {
	if err := os.RemoveAll(c.ownCache()); err != nil {
		c.world.model.fail("remove cache: %v", err)
	}
}

func (c *client) ownCache() string { return filepath.Join(c.world.caches, c.name) }

// excusable reports whether an error follows from the faults that were injected.
func excusable(err error) bool {
	for _, fault := range []error{object.ErrUnreachable, objecttest.ErrStopped, context.Canceled, context.DeadlineExceeded, repo.ErrFenced, repo.ErrRaced} {
		if errors.Is(err, fault) {
			return true
		}
	}
	return false
}

// lost reports whether an error says that something is gone that should be there.
func lost(err error) bool {
	return repo.IsDamage(err) || errors.Is(err, repo.ErrNoChunk) || errors.Is(err, prune.ErrLost)
}

func (c *client) now() time.Time {
	return c.clock.Add(time.Duration(float64(time.Since(c.world.server.began)) * c.drift))
}

// work does an errand.
func (c *client) work(ctx context.Context, store object.Store) error {
	do := map[string]func(context.Context, *repo.Repository) error{
		"backup": c.backUp, "forget": c.forget, "prune": c.prune, "restore": c.readBack,
		"rotate": c.rotate, "repair": c.repair,
	}[c.doing]
	c.world.server.trace("%s: %s", c.name, c.doing)
	if c.world.plant != nil {
		store = c.world.plant(c, store)
	}
	return machine{key: c.role.key, cache: c.cache, now: c.now}.with(ctx, store, func(r *repo.Repository) error { return do(ctx, r) })
}

// backUp changes some files and backs them up.
func (c *client) backUp(ctx context.Context, r *repo.Repository) error {
	c.backup++
	for range 1 + c.random.IntN(3) {
		name := c.random.IntN(c.world.names)
		key := fmt.Sprintf("%c/%d", 'a'+rune(name%2), name/2)
		if c.random.IntN(4) == 0 {
			delete(c.files, key)
			continue
		}
		// All draw from a few contents, so that they share chunks.
		family := c.world.families[c.random.IntN(len(c.world.families))]
		version := c.random.IntN(len(family))
		if r.Keys().ReadsData() && c.random.IntN(2) == 0 {
			if err := c.keepDelta(ctx, r, family[:version], family[version]); err != nil {
				return fmt.Errorf("keep delta: %w", err)
			}
		}
		c.files[key] = content{bytes: family[version], version: int64(c.backup)}
	}
	tag := fmt.Sprintf("%s/%d", c.name, c.backup)
	mine := maps.Clone(c.files)
	c.world.model.attempt(tag, mine)
	s, err := backUp(ctx, r, mine, c.host, tag)
	if err == nil {
		c.world.model.finished(tag, s.Session)
		c.world.server.trace("%s: %s is done as %s", c.name, tag, s.Session)
	}
	return err
}

// forget forgets some snapshots, or all.
func (c *client) forget(ctx context.Context, r *repo.Repository) error {
	set, err := list(ctx, r)
	if err != nil {
		return err
	}
	if err := errors.Join(set.Damage...); err != nil {
		return err
	}
	var sessions []string
	choose := oneOf(c.random,
		func(i int) bool { return c.random.IntN(len(set.Snapshots)) >= i }, // old ones, mostly
		func(int) bool { return c.random.IntN(2) == 0 },
		func(int) bool { return true })
	for i, s := range set.Snapshots {
		if choose(i) {
			sessions = append(sessions, s.Session)
		}
	}
	c.world.model.forget(sessions)
	return prune.Forget(ctx, r, sessions, "simulation")
}

func (c *client) prune(ctx context.Context, r *repo.Repository) error {
	opts := c.world.scenario.prune
	opts.MaxUnused = []float64{1e-9, 0.05, 0.3, 0.9}[c.random.IntN(4)]
	opts.Progress = func(text string) { c.world.server.trace("%s: %s", c.name, text) }
	report, err := prune.Run(ctx, r, opts)
	if err == nil {
		c.world.model.add("prune waited", min(1, len(report.Waiting)))
		c.world.model.add("packs moved", report.Repacked)
		c.world.model.add("packs deleted", report.Deleted)
		c.world.model.add("segments merged", report.Merged)
	}
	return err
}

// rotate begins a new epoch of sealing keys, which all others find out by themselves.
func (c *client) rotate(ctx context.Context, r *repo.Repository) error {
	_, err := r.Rotate(ctx)
	return err
}

// repair lists what the index lacks. There is no damage here, so it may delete no segment; but it
// may come upon packs that others are about to list, or to drop.
func (c *client) repair(ctx context.Context, r *repo.Repository) error {
	report, err := repair.Index(ctx, r, repair.Options{Writer: smallWriter})
	if err == nil {
		c.world.model.add("packs listed by repair", report.Listed)
		if len(report.Bad) > 0 {
			return fmt.Errorf("%s was deleted as damaged: %w", report.Bad[0].Name, report.Bad[0].Reason)
		}
	}
	return err
}

// readBack restores some snapshot and compares. Half of the time it announces
// itself, so that prune waits for it.
func (c *client) readBack(ctx context.Context, r *repo.Repository) (err error) {
	announced := c.random.IntN(2) == 0
	if announced {
		s, err := r.Begin(ctx, repo.SessionOptions{Command: "restore"})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.Abandon(context.WithoutCancel(ctx), "restore ended")) }()
	}
	began := time.Now()
	set, err := list(ctx, r)
	if err != nil || len(set.Snapshots) == 0 {
		return err
	}
	if err := errors.Join(set.Damage...); err != nil {
		return err
	}
	s := set.Snapshots[c.random.IntN(len(set.Snapshots))]
	got, err := bring(ctx, r, s)
	if err == nil {
		c.world.model.judge(s, got)
		return nil
	}
	gone := c.world.model.isForgotten(s.Session)
	slow := !announced && time.Since(began) >= c.world.grace()
	late := c.world.faults.listingDelay > 0 // the manifest may be listed before the index is
	if lost(err) && (gone || slow || late) {
		return nil
	}
	return fmt.Errorf("restore %s: %w", snapshot.ID(s.Session), err)
}

// sortedKeys is for reports in the same order each time.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
