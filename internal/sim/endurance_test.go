package sim

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"firn/internal/format"
	"firn/internal/object"
	"firn/internal/policy"
	"firn/internal/prune"
	"firn/internal/repo"
)

var (
	endured  = flag.Int("days", 0, "simulated days of TestEndurance; 0 for none")
	interval = flag.Duration("every", time.Hour, "with -days: time between backups")
	cleaning = flag.Int("prunes", 1, "with -days: days between prunes")
)

// lifetime is a repository over years: hourly backups of a source that changes, a policy,
// and prunes, on a clock that is moved by hand.
type lifetime struct {
	t      *testing.T
	now    time.Time
	store  *object.Mem
	every  time.Duration // between backups
	prunes int           // days between them
	keep   policy.Keep
	cache  string
	random *rand.Rand
	files  files
	kept   map[string]files // by tag
	backup effort           // since the last month
	prune  effort
	months []month
}

// documents there are in the source, but for those just deleted.
const documents = 120

// effort is what runs of a verb took.
type effort struct {
	runs, requests int64
	sent, read     int64 // bytes
	took           time.Duration
}

// per returns a share of an amount for each run.
func (e *effort) per(amount int64) float64 { return float64(amount) / float64(max(1, e.runs)) }

// month is how the repository stood at the end of a month, or another period.
type month struct {
	day           int
	snapshots     int
	live, stored  int64          // bytes that snapshots need, and on the drive
	objects       map[string]int // by prefix
	cache         int64          // bytes
	cached        int            // files
	backup, prune effort
}

// clock is the drive's and the machine's.
func (l *lifetime) clock() time.Time { return l.now }

// do runs a piece of work on a machine that keeps its cache, and adds up what it took.
func (l *lifetime) do(e *effort, work func(context.Context, *repo.Repository) error) {
	l.t.Helper()
	meter := object.Meter(sameDrive{l.store})
	began := time.Now()
	err := machine{cache: l.cache, now: l.clock}.with(l.t.Context(), meter, func(r *repo.Repository) error { return work(l.t.Context(), r) })
	if err != nil {
		l.t.Fatalf("day %d: %v", l.day(), err)
	}
	c := meter.Counts()
	e.runs++
	e.requests += c.Get + c.GetRange + c.Put + c.Head + c.Delete + c.List
	e.sent, e.read = e.sent+c.BytesOut, e.read+c.BytesIn
	e.took += time.Since(began)
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

// measure closes a month.
func (l *lifetime) measure() {
	m := month{day: l.day(), objects: map[string]int{}, backup: l.backup, prune: l.prune}
	l.backup, l.prune = effort{}, effort{}
	for info, err := range l.store.List(l.t.Context(), "") {
		if err != nil {
			l.t.Fatal(err)
		}
		prefix, _, _ := strings.Cut(info.Name, "/")
		m.objects[prefix]++
		m.stored += info.Size
	}
	l.do(new(effort), func(ctx context.Context, r *repo.Repository) error {
		report, err := prune.Run(ctx, r, prune.Options{DryRun: true})
		m.live, m.snapshots = int64(report.UsedBytes), len(l.kept)
		return err
	})
	err := filepath.WalkDir(l.cache, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		m.cached, m.cache = m.cached+1, m.cache+info.Size()
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.months = append(l.months, m)
	l.t.Log(m)
}

// String is a row of the table in docs/reliability.md.
func (m month) String() string {
	row := fmt.Sprintf("| %d | %d | %.1f | %.2f |", m.day, m.snapshots, float64(m.stored)/1e6, float64(m.stored)/float64(m.live))
	for _, prefix := range []string{format.PrefixData, format.PrefixMeta, format.PrefixSegments, format.PrefixManifests, format.PrefixSessions, format.PrefixRecords} {
		row += fmt.Sprintf(" %d |", m.objects[strings.TrimSuffix(prefix, "/")])
	}
	return row + fmt.Sprintf(" %.1f | %.0f | %.0f | %.0f | %.1f |", m.backup.per(m.backup.requests), m.backup.per(int64(m.backup.took/time.Microsecond))/1e3,
		m.prune.per(m.prune.requests), m.prune.per(int64(m.prune.took/time.Microsecond))/1e3, float64(m.cache)/1e6)
}

// TestEndurance lets a repository be used for as many days as -days says, and sees that
// what should be flat is: it compares the last period with one in the middle.
func TestEndurance(t *testing.T) {
	if *endured == 0 {
		t.Skip("runs with -days only: it finds that data packs become more and more, see docs/reliability.md")
	}
	days, every, period := *endured, *interval, 28
	keep := policy.Keep{Hourly: 24, Daily: 7, Weekly: 5, Monthly: 6}
	l := &lifetime{
		t: t, now: epoch(), every: every, prunes: *cleaning, keep: keep, cache: t.TempDir(),
		random: rand.New(rand.NewPCG(7, 7)), files: files{}, kept: map[string]files{},
	}
	l.store = object.NewMemClock(l.clock)
	if err := fill(t.Context(), l.store, founded(t)); err != nil {
		t.Fatal(err)
	}
	for i := range documents {
		l.files[fmt.Sprintf("documents/%03d", i)] = content{bytes: some(i, 5_000), version: 1}
	}
	t.Log("| day | snapshots | stored MB | of live | p | q | x | m | s | g | backup requests | ms | prune requests | ms | cache MB |")
	for l.day() < days {
		l.step()
		if l.now.Sub(epoch())%(time.Duration(period)*24*time.Hour) == 0 {
			l.measure()
		}
	}
	inspectKept(t, l)
	flat(t, l.months[len(l.months)/2:])
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

// flat compares the last of several periods with the first.
func flat(t *testing.T, months []month) {
	t.Helper()
	first, last := months[0], months[len(months)-1]
	compare := func(what string, before, after, slack float64) {
		if after > before*1.25+slack {
			t.Errorf("%s grew from %.1f on day %d to %.1f on day %d", what, before, first.day, after, last.day)
		}
	}
	compare("stored bytes, as a share of what is live,", float64(first.stored)/float64(first.live), float64(last.stored)/float64(last.live), 0)
	compare("requests of a backup", first.backup.per(first.backup.requests), last.backup.per(last.backup.requests), 1)
	compare("requests of a prune", first.prune.per(first.prune.requests), last.prune.per(last.prune.requests), 5)
	compare("bytes read by a prune", first.prune.per(first.prune.read), last.prune.per(last.prune.read), 100_000)
	compare("bytes sent by a backup", first.backup.per(first.backup.sent), last.backup.per(last.backup.sent), 10_000)
	compare("bytes of the cache", float64(first.cache), float64(last.cache), 1e6)
	compare("files of the cache", float64(first.cached), float64(last.cached), 20)
	for prefix, count := range last.objects {
		compare("objects under "+prefix+"/", float64(first.objects[prefix]), float64(count), 8)
	}
}
