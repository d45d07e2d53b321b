//go:build sim

package sim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"time"

	"firn/internal/object"
	"firn/internal/object/objecttest"
	"firn/internal/prune"
	"firn/internal/repo"
	"firn/internal/snapshot"
)

// client is a machine with a clock and a cache of its own that does one piece of
// work after the other.
type client struct {
	world  *world
	name   string
	host   string // as its snapshots say
	random *rand.Rand
	role   role
	clock  time.Time // what its clock showed when the run began
	drift  float64   // seconds its clock makes of one
	cache  string
	files  files
	backup int    // number of the last one
	doing  string // kind of work
}

// role is what a client may do, and how often it does it.
type role struct {
	key                             *[32]byte
	backUp, forget, prune, readBack int // weights
}

var roles = []role{
	{&ownerKey, 6, 2, 2, 2},
	{&ownerKey, 1, 1, 6, 1},
	{&ownerKey, 8, 1, 0, 1},
	{&writerKey, 1, 0, 0, 0},
	{&maintainerKey, 0, 1, 3, 0},
}

// live does some pieces of work, with pauses.
func (c *client) live(ctx context.Context, pieces int) {
	for range pieces {
		time.Sleep(c.pause())
		ctx, line := c.world.server.connect(ctx, c.name)
		what, err := c.work(ctx, line)
		line.hangUp()
		switch {
		case err == nil:
			c.world.model.count(what)
		case line.crashed():
			c.world.model.count(what + " crashed")
			time.Sleep(c.pause())
			if c.random.IntN(4) == 0 {
				c.loseCache()
			}
		case excusable(err):
			c.world.model.count(what + " failed")
		default:
			c.world.model.fail("%s: %s: %v", c.name, what, err)
		}
		c.world.server.trace("%s: %s ends: %v", c.name, what, err)
	}
}

// pause draws a time between pieces of work.
func (c *client) pause() time.Duration {
	longest := c.world.pauses[c.random.IntN(len(c.world.pauses))]
	return time.Duration(c.random.Int64N(int64(longest)))
}

// paces are how long clients rest at most: some worlds are crowded, some quiet.
var paces = [][]time.Duration{
	{10 * time.Second},
	{time.Minute, time.Hour},
	{10 * time.Minute, 3 * time.Hour, 3 * 24 * time.Hour},
}

func (c *client) loseCache() {
	if c.cache == "" {
		return
	}
	if err := os.RemoveAll(c.cache); err != nil {
		c.world.model.fail("remove cache: %v", err)
	}
}

// excusable reports whether an error follows from the faults that were injected.
func excusable(err error) bool {
	for _, fault := range []error{object.ErrUnreachable, objecttest.ErrStopped, context.Canceled, context.DeadlineExceeded, repo.ErrFenced} {
		if errors.Is(err, fault) {
			return true
		}
	}
	return false
}

func (c *client) now() time.Time {
	return c.clock.Add(time.Duration(float64(time.Since(c.world.server.began)) * c.drift))
}

// work does something and says what.
func (c *client) work(ctx context.Context, store object.Store) (what string, err error) {
	do := c.readBack
	switch draw := c.random.IntN(c.role.backUp + c.role.forget + c.role.prune + c.role.readBack); {
	case draw < c.role.backUp:
		what, do = "backup", c.backUp
	case draw < c.role.backUp+c.role.forget:
		what, do = "forget", c.forget
	case draw < c.role.backUp+c.role.forget+c.role.prune:
		what, do = "prune", c.prune
	default:
		what = "restore"
	}
	c.world.server.trace("%s: %s", c.name, what)
	c.doing = what
	if c.world.plant != nil {
		store = c.world.plant(c, store)
	}
	err = machine{key: c.role.key, cache: c.cache, now: c.now}.with(ctx, store, func(r *repo.Repository) error { return do(ctx, r) })
	return what, err
}

// backUp changes some files and backs them up.
func (c *client) backUp(ctx context.Context, r *repo.Repository) error {
	c.backup++
	for range 1 + c.random.IntN(3) {
		key := fmt.Sprintf("%c/%d", 'a'+rune(c.random.IntN(2)), c.random.IntN(4))
		if c.random.IntN(4) == 0 {
			delete(c.files, key)
			continue
		}
		// All draw from a few contents, so that they share chunks.
		c.files[key] = content{bytes: c.world.contents[c.random.IntN(len(c.world.contents))], version: int64(c.backup)}
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

// forget forgets some snapshots, mostly old ones.
func (c *client) forget(ctx context.Context, r *repo.Repository) error {
	set, err := list(ctx, r)
	if err != nil {
		return err
	}
	if err := errors.Join(set.Damage...); err != nil {
		return err
	}
	var sessions []string
	any := c.random.IntN(3) == 0
	for i, s := range set.Snapshots {
		if c.random.IntN(len(set.Snapshots)) >= i || any && c.random.IntN(2) == 0 {
			sessions = append(sessions, s.Session)
		}
	}
	c.world.model.forget(sessions)
	return prune.Forget(ctx, r, sessions, "simulation")
}

func (c *client) prune(ctx context.Context, r *repo.Repository) error {
	opts := c.world.prune
	if opts.Wait == 0 && c.random.IntN(3) == 0 {
		opts.Wait = 2 * time.Hour
	}
	opts.Progress = func(text string) { c.world.server.trace("%s: %s", c.name, text) }
	report, err := prune.Run(ctx, r, opts)
	if err == nil && len(report.Waiting) > 0 {
		c.world.model.count("prune waiting")
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
	if repo.IsDamage(err) && (gone || slow) {
		return nil
	}
	return fmt.Errorf("restore %s: %w", snapshot.ID(s.Session), err)
}

// sortedKeys is for traces.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
