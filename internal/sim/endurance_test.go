package sim

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/internal/object"
	"firn/internal/policy"
	"firn/internal/prune"
	"firn/internal/repo"
	"firn/internal/seal"
)

var (
	endured  = flag.Int("days", 0, "simulated days of TestEndurance; 0 for a few weeks")
	interval = flag.Duration("every", time.Hour, "with -days: time between backups")
	cleaning = flag.Int("prunes", 1, "days between the prunes of TestEndurance")
)

// lifetime is a repository over years: hourly backups of a source that changes, a policy,
// and prunes, on a clock that is moved by hand.
type lifetime struct {
	t      *testing.T
	now    time.Time
	store  *object.Mem
	days   int           // it lasts
	every  time.Duration // between backups
	prunes int           // days between them
	period int           // days between measurements
	keep   policy.Keep
	cache  string
	repo   *repo.Repository // of a program that runs all day
	meter  *object.Metered
	random *rand.Rand
	files  files
	kept   map[string]files // by tag
	backup effort           // since the last month
	prune  effort
	months []*month
}

// documents there are in the source, but for those just deleted.
const documents = 120

// clock is the drive's and the machine's.
func (l *lifetime) clock() time.Time { return l.now }

// open opens the repository for a day's work, on a machine that keeps its cache.
func (l *lifetime) open() {
	l.t.Helper()
	l.meter = object.Meter(sameDrive{l.store})
	r, err := repo.Open(l.t.Context(), l.meter, repo.OpenOptions{Secret: seal.Secret{Key: &ownerKey}, Cache: l.cache, Now: l.clock})
	if err != nil {
		l.t.Fatalf("day %d: %v", l.day(), err)
	}
	l.repo = r
}

// close ends the day.
func (l *lifetime) close() {
	l.t.Helper()
	if l.repo == nil {
		return
	}
	if err := l.repo.Close(); err != nil {
		l.t.Fatal(err)
	}
	l.repo = nil
}

// do runs a piece of work and adds up what it took.
func (l *lifetime) do(e *effort, work func(context.Context, *repo.Repository) error) {
	l.t.Helper()
	if l.repo == nil {
		l.open()
	}
	before := l.meter.Counts()
	began := time.Now()
	if err := work(l.t.Context(), l.repo); err != nil {
		l.t.Fatalf("day %d: %v", l.day(), err)
	}
	e.add(before, l.meter.Counts(), time.Since(began))
}

func (l *lifetime) day() int { return int(l.now.Sub(epoch()) / (24 * time.Hour)) }

// change does an hour's work on the source: logs grow, documents are edited, come and go, and a
// database changes here and there.
func (l *lifetime) change() {
	version := l.now.UnixNano()
	edit := func(key string, body []byte) { l.files[key] = content{bytes: body, version: version} }
	log := fmt.Sprintf("log/%d", l.day()%14)
	if l.now.Hour() < max(1, int(l.every.Hours())) { // the first of the day
		delete(l.files, log)
	}
	edit(log, append(slices.Clone(l.files[log].bytes), some(int(l.random.Int32()), 400)...))
	for range 1 + l.random.IntN(3) {
		key := fmt.Sprintf("documents/%03d", l.random.IntN(documents))
		if l.random.IntN(12) == 0 {
			delete(l.files, key)
			continue
		}
		edit(key, some(int(l.random.Int32()), 500+l.random.IntN(9_000)))
	}
	database := slices.Clone(l.files["database"].bytes)
	if database == nil {
		database = some(1, 160<<10)
	}
	copy(database[l.random.IntN(len(database)-40):], some(int(l.random.Int32()), 40))
	edit("database", database)
}

// step makes a backup, and once a day forgets and prunes.
func (l *lifetime) step() {
	l.now = l.now.Add(l.every)
	l.change()
	tag := fmt.Sprint(l.now.Unix())
	mine := maps.Clone(l.files)
	l.do(&l.backup, func(ctx context.Context, r *repo.Repository) error {
		_, err := backUp(ctx, r, mine, "host", tag)
		return err
	})
	l.kept[tag] = mine
	if l.now.Sub(epoch())%(24*time.Hour) != 0 {
		return
	}
	defer l.close()
	l.do(new(effort), l.forget)
	if l.day()%l.prunes != 0 {
		return
	}
	l.now = l.now.Add(time.Minute)
	l.do(&l.prune, func(ctx context.Context, r *repo.Repository) error {
		_, err := prune.Run(ctx, r, prune.Options{Writer: smallWriter})
		return err
	})
	l.now = l.now.Add(-time.Minute)
}

// forget applies the policy.
func (l *lifetime) forget(ctx context.Context, r *repo.Repository) error {
	set, err := list(ctx, r)
	if err != nil {
		return err
	}
	items := make([]policy.Item, len(set.Snapshots))
	for i, s := range set.Snapshots {
		items[i] = policy.Item{Time: s.Time(), Tags: s.Tags}
	}
	var gone []string
	for i, verdict := range l.keep.Apply(items) {
		if !verdict.Keep {
			gone = append(gone, set.Snapshots[i].Session)
			delete(l.kept, strings.Join(set.Snapshots[i].Tags, " "))
		}
	}
	return prune.Forget(ctx, r, gone, "policy")
}

// TestEndurance lets a repository be used for nine weeks, or as many days as -days says, and
// sees that what should be flat is.
func TestEndurance(t *testing.T) {
	l := &lifetime{
		t: t, now: epoch(), prunes: *cleaning, cache: t.TempDir(), // what prune keeps for a month is full by the middle
		random: rand.New(rand.NewPCG(7, 7)), files: files{}, kept: map[string]files{},
		days: 63, every: 12 * time.Hour, period: 7, keep: policy.Keep{Last: 8, Daily: 5, Weekly: 2},
	}
	if *endured > 0 {
		l.days, l.every, l.period = *endured, *interval, 28
		l.keep = policy.Keep{Hourly: 24, Daily: 7, Weekly: 5, Monthly: 6}
	}
	l.store = object.NewMemClock(l.clock)
	if err := fill(t.Context(), l.store, founded(t)); err != nil {
		t.Fatal(err)
	}
	for i := range documents {
		l.files[fmt.Sprintf("documents/%03d", i)] = content{bytes: some(i, 5_000), version: 1}
	}
	t.Log(heading)
	for l.day() < l.days {
		l.step()
		if l.now.Sub(epoch())%(time.Duration(l.period)*24*time.Hour) == 0 {
			l.measure()
		}
	}
	inspectKept(t, l)
	flat(t, l.months)
}

// inspectKept restores what the policy kept, and nothing else may be there.
func inspectKept(t *testing.T, l *lifetime) {
	t.Helper()
	tags := inspect(t, l.store, expectation(l.kept))
	slices.Sort(tags)
	if want := sortedKeys(l.kept); !slices.Equal(tags, want) {
		t.Errorf("the snapshots are %v instead of %v", tags, want)
	}
}
